"""Who lives and who is dead."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import make_rig, wait_for

from afresh.core.errors import CacheUnavailable
from afresh.core.ports import Lease
from afresh.engine import instance
from afresh.engine.instance import LEASE_PREFIX, LEASE_TTL, Heartbeat, is_gone, live_instances, new_instance_id
from afresh.testing.clock import ManualClock

TELL = "from afresh.engine.instance import new_instance_id; print(new_instance_id(), flush=True); input()"


def test_this_process_lives() -> None:
    """Our own instance is not gone, and no two have the same name."""
    ours = new_instance_id()
    assert not is_gone(ours)
    assert ours != new_instance_id()


def test_process_that_ended_is_gone() -> None:
    """An instance is known to be gone as soon as its process has ended, not before."""
    with subprocess.Popen(
        [sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        theirs = child.stdout.readline().strip()
        assert not is_gone(theirs)
        child.kill()
    assert is_gone(theirs)


def test_process_id_used_again() -> None:
    """Another process with the same id does not make an instance live."""
    machine, _pid, _start, unique = new_instance_id().rsplit("/", 3)
    assert is_gone(f"{machine}/{os.getpid()}/1/{unique}")


@pytest.mark.parametrize("name", ["", "kit", "elsewhere/1/2/abc", "a/b/c/d/e"])
def test_unknown_instances_are_not_gone(name: str) -> None:
    """Of another machine, or of a name that is none of ours, nothing is known."""
    assert not is_gone(name)


def test_live_instances(directory: Path) -> None:
    """Ours live however late the lease, another machine's until it expires; the dead do not, whatever their lease."""
    rig = make_rig(directory)
    now = rig.clock.now()
    ours = new_instance_id()
    dead = ours.rsplit("/", 2)[0] + "/1/deadbeef"
    for holder, taken in (
        (ours, now - timedelta(hours=1)),
        (dead, now),
        ("elsewhere/1/2/abc", now),
        ("far/1/2/abc", now - LEASE_TTL),
    ):
        assert rig.cache.leases.take(LEASE_PREFIX + holder, holder, taken, LEASE_TTL) is not None
    assert live_instances(rig.cache.leases, rig.clock) == {ours, "elsewhere/1/2/abc"}


def test_heartbeat(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is taken, renewed while the heartbeat runs, taken again if it was lost, and given back."""
    monkeypatch.setattr(instance, "_RENEWALS_PER_TTL", 6_000)
    rig = make_rig(directory)
    leases, clock = rig.cache.leases, rig.clock
    heartbeat = Heartbeat(leases, clock, "me")
    heartbeat.start()
    heartbeat.start()

    def held() -> Lease:
        (lease,) = leases.held(LEASE_PREFIX)
        return lease

    clock.advance(timedelta(seconds=30))
    wait_for(lambda: held().expires == clock.now() + LEASE_TTL)
    leases.release(held())
    wait_for(lambda: len(leases.held(LEASE_PREFIX)) == 1)
    heartbeat.stop()
    assert leases.held(LEASE_PREFIX) == []


def test_heartbeat_outlives_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that fails is made up for by the next."""
    monkeypatch.setattr(instance, "_RENEWALS_PER_TTL", 6_000)
    renewed = threading.Event()

    class Sleepy:
        tries = 0

        def take(self, name: str, holder: str, now: object, ttl: object) -> Lease:
            return Lease(name=name, holder=holder, fence=1, expires=ManualClock().now())

        def renew(self, lease: Lease, now: object, ttl: object) -> Lease:
            self.tries += 1
            if self.tries < 3:
                raise CacheUnavailable("asleep")
            renewed.set()
            return lease

        def release(self, lease: Lease) -> None:
            raise CacheUnavailable("asleep")

        def held(self, prefix: str) -> list[Lease]:
            return []

    heartbeat = Heartbeat(Sleepy(), ManualClock(), "me")
    heartbeat.start()
    assert renewed.wait(5)
    heartbeat.stop()
