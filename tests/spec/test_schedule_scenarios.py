"""The scenarios of schedules, windows, back-off and health, one plain example each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from afresh.core import health, schedule
from afresh.core.facts import Facts, LastCheck
from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.core.schedule import Decision, Past
from afresh.core.states import Health, State

MASS, DAILY, HOURLY = UpdateType
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
INTERVALS = {MASS: 7 * DAY, DAILY: DAY, HOURLY: HOUR}
_operations = count(1)


def table(*types: UpdateType, is_enabled: bool = True, enabled: bool = True) -> DataSourceConfig:
    """A data source with schedules of these types, or of all three."""
    schedules = {
        str(kind).lower(): ScheduleConfig(interval=INTERVALS[kind], enabled=enabled) for kind in types or UpdateType
    }
    return DataSourceConfig(table_name="Item", source_system="ERP", fetcher="x", is_enabled=is_enabled, **schedules)  # type: ignore[arg-type]  # the schedules by name


def options(*sources: DataSourceConfig, strict: bool = False) -> DataSyncOptions:
    """Options with these data sources."""
    return DataSyncOptions(cache=CacheConfig(url="sqlite:///x"), data_sources=sources, strict_schedules=strict)


def update(kind: UpdateType, ago: timedelta, sequence: int, outcome: Outcome = Outcome.SUCCEEDED) -> DataUpdate:
    """An update that started so long ago and took ten minutes."""
    return DataUpdate(
        table_name="Item",
        source_system="ERP",
        update_type=kind,
        operation_id=f"{sequence}",
        instance_id="i",
        start_dt=NOW - ago,
        end_dt=NOW - ago + timedelta(minutes=10),
        was_successful=outcome is Outcome.SUCCEEDED,
        number_records=5 if outcome is Outcome.SUCCEEDED else -1,
        outcome=outcome,
        sequence=sequence,
        error_message=None if outcome is Outcome.SUCCEEDED else "the line dropped",
    )


def past(*successes: tuple[UpdateType, timedelta], failures: Sequence[DataUpdate] = ()) -> Past:
    """A past with these successes, recorded in this order, and failures newest first."""
    return Past(
        successes={kind: update(kind, ago, number) for number, (kind, ago) in enumerate(successes, 1)},
        failures=tuple(failures),
    )


def decided(
    config: DataSourceConfig, then: Past, *, strict: bool = False, in_flight: frozenset[str] = frozenset()
) -> Decision:
    """What a check decides now."""
    return schedule.decide(
        config, options(config, strict=strict), then, NOW, in_flight, lambda: f"operation {next(_operations)}"
    )


def due(config: DataSourceConfig, then: Past, *, strict: bool = False) -> UpdateType | None:
    """The type of the task that a check gives, if it gives one."""
    task = decided(config, then, strict=strict).task
    return None if task is None else task.update_type


ALL_LONG_AGO = past((MASS, 8 * DAY), (DAILY, 2 * DAY), (HOURLY, 2 * HOUR))


def test_mass_comes_before_daily_and_hourly() -> None:
    """Of three schedules that are due Mass gives the one task."""
    assert due(table(), ALL_LONG_AGO) is MASS


def test_daily_comes_before_hourly() -> None:
    """With Mass not due, Daily gives the one task."""
    assert due(table(), past((MASS, 6 * DAY), (DAILY, 2 * DAY), (HOURLY, 2 * HOUR))) is DAILY


def test_first_sync_reads_everything() -> None:
    """Without any success the first enabled schedule is due, and has no MinimumDT."""
    for types, first in (((MASS, DAILY, HOURLY), MASS), ((DAILY, HOURLY), DAILY), ((HOURLY,), HOURLY)):
        task = decided(table(*types), past()).task
        assert task is not None
        assert (task.update_type, task.minimum_dt) == (first, None)


def test_a_disabled_table_gets_no_task() -> None:
    """Nothing is due for it, and the reason says that it is disabled."""
    decision = decided(table(is_enabled=False), past())
    assert decision.task is None
    assert "disabled" in decision.reason


def test_a_schedule_that_is_disabled_or_absent_gives_no_task() -> None:
    """Without Mass the Hourly is due; with all disabled nothing is."""
    assert due(table(HOURLY), ALL_LONG_AGO) is HOURLY
    assert due(table(enabled=False), ALL_LONG_AGO) is None


def test_a_superset_satisfies() -> None:
    """A Mass that just ran satisfies Daily and Hourly, a Daily satisfies Hourly, an Hourly only itself."""
    assert due(table(), past((MASS, timedelta(minutes=20)))) is None
    assert due(table(DAILY, HOURLY), past((DAILY, timedelta(minutes=20)))) is None
    assert due(table(DAILY, HOURLY), past((HOURLY, timedelta(minutes=20)))) is DAILY


def test_strict_schedules_need_each_its_own_success() -> None:
    """With strict schedules a Mass does not satisfy Daily."""
    assert due(table(), past((MASS, timedelta(minutes=20))), strict=True) is DAILY


def test_the_next_run_is_due_one_interval_after_the_start() -> None:
    """A run that took ten minutes does not put off the next by ten minutes."""
    assert due(table(HOURLY), past((HOURLY, HOUR))) is HOURLY
    decision = decided(table(HOURLY), past((HOURLY, HOUR - timedelta(seconds=1))))
    assert decision.task is None
    assert decision.next_at == NOW + timedelta(seconds=1)


def test_a_table_in_flight_is_not_queued_again() -> None:
    """While a sync of it runs, a due table gets no task."""
    assert decided(table(), ALL_LONG_AGO, in_flight=frozenset({"Item"})).task is None


def test_one_run_catches_up_and_the_missed_are_told() -> None:
    """After five hours without a run there is one task, which says that four were missed."""
    decision = decided(table(HOURLY), past((HOURLY, 5 * HOUR)))
    assert decision.slot is not None
    assert decision.slot.missed == 4
    assert "4 runs missed" in decision.reason


def test_a_success_in_the_future_makes_the_table_due() -> None:
    """If the clock went back the table is due, and the slot says so."""
    decision = decided(table(HOURLY), past((HOURLY, -3 * HOUR)))
    assert decision.task is not None
    assert decision.slot is not None
    assert decision.slot.clock_went_back


# ------------------------------------------------------------------------------------------------ back-off


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (50, 60)])
def test_the_wait_doubles_up_to_the_interval(failures: int, minutes: int) -> None:
    """From CheckInterval, a minute here, the wait after the last failure's end doubles; an hour is the most."""
    failed = [update(HOURLY, timedelta(minutes=10), 100 - number, Outcome.FAILED) for number in range(failures)]
    decision = decided(table(HOURLY), past(failures=failed))
    assert decision.task is None
    assert decision.next_at == NOW + timedelta(minutes=minutes)


def test_a_cancelled_sync_is_due_again_at_once() -> None:
    """A cancellation does not count as a failure."""
    cancelled = update(HOURLY, timedelta(minutes=10), 9, Outcome.CANCELLED)
    assert due(table(HOURLY), past(failures=[cancelled])) is HOURLY


def test_a_failing_mass_lets_the_windows_go_first() -> None:
    """A Mass that failed and may be tried again waits for the Hourly that is due."""
    then = past((DAILY, 2 * HOUR), failures=[update(MASS, 3 * HOUR, 9, Outcome.FAILED)])
    assert due(table(), Past(successes=then.successes)) is MASS
    assert due(table(MASS, HOURLY), past((DAILY, 2 * HOUR), failures=then.failures)) is HOURLY


# ----------------------------------------------------------------------------------------------- MinimumDT


def minimum(config: DataSourceConfig, then: Past) -> datetime | None:
    """The MinimumDT of the task that is due."""
    task = decided(config, then).task
    assert task is not None
    return task.minimum_dt


def test_a_daily_reaches_back_three_of_its_intervals() -> None:
    """MinimumDT is the start of the last Daily minus three days."""
    assert minimum(table(DAILY), past((DAILY, 2 * DAY))) == NOW - 2 * DAY - 3 * DAY


def test_an_hourly_reaches_back_from_the_daily() -> None:
    """Whatever Hourlies ran since, MinimumDT is the start of the last Daily, or later Mass, minus three hours."""
    assert minimum(table(HOURLY), past((DAILY, 9 * HOUR), (HOURLY, 2 * HOUR))) == NOW - 9 * HOUR - 3 * HOUR
    assert minimum(table(HOURLY), past((DAILY, 9 * HOUR), (MASS, 5 * HOUR))) == NOW - 5 * HOUR - 3 * HOUR


def test_without_an_anchor_everything_is_read() -> None:
    """An Hourly alone, or a Mass with any past, has no MinimumDT."""
    assert minimum(table(HOURLY), past((HOURLY, 2 * HOUR))) is None
    assert minimum(table(), ALL_LONG_AGO) is None


def test_the_anchor_is_on_the_clock_of_the_source() -> None:
    """If the source's clock was seven minutes behind when the anchor's sync began, the window begins there."""
    anchor = update(DAILY, 2 * DAY, 1)
    skewed = replace(anchor, source_dt=anchor.start_dt - timedelta(minutes=7))
    then = Past(successes={DAILY: skewed})
    assert minimum(table(DAILY), then) == NOW - 2 * DAY - timedelta(minutes=7) - 3 * DAY


def test_a_task_says_what_it_is() -> None:
    """A task has its table, type, source system, MinimumDT, reason, and an operation id of its own."""
    first, second = (decided(table(), ALL_LONG_AGO).task for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.table_name, first.update_type, first.source_system) == ("Item", MASS, "ERP")
    assert first.minimum_dt is None
    assert first.reason
    assert first.operation_id != second.operation_id


# -------------------------------------------------------------------------------------------------- health


def judged(then: Past, running: DataUpdate | None = None) -> health.TableHealth:
    """The judgement of the table now, under a service that looked just now."""
    facts = Facts(
        options=options(table()),
        now=NOW,
        pasts={"Item": then},
        running=() if running is None else (running,),
        live=frozenset({"test"}),
        last_check=LastCheck(at=NOW, instance_id="test"),
    )
    return health.judge_table(table(), facts)


def test_healthy_within_the_interval() -> None:
    """A table whose schedules were met is fresh and healthy; without a success it is not."""
    fresh = judged(past((MASS, timedelta(minutes=20))))
    assert (fresh.state, fresh.health) == (State.FRESH, Health.HEALTHY)
    assert judged(past()).health is Health.DEGRADED


def test_degraded_while_it_catches_up() -> None:
    """An overdue table is degraded while a sync of it runs, and unhealthy while none does."""
    long_ago = past((MASS, 3 * DAY))
    running = update(HOURLY, timedelta(minutes=1), 5)
    assert judged(long_ago, running).health is Health.DEGRADED
    assert judged(past(), running).health is Health.DEGRADED
    assert judged(long_ago).health is Health.UNHEALTHY


def test_unhealthy_after_three_failures_in_a_row() -> None:
    """Two failures degrade nothing that is fresh, three make the table and the whole unhealthy."""
    failed = [update(HOURLY, timedelta(minutes=10 * number), 20 - number, Outcome.FAILED) for number in (1, 2, 3)]
    success = (MASS, timedelta(minutes=50))
    assert judged(past(success, failures=failed[:2])).health is Health.HEALTHY
    failing = judged(past(success, failures=failed))
    assert (failing.state, failing.health) == (State.STOPPED, Health.UNHEALTHY)
    assert (failing.consecutive_failures, failing.last_error) == (3, "the line dropped")
    assert health.worst([judged(past(success)), failing]) is Health.UNHEALTHY
