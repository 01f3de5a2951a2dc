"""The budget of sessions: whatever is asked of the source first takes a session of it, and gives it back."""

import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TypeVar

import pyarrow as pa

from afresh.core.errors import SourceUnavailable
from afresh.core.ports import Reading, SourceSystem
from afresh.core.select import Query, Select
from afresh.sources.budget import Budget, Check
from afresh.sources.watched import Ticks, Watched
from afresh.sources.wrapped import Ask, Wrapped, closing

T = TypeVar("T")

_POLL_SECONDS = 0.1


class Sessions(Wrapped):
    """Every read, part, question and look at the clock counts. The parts of a read and the session that holds their
    snapshot are taken together, before the first of them begins: two reads cannot wait for each other."""

    def __init__(
        self, inner: SourceSystem, *, name: str, budget: Budget, patience: timedelta, ticks: Ticks = time.monotonic
    ) -> None:
        super().__init__(inner)
        self._name = name
        self._budget = budget
        self._patience = patience.total_seconds()
        self._ticks = ticks
        self._reserved: dict[Select, queue.SimpleQueue[str]] = {}

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches, once there is a session; SourceUnavailable if the session was lost meanwhile."""
        with ExitStack() as held:
            with _excused(reading):
                name = held.enter_context(self._one(select, reading))
            for batch in held.enter_context(closing(self._inner.read(select, reading, batch_rows))):
                if not self._budget.has((name,)):
                    raise SourceUnavailable(
                        f"source {self._name}: the session was lost to another process",
                        hint="This process was taken for dead (suspended?); the sync is tried again by itself.",
                    )
                yield batch

    def call(self, ask: Ask[T]) -> T:
        """The answer, once there is a session; SourceUnavailable if there is none for too long."""
        with self._budget.session(self._impatient()):
            return ask()

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """The parts, and sessions to read them in: one for what holds their snapshot, and as many as are free, but
        at least one, for them. A budget of one is read in one piece."""
        if self._budget.most == 1 or count == 1:
            yield (select,)
            return
        names = self._budget.take(self._impatient(), least=2, most=count + 1)
        try:
            with self._inner.parts(select, min(count, self._budget.most - 1)) as selects:
                free: queue.SimpleQueue[str] = queue.SimpleQueue()
                for name in names[1:]:
                    free.put(name)
                self._reserved.update(dict.fromkeys(selects, free))
                try:
                    yield selects
                finally:
                    for part in selects:
                        self._reserved.pop(part, None)
        finally:
            self._budget.give_back(names)

    def close(self) -> None:
        """Ends all waiting, and closes the source."""
        self._budget.close()
        super().close()

    def _impatient(self) -> Check:
        """What ends the wait of those whom nobody can cancel."""
        give_up = self._ticks() + self._patience

        def check() -> None:
            if self._ticks() > give_up:
                raise SourceUnavailable(
                    f"source {self._name}: all of its {self._budget.most} sessions were in use for "
                    f"{self._patience:.0f} s",
                    hint="Raise `max_sessions` of the source system if its owner agrees, or let less run at once.",
                )

        return check

    @contextmanager
    def _one(self, select: Select | Query, reading: Reading) -> Iterator[str]:
        """A session for a read: a part's is among those that are reserved for it."""
        free = self._reserved.get(select) if isinstance(select, Select) else None
        if free is None:
            with self._budget.session(reading.check) as names:
                yield names[0]
            return
        name = _waited(free, reading)
        try:
            yield name
        finally:
            free.put(name)


def _waited(free: "queue.SimpleQueue[str]", reading: Reading) -> str:
    while True:
        reading.check()
        try:
            return free.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue


@contextmanager
def _excused(reading: Reading) -> Iterator[None]:
    """The wait for a session is no silence of the source."""
    if isinstance(reading, Watched):
        with reading.waiting():
            yield
    else:
        yield
