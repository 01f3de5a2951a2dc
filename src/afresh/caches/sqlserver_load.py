"""Loading staged rows: by the driver's bulk copy of Arrow data, or by whatever the server can do instead.

Bulk copy opens a connection of its own each time, so rows are gathered before they are sent: what a stage is given
in small pieces goes over in few large ones.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from afresh.caches.sqlserver_features import Bulk
from afresh.caches.sqlserver_fields import Field
from afresh.caches.sqlserver_names import quote
from afresh.caches.sqlserver_parameters import Row, bindable, sizes, together
from afresh.caches.sqlserver_session import Session
from afresh.caches.sqlserver_sql import ARRIVAL, insert_staging
from afresh.core.errors import BadValue, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.core.ports import Cancellation
from afresh.core.schema import DATETIME

_GATHERED_BYTES = 32 * 1024 * 1024
_GATHERED_ROWS = 250_000
_PIECE_ROWS = 10_000
INSERTED_ROWS = 1_000


class Loader:
    """Takes the rows of one sync to its staging table, numbered by arrival."""

    def __init__(
        self,
        session: Session,
        table_name: str,
        staging: str,
        fields: Sequence[Field],
        bulk: Bulk,
        batch_size: int,
        cancel: Cancellation,
    ) -> None:
        self._session = session
        self._table_name = table_name
        self._staging = staging
        self._fields = fields
        self._bulk = bulk
        self._batch_size = batch_size
        self._cancel = cancel
        self._names = [unquoted(field.source) for field in fields] + [unquoted(ARRIVAL)]
        self._gathered: list[pa.RecordBatch] = []
        self._bytes = 0
        self._rows = 0
        self._arrived = 0
        self._sent = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Gathers rows, and sends them when there are enough."""
        staged = self._staged(batch)
        self._gathered.append(staged)
        self._bytes += staged.nbytes
        self._rows += staged.num_rows
        if self._bytes >= _GATHERED_BYTES or self._rows >= _GATHERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Sends what was gathered; afterwards it is committed in the staging table."""
        gathered, self._gathered, self._bytes, self._rows = self._gathered, [], 0, 0
        if not gathered:
            return
        try:
            self._send(gathered)
        except (CacheFull, CacheLocked, CacheUnavailable):
            raise
        except CacheError:
            if self._bulk is Bulk.INSERTS:
                raise
            # Bulk copy that fails may have committed what it had sent, so those rows go first.
            self._session.run(f"DELETE FROM {self._staging} WHERE {ARRIVAL} >= {self._sent}")
            self._bulk = Bulk.INSERTS
            self._send(gathered)
        self._sent = self._arrived

    @property
    def arrived(self) -> int:
        """How many rows were taken, all in all."""
        return self._arrived

    def _send(self, gathered: Sequence[pa.RecordBatch]) -> None:
        if self._bulk is Bulk.ARROW:
            reader = pa.RecordBatchReader.from_batches(gathered[0].schema, self._pieces(gathered))
            copy_arrow(self._session, self._staging, reader, self._names, batch_size=self._batch_size)
        elif self._bulk is Bulk.ROWS:
            rows = (row for piece in self._pieces(gathered) for row in _tuples(piece))
            copy_rows(self._session, self._staging, rows, self._names, batch_size=self._batch_size)
        else:
            self._insert(gathered)

    def _pieces(self, batches: Sequence[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows in small pieces: bulk copy cannot be broken off but between two of them."""
        for batch in batches:
            for start in range(0, batch.num_rows, _PIECE_ROWS):
                self._cancel.check()
                yield batch.slice(start, _PIECE_ROWS)

    def _insert(self, batches: Sequence[pa.RecordBatch]) -> None:
        statement = insert_staging(self._staging, self._fields)
        for piece in self._pieces(batches):
            for start in range(0, piece.num_rows, INSERTED_ROWS):
                for rows in together([bindable(row) for row in _tuples(piece.slice(start, INSERTED_ROWS))]):
                    with self._session.cursor() as cursor:
                        cursor.setinputsizes(sizes(rows, self._fields))
                        cursor.executemany(statement, rows)

    def _staged(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [_stored(self._table_name, field, batch.column(place)) for place, field in enumerate(self._fields)]
        arrival = pa.array(range(self._arrived, self._arrived + batch.num_rows), pa.int64())
        self._arrived += batch.num_rows
        return pa.RecordBatch.from_arrays([*arrays, arrival], names=self._names)


def copy_arrow(
    session: Session,
    table: str,
    reader: pa.RecordBatchReader,
    columns: list[str],
    *,
    batch_size: int = 0,
    timeout: int = 0,
) -> None:
    """Bulk copy of Arrow data, on a connection of its own: the table must have been committed."""
    with session.cursor() as cursor:
        cursor.bulkcopy_arrow(
            table, reader, batch_size, timeout=timeout, column_mappings=columns, table_lock=True, keep_nulls=True
        )


def copy_rows(
    session: Session,
    table: str,
    rows: Iterator[tuple[Any, ...]],
    columns: list[str],
    *,
    batch_size: int = 0,
    timeout: int = 0,
) -> None:
    """Bulk copy of tuples, on a connection of its own: the table must have been committed."""
    with session.cursor() as cursor:
        cursor.bulkcopy(
            table, rows, batch_size, timeout=timeout, column_mappings=columns, table_lock=True, keep_nulls=True
        )


def unquoted(source: str) -> str:
    """The plain name of a column of staging."""
    name = source.removeprefix("[").removesuffix("]")
    assert quote(name) == source
    return name


def _stored(table_name: str, field: Field, values: "pa.Array[Any]") -> "pa.Array[Any]":
    """The column as staging takes it; BadValue for what SQL Server cannot hold."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        # Without the zone: bulk copy shifts values that have one.
        return values.cast(DATETIME)
    if pa.types.is_floating(kind) and pc.all(pc.is_finite(values)).as_py() is False:
        raise BadValue(
            f"{table_name}.{field.name}: a value is not a number or infinite, which SQL Server cannot hold",
            hint="Declare the column as text, or exclude such rows.",
        )
    limit = _limit(field.staged)
    if limit is not None and (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        _check_length(table_name, field, values, limit)
    return values


def _limit(declared: str) -> int | None:
    """Characters or bytes that the type takes; None for as many as there are."""
    inside = declared.partition("(")[2].removesuffix(")")
    return int(inside) if inside.isdecimal() and declared.startswith(("nvarchar", "varbinary")) else None


def _check_length(table_name: str, field: Field, values: Any, limit: int) -> None:
    # No text has more UTF-16 units than bytes of UTF-8: only what may be too long is looked at closely.
    long: list[str | bytes] = (
        values.filter(pc.greater(pc.binary_length(values), pa.scalar(limit))).drop_null().to_pylist()
    )
    for found in long:
        length = len(found.encode("utf-16-le")) // 2 if isinstance(found, str) else len(found)
        if length > limit:
            unit = "characters" if isinstance(found, str) else "bytes"
            raise BadValue(
                f"{table_name}.{field.name}: a value of {length:,} {unit}, where the column takes {limit:,}",
                hint="A character outside the basic plane, such as an emoji, counts twice in SQL Server.",
            )


def _tuples(batch: pa.RecordBatch) -> Iterator[Row]:
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)
