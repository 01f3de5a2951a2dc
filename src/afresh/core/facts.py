"""Everything that is known of how things stand at one instant: what is judged, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from afresh.core.actions import NOTHING_ASKED, Standing
from afresh.core.errors import AfreshError
from afresh.core.hold import Hold
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.options import DataSyncOptions
from afresh.core.schedule import NO_PAST, Past

CLOCK_TOLERANCE = timedelta(seconds=5)
"""Clocks of machines that share a cache may differ by so much; a clock that goes back by less is not noticed."""

_CHECKS_MISSED = 3
_SLOW_CHECK = timedelta(seconds=15)


def for_masses(places: int) -> int:
    """How many of so many places Masses may take: one is kept for Daily and Hourly syncs, so that long Masses do not
    hold them up."""
    return max(places - 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How a source system stands; None for what nobody has found out."""

    name: str
    reachable: bool | None = None
    breaker_until: datetime | None = None
    """Until when nothing is read from it, because it failed too often."""
    stopped: bool = False
    """Whether nothing is read from it until somebody does something, because it refused the login."""
    quiet_until: datetime | None = None
    """Until when its quiet hours last: no Mass and no Daily begins, and an Hourly only where they let it."""
    sessions_used: int | None = None
    sessions_allowed: int | None = None
    latency: timedelta | None = None
    """How long it took to connect to it and be told its clock, when a sync last asked; None where its clock is ours."""
    skew: timedelta | None = None
    """Its clock minus ours, when a sync last asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """When a service last looked at the schedules, by its clock, and which instance that was."""

    at: datetime
    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the cache says, and when it was asked. `live` are the instances that live, so far as can be told."""

    options: DataSyncOptions
    now: datetime
    pasts: Mapping[str, Past] = field(default_factory=dict)
    running: tuple[DataUpdate, ...] = ()
    asked: Standing = NOTHING_ASKED
    live: frozenset[str] = frozenset()
    last_check: LastCheck | None = None
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    """What keeps syncs of which source from beginning now."""
    clock_is_behind: bool = False
    """Whether the clock shows less than it should, and nobody has noted yet by how much."""
    hindered: AfreshError | None = None
    """Why the service's last look at the schedules failed; only its own process knows."""

    def past(self, table_name: str) -> Past:
        """The past of a table; an empty one if nothing is known of it."""
        return self.pasts.get(table_name, NO_PAST)

    def open_update(self, table_name: str) -> DataUpdate | None:
        """The update of that table that has not ended."""
        return next((update for update in self.running if update.table_name == table_name), None)

    def source(self, name: str) -> SourceState:
        """How a source stands."""
        return self.sources.get(name, SourceState(name=name))

    def holds_of(self, source_system: str) -> tuple[Hold, ...]:
        """What keeps syncs of that source from beginning now."""
        return tuple(hold for hold in self.holds if hold.source_system == source_system)

    @property
    def clock_went_back(self) -> bool:
        """Whether the clock that we ask is behind, or the last check lies in its future."""
        ahead = self.last_check is not None and self.last_check.at > self.now + CLOCK_TOLERANCE
        return self.clock_is_behind or ahead

    @property
    def service_is_on(self) -> bool:
        """Whether a service lives and has looked at the schedules not long ago."""
        last = self.last_check
        if last is None or last.instance_id not in self.live:
            return False
        return self.now - last.at <= self.options.check_interval * _CHECKS_MISSED + _SLOW_CHECK

    @property
    def silent_since(self) -> datetime | None:
        """When a service that lives looked last, if it has not looked for too long."""
        last = self.last_check
        return last.at if last is not None and last.instance_id in self.live and not self.service_is_on else None

    def no_place(self, name: str, *, mass: bool) -> bool:
        """Whether a sync that reads that source has to wait until another ends. A Mass has to sooner."""
        state, system = self.source(name), self.options.source_systems.get(name)
        used, allowed = state.sessions_used, state.sessions_allowed
        if used is not None and allowed is not None and used >= allowed:
            return True
        places = self.options.max_degree_of_parallelism
        of_source = places if system is None else min(system.max_sessions, places)
        if self._taken(name, self.running, places, of_source):
            return True
        masses = [update for update in self.running if update.update_type is UpdateType.MASS]
        return mass and self._taken(name, masses, for_masses(places), for_masses(of_source))

    def _taken(self, name: str, running: Sequence[DataUpdate], places: int, of_source: int) -> bool:
        return len(running) >= places or sum(update.source_system == name for update in running) >= of_source
