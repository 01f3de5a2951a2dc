"""Judging again and again: a table of which nothing has changed keeps its judgement until time changes it.

A judgement holds instants, not ages, so it stays true while time goes by; it says itself until when. Whoever looks at a
thousand tables every second has the work of the few that were synced meanwhile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from afresh.core.actions import Standing
from afresh.core.facts import Facts
from afresh.core.health import TableHealth, judge_table
from afresh.core.hold import Hold
from afresh.core.model import DataUpdate
from afresh.core.options import DataSourceConfig
from afresh.core.schedule import Past
from afresh.core.states import State

_AT_REST = frozenset({State.FRESH, State.DISABLED})
"""States that do not come from what other tables do."""


_Places = tuple[bool, bool]
"""Whether there is no place for a window, and none for a Mass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What the judgement of a source's tables rests on besides their own pasts."""

    asked: Standing
    live: frozenset[str]
    service_is_on: bool
    clock_went_back: bool
    hindered: str
    breaker_until: datetime | None
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    health: TableHealth
    at: datetime
    past: Past
    running: DataUpdate | None
    scene: _Scene
    no_place: _Places

    def holds(self, now: datetime, past: Past, running: DataUpdate | None, scene: _Scene, no_place: _Places) -> bool:
        """Whether that is still the judgement: nothing it rests on is another, and its time has not come."""
        ends = self.health.changes_at
        return (
            past is self.past
            and scene is self.scene
            and running == self.running
            and self.at <= now
            and (ends is None or now < ends)
            and (no_place == self.no_place or self.health.state in _AT_REST)
        )


class Judge:
    """Judges one configuration's tables, look by look. A past that is the same object says the same; for one thread at
    a time."""

    def __init__(self, judge: Callable[[DataSourceConfig, Facts], TableHealth] = judge_table) -> None:
        self._judge = judge
        self._kept: dict[str, _Kept] = {}
        self._scenes: dict[str, _Scene] = {}

    def __call__(self, facts: Facts) -> tuple[TableHealth, ...]:
        """Every data source's health, in the order of the configuration."""
        systems = {config.source_system for config in facts.options.data_sources}
        self._scenes = {name: self._scene(name, facts) for name in systems}
        no_place = {name: (facts.no_place(name, mass=False), facts.no_place(name, mass=True)) for name in systems}
        running = {update.table_name: update for update in reversed(facts.running)}
        kept = {
            config.table_name: self._of(config, facts, running, no_place[config.source_system])
            for config in facts.options.data_sources
        }
        self._kept = kept
        return tuple(one.health for one in kept.values())

    def _of(
        self, config: DataSourceConfig, facts: Facts, running: Mapping[str, DataUpdate], no_place: _Places
    ) -> _Kept:
        name, scene = config.table_name, self._scenes[config.source_system]
        past, under_way, kept = facts.past(name), running.get(name), self._kept.get(name)
        if kept is not None and kept.holds(facts.now, past, under_way, scene, no_place):
            return kept
        return _Kept(
            health=self._judge(config, facts),
            at=facts.now,
            past=past,
            running=under_way,
            scene=scene,
            no_place=no_place,
        )

    def _scene(self, name: str, facts: Facts) -> _Scene:
        """That of now; the very one of the last look if it is the same."""
        found = _Scene(
            asked=facts.asked,
            live=facts.live,
            service_is_on=facts.service_is_on,
            clock_went_back=facts.clock_went_back,
            hindered=str(facts.hindered or ""),
            breaker_until=facts.source(name).breaker_until,
            holds=facts.holds_of(name),
        )
        known = self._scenes.get(name)
        return known if known == found else found
