"""SQLite files for tests, and sources that read them."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import parse_type
from afresh.core.select import Output, Predicate, Query, Select, TableName
from afresh.sources.sqlite import SqliteSource
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock


def database(path: Path, *statements: str, rows: Iterable[tuple[str, Iterable[Sequence[Any]]]] = ()) -> Path:
    """Makes the file with what the statements say; `rows` are pairs of an INSERT and its rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        for insert, many in rows:
            connection.executemany(insert, many)
    return path


def source_of(
    path: Path,
    *,
    zone: str = "UTC",
    busy_timeout: timedelta = timedelta(seconds=10),
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
) -> SqliteSource:
    """A source called ERP that reads the file."""
    return SqliteSource(
        name="ERP",
        path=path,
        time_zone=ZoneInfo(zone),
        clock=ManualClock(),
        busy_timeout=busy_timeout,
        connect=connect,
    )


def select(table: str, where: Predicate | None = None, **types: str) -> Select:
    """A select of the columns with their types, under their own names."""
    outputs = tuple(Output(name, name, parse_type(text)[0]) for name, text in types.items())
    return Select(TableName(table), outputs, where)


def rows_of(source: SqliteSource, what: Select | Query, batch_rows: int = 1000) -> list[dict[str, Any]]:
    """All rows that the source reads."""
    batches: list[pa.RecordBatch] = list(source.read(what, ManualCancellation(), batch_rows))
    return [row for batch in batches for row in batch.to_pylist()]


class SpiedConnections:
    """Connects as sqlite3 does, and keeps each connection and every statement that SQLite ran."""

    def __init__(self) -> None:
        self.connections: list[sqlite3.Connection] = []
        self.statements: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(*args, **kwargs)
        connection.set_trace_callback(self.statements.append)
        self.connections.append(connection)
        return connection

    def all_closed(self) -> bool:
        """Whether none of the connections can be used any more."""
        return self.still_open() == 0

    def still_open(self) -> int:
        """How many of the connections can still be used."""
        return sum(not _closed(connection) for connection in self.connections)


def _closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018 - raises on a closed connection
    except sqlite3.ProgrammingError:
        return True
    return False
