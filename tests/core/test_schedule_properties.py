"""What is true of schedules whatever the history."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.log_rows import DAY, HOUR, HOURLY, INTERVALS, NOW, decided, past, table, update

from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.schedule import ANCHORED_BY, SATISFIED_BY

ENABLED = st.sets(st.sampled_from(UpdateType), min_size=1).map(sorted)


@st.composite
def histories(draw: st.DrawFn, *, failures: bool = True, set_back: bool = True) -> list[DataUpdate]:
    """Rows of the log: in the order of time, or not, where the clock was set back."""
    outcomes = st.sampled_from(list(Outcome)) if failures else st.just(Outcome.SUCCEEDED)
    minutes = draw(st.lists(st.integers(-60 if set_back else 0, 15 * 24 * 60), max_size=8))
    if not set_back:
        minutes.sort(reverse=True)
    return [
        update(
            draw(st.sampled_from(UpdateType)),
            NOW - timedelta(minutes=before),
            sequence=number,
            outcome=draw(outcomes),
        )
        for number, before in enumerate(minutes, 1)
    ]


@given(ENABLED, histories(failures=False, set_back=False), st.booleans())
def test_due_by_the_book(enabled: list[UpdateType], rows: list[DataUpdate], strict: bool) -> None:
    """Without failures the task is the first type whose last satisfying success is an interval old."""
    expected = None
    for update_type in enabled:
        types = (update_type,) if strict else SATISFIED_BY[update_type]
        starts = [row.start_dt for row in rows if row.update_type in types]
        if not starts or NOW - starts[-1] >= INTERVALS[update_type]:
            expected = update_type
            break
    task = decided(table(*enabled), past(*rows), strict_schedules=strict).task
    assert (task.update_type if task else None) is expected


@given(ENABLED, histories(), st.floats(0, 100))
def test_window_never_ahead_of_the_data(enabled: list[UpdateType], rows: list[DataUpdate], lookback: float) -> None:
    """A window never begins after the anchor of the last success that it may build on; without one it is everything."""
    task = decided(table(*enabled), past(*rows), lookback_multiplier=lookback).task
    if task is None:
        return
    anchors = [row for row in rows if row.was_successful and row.update_type in ANCHORED_BY]
    if task.minimum_dt is None:
        assert task.update_type is UpdateType.MASS or not anchors
    else:
        assert task.minimum_dt <= anchors[-1].start_dt
        reach = INTERVALS[task.update_type] * lookback
        assert abs(anchors[-1].start_dt - task.minimum_dt - reach) < timedelta(milliseconds=1)


@given(ENABLED, histories(), st.integers(-400 * 24, 400 * 24))
def test_only_differences_of_time_count(enabled: list[UpdateType], rows: list[DataUpdate], hours: int) -> None:
    """The same history at another time of the year gives the same decision: there are no clock changes in UTC."""
    shift = hours * HOUR
    moved = [
        replace(row, start_dt=row.start_dt + shift, end_dt=row.end_dt + shift if row.end_dt else None) for row in rows
    ]
    here, there = decided(table(*enabled), past(*rows)), decided(table(*enabled), past(*moved), NOW + shift)
    assert (here.task is None) == (there.task is None)
    assert (here.next_at is None and there.next_at is None) or (
        here.next_at is not None and there.next_at is not None and here.next_at + shift == there.next_at
    )
    if here.task is not None and there.task is not None:
        assert here.task.update_type is there.task.update_type


@given(ENABLED, histories())
def test_something_comes(enabled: list[UpdateType], rows: list[DataUpdate]) -> None:
    """Whatever happened, the next task comes within the longest interval, and when the decision says.

    Unless a failure lies ahead of the clock, and counts only when the clock has come to it.
    """
    decision = decided(table(*enabled), past(*rows))
    if decision.task is None:
        assert decision.next_at is not None
        assert NOW < decision.next_at <= NOW + max(INTERVALS[update_type] for update_type in enabled)
        ahead = any(row.end_dt is not None and row.end_dt > NOW for row in rows if not row.was_successful)
        assert ahead or decided(table(*enabled), past(*rows), decision.next_at).task is not None


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 58), st.sampled_from([1, 5, 15, 60]))
def test_no_drift(run_minutes: int, check_minutes: int) -> None:
    """However long each run takes, if it is less than an interval, the next begins an interval after it began."""
    starts: list[int] = []
    for now in range(0, 6 * 60, check_minutes):
        history = past(*[update(HOURLY, NOW + timedelta(minutes=starts[-1]))] if starts else [])
        in_flight = ("Item",) if starts and now < starts[-1] + run_minutes else ()
        if decided(table(HOURLY), history, NOW + timedelta(minutes=now), in_flight=in_flight).task is not None:
            starts.append(now)
    assert starts == [0, 60, 120, 180, 240, 300]


@given(st.integers(1, 20_000))
def test_one_run_for_all_that_were_missed(minutes: int) -> None:
    """After any downtime there is one run of a type, and after it nothing of that type for an interval."""
    history = past(
        update(UpdateType.MASS, NOW - 30 * DAY, sequence=1),
        update(HOURLY, NOW - timedelta(minutes=minutes), sequence=2),
    )
    decision = decided(table(HOURLY), history)
    assert (decision.task is not None) == (minutes >= 60)
    if decision.slot is not None:
        assert decision.slot.missed == minutes // 60 - 1
    ran = past(update(HOURLY, NOW, sequence=9))
    assert decided(table(HOURLY), ran, NOW + timedelta(minutes=59)).task is None
