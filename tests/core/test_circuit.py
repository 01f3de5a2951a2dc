"""The breaker of a source, judged from the log, and what it and the quiet hours hold back."""

from dataclasses import replace
from datetime import timedelta

from pydantic import SecretStr
from tests.core.log_rows import DAILY, HOUR, HOURLY, MASS, NOW, ago, options, past, table, update

from afresh.core.actions import NOTHING_ASKED, Action, ActionKind, standing
from afresh.core.cause import Cause
from afresh.core.circuit import Breaker, Circuit, breakers, holds, settings_mark
from afresh.core.model import DataUpdate, Outcome, UpdateDetails, UpdateType
from afresh.core.options import DataSyncOptions, SourceSystemConfig
from afresh.core.schedule import Decision, Past, pending

ERP = SourceSystemConfig(kind="x", breaker_failures=3, breaker_pause=timedelta(minutes=10))


def failed(
    minutes: float,
    *,
    table_name: str = "A",
    cause: Cause = Cause.SOURCE_UNREACHABLE,
    details: UpdateDetails | None = None,
    update_type: UpdateType = HOURLY,
) -> DataUpdate:
    """A sync that failed so many minutes ago."""
    made = update(update_type, ago(minutes=minutes), sequence=1_000 - int(minutes), outcome=Outcome.FAILED)
    return replace(made, table_name=table_name, cause=cause, details=details)


def settings(config: SourceSystemConfig = ERP, *names: str) -> DataSyncOptions:
    """Tables of one source."""
    tables = [table(HOURLY, name=name) for name in names or ("A", "B", "C")]
    return options(*tables, source_systems={"ERP": config})


def judged(*updates: DataUpdate, config: SourceSystemConfig = ERP, actions: tuple[Action, ...] = ()) -> Breaker:
    """The breaker, by the updates of its tables."""
    return breakers(settings(config), by_table(*updates), standing(actions), NOW)["ERP"]


def by_table(*updates: DataUpdate) -> dict[str, Past]:
    """The pasts of the tables."""
    names = {one.table_name for one in updates}
    return {name: past(*(one for one in updates if one.table_name == name)) for name in names}


def decide(*updates: DataUpdate, config: SourceSystemConfig = ERP, in_flight: tuple[str, ...] = ()) -> list[Decision]:
    """What a check decides for the tables of the source."""
    chosen, pasts = settings(config), by_table(*updates)
    kept = holds(chosen, breakers(chosen, pasts, standing(()), NOW), NOW)
    return list(pending(chosen, pasts, NOW, frozenset(in_flight), lambda: "o" * 32, NOTHING_ASKED, kept))


# ------------------------------------------------------------------------------------------------- the breaker


def test_failures_of_several_tables_open_the_breaker() -> None:
    """Three in a row, whichever tables they are of, hold all tables of the source until the pause is over."""
    found = judged(failed(5), failed(4, table_name="B"), failed(3, table_name="C"))
    assert (found.circuit, found.failures, found.until) == (Circuit.OPEN, 3, ago(minutes=-7))


def test_a_success_of_any_table_closes_it() -> None:
    """Only failures since then count."""
    success = replace(update(HOURLY, ago(minutes=3.5), sequence=500), table_name="D")
    found = breakers(
        settings(ERP, "A", "B", "D"),
        by_table(failed(5), failed(4, table_name="B"), success, failed(3)),
        standing(()),
        NOW,
    )["ERP"]
    assert (found.circuit, found.failures) == (Circuit.CLOSED, 1)


def test_errors_that_are_not_the_sources_do_not_count() -> None:
    """A column that is gone, a cache that is locked, a value that does not fit."""
    causes = (Cause.SCHEMA_CHANGED, Cause.CACHE_LOCKED, Cause.BAD_DATA, Cause.CANCELLED, Cause.SERVICE_OFF)
    assert judged(*(failed(minutes, cause=cause) for minutes, cause in enumerate(causes))).circuit is Circuit.CLOSED


def test_after_the_pause_it_is_half_open() -> None:
    """And open again when the probe has failed."""
    long_ago = [failed(minutes, table_name=name) for minutes, name in ((15, "A"), (14, "B"), (13, "C"))]
    assert judged(*long_ago).circuit is Circuit.HALF_OPEN
    assert judged(*long_ago, failed(1)).circuit is Circuit.OPEN


def test_a_reset_closes_it() -> None:
    """What failed before somebody said so is forgotten."""
    reset = Action(at=ago(minutes=2), who="w", kind=ActionKind.RESET, source_system="ERP", sequence=1)
    assert judged(failed(5), failed(4), failed(3), actions=(reset,)).circuit is Circuit.CLOSED


def refusal(minutes: float, config: SourceSystemConfig = ERP) -> DataUpdate:
    """A sync whose login was refused."""
    return failed(minutes, cause=Cause.LOGIN_REFUSED, details=UpdateDetails(refused_login=settings_mark(config)))


def test_two_refused_logins_stop_it_for_good() -> None:
    """However long ago they were: it is not the pause that mends a password."""
    assert judged(refusal(5000)).circuit is Circuit.CLOSED
    found = judged(refusal(6000), refusal(5000))
    assert (found.circuit, found.until) == (Circuit.STOPPED, None)


def test_other_settings_let_it_try_again() -> None:
    """A new password is a new chance; the mark tells the two apart and not what they are."""
    old = SourceSystemConfig(kind="x", options={"user": "u", "password": SecretStr("old")})
    new = SourceSystemConfig(kind="x", options={"user": "u", "password": SecretStr("new")})
    assert settings_mark(old) != settings_mark(new)
    assert len(settings_mark(old)) == 2
    updates = (refusal(20, old), refusal(10, old))
    assert judged(*updates, config=old).circuit is Circuit.STOPPED
    assert judged(*updates, config=new).circuit is Circuit.CLOSED


def test_a_right_that_was_refused_stops_nothing() -> None:
    """It is refused for one table, and nobody's account is locked for it."""
    rights = [failed(minutes, cause=Cause.LOGIN_REFUSED) for minutes in (5, 4, 3, 2)]
    assert judged(*rights).circuit is Circuit.CLOSED


# ------------------------------------------------------------------------------------------------- decisions


def test_tables_wait_while_it_is_open() -> None:
    """They have the reason, and no task."""
    decisions = decide(failed(65), failed(64, table_name="B"), failed(3, table_name="C"))
    assert [decision.task for decision in decisions] == [None, None, None]
    assert "ERP failed 3 times in a row; tried again from 2026-03-02 08:07:00Z" in decisions[0].reason


def test_one_sync_tries_whether_it_is_back() -> None:
    """The first that is due; none while one is under way."""
    updates = [failed(minutes, table_name=name) for minutes, name in ((195, "A"), (194, "B"), (193, "C"))]
    assert [decision.task is not None for decision in decide(*updates)] == [True, False, False]
    assert "one sync tries whether ERP is back" in decide(*updates)[1].reason
    assert [decision.task for decision in decide(*updates, in_flight=("B",))] == [None, None, None]


def test_mass_and_daily_wait_for_the_end_of_the_quiet_hours() -> None:
    """Hourly goes on, unless it is told to wait too; the reason says until when."""
    quiet = SourceSystemConfig(kind="x", quiet_hours=("00:00-06:00",), quiet_zone="America/Chicago")
    for types, config, begun in (
        ((MASS, DAILY), quiet, None),
        ((MASS, DAILY, HOURLY), quiet, HOURLY),
        ((HOURLY,), replace(quiet, quiet_hourly=True), None),
    ):
        chosen = options(table(*types, name="A"), source_systems={"ERP": config})
        kept = holds(chosen, {}, NOW)
        pasts = {"A": past(update(MASS, ago(days=8), table_name="A"))}
        (decision,) = pending(chosen, pasts, NOW, frozenset(), lambda: "o" * 32, NOTHING_ASKED, kept)
        assert (decision.task.update_type if decision.task else None) == begun
        if begun is None:
            assert "quiet hours of ERP until 2026-03-02 12:00:00Z" in decision.reason
            assert decision.next_at == NOW + 4 * HOUR


def test_a_source_without_quiet_hours_is_never_quiet() -> None:
    """Nothing holds it."""
    assert holds(settings(), {}, NOW) == ()
