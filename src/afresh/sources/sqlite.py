"""SQLite files as sources: opened read-only, one connection and one read transaction for each read."""

import marshal
import re
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import (
    AfreshError,
    ConfigurationError,
    QueryFailed,
    SourceRefused,
    SourceUnavailable,
)
from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.model import SourceInstant
from afresh.core.ports import (
    Account,
    Cancellation,
    Catalogue,
    Clock,
    Reading,
    SourceColumn,
    SourceTraits,
    TableInfo,
    TableSummary,
)
from afresh.core.select import Output, Query, Select, Statement, TableName, Value
from afresh.sources import sqlite_catalogue as catalogue
from afresh.sources.arrow_read import positions
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.process_user import process_user
from afresh.sources.render import Dialect, Use, render
from afresh.sources.sqlite_values import convert, mask

_FEW_ROWS, _MORE_ROWS = 8, 32
_SMALL_ROW = 1024
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
        show_values: bool = False,
        connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
    ) -> None:
        self.traits = SourceTraits(
            kind="sqlite",
            dialect="sqlite",
            time_zone=time_zone,
            own_clock=False,
            read_only_sessions=True,
        )
        self._name = name
        self._path = path
        self._clock = clock
        self._attempts = max(1, busy_timeout // _LOCK_WAIT)
        self._show_values = show_values
        self._connect = connect

    @property
    def catalogue(self) -> Catalogue:
        """What the file's schema says."""
        return self

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send."""
        return render(select, DIALECT)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows from one state of the database; batches of wide rows are cut short at about 32 MB.

        At a text that is not UTF-8 the driver gives up: the read begins again, in the same transaction and past what
        has come, with texts taken as they are, so that such a value follows its column's policy.
        """
        reading.check()
        outputs = select.outputs
        if isinstance(select, Query) and not outputs:
            outputs = tuple(Output(column.name, column.name, column.type) for column in self.describe_query(select))
        statement = self.statement(select)
        with self._session(reading) as connection:
            read = _Read(self._fitting(select, outputs, reading, connection), select, outputs)
            rows_done = 0
            for decode in (None, _undecoded):
                if decode is not None:
                    connection.text_factory = decode
                cursor = connection.execute(statement.sql, statement.parameters)
                read.look_at(cursor)
                deque(islice(cursor, rows_done), maxlen=0)
                try:
                    for rows in _batches(cursor, batch_rows):
                        reading.check()
                        batch = read.batch(rows, rows_done)
                        rows_done += len(rows)
                        rows.clear()  # the batch may wait for long
                        yield batch
                except sqlite3.OperationalError as error:
                    if decode is not None or not _UNDECODED.match(str(error)):
                        raise
                else:
                    return

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """The whole: one reader is as fast as a file of SQLite's gets."""
        yield (select,)

    def describe(self, table: TableName) -> TableInfo | None:
        """The table as the schema declares it; rows from the last ANALYZE, else from the span of rowids."""
        with self._session(NEVER) as connection:
            columns = catalogue.table_columns(connection, table)
            if not columns:
                return None
            return TableInfo(
                columns=columns,
                key=catalogue.table_key(connection, table),
                rows=catalogue.table_rows(connection, table, DIALECT),
            )

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns; computed ones must have been given a type."""
        with self._session(NEVER, query_only=False) as connection:
            return catalogue.query_columns(connection, query, DIALECT)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """The tables and views of the file."""
        with self._session(NEVER) as connection:
            return catalogue.tables(connection, schema, DIALECT)

    def account(self) -> Account:
        """A file has no accounts; what counts is whether this process may write it, which it never tries."""
        with self._session(NEVER) as connection:
            version = connection.execute("SELECT sqlite_version()").fetchone()[0]
        return Account(user=process_user(), version=f"SQLite {version}", may_write=())

    def clock(self) -> SourceInstant:
        """Our own clock: SQLite has none of its own, its programs run on this machine or stamp by theirs."""
        return SourceInstant(now=self._clock.now())

    def close(self) -> None:
        """Nothing is held open."""

    def _fitting(
        self, select: Select | Query, outputs: Sequence[Output], reading: Reading, connection: sqlite3.Connection
    ) -> Fitting:
        return Fitting(
            source=self._name,
            select=select,
            outputs=outputs,
            zone=self.traits.time_zone,
            reading=reading,
            key=lambda table: catalogue.table_key(connection, table),
            convert=convert,
            mask=mask,
            show_values=self._show_values,
        )

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


class _Read:
    """One read: turns rows into batches."""

    def __init__(self, fitting: Fitting, select: Select | Query, outputs: Sequence[Output]) -> None:
        self._fitting = fitting
        self._select = select
        self._outputs = outputs
        self._positions: Sequence[int] = ()

    def look_at(self, cursor: sqlite3.Cursor) -> None:
        """Finds where the outputs stand in the result."""
        self._positions = positions(self._select, self._outputs, [name for name, *_ in cursor.description])

    def batch(self, rows: list[tuple[Any, ...]], rows_before: int) -> pa.RecordBatch:
        """The rows as a batch."""
        columns = list(zip(*rows, strict=True))
        return self._fitting.batch([columns[position] for position in self._positions], rows_before)


def _undecoded(text: bytes) -> str:
    """A text of which bytes that are not UTF-8 are kept as what no type takes, so that the value does not fit."""
    return text.decode("utf-8", "surrogateescape")


def _batches(cursor: sqlite3.Cursor, batch_rows: int) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in batches of at most that many, cut short when they grow large; measured every few rows, because one
    row in a hundred may hold a file. Of a table whose rows are small, a few more are fetched at once.
    """
    rows: list[tuple[Any, ...]] = []
    size = 0
    most = _FEW_ROWS
    while piece := cursor.fetchmany(min(most, batch_rows - len(rows))):
        rows += piece
        measured = len(marshal.dumps(piece))
        size += measured
        most = _MORE_ROWS if measured < _SMALL_ROW * len(piece) else _FEW_ROWS
        if len(rows) >= batch_rows or size >= _BATCH_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


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
        show_values=context.config.show_values,
    )


SQLITE = SourceKind(options=SqliteOptions, build=_build)
