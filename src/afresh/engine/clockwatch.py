"""Notices that our clock went back, and notes by how much what was recorded before is older than it looks.

The machine has a second clock, which nobody sets: how long it has been running. At each check and each sync both are
noted in the cache. Whoever looks next, in this process or in another one on this machine, sees by the second whether
the first went on as it should. After the machine was started anew, or where there is no such clock, a step is only
seen if it goes back behind the last note.
"""

import math
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from afresh.core.actions import Action, ActionKind, standing
from afresh.core.facts import CLOCK_TOLERANCE
from afresh.core.phrases import instant
from afresh.core.ports import Cache, Clock, Lease, Leases
from afresh.engine.checks import set_back
from afresh.engine.instance import live_instances, machine, machine_of

_NAME = "clock"
_NONE = timedelta(0)
_MICROSECOND = timedelta(microseconds=1)
_MOST_OPEN = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Both clocks of a machine at one moment."""

    machine: str
    now: datetime
    steady: timedelta | None

    def expected(self, steady: timedelta | None) -> datetime | None:
        """What the first clock should show when the second shows that, on the same machine; None if unknown."""
        if steady is None or self.steady is None or steady < self.steady:
            return None
        return self.now + (steady - self.steady)


def is_behind(leases: Leases, clock: Clock) -> bool:
    """Whether our clock shows less than it should by what was noted last, and nobody has noted yet that it does."""
    found, ours = _noted(leases), _read(clock, machine())
    if found is None:
        return False
    same = found[1].machine == ours.machine
    expected = (found[1].expected(ours.steady) if same else None) or found[1].now
    return ours.now < expected - CLOCK_TOLERANCE


class ClockWatch:
    """Looks at the clock of one instance, from any thread. `interval` is how long nobody may have looked."""

    def __init__(self, cache: Cache, clock: Clock, instance_id: str, interval: timedelta) -> None:
        self._cache = cache
        self._clock = clock
        self._instance_id = instance_id
        self._interval = interval
        self._lock = threading.Lock()
        self._machine = machine_of(instance_id)
        self._last = _read(clock, self._machine)

    def look(self) -> None:
        """Compares both clocks with what was noted, notes a step back, and notes what they show now."""
        with self._lock:
            found, ours = _noted(self._cache.leases), _read(self._clock, self._machine)
            before, certain = self._expected(found[1] if found else None, ours)
            if ours.now < before - CLOCK_TOLERANCE:
                self._note_step(before, ours.now, _NONE if certain else self._interval)
            if found is not None and found[0].expires > ours.now:
                self._cache.leases.release(found[0])
            self._last = ours
            self._cache.leases.take(_NAME, _written(ours), ours.now, _NONE)

    def _expected(self, found: _Reading | None, ours: _Reading) -> tuple[datetime, bool]:
        """What our clock should show at least, and whether it is known exactly."""
        own = self._last.expected(ours.steady)
        if found is None or (found.machine != ours.machine and self._is_alive(found.machine)):
            # Of another machine that is at work we only know that its clock is not ours.
            return own or self._last.now, own is not None
        exact = found.expected(ours.steady) if found.machine == ours.machine else None
        if exact is not None:
            return max(exact, own or exact), True
        return max(found.now, own or self._last.now), False

    def _is_alive(self, name: str) -> bool:
        live = live_instances(self._cache.leases, self._clock)
        return any(instance_id.startswith(f"{name}/") for instance_id in live)

    def _note_step(self, before: datetime, now: datetime, unsure: timedelta) -> None:
        """One note stands for those before it, as long as updates that they concern are among the latest."""
        latest = self._cache.log.last_updates()
        recorded = (*latest, *self._cache.log.history(open_only=True, limit=_MOST_OPEN))
        asked = standing(self._cache.actions.latest())
        earlier = max((asked.lost_since(update.sequence) for update in latest), default=_NONE)
        lost = before + unsure - now
        set_back(self._cache.leases, lost)
        last = max((one.sequence for one in recorded), default=0)
        self._cache.actions.record(
            Action(
                at=now,
                who=self._instance_id,
                kind=ActionKind.CLOCK,
                reason=f"the clock went back from {instant(before)} to {instant(now)}",
                argument=f"{last} {math.ceil((lost + earlier).total_seconds())}",
            )
        )


def _read(clock: Clock, name: str) -> _Reading:
    return _Reading(machine=name, now=clock.now(), steady=clock.steady())


def _noted(leases: Leases) -> tuple[Lease, _Reading] | None:
    lease = next((lease for lease in leases.held(_NAME) if lease.name == _NAME), None)
    if lease is None:
        return None
    name, _, steady = lease.holder.rpartition(" ")
    known = timedelta(microseconds=int(steady)) if steady.isdigit() else None
    return lease, _Reading(machine=name, now=lease.expires, steady=known)


def _written(reading: _Reading) -> str:
    return f"{reading.machine} {'-' if reading.steady is None else reading.steady // _MICROSECOND}"
