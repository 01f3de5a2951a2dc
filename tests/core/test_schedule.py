"""What is due, and from when it reads."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.core.log_rows import DAILY, DAY, HOUR, HOURLY, MASS, NOW, ago, decided, options, past, table, update

from afresh.core.cause import Cause
from afresh.core.hold import Hold
from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import ScheduleConfig
from afresh.core.schedule import Past, decide, minimum_dt, pasts, pending

MINUTE = timedelta(minutes=1)


def due(history: Past, *enabled: UpdateType, **settings: object) -> UpdateType | None:
    """The type of the task that is due, if any."""
    task = decided(table(*enabled), history, **settings).task  # type: ignore[arg-type] # settings of the options
    return task.update_type if task else None


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param([], MASS, id="never: the first is a Mass"),
        pytest.param([update(MASS, ago(minutes=59))], None, id="a Mass satisfies all three"),
        pytest.param([update(MASS, ago(hours=1))], HOURLY, id="an hour after a Mass"),
        pytest.param([update(MASS, ago(hours=23, minutes=59))], HOURLY, id="just before a day"),
        pytest.param([update(MASS, ago(days=1))], DAILY, id="a day after a Mass: Daily before Hourly"),
        pytest.param([update(MASS, ago(days=7))], MASS, id="a week: Mass before all"),
        pytest.param(
            [update(MASS, ago(days=2), sequence=1), update(DAILY, ago(hours=1), sequence=2)],
            HOURLY,
            id="a Daily satisfies Hourly, until the hour is over",
        ),
        pytest.param(
            [update(MASS, ago(days=2), sequence=1), update(DAILY, ago(minutes=5), sequence=2)],
            None,
            id="a Daily satisfies Hourly",
        ),
        pytest.param(
            [update(MASS, ago(days=1), sequence=1), update(HOURLY, ago(minutes=5), sequence=2)],
            DAILY,
            id="an Hourly does not satisfy Daily",
        ),
        pytest.param(
            [update(DAILY, ago(minutes=5))],
            MASS,
            id="a Daily does not satisfy Mass",
        ),
        pytest.param([update(MASS, ago(seconds=3599.999999))], None, id="a microsecond early is early"),
    ],
)
def test_priority(history: list[DataUpdate], expected: UpdateType | None) -> None:
    """The first of Mass, Daily, Hourly that is due is the one task of a table."""
    assert due(past(*history)) is expected


@pytest.mark.parametrize(
    ("enabled", "history", "expected"),
    [
        ((HOURLY,), [], HOURLY),
        ((DAILY, HOURLY), [], DAILY),
        ((HOURLY,), [update(MASS, ago(days=30))], HOURLY),
        ((MASS,), [update(HOURLY, ago(minutes=1))], MASS),
    ],
)
def test_missing_schedules(enabled: tuple[UpdateType, ...], history: list[DataUpdate], expected: UpdateType) -> None:
    """A schedule that is not configured is a disabled one."""
    assert due(past(*history), *enabled) is expected


def test_disabled() -> None:
    """Disabled schedules and disabled tables give no task, and the reason says so."""
    off = ScheduleConfig(interval=HOUR, enabled=False)
    assert decided(table(HOURLY, mass=off), past()).task is not None
    nothing = decided(table(MASS, mass=off), past())
    assert (nothing.task, nothing.reason, nothing.next_at) == (None, "no schedule is enabled", None)
    disabled = decided(table(is_enabled=False), past())
    assert (disabled.task, disabled.reason) == (None, "the data source is disabled")


def test_in_flight() -> None:
    """A table of which a sync runs is not queued again; others are."""
    tables = table(name="A"), table(name="B")
    decisions = pending(options(*tables), {}, NOW, frozenset({"A"}), lambda: "o" * 32)
    assert [decision.task is not None for decision in decisions] == [False, True]
    assert decisions[0].reason == "a sync of it is running"


def test_not_due_says_when() -> None:
    """Where nothing is due, the decision says what comes next and when."""
    decision = decided(table(), past(update(MASS, ago(minutes=20))))
    assert decision.task is None
    assert decision.next_at == NOW + timedelta(minutes=40)
    assert decision.reason == "Hourly is due at 2026-03-02 08:40:00Z"


def test_strict_schedules() -> None:
    """With strict schedules each type needs a success of its own."""
    history = past(update(MASS, ago(minutes=1)))
    assert due(history) is None
    assert due(history, strict_schedules=True) is DAILY


def test_task() -> None:
    """A task says what to do, from when, and why."""
    task = decided(table(), past(update(MASS, ago(hours=2)))).task
    assert task is not None
    assert (task.table_name, task.source_system, task.operation_id, task.allow_shrink) == (
        "Item",
        "ERP",
        "o" * 32,
        False,
    )
    assert task.minimum_dt == ago(hours=5)
    assert task.reason == ("Hourly: last Mass success started 2026-03-02 06:00:00Z, interval 1 h 00 min, 1 run missed")


# ------------------------------------------------------------------------------------------- MinimumDT


@pytest.mark.parametrize(
    ("update_type", "history", "expected"),
    [
        pytest.param(MASS, [update(MASS, ago(days=1))], None, id="Mass: everything"),
        pytest.param(DAILY, [], None, id="Daily without anchor: everything"),
        pytest.param(HOURLY, [], None, id="Hourly without anchor: everything"),
        pytest.param(HOURLY, [update(HOURLY, ago(hours=1))], None, id="an Hourly is no anchor"),
        pytest.param(DAILY, [update(MASS, ago(days=2))], ago(days=5), id="Daily after a Mass"),
        pytest.param(HOURLY, [update(MASS, ago(hours=2))], ago(hours=5), id="Hourly after a Mass"),
        pytest.param(
            HOURLY,
            [update(MASS, ago(days=3), sequence=1), update(DAILY, ago(hours=4), sequence=2)],
            ago(hours=7),
            id="Hourly after a later Daily",
        ),
        pytest.param(
            HOURLY,
            [update(DAILY, ago(hours=4), sequence=1), update(MASS, ago(hours=2), sequence=2)],
            ago(hours=5),
            id="Hourly after a later Mass",
        ),
        pytest.param(
            HOURLY,
            [update(MASS, ago(hours=9), sequence=1), update(HOURLY, ago(hours=1), sequence=2)],
            ago(hours=12),
            id="Hourly reaches back from the Mass, not from the Hourly",
        ),
        pytest.param(
            DAILY,
            [update(DAILY, ago(days=1), source_dt=ago(days=1, minutes=10))],
            ago(days=4, minutes=10),
            id="the source's clock is the anchor",
        ),
        pytest.param(
            HOURLY,
            [update(MASS, ago(hours=1), sequence=1), update(DAILY, ago(hours=9), sequence=2)],
            ago(hours=12),
            id="the clock was set back: the one recorded last",
        ),
    ],
)
def test_minimum_dt(update_type: UpdateType, history: list[DataUpdate], expected: datetime | None) -> None:
    """A window reaches back three of its intervals from the last Daily or Mass."""
    interval = {MASS: 7 * DAY, DAILY: DAY, HOURLY: HOUR}[update_type]
    assert minimum_dt(update_type, interval, past(*history), 3.0) == expected


@pytest.mark.parametrize(("multiplier", "expected"), [(0, ago(hours=2)), (0.5, ago(hours=2.5)), (10, ago(hours=12))])
def test_lookback(multiplier: float, expected: datetime) -> None:
    """The multiplier may be 0, a fraction, or large."""
    assert minimum_dt(HOURLY, HOUR, past(update(MASS, ago(hours=2))), multiplier) == expected


@pytest.mark.parametrize("multiplier", [1e6, 1e12, 1e300])
def test_lookback_beyond_time(multiplier: float) -> None:
    """A window that would begin before all time reads everything, or from the first instant there is."""
    found = minimum_dt(DAILY, 365 * DAY, past(update(MASS, NOW)), multiplier)
    assert found in {None, datetime.min.replace(tzinfo=UTC)}


# ------------------------------------------------------------------------------------ missed, failed, set back


def test_missed_runs() -> None:
    """After a day without checks one Hourly catches up, and the decision counts what was missed."""
    history = past(update(MASS, ago(hours=10, minutes=30)))
    decision = decided(table(MASS, HOURLY), history)
    assert decision.task is not None
    assert decision.slot is not None
    assert (decision.task.update_type, decision.slot.missed) == (HOURLY, 9)
    after = past(update(MASS, ago(hours=10, minutes=30), sequence=1), update(HOURLY, NOW, sequence=2))
    assert decided(table(MASS, HOURLY), after).task is None


def test_clock_went_back() -> None:
    """A success in the future makes its type due, and the decision says why."""
    decision = decided(table(HOURLY), past(update(HOURLY, NOW + HOUR)))
    assert decision.task is not None
    assert decision.slot is not None
    assert decision.slot.clock_went_back
    assert "lies in the future" in decision.reason


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (50, 60)])
def test_back_off(failures: int, minutes: int) -> None:
    """After failures the next try waits for 1, 2, 4... check intervals, at most for one interval of the schedule."""
    history = past(
        *(update(HOURLY, ago(), sequence=number, outcome=Outcome.FAILED) for number in range(1, failures + 1))
    )
    decision = decided(table(HOURLY), history)
    assert decision.task is None
    assert decision.next_at == NOW + minutes * MINUTE
    times = "once" if failures == 1 else f"{failures} times"
    assert decision.reason.startswith(f"Hourly failed {times}; tried again from")
    assert decided(table(HOURLY), history, NOW + minutes * MINUTE).task is not None


def test_success_ends_back_off() -> None:
    """Failures before the last success do not count."""
    history = past(
        update(HOURLY, ago(hours=3), sequence=1, outcome=Outcome.FAILED),
        update(HOURLY, ago(hours=1), sequence=2),
    )
    assert due(history, HOURLY) is HOURLY


def test_interrupted_counts_as_failed_cancelled_does_not() -> None:
    """A crash backs off as a failure does; a cancelled sync is due at once."""
    for outcome, expected in ((Outcome.INTERRUPTED, None), (Outcome.CANCELLED, HOURLY)):
        assert due(past(update(HOURLY, NOW, outcome=outcome)), HOURLY) is expected


def test_failed_type_yields() -> None:
    """A Mass that failed lets the windows that are due go first, and comes when they are done."""
    failed = update(MASS, ago(minutes=30), sequence=3, outcome=Outcome.FAILED)
    before = [update(MASS, ago(days=8), sequence=1), update(DAILY, ago(hours=2), sequence=2)]
    assert due(past(*before, failed)) is HOURLY
    assert due(past(*before, failed, update(HOURLY, ago(minutes=1), sequence=4))) is MASS


def test_a_failed_mass_has_its_turn_though_windows_are_always_due() -> None:
    """Where a window is due at each check, a Mass that fails and the windows take turns, whichever of them fail."""
    always: dict[str, object] = {"check_interval": 2 * HOUR}
    failed = update(MASS, ago(hours=6), sequence=3, outcome=Outcome.FAILED)
    before = [update(MASS, ago(days=8), sequence=1), update(DAILY, ago(hours=8), sequence=2)]
    assert due(past(*before, failed), **always) is HOURLY
    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
        window = update(HOURLY, ago(hours=4), sequence=4, outcome=outcome)
        assert due(past(*before, failed, window), **always) is MASS
        again = update(MASS, ago(hours=2), sequence=5, outcome=Outcome.FAILED)
        assert due(past(*before, again, window, failed), **always) is HOURLY


def test_a_window_without_an_anchor_waits_as_a_mass_does() -> None:
    """In quiet hours that leave Hourly syncs alone, none reads the whole table because there was no Mass yet."""
    quiet = Hold(
        source_system=table().source_system,
        types=frozenset({MASS, DAILY}),
        until=NOW + HOUR,
        cause=Cause.QUIET_HOURS,
        reason="quiet hours",
    )

    def type_of(history: Past) -> UpdateType | None:
        task = decide(table(), options(), history, NOW, frozenset(), str, holds=[quiet]).task
        return task.update_type if task else None

    assert type_of(past()) is None
    assert type_of(past(update(HOURLY, ago(hours=2)))) is None
    assert type_of(past(update(MASS, ago(hours=2)))) is HOURLY


def test_failure_of_one_type_holds_the_others_up_too() -> None:
    """Failures in a row back the table off as a whole: a source that is down is not tried by each type in turn."""
    history = past(
        update(MASS, ago(days=8), sequence=1),
        update(MASS, NOW, sequence=2, outcome=Outcome.FAILED),
    )
    assert due(history) is None


def test_pasts() -> None:
    """The log's answers are sorted by table, tables with failures only included."""
    found = pasts(
        [update(MASS, NOW, table_name="A"), update(HOURLY, NOW, table_name="A")],
        {"B": [update(MASS, NOW, table_name="B", outcome=Outcome.FAILED)]},
    )
    assert set(found) == {"A", "B"}
    assert set(found["A"].successes) == {MASS, HOURLY}
    assert len(found["B"].failures) == 1


def test_late_before() -> None:
    """For a window a row is late if it is stamped before the latest success, an Hourly too; for a Mass, if it is
    stamped before all that windows reach back to."""
    history = past(update(MASS, ago(days=8), sequence=1), update(DAILY, ago(days=2), sequence=2))
    assert decided(table(HOURLY), history).task.late_before == ago(days=2)  # type: ignore[union-attr] # it is due
    assert decided(table(MASS, DAILY, HOURLY), history).task.late_before == ago(days=5)  # type: ignore[union-attr]
    assert decided(table(MASS), history).task.late_before is None  # type: ignore[union-attr]
    assert decided(table(DAILY, HOURLY), past()).task.late_before is None  # type: ignore[union-attr]
    later = past(update(DAILY, ago(days=2), sequence=2), update(HOURLY, ago(hours=3), sequence=3))
    assert decided(table(HOURLY), later).task.late_before == ago(hours=3)  # type: ignore[union-attr]
