"""Who we are, that we live, and who else does.

An instance that runs syncs holds a lease named after it and renews it. Updates left open by an instance count as
interrupted when it is dead: on this machine as soon as its process is gone, elsewhere when its lease has expired.
"""

import os
import socket
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from afresh.core.errors import AfreshError
from afresh.core.ports import Clock, Lease, Leases

LEASE_PREFIX = "instance/"
LEASE_TTL = timedelta(seconds=60)
_RENEWALS_PER_TTL = 4


def new_instance_id() -> str:
    """A name for this run of this process: machine, process id, process start, and something random."""
    return f"{machine()}/{os.getpid()}/{_process_start(os.getpid())}/{uuid.uuid4().hex[:8]}"


def is_gone(instance_id: str) -> bool:
    """Whether the process of that instance surely runs no more; never true for one of another machine."""
    try:
        place, pid, start, _random = instance_id.rsplit("/", 3)
        process = int(pid)
    except ValueError:
        return False
    if place != machine():
        return False
    return _process_start(process) != start


def machine_of(instance_id: str) -> str:
    """The machine that an instance runs on, and which run of that machine it is."""
    return instance_id.rsplit("/", 3)[0]


def live_instances(leases: Leases, clock: Clock) -> frozenset[str]:
    """The instances that hold an unexpired lease and are not known to be gone, and those of this machine that run."""
    now = clock.now()
    held = leases.held(LEASE_PREFIX)
    return frozenset(
        lease.holder
        for lease in held
        if not is_gone(lease.holder) and (lease.expires > now or lease.holder.startswith(f"{machine()}/"))
    )


def release_dead(leases: Leases, live: frozenset[str]) -> None:
    """Gives back the leases that instances which are not live left behind."""
    for lease in leases.held(LEASE_PREFIX):
        if lease.holder not in live:
            leases.release(lease)


class Heartbeat:
    """Holds the instance's lease while it is open, and renews it in a thread of its own."""

    def __init__(self, leases: Leases, clock: Clock, instance_id: str) -> None:
        self._leases = leases
        self._clock = clock
        self._instance_id = instance_id
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lease: Lease | None = None

    def start(self) -> None:
        """Takes the lease and begins to renew it; once begun, only takes it."""
        self._take()
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._beat, name="afresh-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the renewal and gives the lease back; harmless if it was never started."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._lease is not None:
            # A lease that cannot be given back expires by itself, and our process is gone sooner.
            with suppress(AfreshError):
                self._leases.release(self._lease)

    def _take(self) -> None:
        name = LEASE_PREFIX + self._instance_id
        self._lease = self._leases.take(name, self._instance_id, self._clock.now(), LEASE_TTL)

    def _beat(self) -> None:
        while not self._stop.wait(LEASE_TTL.total_seconds() / _RENEWALS_PER_TTL):
            # A renewal that fails is made up for by the next; three in a row may fail before the lease expires.
            with suppress(AfreshError):
                renewed = self._lease and self._leases.renew(self._lease, self._clock.now(), LEASE_TTL)
                if renewed is None:
                    self._take()
                else:
                    self._lease = renewed


def machine() -> str:
    """This host since its last boot, and this container of it: process ids mean nothing beyond."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8])
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid").strip("pid:[]"))  # noqa: PTH115 - not a path
    return "-".join(parts).replace("/", "-")


def _process_start(pid: int) -> str:
    """When the process started, in the kernel's own unit; empty if there is none, `?` where that cannot be told."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return "?" if _runs(pid) else ""
    try:
        return stat.read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
