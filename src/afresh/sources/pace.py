"""A ceiling of rows a second, for a source that others work with."""

import threading
import time
from collections.abc import Callable, Iterator

import pyarrow as pa

from afresh.core.ports import Reading, SourceSystem
from afresh.core.select import Query, Select
from afresh.sources.retries import wait_for
from afresh.sources.watched import Ticks
from afresh.sources.wrapped import Wrapped, closing


class Pace(Wrapped):
    """All reads of this process together bring at most that many rows a second; each waits behind its batch for as
    long as the rows of all should have taken. What was not used is not saved up."""

    def __init__(
        self,
        inner: SourceSystem,
        *,
        rows_per_second: int,
        ticks: Ticks = time.monotonic,
        pause: Callable[[float, Reading], None] = wait_for,
    ) -> None:
        super().__init__(inner)
        self._rate = rows_per_second
        self._ticks = ticks
        self._pause = pause
        self._lock = threading.Lock()
        self._free_at = ticks()

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches, of at most a second's rows, each in its time."""
        with closing(self._inner.read(select, reading, min(batch_rows, self._rate))) as batches:
            for batch in batches:
                wait = self._spend(batch.num_rows)
                if wait > 0:
                    self._pause(wait, reading)
                yield batch

    def _spend(self, rows: int) -> float:
        """Notes rows that came; seconds until the next may come."""
        with self._lock:
            now = self._ticks()
            self._free_at = max(self._free_at, now) + rows / self._rate
            return self._free_at - now
