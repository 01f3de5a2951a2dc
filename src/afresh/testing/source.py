"""A table in memory that can be edited like a source's, and the fetcher that reads it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from afresh.core.model import SourceInstant
from afresh.core.ports import Clock, Explanation, Reading
from afresh.core.schema import TableSchema

Row = dict[str, Any]
Key = tuple[Any, ...]


class MemoryTable:
    """Rows by key. What is written is visible to the next read at once: a transaction that commits late is written
    late, with the stamp it was given early."""

    def __init__(self, schema: TableSchema, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        self.schema = schema
        self._lock = threading.Lock()
        self._rows: dict[Key, Row] = {}
        self._echoes: list[Row] = []
        for row in rows:
            self.put(row)

    def put(self, row: Mapping[str, Any]) -> None:
        """Inserts the row, or replaces the one of its key."""
        if set(row) != set(self.schema.names):
            raise ValueError(f"the row has {sorted(row)}, the table {sorted(self.schema.names)}")
        with self._lock:
            self._rows[self._key(row)] = dict(row)

    def change(self, *key: Any, **values: Any) -> None:
        """Changes some columns of the row of that key; KeyError if there is none."""
        with self._lock:
            self._rows[key].update(values)

    def delete(self, *key: Any) -> None:
        """Deletes the row of that key; KeyError if there is none."""
        with self._lock:
            del self._rows[key]

    def clear(self) -> None:
        """Deletes all rows."""
        with self._lock:
            self._rows.clear()

    def echo(self, row: Mapping[str, Any]) -> None:
        """The next read delivers this row too, before or after the true one: a read without a snapshot does so."""
        with self._lock:
            self._echoes.append(dict(row))

    def take_echoes(self) -> list[Row]:
        """The echoes that no read has delivered yet; they are forgotten."""
        with self._lock:
            echoes, self._echoes = self._echoes, []
            return echoes

    def rows(self) -> list[Row]:
        """The rows as they are."""
        with self._lock:
            return [dict(row) for row in self._rows.values()]

    def take(self) -> list[Row]:
        """The rows as one read delivers them: echoes first, then the true ones."""
        return self.take_echoes() + self.rows()

    def _key(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[name] for name in self.schema.key)


class MemoryFetcher:
    """Reads a `MemoryTable` as the Fetcher port asks: the window by stamp, and every row whose stamp is null.

    `fail_after` makes a read raise that error after so many rows; `hold`, an event, makes it wait before its end,
    without looking at the cancellation; `reads` are the MinimumDTs it was asked for.
    """

    def __init__(self, table: MemoryTable, *, clock: Clock | None = None, batch_rows: int = 1_000) -> None:
        self.table = table
        self.fail_after: tuple[int, Exception] | None = None
        self.hold: threading.Event | None = None
        self.reading = threading.Event()
        self.reads: list[datetime | None] = []
        self.forgotten = 0
        self._clock = clock
        self._batch_rows = batch_rows

    def schema(self) -> TableSchema:
        """The table's."""
        return self.table.schema

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """The rows of one state of the table, in batches."""
        self.reads.append(minimum_dt)
        rows = [row for row in self.table.take() if self._in_window(row, minimum_dt)]
        limit = len(rows) if self.fail_after is None else min(self.fail_after[0], len(rows))
        for start in range(0, limit, self._batch_rows):
            cancel.check()
            yield pa.RecordBatch.from_pylist(
                rows[start : min(start + self._batch_rows, limit)], schema=self.table.schema.arrow()
            )
        self.reading.set()
        if self.hold is not None:
            self.hold.wait()
        if self.fail_after is not None:
            raise self.fail_after[1]

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """How many rows there are."""
        return Explanation(expected_rows=sum(self._in_window(row, minimum_dt) for row in self.table.rows()))

    def misses(self) -> str | None:
        """No change."""
        return None

    def clock(self) -> SourceInstant | None:
        """The clock it was given; None without one."""
        return SourceInstant(now=self._clock.now()) if self._clock is not None else None

    def forget(self) -> None:
        """Counts in `forgotten`; the schema is always the table's of now."""
        self.forgotten += 1

    def _in_window(self, row: Row, minimum_dt: datetime | None) -> bool:
        stamp = row[self.table.schema.last_update] if self.table.schema.last_update else None
        return minimum_dt is None or stamp is None or bool(stamp >= minimum_dt)
