"""The binding to ODBC, for one connection. Every call may block; all are made from one thread."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.sources.odbc_errors import Fault


def binding() -> Any:
    """The package arrow-odbc; ConfigurationError if it, or the driver manager, is not installed."""
    try:
        import arrow_odbc  # an extra
    except ImportError as error:
        raise ConfigurationError(
            "this source needs the package arrow-odbc", hint="Install it with: pip install 'afresh[odbc]'."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"the ODBC driver manager cannot be loaded: {error}",
            hint="Install unixODBC; on Debian: apt install unixodbc.",
        ) from error
    return arrow_odbc


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much a fetch brings at most: rows, and bytes of one text or binary value; `memory` bounds their product.

    With `ahead` the next fetch is made, into room of its own, while the rows of one are taken over. That is for results
    that the driver holds: it waits for no server then, so that there is nothing to break off.
    """

    rows: int
    text: int
    memory: int
    ahead: bool = False


class Driver:
    """A connection and the one result that is open on it."""

    def __init__(self, connection_string: str, *, login_timeout: timedelta, autocommit: bool, temporal: bool) -> None:
        self._string = connection_string
        self._login_seconds = max(1, round(login_timeout.total_seconds()))
        self._autocommit = autocommit
        self._temporal = temporal
        self._connection: Any = None
        self._reader: Any = None

    def connect(self) -> None:
        """Logs in."""
        self._connection = self._told(
            lambda: binding().connect(self._string, login_timeout_sec=self._login_seconds, autocommit=self._autocommit)
        )

    def execute(self, sql: str) -> None:
        """A statement whose result does not matter."""
        self._told(lambda: self._connection.execute(sql))

    def open(self, sql: str, room: Room) -> None:
        """Runs a SELECT, whose rows `fetch` gives."""
        self._reader = None
        self._reader = self._told(
            lambda: self._connection.read_arrow_batches(
                sql,
                batch_size=room.rows,
                max_bytes_per_batch=room.memory,
                max_text_size=room.text,
                max_binary_size=room.text,
                map_schema=self._safe,
                fetch_concurrently=room.ahead,
            )
        )

    def look(self, sql: str, room: Room) -> pa.Schema:
        """The schema of a result as the driver describes it; none of its rows."""
        found: list[pa.Schema] = []

        def keep(schema: pa.Schema) -> pa.Schema:
            found.append(schema)
            return self._safe(schema)

        self._told(
            lambda: self._connection.read_arrow_batches(
                sql,
                batch_size=1,
                max_text_size=room.text,
                max_binary_size=room.text,
                map_schema=keep,
                max_bytes_per_batch=room.memory,
                fetch_concurrently=False,
            )
        )
        return found[0]

    def fetch(self) -> pa.RecordBatch | None:
        """The next rows; None at the end, or if no result is open."""
        reader = self._reader
        found: pa.RecordBatch | None = None if reader is None else self._told(lambda: next(reader, None))
        return found

    def shut(self) -> None:
        """Closes the result, if one is open."""
        self._reader = None

    def close(self) -> None:
        """Ends the transaction and logs out."""
        self._reader = None
        if self._connection is not None and not self._autocommit:
            try:
                self._connection.rollback()
            except binding().Error:
                pass  # the connection is broken, and its transaction with it
        self._connection = None

    def _safe(self, schema: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, _asked_for(field.type, temporal=self._temporal)) for field in schema])

    def _told(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except binding().Error as error:
            message = str(error)
        raise Fault(message)


def _asked_for(found: Any, *, temporal: bool) -> pa.DataType:
    """What a column is asked for as: whole numbers and doubles as they are, other numbers as their text, which is
    exact. The binding ends the whole process for a date that is none and for bytes of less than the declared size, so
    those are not asked for as what they are."""
    if pa.types.is_integer(found):
        return found
    if pa.types.is_floating(found):
        return pa.float64()
    if pa.types.is_binary(found) or pa.types.is_fixed_size_binary(found):
        return pa.binary()
    if temporal and pa.types.is_timestamp(found):
        return pa.timestamp("us")
    if temporal and pa.types.is_date(found):
        return pa.date32()
    return pa.string()
