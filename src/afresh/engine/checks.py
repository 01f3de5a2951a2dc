"""The note that a service leaves in the cache at each check: that it looked, when by its clock, and who it is.

Others see by it that a service is at work. And a clock that goes back is noticed by it, by this process or by the
next: what was recorded before then is older than it looks, and by how much is noted too. A step that is shorter than
the time since the last check is not noticed; ages are wrong by no more than that.
"""

import math
from datetime import datetime, timedelta

from afresh.core.actions import Action, ActionKind, standing
from afresh.core.facts import CLOCK_TOLERANCE, LastCheck
from afresh.core.phrases import instant
from afresh.core.ports import Cache, Clock, Lease, Leases
from afresh.engine.instance import live_instances

_NAME = "check"
_NONE = timedelta(0)
_MOST_OPEN = 10_000


def last_check(leases: Leases) -> LastCheck | None:
    """The note of the last check, whoever made it."""
    note = _note(leases)
    return None if note is None else LastCheck(at=note.expires, instance_id=note.holder)


class Checks:
    """Leaves the notes of one instance."""

    def __init__(self, cache: Cache, clock: Clock, instance_id: str, interval: timedelta) -> None:
        self._interval = interval
        self._cache = cache
        self._clock = clock
        self._instance_id = instance_id
        self._last = clock.now()

    def note(self) -> None:
        """Says that we look now; notes it if the clock went back since somebody last looked."""
        now, leases = self._clock.now(), self._cache.leases
        found = _note(leases)
        # Of another machine that is at work we only know that its clock is not ours.
        ours = found is not None and (
            found.holder == self._instance_id or found.holder not in live_instances(leases, self._clock)
        )
        latest = max(self._last, found.expires) if found is not None and ours else self._last
        if now < latest - CLOCK_TOLERANCE:
            self._note_step(latest, now)
        if found is not None and ours and now < found.expires:
            leases.release(found)
        self._last = now
        leases.take(_NAME, self._instance_id, now, timedelta(0))

    def _note_step(self, before: datetime, now: datetime) -> None:
        """One note stands for those before it, as long as updates that they concern are among the latest."""
        latest = self._cache.log.last_updates()
        recorded = (*latest, *self._cache.log.history(open_only=True, limit=_MOST_OPEN))
        asked = standing(self._cache.actions.latest())
        earlier = max((asked.lost_since(update.sequence) for update in latest), default=_NONE)
        # The clock went on for up to an interval after the check before it went back.
        lost = before + self._interval - now + earlier
        self._cache.actions.record(
            Action(
                at=now,
                who=self._instance_id,
                kind=ActionKind.CLOCK,
                reason=f"the clock went back from {instant(before)} to {instant(now)}",
                argument=f"{max((one.sequence for one in recorded), default=0)} {math.ceil(lost.total_seconds())}",
            )
        )


def _note(leases: Leases) -> Lease | None:
    return next((lease for lease in leases.held(_NAME) if lease.name == _NAME), None)
