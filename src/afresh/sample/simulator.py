"""Keeps a sample source changing, the way an ERP does: from many sessions, late, out of order, and without notice."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from threading import Event
from types import TracebackType
from zoneinfo import ZoneInfo

from afresh.core.errors import ConfigurationError, SourceUnavailable
from afresh.core.ports import Clock
from afresh.sample.business import HABITS, Transaction, change_again, new_work_order, order_status
from afresh.sample.changes import Change, ChangeKind, Key, Operation, Stamp, stamp_at
from afresh.sample.desk import Desk, NextNumbers
from afresh.sample.scale import TABLES
from afresh.sample.traps import traps

_ATTEMPTS = 5
_SHORTEST_HOLD = timedelta(seconds=2)
_LOCK_TIMEOUT_SECONDS = 30
_TICK_SECONDS = 0.1
_SLEPT = timedelta(seconds=10)
_FURTHEST_BACK_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A transaction that waits for its commit."""

    due: datetime
    number: int
    operations: Sequence[Operation]

    def __lt__(self, other: "_Held") -> bool:
        return (self.due, self.number) < (other.due, other.number)


class Simulator:
    """Runs business transactions on a sample source made by `source.create`; one simulator a file.

    Transactions open at a steady pace of the clock, from the moment the simulator is made. What happens depends on
    the seed, the file and the clock's readings alone. A row's stamp never goes back unless `backward_stamps` asks
    for it. Belongs to one thread at a time. A context manager; what is held back when it closes is lost, like the
    open transactions of a server that stops.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        seed: int = 1,
        transactions_per_second: float = 5.0,
        time_zone: str = "America/Chicago",
        late_commits: float = 0.02,
        same_second: float = 0.05,
        future_stamps: float = 0.01,
        backward_stamps: float = 0.0,
        longest_transaction: timedelta = timedelta(seconds=30),
        clock_skew: timedelta = timedelta(seconds=2),
    ) -> None:
        """The awkward things come as shares of the transactions they can happen to.

        `late_commits`: visible only after two seconds to `longest_transaction`, with the stamp of its opening.
        `same_second`: a work order is changed again at once, by a second transaction with the same stamp.
        `future_stamps`: a new work order is stamped by a clock that is days ahead.
        `backward_stamps`: a work order is changed with a stamp older than the one it has; which version of the row
        is the newest can then not be told from the row, so that a copy is right only after a full read.
        `clock_skew`: how much the clocks of single servers are behind at most.
        """
        if transactions_per_second <= 0:
            raise ConfigurationError(f"transactions_per_second must be above 0, not {transactions_per_second}")
        if not path.exists():
            raise SourceUnavailable(f"there is no sample source {path}", hint="Make one with `sample.source.create`.")
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._random = Random(seed)  # noqa: S311  nothing here is a secret
        self._pause = timedelta(seconds=1) / transactions_per_second
        self._late, self._again = late_commits, same_second
        self._future, self._backward = future_stamps, backward_stamps
        self._longest, self._skew = longest_transaction, clock_skew
        self._connection = _open(path)
        self._present = _tables(self._connection)
        self._habits = [habit for habit in HABITS if self._present.issuperset(habit.needs)]
        if not self._habits:
            raise ConfigurationError(f"{path} has no table that the simulator knows what to do with")
        self._numbers = NextNumbers(self._connection, self._present, self._random)
        self._started = clock.now()
        self._taken = _trap_keys(self._started, self._zone)
        self._opened = 0
        self._held: list[_Held] = []
        self._held_ever = 0

    def step(self) -> list[Change]:
        """Does what is due since the last step: opens transactions, and commits those whose time has come."""
        now = self._clock.now()
        changes = []
        with _failures():
            while (opening := self._started + (self._opened + 1) * self._pause) <= now:
                changes += self._commit_due(opening, now)
                self._opened += 1
                changes += self._transact(opening, now)
            return changes + self._commit_due(now, now)

    def settle(self) -> list[Change]:
        """Commits everything held back: a quiet point, after which nothing happens until the next step."""
        with _failures():
            return self._commit_due(None, self._clock.now())

    def run(self, stop: Event) -> None:
        """Steps in real time until it is told to stop; settles then. Time that the computer slept is left out."""
        last = self._clock.now()
        while not stop.wait(_TICK_SECONDS):
            now = self._clock.now()
            if now - last > _SLEPT:
                self._started += now - last
            last = now
            self.step()
        self.settle()

    def close(self) -> None:
        """Ends the simulator's session with the source. May be called twice."""
        self._connection.close()

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------ transactions

    def _transact(self, opening: datetime, now: datetime) -> list[Change]:
        operations = self._write(opening)
        following = self._write_again(operations)
        if not self._happens(self._late):
            return self._commit(operations, now) + self._commit_or_hold(following, opening, now)
        due = self._hold(operations, opening)
        self._hold(following, opening, due)
        return []

    def _commit_or_hold(self, operations: Sequence[Operation], opening: datetime, now: datetime) -> list[Change]:
        if operations and self._happens(self._late):
            self._hold(operations, opening)
            return []
        return self._commit(operations, now)

    def _write(self, opening: datetime) -> list[Operation]:
        """The statements of one transaction; another kind of it where one finds nothing to do."""
        for _ in range(_ATTEMPTS):
            habit = self._random.choices(self._habits, [habit.weight for habit in self._habits])[0]
            desk = self._desk(habit.run, opening)
            habit.run(desk)
            if desk.operations:
                return desk.operations
        return []

    def _desk(self, transaction: Transaction, opening: datetime) -> Desk:
        instant = opening - self._random.random() * self._skew
        in_order = True
        if transaction is new_work_order and self._happens(self._future):
            instant += timedelta(days=self._random.randint(1, 3))
        elif transaction is order_status and self._happens(self._backward):
            instant -= timedelta(seconds=self._random.randint(1, _FURTHEST_BACK_SECONDS))
            in_order = False
        return self._desk_at(stamp_at(instant, self._zone), in_order=in_order)

    def _desk_at(self, stamp: Stamp, *, in_order: bool = True) -> Desk:
        return Desk(
            connection=self._connection,
            random=self._random,
            numbers=self._numbers,
            present=self._present,
            taken=self._taken,
            stamp=stamp,
            in_order=in_order,
        )

    def _write_again(self, operations: Sequence[Operation]) -> list[Operation]:
        """A second change of a changed work order, with the stamp of the first; none most of the time."""
        for first in operations:
            if first.table == "F4801" and first.kind is ChangeKind.UPDATE and first.stamp is not None:
                if not self._happens(self._again):
                    return []
                desk = self._desk_at(stamp_at(first.stamp, self._zone))
                change_again(desk, first.key)
                return desk.operations
        return []

    def _happens(self, share: float) -> bool:
        return self._random.random() < share

    # ----------------------------------------------------------------------------------------------- commits

    def _hold(self, operations: Sequence[Operation], opening: datetime, due: datetime | None = None) -> datetime:
        """Keeps a transaction open until then, its rows locked."""
        spread = max(self._longest - _SHORTEST_HOLD, timedelta(0))
        due = due or opening + min(_SHORTEST_HOLD, self._longest) + self._random.random() * spread
        if operations:
            self._held_ever += 1
            heappush(self._held, _Held(due=due, number=self._held_ever, operations=operations))
            self._taken.update((operation.table, operation.key) for operation in operations)
        return due

    def _commit_due(self, until: datetime | None, now: datetime) -> list[Change]:
        changes = []
        while self._held and (until is None or self._held[0].due <= until):
            held = heappop(self._held)
            self._taken.difference_update((operation.table, operation.key) for operation in held.operations)
            self._taken.update((o.table, o.key) for other in self._held for o in other.operations)
            changes += self._commit(held.operations, now)
        return changes

    def _commit(self, operations: Sequence[Operation], now: datetime) -> list[Change]:
        """Runs the statements in one short transaction; tells those that found their row."""
        if not operations:
            return []
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            done = [o for o in operations if self._connection.execute(o.sql, o.values).rowcount > 0]
        return [Change(kind=o.kind, table=o.table, key=o.key, stamp=o.stamp, committed=now) for o in done]


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SourceUnavailable(f"the sample source could not be read or changed: {error}") from error


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return frozenset(name for (name,) in names if name in TABLES)


def _trap_keys(now: datetime, zone: ZoneInfo) -> set[tuple[str, Key]]:
    """The rows that hold the traps of the file: they stay as they are."""
    held = traps(now, zone, invalid_dates=True)
    return {(trap.table, tuple(key.values())) for trap in held for key in trap.keys}
