"""Arrow data into staging, over a connection of its own.

Staging is an unlogged table rather than a temporary one of the ingesting connection: the two take the same time, and
an unlogged one is seen by the connection that merges, whose driver gives row counts, savepoints and bound values.
"""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import adbc_driver_manager
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager.dbapi import Cursor

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_connection import Database
from afresh.caches.postgres_errors import translated
from afresh.caches.postgres_interrupter import Interrupter
from afresh.core.errors import BadValue, CacheError
from afresh.core.ports import Cancellation
from afresh.core.schema import Column, TableSchema

_BAD_TEXT = "22021"


class Ingest:
    """Copies batches into a staging table. Connects with the first batch; a context manager."""

    def __init__(
        self, database: Database, table_name: str, schema: TableSchema, cancel: Cancellation, interrupter: Interrupter
    ) -> None:
        self._database = database
        self._table_name = table_name
        self._schema = schema
        self._cancel = cancel
        self._interrupter = interrupter
        self._open = ExitStack()
        self._cursor: Cursor | None = None
        self._arrow = schema.arrow().append(pa.field(sql.arrival_name(schema), pa.int64()))
        self._arrived = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def copy(self, batch: pa.RecordBatch, staging_name: str) -> None:
        """Appends the rows, numbered in order of arrival; all or none. `BadValue` for what the table cannot hold."""
        for column in self._schema.columns:
            if column.length is not None:
                self._check_length(column, batch.column(column.name))
        arrivals = pa.array(np.arange(self._arrived, self._arrived + batch.num_rows))
        rows = pa.RecordBatch.from_arrays([*batch.columns, arrivals], schema=self._arrow)
        cursor = self._cursor or self._connect()
        try:
            with translated(self._database.address, self._cancel):
                self._cancel.check()
                cursor.adbc_ingest(staging_name, rows, mode="append", db_schema_name=self._database.schema)
        except CacheError as error:
            if isinstance(error.__cause__, adbc_driver_manager.Error) and error.__cause__.sqlstate == _BAD_TEXT:
                self._blame_nul(batch, error)
            raise
        self._arrived += batch.num_rows

    def _connect(self) -> Cursor:
        connection = self._open.enter_context(self._database.arrow(self._cancel))
        cursor = self._open.enter_context(connection.cursor())
        self._open.enter_context(self._interrupter.reaches(cursor.adbc_cancel))
        self._cursor = cursor
        return cursor

    def _check_length(self, column: Column, texts: "pa.Array[Any]") -> None:
        """PostgreSQL would cut off blanks in silence and refuse the rest without naming the column."""
        longest = pc.max(pc.call_function("utf8_length", [texts])).as_py()
        if column.length is not None and (longest or 0) > column.length:
            raise BadValue(
                f"{self._table_name}.{column.name}: a text has {longest:,} characters, the column {column.length:,}"
            )

    def _blame_nul(self, batch: pa.RecordBatch, cause: Exception) -> None:
        """Looks for the column only now that the server has refused the batch: texts need no look otherwise."""
        for column in self._schema.columns:
            if pa.types.is_string(column.type) and pc.any(pc.match_substring(batch.column(column.name), "\0")).as_py():
                raise BadValue(
                    f"{self._table_name}.{column.name}: a text holds a NUL character, which PostgreSQL cannot store",
                    hint="Remove it in the fetcher or the source, or declare the column as bytes.",
                ) from cause
