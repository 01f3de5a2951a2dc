"""A source that is away: its tables wait, one event says so, and one sync tries whether it is back."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.engine.rig import Rig, item, make_rig, table_config

from afresh.core.actions import Action, ActionKind
from afresh.core.circuit import settings_mark
from afresh.core.errors import LoginRefused, SourceUnavailable
from afresh.core.events import BreakerClosed, BreakerOpened, SyncEnded
from afresh.core.options import ScheduleConfig, SourceSystemConfig

NAMES = ("A", "B", "C", "D", "E", "F")
MINUTE = timedelta(minutes=1)


def rig_of(directory: Path, error: Exception, **manners: object) -> Rig:
    """Six tables of one source that is away."""
    hourly = ScheduleConfig(interval=timedelta(hours=1))
    configs = [table_config(name, mass=None, daily=None, hourly=hourly) for name in NAMES]
    system = replace(SourceSystemConfig(kind="memory", breaker_failures=3), **manners)  # type: ignore[arg-type]
    rig = make_rig(directory, configs, rows=[item(1)], source_systems={"ERP": system}, max_degree_of_parallelism=1)
    for source in rig.sources.values():
        source.fail_after = (0, error)
    return rig


def ended(rig: Rig) -> int:
    """Syncs that ended so far."""
    return len(rig.of(SyncEnded))


def test_a_source_that_is_away_is_one_alert(directory: Path) -> None:
    """Three syncs fail, the other three do not even begin, and one event says why."""
    rig = rig_of(directory, SourceUnavailable("source ERP: away"))
    rig.service.tick()
    assert ended(rig) == 3
    rig.service.tick()
    rig.clock.advance(MINUTE)
    rig.service.tick()
    assert ended(rig) == 3
    (opened,) = rig.of(BreakerOpened)
    assert (opened.source_system, opened.failures, opened.error) == ("ERP", 3, "source ERP: away")


def test_one_sync_tries_and_all_go_on_when_it_is_back(directory: Path) -> None:
    """After each pause one; a success closes the breaker for all."""
    rig = rig_of(directory, SourceUnavailable("source ERP: away"))
    rig.service.tick()
    for probes in (1, 2):
        rig.clock.advance(6 * MINUTE)
        rig.service.tick()
        assert ended(rig) == 3 + probes
        rig.service.tick()
        assert ended(rig) == 3 + probes
    for source in rig.sources.values():
        source.fail_after = None
    rig.clock.advance(6 * MINUTE)
    rig.service.tick()
    assert ended(rig) == 6
    assert not rig.of(BreakerClosed)
    rig.service.tick()
    assert len(rig.of(BreakerOpened)) == len(rig.of(BreakerClosed)) == 1
    for _ in range(120):
        rig.clock.advance(MINUTE)
        rig.service.tick()
    assert {end.task.table_name for end in rig.of(SyncEnded) if end.failure is None} == set(NAMES)


def test_other_sources_are_read_meanwhile(directory: Path) -> None:
    """A breaker is its source's alone."""
    rig = rig_of(directory, SourceUnavailable("source ERP: away"))
    other = make_rig(
        directory,
        [*rig.service.options.data_sources, table_config("G", "CMS")],
        rows=[item(1)],
        clock=rig.clock,
        source_systems={**rig.service.options.source_systems, "CMS": SourceSystemConfig(kind="memory")},
    )
    for name in NAMES:
        other.sources[name].fail_after = (0, SourceUnavailable("source ERP: away"))
    other.service.tick()
    assert [end.task.table_name for end in other.of(SyncEnded) if end.failure is None] == ["G"]


def test_a_refused_login_is_tried_twice_whoever_asks(directory: Path) -> None:
    """Nothing is begun any more, also by a new process, until somebody resets the breaker."""
    error = LoginRefused("source ERP: wrong password")
    rig = rig_of(directory, error, breaker_failures=2)
    error.settings = settings_mark(rig.service.options.source_systems["ERP"])
    rig.service.tick()
    assert ended(rig) == 2
    for _ in range(5):
        rig.clock.advance(timedelta(hours=5))
        rig.service.tick()
    assert ended(rig) == 2
    again = make_rig(
        directory,
        rig.service.options.data_sources,
        rows=[item(1)],
        clock=rig.clock,
        source_systems=rig.service.options.source_systems,
    )
    again.service.tick()
    assert ended(again) == 0
    assert again.of(BreakerOpened)[0].until is None
    rig.clock.advance(MINUTE)
    again.cache.actions.record(
        Action(at=rig.clock.now(), who="w", kind=ActionKind.RESET, source_system="ERP", reason="new password")
    )
    again.service.tick()
    assert ended(again) == 6
    assert len(again.of(BreakerClosed)) == 1
