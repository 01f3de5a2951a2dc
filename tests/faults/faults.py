"""Everything that the kit for sources does to a read, done to a service at work."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from tests.faults.trial import TABLES, Trial

from afresh.core.actions import ActionKind
from afresh.core.cause import Cause
from afresh.core.model import Outcome, UpdateType

AWAY = frozenset({Cause.SOURCE_UNREACHABLE, Cause.SOURCE_SLOW})
PROMPT = 1.5
"""Seconds within which a sync that was cancelled has ended: a second, and what the rest of it takes."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong while syncs of a type are due.

    `happens` is open as long as it lasts, and yields once the syncs may begin. `meanwhile` is done while they run.
    `causes` are what the log may say of syncs that failed for it; `fails` is how many tables at least.
    """

    update_type: UpdateType
    happens: Callable[[Trial], AbstractContextManager[None]]
    causes: frozenset[Cause]
    fails: int = 1
    outcome: Outcome = Outcome.FAILED
    meanwhile: Callable[[Trial], None] = lambda trial: trial.change()


def suffer(trial: Trial, fault: Fault, *, healthy: bool = True) -> None:
    """Lets it happen, and holds the service to what it promises as soon as it has ended. Where all was well before
    (`healthy`), it must show; else a table may have waited for an earlier one."""
    trial.change()
    begun = trial.last()
    with fault.happens(trial):
        trial.due(fault.update_type)
        fault.meanwhile(trial)
        trial.ended()
    trial.no_session_is_left()
    _the_log_tells(trial, fault, begun, fails=fault.fails if healthy else 0)
    trial.reader_saw_nothing_wrong()


def _the_log_tells(trial: Trial, fault: Fault, begun: int, *, fails: int) -> None:
    """For each update how it ended; of those that failed why, with a word of it and without the password."""
    assert trial.running() == []
    updates = trial.since(begun)
    assert {update.table_name for update in updates} <= set(TABLES)
    bad = [update for update in updates if update.outcome is not Outcome.SUCCEEDED]
    assert len(bad) >= fails, updates
    for update in bad:
        assert update.outcome in (Outcome.FAILED, fault.outcome), update
        causes = fault.causes | ({Cause.CANCELLED} if update.outcome is Outcome.CANCELLED else frozenset())
        assert update.cause in causes, (update.cause, update.error_message)
        assert update.number_records == -1
        assert update.end_dt is not None
        assert update.error_message
        assert "secret" not in update.error_message


# ------------------------------------------------------------------------------------------------- networks


def _proxy_does(what: Callable[[Trial], None], trial: Trial) -> AbstractContextManager[None]:
    return _healed(trial, lambda: what(trial))


@contextmanager
def _healed(trial: Trial, begin: Callable[[], None]) -> Iterator[None]:
    begin()
    try:
        yield
    finally:
        trial.origin.proxy.heal()


def cut(share: float, beside: int = 0) -> Fault:
    """The connections are cut when so much of a Mass has come."""

    def begin(trial: Trial) -> None:
        trial.origin.proxy.cut_after(int(trial.whole * share) + beside)

    return Fault(update_type=UpdateType.MASS, happens=partial(_proxy_does, begin), causes=AWAY)


def hang(share: float) -> Fault:
    """Nothing comes any more once so much of a Mass has come."""

    def begin(trial: Trial) -> None:
        trial.origin.proxy.stall_after(int(trial.whole * share))

    return Fault(update_type=UpdateType.MASS, happens=partial(_proxy_does, begin), causes=AWAY)


def _slowly(trial: Trial) -> None:
    """So that each table takes a second or two, however many are read at once."""
    trial.origin.proxy.slow(trial.whole / len(TABLES) / 1.5)


def _down(trial: Trial) -> None:
    trial.origin.proxy.refuse()


def _cancel(trial: Trial) -> None:
    """The operator cancels whatever runs, and it ends soon; then what waited runs."""
    cancelled = {update.operation_id for update in trial.running()}
    for operation_id in cancelled:
        trial.ask(ActionKind.CANCEL, operation_id=operation_id)
    began = time.monotonic()
    while cancelled & {update.operation_id for update in trial.running()}:
        assert time.monotonic() - began < PROMPT
        time.sleep(0.02)


def _cancel_in_mid_stream(trial: Trial) -> None:
    trial.staged()
    _cancel(trial)


def _cancel_in_silence(trial: Trial) -> None:
    time.sleep(0.4)
    _cancel(trial)


def _end_sessions(trial: Trial) -> None:
    """Again and again, so that no second try gets through."""
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        trial.origin.end_sessions()
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------- servers


@contextmanager
def _wrong_password(trial: Trial) -> Iterator[None]:
    """At most two logins are tried, however many tables wait; then a person puts it right and says so."""
    trial.origin.set_password(right=False)
    before = trial.origin.proxy.connections
    yield
    trial.due(UpdateType.HOURLY)
    trial.ended()
    assert 1 <= trial.origin.proxy.connections - before <= 2, trial.origin.proxy.connections - before
    trial.origin.set_password(right=True)
    trial.ask(ActionKind.RESET, source_system="ERP")


def _on_table(what: str, trial: Trial) -> AbstractContextManager[None]:
    """Something is done to one of the tables, whichever."""
    table = trial.draw.choice(list(TABLES))
    origin = trial.origin
    return {
        "gone": lambda: origin.without(table),
        "column gone": lambda: origin.renamed_column(table, filled=False),
        "column changed": lambda: origin.renamed_column(table, filled=True),
        "locked": lambda: origin.locked(table),
    }[what]()


def _nothing(trial: Trial) -> None:
    del trial


FAULTS: Mapping[str, Fault] = {
    "dropped at once": cut(0),
    "dropped at 1 kB": cut(0, 1_000),
    "dropped at 50 %": cut(0.5),
    "dropped at 99 %": cut(0.97),
    "silent from the start": hang(0),
    "silent in mid-stream": hang(0.5),
    "slow": Fault(update_type=UpdateType.MASS, happens=partial(_proxy_does, _slowly), causes=frozenset(), fails=0),
    "down": Fault(update_type=UpdateType.DAILY, happens=partial(_proxy_does, _down), causes=AWAY, fails=len(TABLES)),
    "cancelled in mid-stream": Fault(
        update_type=UpdateType.MASS,
        happens=partial(_proxy_does, _slowly),
        causes=AWAY,
        outcome=Outcome.CANCELLED,
        meanwhile=_cancel_in_mid_stream,
    ),
    "cancelled in silence": Fault(
        update_type=UpdateType.MASS,
        happens=hang(0.3).happens,
        causes=AWAY,
        outcome=Outcome.CANCELLED,
        meanwhile=_cancel_in_silence,
    ),
    "sessions ended": Fault(
        update_type=UpdateType.MASS,
        happens=partial(_proxy_does, _slowly),
        causes=AWAY,
        meanwhile=_end_sessions,
    ),
    "wrong password": Fault(
        update_type=UpdateType.HOURLY,
        happens=_wrong_password,
        causes=frozenset({Cause.LOGIN_REFUSED}),
        meanwhile=_nothing,
    ),
    "table gone": Fault(
        update_type=UpdateType.HOURLY,
        happens=partial(_on_table, "gone"),
        causes=frozenset({Cause.SCHEMA_CHANGED, Cause.CONFIGURATION}),
        meanwhile=_nothing,
    ),
    "column gone": Fault(
        update_type=UpdateType.HOURLY,
        happens=partial(_on_table, "column gone"),
        causes=frozenset({Cause.SCHEMA_CHANGED}),
        meanwhile=_nothing,
    ),
    "column changed": Fault(
        update_type=UpdateType.DAILY,
        happens=partial(_on_table, "column changed"),
        causes=frozenset({Cause.SCHEMA_CHANGED, Cause.BAD_DATA}),
        meanwhile=_nothing,
    ),
}
"""By name, in the order in which they are suffered."""

LOCKED = Fault(
    update_type=UpdateType.HOURLY,
    happens=partial(_on_table, "locked"),
    causes=AWAY,
    meanwhile=_nothing,
)
"""Another program has a table for itself."""
