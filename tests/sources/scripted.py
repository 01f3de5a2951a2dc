"""A source that does what a test tells it: a fake, for what happens around a source."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.errors import SourceUnavailable
from afresh.core.model import SourceInstant
from afresh.core.ports import Account, Catalogue, Reading, SourceColumn, SourceTraits, TableInfo, TableSummary
from afresh.core.select import Output, Query, Select, Statement, TableName
from afresh.testing.clock import START, ManualClock

Step = Callable[[Reading], pa.RecordBatch | None]
"""What a read does next; None is nothing to deliver."""

SELECT = Select(TableName("T"), (Output("Id", "Id", pa.int64()),))


def batch(rows: int = 3) -> Step:
    """Delivers so many rows."""
    return lambda _reading: pa.RecordBatch.from_pydict({"Id": pa.array(range(rows), pa.int64())})


def fails(error: Exception) -> Step:
    """Fails so."""

    def step(_reading: Reading) -> None:
        raise error

    return step


def hangs(*, deaf: bool = False, until: threading.Event | None = None) -> Step:
    """Delivers nothing until it is interrupted; `deaf`, not even then, but when the event is set."""

    def step(reading: Reading) -> None:
        woken = until or threading.Event()
        if deaf:
            woken.wait(30)
            return
        with reading.interrupts(woken.set):
            woken.wait(30)
        reading.check()

    return step


class ScriptedSource:
    """Each read takes the next script, or the last one again; `answers` are what short questions do."""

    def __init__(self, *scripts: Sequence[Step], answers: Sequence[Exception | None] = ()) -> None:
        self.traits = SourceTraits(kind="scripted", dialect="sqlite", time_zone=ZoneInfo("UTC"))
        self.scripts = list(scripts)
        self.answers = list(answers)
        self.asked: list[int] = []
        self.questions = 0
        self.open = 0
        self.most_open = 0
        self.closed = False
        self._lock = threading.Lock()

    @property
    def catalogue(self) -> Catalogue:
        return self

    def statement(self, select: Select | Query) -> Statement:
        return Statement("SELECT 1")

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        with self._lock:
            self.asked.append(batch_rows)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        with self._session():
            for step in script:
                found = step(reading)
                if found is not None:
                    yield found

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        with self._session():
            yield [Select(select.table, select.outputs, snapshot=str(number)) for number in range(count)]

    def clock(self) -> SourceInstant:
        self._answer()
        return SourceInstant(now=START)

    def close(self) -> None:
        self.closed = True

    def describe(self, table: TableName) -> TableInfo | None:
        self._answer()
        return None

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        self._answer()
        return ()

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        self._answer()
        return ()

    def account(self) -> Account:
        self._answer()
        return Account(user="u", version="1")

    def _answer(self) -> None:
        with self._session():
            with self._lock:
                self.questions += 1
                answer = self.answers.pop(0) if self.answers else None
            if answer is not None:
                raise answer

    @contextmanager
    def _session(self) -> Iterator[None]:
        with self._lock:
            self.open += 1
            self.most_open = max(self.open, self.most_open)
        try:
            yield
        finally:
            with self._lock:
                self.open -= 1


def down() -> SourceUnavailable:
    """The error of a source that is away."""
    return SourceUnavailable("source S: away")


def ticks_of(clock: ManualClock) -> Callable[[], float]:
    """A manual clock as growing seconds."""
    return lambda: (clock.now() - START) / timedelta(seconds=1)
