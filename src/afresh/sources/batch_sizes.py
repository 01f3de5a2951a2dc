"""Batches as large as a source brings them in reasonable time."""

import threading
import time
from collections.abc import Hashable, Iterator
from datetime import timedelta

import pyarrow as pa

from afresh.core.ports import Reading, SourceSystem
from afresh.core.select import Query, Select
from afresh.sources.watched import Ticks
from afresh.sources.wrapped import Wrapped, closing

_FEWEST = 100
_MEMORY = 0.5
"""How much of what was measured before is kept when a read was measured."""


class BatchSizes(Wrapped):
    """Each read of a table is cut into batches that should take `longest`, by the rows a second that earlier reads of
    it brought; never more rows than asked for, nor fewer than a hundred.

    The size holds for a whole read, because a driver takes it when a statement begins.
    """

    def __init__(self, inner: SourceSystem, *, longest: timedelta, ticks: Ticks = time.monotonic) -> None:
        super().__init__(inner)
        self._longest = longest.total_seconds()
        self._ticks = ticks
        self._lock = threading.Lock()
        self._rates: dict[Hashable, float] = {}

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches, and a measurement for the next read."""
        what = select.table if isinstance(select, Select) else select.sql
        rows, spent, began = 0, 0.0, self._ticks()
        with closing(self._inner.read(select, reading, self.rows(what, batch_rows))) as batches:
            for batch in batches:
                spent += self._ticks() - began
                rows += batch.num_rows
                yield batch
                began = self._ticks()
            spent += self._ticks() - began
        if rows >= _FEWEST and spent > 0:
            self._measure(what, rows / spent)

    def rows(self, what: Hashable, most: int) -> int:
        """Rows of a batch of that table or query, of so many at most."""
        with self._lock:
            rate = self._rates.get(what)
        if rate is None:
            return most
        return max(min(int(rate * self._longest), most), min(_FEWEST, most))

    def _measure(self, what: Hashable, rate: float) -> None:
        with self._lock:
            before = self._rates.get(what, rate)
            self._rates[what] = before * _MEMORY + rate * (1 - _MEMORY)
