"""How a table stands."""

from datetime import timedelta

import pytest
from tests.core.log_rows import DAILY, HOURLY, MASS, NOW, ago, options, past, table, update

from afresh.core.health import Health, State, judge, judge_table, worst
from afresh.core.model import DataUpdate, Outcome
from afresh.core.schedule import Past

HEALTHY, DEGRADED, UNHEALTHY = Health
RUNNING = update(HOURLY, ago(minutes=1), sequence=99, outcome=None)


def failed(count: int, outcome: Outcome = Outcome.FAILED) -> list[DataUpdate]:
    """So many failures after everything else."""
    return [update(HOURLY, ago(minutes=9), sequence=50 + number, outcome=outcome) for number in range(count)]


@pytest.mark.parametrize(
    ("rows", "running", "state", "health"),
    [
        pytest.param([], None, State.NEVER_LOADED, DEGRADED, id="never"),
        pytest.param([], RUNNING, State.SYNCING, DEGRADED, id="first load"),
        pytest.param(failed(2), None, State.NEVER_LOADED, DEGRADED, id="never, failing"),
        pytest.param(failed(3), None, State.FAILING, UNHEALTHY, id="never, failed three times"),
        pytest.param([update(MASS, ago(minutes=59))], None, State.FRESH, HEALTHY, id="met"),
        pytest.param([update(MASS, ago(minutes=61))], None, State.DUE, HEALTHY, id="due, within grace"),
        pytest.param([update(MASS, ago(minutes=61))], RUNNING, State.SYNCING, HEALTHY, id="running"),
        pytest.param([update(MASS, ago(minutes=90))], None, State.DUE, HEALTHY, id="at the edge of grace"),
        pytest.param([update(MASS, ago(minutes=91))], None, State.LATE, UNHEALTHY, id="late, nothing under way"),
        pytest.param([update(MASS, ago(minutes=91))], RUNNING, State.CATCHING_UP, DEGRADED, id="late, running"),
        pytest.param([update(MASS, ago(hours=5)), *failed(1)], None, State.CATCHING_UP, DEGRADED, id="late, retrying"),
        pytest.param([update(MASS, ago(hours=5)), *failed(3)], None, State.FAILING, UNHEALTHY, id="late, given up"),
        pytest.param(
            [update(MASS, ago(minutes=5)), *failed(3)], None, State.FAILING, UNHEALTHY, id="fresh but failing"
        ),
        pytest.param([update(MASS, ago(minutes=5)), *failed(3)], RUNNING, State.FAILING, UNHEALTHY, id="trying again"),
        pytest.param([update(MASS, ago(minutes=5)), *failed(1)], None, State.FRESH, HEALTHY, id="one failure"),
        pytest.param(
            [update(MASS, ago(hours=5)), *failed(5, Outcome.CANCELLED)],
            None,
            State.LATE,
            UNHEALTHY,
            id="only cancelled",
        ),
    ],
)
def test_states(rows: list[DataUpdate], running: DataUpdate | None, state: State, health: Health) -> None:
    """Green must be earned by a success in time; late is degraded only while something is under way."""
    config = table()
    found = judge_table(config, options(config), past(*rows), running, NOW)
    assert (found.state, found.health) == (state, health)
    assert found.reason


def test_disabled() -> None:
    """A table that is not synced is neither fresh nor ill."""
    for config in (table(is_enabled=False), table(mass=None, daily=None, hourly=None)):
        found = judge_table(config, options(config), past(), None, NOW)
        assert (found.state, found.health, found.next_at) == (State.DISABLED, HEALTHY, None)


def test_details() -> None:
    """A judgement says what is known: last successes, how old the data is, how late, since when, and the last error."""
    config = table()
    rows = [
        update(MASS, ago(hours=30), sequence=1),
        update(DAILY, ago(hours=26), sequence=2, source_dt=ago(hours=26, minutes=3)),
        *failed(2),
    ]
    found = judge_table(config, options(config), past(*rows), RUNNING, NOW)
    assert set(found.last_success) == {MASS, DAILY}
    assert found.data_as_of == ago(hours=26, minutes=3)
    assert found.overdue_by == timedelta(hours=24, minutes=30)
    assert found.running_since == RUNNING.start_dt
    assert (found.consecutive_failures, found.last_error) == (2, "it failed")


def test_judge_all() -> None:
    """Every table is judged, in the order of the configuration, by its own past and its own running sync."""
    tables = table(name="A"), table(name="B"), table(name="C", is_enabled=False)
    running = update(MASS, ago(minutes=1), outcome=None, table_name="B")
    pasts = {"A": past(update(MASS, ago(minutes=1)))}
    found = judge(options(*tables), pasts, [running], NOW)
    assert [one.table_name for one in found] == ["A", "B", "C"]
    assert [one.state for one in found] == [State.FRESH, State.SYNCING, State.DISABLED]
    assert worst(found) is DEGRADED


def test_worst() -> None:
    """The aggregate is that of the worst table, and healthy without any."""
    assert worst([]) is HEALTHY
    config = table()
    late = judge_table(config, options(config), past(update(MASS, ago(days=9))), None, NOW)
    fresh = judge_table(config, options(config), past(update(MASS, NOW)), None, NOW)
    never = judge_table(config, options(config), Past(successes={}), None, NOW)
    assert worst([fresh, never, late, fresh]) is UNHEALTHY
    assert worst([fresh, never]) is DEGRADED
