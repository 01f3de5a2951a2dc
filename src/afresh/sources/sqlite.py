"""SQLite files as sources: opened read-only, one connection and one read transaction for each read."""

import marshal
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import (
    AfreshError,
    BadValue,
    ConfigurationError,
    QueryFailed,
    SourceRefused,
    SourceUnavailable,
)
from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.ports import Cancellation, Clock, TableInfo
from afresh.core.schema import Column, type_name
from afresh.core.select import Output, Query, Select, Statement, TableName, Value
from afresh.sources import sqlite_catalogue as catalogue
from afresh.sources.render import Dialect, Use, render
from afresh.sources.sqlite_values import Unfit, convert, first_unfit, mask

_PIECE_ROWS = 8
_BATCH_BYTES = 32 * 1024 * 1024
_LOCK_WAIT = timedelta(milliseconds=100)
_WESTERNMOST = timedelta(hours=12)
_UNDECODED = re.compile(r"Could not decode to UTF-8 column")
_UNAVAILABLE = {"BUSY", "LOCKED", "CANTOPEN", "IOERR", "NOTADB", "CORRUPT", "PROTOCOL", "NOMEM", "FULL"}
_REFUSED = {"PERM", "AUTH"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions:
    """Settings of a SQLite source."""

    path: Annotated[Path, Field(description="The database file; relative to the configuration file's directory.")]
    busy_timeout: Annotated[
        timedelta, Field(ge=timedelta(0), description="How long a read waits for a writer to let it begin.")
    ] = timedelta(seconds=10)


def bind(value: Value, use: Use) -> object:
    """The value as SQLite's driver takes it; dates and times as the texts that SQLite programs store.

    A floor is cut down to the shortest text that is not greater than any form of the same or a later reading:
    `2024-05-01T10:00`, `2024-05-01 10:00` and `2024-05-01 10:00:00.000` all count as at or after `2024-05-01 10`.
    An instant may be stored in the source's zone, in UTC, or with any offset, so its floor is the earliest reading
    that any zone has for it, 12 hours before UTC's.
    """
    match value:
        case datetime():
            if value.tzinfo is not None:
                value = value.astimezone(UTC).replace(tzinfo=None) - (_WESTERNMOST if use == "floor" else timedelta(0))
            if use == "floor":
                return value.isoformat(" ", "minutes").removesuffix(":00").removesuffix(" 00")
            return value.isoformat(" ", "seconds" if use == "query" else "auto")
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value


DIALECT = Dialect(name="sqlite", bind=bind)


class SqliteSource:
    """A SQLite file that is only read. Nothing is held open between reads."""

    def __init__(
        self,
        *,
        name: str,
        path: Path,
        time_zone: ZoneInfo,
        clock: Clock,
        busy_timeout: timedelta = timedelta(seconds=10),
        connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
    ) -> None:
        self.time_zone = time_zone
        self._name = name
        self._path = path
        self._clock = clock
        self._attempts = max(1, busy_timeout // _LOCK_WAIT)
        self._connect = connect

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send."""
        return render(select, DIALECT)

    def read(self, select: Select | Query, cancel: Cancellation, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows from one state of the database; batches of wide rows are cut short at about 32 MB."""
        cancel.check()
        outputs = select.outputs
        if isinstance(select, Query) and not outputs:
            outputs = tuple(Output(column.name, column.name, column.type) for column in self.describe_query(select))
        statement = self.statement(select)
        with self._session(cancel) as connection:
            reading = _Reading(self._name, select, outputs, self.time_zone, connection)
            rows_done = 0
            try:
                cursor = connection.execute(statement.sql, statement.parameters)
                reading.look_at(cursor)
                for rows in _batches(cursor, batch_rows):
                    cancel.check()
                    batch = reading.batch(rows, rows_done)
                    rows_done += len(rows)
                    rows.clear()  # the batch may wait for long
                    yield batch
            except sqlite3.OperationalError as error:
                if _UNDECODED.match(str(error)):
                    reading.find_undecodable(statement, rows_done, cancel)
                    raise QueryFailed(f"source {self._name}: a text of the result is not valid UTF-8") from None
                raise

    def describe(self, table: TableName) -> TableInfo | None:
        """The table as the schema declares it; rows from the last ANALYZE, else from the span of rowids."""
        with self._session(_NEVER) as connection:
            columns = catalogue.table_columns(connection, table)
            if not columns:
                return None
            return TableInfo(
                columns=columns,
                key=catalogue.table_key(connection, table),
                rows=catalogue.table_rows(connection, table, DIALECT),
            )

    def describe_query(self, query: Query) -> tuple[Column, ...]:
        """The result columns; computed ones must have been given a type."""
        with self._session(_NEVER, query_only=False) as connection:
            return catalogue.query_columns(connection, query, DIALECT)

    def now(self) -> datetime:
        """Our own clock: SQLite has none of its own, its programs run on this machine or stamp by theirs."""
        return self._clock.now()

    def close(self) -> None:
        """Nothing is held open."""

    @contextmanager
    def _session(self, cancel: Cancellation, *, query_only: bool = True) -> Iterator[sqlite3.Connection]:
        """A read-only connection inside a read transaction, which a cancellation interrupts; closed on every way
        out."""
        with self._errors(cancel), closing(self._open()) as connection, cancel.interrupts(connection.interrupt):
            if query_only:
                connection.execute("PRAGMA query_only = ON")
            self._begin(connection, cancel)
            yield connection

    def _open(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        timeout = _LOCK_WAIT.total_seconds()
        return self._connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)

    def _begin(self, connection: sqlite3.Connection, cancel: Cancellation) -> None:
        """Starts the transaction and sees to it that it holds its lock; waits for writers in steps, for SQLite's own
        waiting cannot be interrupted."""
        connection.execute("BEGIN")
        for attempt in range(self._attempts):
            try:
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            except sqlite3.OperationalError as error:
                if _code(error) != "BUSY" or attempt == self._attempts - 1:
                    raise
                cancel.check()
            else:
                return

    @contextmanager
    def _errors(self, cancel: Cancellation) -> Iterator[None]:
        """Translates the driver's errors."""
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning) as error:
            if _code(error) == "INTERRUPT":
                cancel.check()
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> AfreshError:
        code, place = _code(error), f"source {self._name}"
        if code in _UNAVAILABLE and not self._path.is_file():
            return SourceUnavailable(f"{place}: there is no file {self._path}")
        if code in _UNAVAILABLE:
            return SourceUnavailable(f"{place}: {self._path}: {error}")
        if _name(error).startswith("READONLY_"):
            return SourceUnavailable(
                f"{place}: {self._path}: {error}",
                hint="A program that wrote to it was killed, or its -wal and -shm files cannot be used; "
                "open it once with a program that may write.",
            )
        if code in _REFUSED:
            return SourceRefused(f"{place}: {self._path}: {error}")
        return QueryFailed(f"{place}: {error}")


class _Reading:
    """One read: turns rows into batches, and finds the row when a value does not fit."""

    def __init__(
        self,
        source: str,
        select: Select | Query,
        outputs: Sequence[Output],
        zone: ZoneInfo,
        connection: sqlite3.Connection,
    ) -> None:
        self._source = source
        self._select = select
        self._outputs = outputs
        self._zone = zone
        self._connection = connection
        self._schema = pa.schema([pa.field(output.name, output.type) for output in outputs])
        self._positions: Sequence[int] = range(len(outputs))

    def look_at(self, cursor: sqlite3.Cursor) -> None:
        """Finds where the outputs of a query stand in its result; those of a select stand in order."""
        if isinstance(self._select, Query):
            names = [name.casefold() for name, *_ in cursor.description]
            self._positions = [_position(names, output.column) for output in self._outputs]

    def batch(self, rows: list[tuple[Any, ...]], rows_before: int) -> pa.RecordBatch:
        """The rows as a batch; `BadValue` for the first value that does not fit."""
        columns = list(zip(*rows, strict=True))
        arrays = []
        for position, output in zip(self._positions, self._outputs, strict=True):
            try:
                arrays.append(convert(columns[position], output.type, self._zone))
            except Unfit as unfit:
                row = first_unfit(columns[position], output.type, self._zone)
                raise self._bad_value(output, columns[position][row], rows[row], rows_before + row) from unfit
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def find_undecodable(self, statement: Statement, rows_done: int, cancel: Cancellation) -> None:
        """Reads on from that row once more with texts taken as they are, and raises `BadValue` for the one that is
        not UTF-8. The transaction is the same, so the rows are."""
        self._connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        cursor = self._connection.execute(statement.sql, statement.parameters)
        for number, row in enumerate(cursor):
            if number >= rows_done:
                cancel.check()
                self.batch([row], number)

    def _bad_value(self, output: Output, value: object, row: tuple[Any, ...], number: int) -> BadValue:
        wanted = type_name(output.type)
        return BadValue(
            f"source {self._source}: {self._place()}.{output.column}: row {self._row_name(row, number)} holds "
            f"{mask(value)}, which {wanted} cannot hold exactly"
        )

    def _place(self) -> str:
        return str(self._select.table) if isinstance(self._select, Select) else "query"

    def _row_name(self, row: tuple[Any, ...], number: int) -> str:
        """The row's key if it was read along, else its position in the read."""
        position = f"{number + 1} of the read"
        if isinstance(self._select, Query):
            return position
        read = {output.column.casefold(): row[index] for index, output in enumerate(self._outputs)}
        key = catalogue.table_key(self._connection, self._select.table)
        if not key or any(name.casefold() not in read for name in key):
            return position
        return ", ".join(f"{name}={_short(read[name.casefold()])}" for name in key)


class _Never:
    """The cancellation of what is too short to be cancelled."""

    requested = False

    def check(self) -> None:
        """Nothing to stop for."""

    @contextmanager
    def interrupts(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Nobody interrupts."""
        yield


_NEVER = _Never()


def _batches(cursor: sqlite3.Cursor, batch_rows: int) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in batches of at most that many, cut short when they grow large; measured every few rows, because one
    row in a hundred may hold a file."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    while piece := cursor.fetchmany(min(_PIECE_ROWS, batch_rows - len(rows))):
        rows += piece
        size += len(marshal.dumps(piece))
        if len(rows) >= batch_rows or size >= _BATCH_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _position(names: list[str], column: str) -> int:
    match names.count(column.casefold()):
        case 1:
            return names.index(column.casefold())
        case 0:
            raise QueryFailed(f"the query has no result column {column!r}", hint=f"It has: {', '.join(names)}.")
        case _:
            raise QueryFailed(f"the query has more than one result column {column!r}", hint="Rename all but one.")


def _short(value: object) -> str:
    text = f"a BLOB of {len(value)} bytes" if isinstance(value, bytes) else str(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _code(error: Exception) -> str:
    """SQLite's primary result code, such as BUSY; empty for errors of the driver itself."""
    return _name(error).split("_")[0]


def _name(error: Exception) -> str:
    """SQLite's extended result code, such as READONLY_ROLLBACK; empty for errors of the driver itself."""
    return (getattr(error, "sqlite_errorname", None) or "").removeprefix("SQLITE_")


def _build(context: SourceContext) -> SqliteSource:
    options: SqliteOptions = context.options
    try:
        zone = ZoneInfo(context.config.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"source {context.name}: {context.config.time_zone!r} is not a time zone",
            hint="Use an IANA name, such as America/Chicago.",
        ) from None
    return SqliteSource(
        name=context.name,
        path=context.base_directory / options.path,
        time_zone=zone,
        clock=context.clock,
        busy_timeout=options.busy_timeout,
    )


SQLITE = SourceKind(options=SqliteOptions, build=_build)
