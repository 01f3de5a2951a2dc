"""How a table stands, and why."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.core.log_rows import DAILY, HOUR, HOURLY, MASS, NOW, ago, options, past, table, update

from afresh.core.actions import Action, ActionKind, standing
from afresh.core.cause import Cause
from afresh.core.errors import CacheLocked, CacheUnavailable
from afresh.core.facts import Facts, LastCheck, SourceState
from afresh.core.health import TableHealth, judge, judge_table, judge_unseen, worst
from afresh.core.hold import ALL, Hold
from afresh.core.model import DataUpdate, Outcome, UpdateDetails
from afresh.core.options import DataSourceConfig
from afresh.core.states import LOOKS, WORST_FIRST, Health, State

HEALTHY, DEGRADED, UNHEALTHY = Health
RUNNING = update(HOURLY, ago(minutes=1), sequence=99, outcome=None)
MET = update(MASS, ago(minutes=5))
OLD = update(MASS, ago(hours=5))


def failed(
    count: int, outcome: Outcome = Outcome.FAILED, cause: Cause = Cause.SOURCE_UNREACHABLE, sequence: int = 50
) -> list[DataUpdate]:
    """So many failures after everything else."""
    made = [update(HOURLY, ago(minutes=9), sequence=sequence + number, outcome=outcome) for number in range(count)]
    return [replace(one, cause=cause) for one in made]


def facts(
    rows: Iterable[DataUpdate] = (),
    running: Iterable[DataUpdate] = (),
    *,
    config: DataSourceConfig | None = None,
    checked: timedelta | None = timedelta(seconds=20),
    **changes: Any,
) -> Facts:
    """What is known of one table, under a service that last looked so long ago; without one for None."""
    settings: dict[str, Any] = {
        "options": options(config or table()),
        "now": NOW,
        "pasts": {"Item": past(*rows)},
        "running": tuple(running),
        "live": frozenset({"test"}) if checked is not None else frozenset(),
        "last_check": LastCheck(at=NOW - checked, instance_id="test") if checked is not None else None,
    }
    return Facts(**(settings | changes))


def judged(*arguments: Any, **named: Any) -> TableHealth:
    """The judgement of that one table."""
    known = facts(*arguments, **named)
    return judge_table(known.options.data_sources[0], known)


def asked(kind: ActionKind, **named: Any) -> Action:
    """Something that somebody asked for."""
    settings: dict[str, Any] = {"table_name": "Item", "sequence": 1, "reason": "because"}
    return Action(at=ago(minutes=30), who="me@here", kind=kind, **(settings | named))


@pytest.mark.parametrize(
    ("rows", "running", "state", "health", "cause"),
    [
        pytest.param([], [], State.NEVER_LOADED, DEGRADED, Cause.ROUTINE, id="never"),
        pytest.param([], [RUNNING], State.SYNCING, DEGRADED, Cause.ROUTINE, id="first load"),
        pytest.param(failed(2), [], State.NEVER_LOADED, DEGRADED, Cause.SOURCE_UNREACHABLE, id="never, failing"),
        pytest.param(failed(3), [], State.STOPPED, UNHEALTHY, Cause.SOURCE_UNREACHABLE, id="never, failed three times"),
        pytest.param([update(MASS, ago(minutes=59))], [], State.FRESH, HEALTHY, None, id="met"),
        pytest.param([update(MASS, ago(minutes=61))], [], State.DUE, HEALTHY, Cause.ROUTINE, id="due, within grace"),
        pytest.param([update(MASS, ago(minutes=61))], [RUNNING], State.SYNCING, HEALTHY, Cause.ROUTINE, id="running"),
        pytest.param([update(MASS, ago(minutes=90))], [], State.DUE, HEALTHY, Cause.ROUTINE, id="at the edge of grace"),
        pytest.param([update(MASS, ago(minutes=91))], [], State.LATE, UNHEALTHY, Cause.SERVICE_OFF, id="late"),
        pytest.param(
            [update(MASS, ago(minutes=91))], [RUNNING], State.CATCHING_UP, DEGRADED, Cause.SOURCE_SLOW, id="slow"
        ),
        pytest.param([OLD], [RUNNING], State.CATCHING_UP, DEGRADED, Cause.SERVICE_OFF, id="late, running since then"),
        pytest.param([OLD, *failed(1)], [], State.CATCHING_UP, DEGRADED, Cause.SOURCE_UNREACHABLE, id="late, retrying"),
        pytest.param([OLD, *failed(3)], [], State.STOPPED, UNHEALTHY, Cause.SOURCE_UNREACHABLE, id="late, given up"),
        pytest.param([MET, *failed(3)], [], State.STOPPED, UNHEALTHY, Cause.SOURCE_UNREACHABLE, id="fresh but failing"),
        pytest.param(
            [MET, *failed(3)], [RUNNING], State.STOPPED, UNHEALTHY, Cause.SOURCE_UNREACHABLE, id="trying again"
        ),
        pytest.param([MET, *failed(1)], [], State.FRESH, HEALTHY, None, id="one failure"),
        pytest.param(
            [OLD, *failed(5, Outcome.CANCELLED)], [], State.LATE, UNHEALTHY, Cause.CANCELLED, id="only cancelled"
        ),
    ],
)
def test_states(
    rows: list[DataUpdate], running: list[DataUpdate], state: State, health: Health, cause: Cause | None
) -> None:
    """Green must be earned by a success in time; late is degraded only while something is under way."""
    found = judged(rows, running)
    assert (found.state, found.health, found.cause) == (state, health, cause)


@pytest.mark.parametrize(
    "cause",
    [
        Cause.LOGIN_REFUSED,
        Cause.SCHEMA_CHANGED,
        Cause.SHRANK,
        Cause.CACHE_FULL,
        Cause.BAD_DATA,
        Cause.CONFIGURATION,
        Cause.DEFECT,
    ],
)
def test_what_needs_somebody(cause: Cause) -> None:
    """What will fail again until somebody acts says so at its first failure, though the data is within its limit."""
    found = judged([MET, *failed(1, cause=cause)])
    assert (found.state, found.health, found.cause) == (State.STOPPED, DEGRADED, cause)
    assert found.failure is not None


def test_overtaken() -> None:
    """A success of any type shows that a refused login is over; that of a window says nothing of a refused Mass."""
    mass = replace(update(MASS, ago(minutes=20), sequence=5, outcome=Outcome.FAILED), cause=Cause.SHRANK)
    later = update(HOURLY, ago(minutes=5), sequence=6)
    found = judged([MET, mass, later])
    assert (found.state, found.cause, found.failure) == (State.STOPPED, Cause.SHRANK, mass)
    assert judged([MET, replace(mass, cause=Cause.LOGIN_REFUSED), later]).state is State.FRESH


def test_accepted() -> None:
    """A shrink that somebody accepted waits for the next Mass, not for somebody, until that Mass has begun."""
    mass = replace(update(MASS, ago(minutes=20), sequence=5, outcome=Outcome.FAILED), cause=Cause.SHRANK)
    leave = standing([asked(ActionKind.ACCEPT, argument="5")])
    assert judged([OLD, mass], asked=leave).state is State.CATCHING_UP
    again = replace(mass, sequence=6)
    assert judged([OLD, again], asked=leave).state is State.STOPPED


def test_service_off() -> None:
    """Without a service that looked not long ago nothing is fresh, and the failure of a single try is no comfort."""
    gone = facts([MET], live=frozenset())
    silent = facts([MET], checked=timedelta(minutes=4))
    never = facts([MET], checked=None)
    for known in (gone, silent, never):
        found = judge(known)[0]
        assert (found.state, found.health, found.cause) == (State.STOPPED, UNHEALTHY, Cause.SERVICE_OFF)
        assert found.next_at is None
    assert judged([MET], checked=timedelta(minutes=3)).state is State.FRESH
    assert judged([], checked=None).state is State.NEVER_LOADED


def test_a_service_that_is_hindered() -> None:
    """What ended its last look is the cause of what is due or late, not that the service was off; one that lives but
    has been silent is told from one that is gone."""
    locked = CacheLocked("another writer held the cache for 3 s")
    late, silent = judged([OLD], hindered=locked), judged([MET], hindered=locked, checked=timedelta(minutes=4))
    assert (late.state, late.cause) == (State.LATE, Cause.CACHE_LOCKED)
    assert (silent.state, silent.cause) == (State.STOPPED, Cause.CACHE_LOCKED)
    assert judged([MET], hindered=locked).state is State.FRESH
    assert silent.silent_since == NOW - timedelta(minutes=4)
    assert judged([MET], checked=timedelta(minutes=4), live=frozenset()).silent_since is None
    assert judged([MET]).silent_since is None


def test_sync_without_a_service() -> None:
    """A sync that runs by itself is under way, whether or not there is a service."""
    found = judged([MET], [RUNNING], checked=None, live=frozenset({"test"}))
    assert (found.state, found.health) == (State.SYNCING, HEALTHY)


def test_unknown_outcome() -> None:
    """An update that is open while its process is gone says nothing, not even that the old data is fresh."""
    found = judged([MET], [replace(RUNNING, instance_id="dead")])
    assert (found.state, found.health, found.cause) == (State.UNKNOWN, DEGRADED, Cause.SERVICE_OFF)


def test_clock_went_back() -> None:
    """A clock that went back makes every age unknown: a success in the future says so, or the last check does."""
    future = judged([update(MASS, NOW + timedelta(minutes=1))])
    ahead = judged([MET], checked=timedelta(minutes=-1))
    for found in (future, ahead):
        assert (found.state, found.cause) == (State.UNKNOWN, Cause.CONFIGURATION)
        assert found.health is not HEALTHY


def test_lost_time() -> None:
    """What was recorded before the service noted a clock that went back is older than it looks, by what was lost."""
    note = standing([asked(ActionKind.CLOCK, table_name="", argument="1 3000")])
    found = judged([MET], asked=note)
    assert (found.state, found.age_at(NOW)) == (State.FRESH, timedelta(minutes=55))
    due = judged([update(MASS, ago(minutes=15))], asked=note)
    assert (due.state, due.age_at(NOW)) == (State.DUE, timedelta(minutes=65))
    late = judged([update(MASS, ago(minutes=41))], asked=note)
    assert (late.state, late.overdue_at(NOW)) == (State.LATE, timedelta(minutes=1))
    since = judged([update(MASS, ago(minutes=41), sequence=2)], asked=note)
    assert (since.state, since.age_at(NOW)) == (State.FRESH, timedelta(minutes=41))


def test_paused() -> None:
    """A paused table says by whom and why; it is never healthy, and unhealthy when its data is over its limit."""
    pause = asked(ActionKind.PAUSE)
    found = judged([MET], asked=standing([pause]))
    assert (found.state, found.health, found.cause, found.pause) == (State.PAUSED, DEGRADED, Cause.PAUSED, pause)
    assert judged([OLD], asked=standing([pause])).health is UNHEALTHY
    assert judged([MET], [RUNNING], asked=standing([pause])).state is State.PAUSED
    of_source = asked(ActionKind.PAUSE, table_name="", source_system="ERP")
    assert judged([MET], asked=standing([of_source])).pause == of_source
    resumed = asked(ActionKind.RESUME, sequence=2)
    assert judged([MET], asked=standing([pause, resumed])).state is State.FRESH
    assert judged([MET], asked=standing([pause, resumed, of_source])).state is State.PAUSED


def test_sources() -> None:
    """Quiet hours and an open breaker hold a table up; it heals by itself when they end."""
    until = NOW + HOUR
    quiet = (Hold(source_system="ERP", types=ALL, until=until, cause=Cause.QUIET_HOURS, reason="quiet"),)
    others = (replace(quiet[0], types=frozenset({DAILY})),)
    broken = {"ERP": SourceState(name="ERP", breaker_until=until)}
    over = {"ERP": SourceState(name="ERP", breaker_until=NOW)}
    found = judged([OLD], holds=quiet)
    assert (found.state, found.health, found.cause) == (State.CATCHING_UP, DEGRADED, Cause.QUIET_HOURS)
    assert found.next_at == until
    assert judged([OLD], sources=broken).cause is Cause.SOURCE_UNREACHABLE
    assert judged([OLD], sources=over).state is State.LATE
    due = [update(MASS, ago(minutes=61))]
    assert (judged(due, holds=quiet).state, judged(due, holds=quiet).cause) == (State.DUE, Cause.QUIET_HOURS)
    assert judged(due, holds=others).cause is Cause.ROUTINE
    assert judged([MET], holds=quiet).state is State.FRESH


def test_no_worker() -> None:
    """A table that is due while every place is taken waits for a place."""
    due = [update(MASS, ago(minutes=61))]
    others = [update(MASS, ago(minutes=1), table_name=name, outcome=None) for name in "ABCD"]
    assert judged(due, others).cause is Cause.NO_WORKER
    taken = {"ERP": SourceState(name="ERP", sessions_used=2, sessions_allowed=2)}
    assert judged(due, others[:1], sources=taken).cause is Cause.NO_WORKER
    assert judged(due, others[:1]).cause is Cause.ROUTINE


def test_a_mass_waits_for_the_place_of_a_mass() -> None:
    """One place is kept for windows: with the others taken by Masses a Mass waits, and an Hourly does not."""
    masses = [update(MASS, ago(minutes=1), table_name=name, outcome=None) for name in "ABC"]
    assert judged([], masses).cause is Cause.NO_WORKER
    assert judged([update(MASS, ago(minutes=61))], masses).cause is Cause.ROUTINE
    assert judged([], masses[:2]).cause is Cause.ROUTINE


def test_age() -> None:
    """Age is by our clock, whatever the source's clock says; data as of is by the source's."""
    skewed = replace(
        update(MASS, ago(minutes=30), source_dt=NOW + timedelta(hours=3)),
        details=UpdateDetails(skew=timedelta(hours=3, minutes=30)),
    )
    found = judged([skewed])
    assert (found.state, found.age_at(NOW), found.limit) == (State.FRESH, timedelta(minutes=30), HOUR * 1.5)
    assert found.data_as_of == NOW + timedelta(hours=3)


def test_old_transactions_in_the_source() -> None:
    """Where the source had a transaction open for longer than the limit allows, its rows are that old."""
    held_up = replace(
        update(MASS, ago(minutes=5), source_dt=ago(hours=3)), details=UpdateDetails(skew=timedelta(seconds=1))
    )
    found = judged([held_up])
    assert (found.state, found.cause) == (State.CATCHING_UP, Cause.SOURCE_SLOW)
    assert found.age_at(NOW) == timedelta(hours=3, seconds=1)


def test_right_by() -> None:
    """When it should be right again is told only where nobody else decides that."""
    last = replace(update(HOURLY, ago(minutes=61), sequence=2), end_dt=ago(minutes=59))
    mass = update(MASS, ago(minutes=70))
    assert judged([last, mass], [RUNNING]).right_by == NOW + timedelta(minutes=1)
    assert judged([last, mass]).right_by == NOW + timedelta(minutes=3)
    assert judged([last, mass, *failed(1)]).right_by is None
    assert judged([MET]).right_by is None


def test_disabled() -> None:
    """A table that is not synced is neither fresh nor ill."""
    for config in (table(is_enabled=False), table(mass=None, daily=None, hourly=None)):
        found = judged([], config=config)
        assert (found.state, found.health, found.next_at) == (State.DISABLED, HEALTHY, None)
        assert found.cause is Cause.CONFIGURATION


def test_details() -> None:
    """A judgement says what is known: last successes, how old the data is, how late, since when, and the last error."""
    rows = [
        update(MASS, ago(hours=30), sequence=1),
        update(DAILY, ago(hours=26), sequence=2, source_dt=ago(hours=26, minutes=3)),
        *failed(2),
    ]
    found = judged(rows, [RUNNING])
    assert set(found.last_success) == {MASS, DAILY}
    assert found.data_as_of == ago(hours=26, minutes=3)
    assert found.overdue_at(NOW) == timedelta(hours=24, minutes=30)
    assert found.running_since == RUNNING.start_dt
    assert (found.consecutive_failures, found.last_error) == (2, "it failed")


def test_judge_all() -> None:
    """Every table is judged, in the order of the configuration, by its own past and its own running sync."""
    tables = table(name="A"), table(name="B"), table(name="C", is_enabled=False)
    running = update(MASS, ago(minutes=1), outcome=None, table_name="B")
    pasts = {"A": past(update(MASS, ago(minutes=1)))}
    found = judge(facts(running=[running], options=options(*tables), pasts=pasts))
    assert [one.table_name for one in found] == ["A", "B", "C"]
    assert [one.state for one in found] == [State.FRESH, State.SYNCING, State.DISABLED]
    assert worst(found) is DEGRADED


def test_unseen() -> None:
    """While the cache cannot be asked nothing is known of any table, and why is told."""
    for error, cause in ((CacheUnavailable("gone"), Cause.CACHE_UNREACHABLE), (CacheLocked("x"), Cause.CACHE_LOCKED)):
        (found,) = judge_unseen(options(table()), error)
        assert (found.state, found.health, found.cause) == (State.UNKNOWN, UNHEALTHY, cause)
        assert found.unseen is error


def test_worst() -> None:
    """The aggregate is that of the worst table, and healthy without any."""
    assert worst([]) is HEALTHY
    late, fresh, never = judged([update(MASS, ago(days=9))]), judged([update(MASS, NOW)]), judged([])
    assert worst([fresh, never, late, fresh]) is UNHEALTHY
    assert worst([fresh, never]) is DEGRADED


def test_looks() -> None:
    """Every state has a sign of its own, one column wide, a colour and a place in the order; green is Fresh alone."""
    assert set(LOOKS) == set(State) == set(WORST_FIRST)
    assert len({look.glyph for look in LOOKS.values()}) == len(State)
    assert all(len(look.glyph) == 1 for look in LOOKS.values())
    assert [state for state, look in LOOKS.items() if look.colour == "green"] == [State.FRESH]
