"""A stand-in for the driver and a server: it takes the calls of mssql-python and carries out our T-SQL on SQLite.

It is a fake. It proves the flow (what is sent in which order, what is committed, undone and dropped) and the logic of
the statements, not that SQL Server takes them: for that, the conformance kit runs on a real server. It does imitate
what the adapter has to deal with: `=` that ignores trailing blanks, collations that ignore case, transactions that an
error ends, bulk copy on a connection of its own, and features that a compatible server may lack.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.caches_sqlserver.tsql_batch import CATALOGUE, Batch
from tests.caches_sqlserver.tsql_words import FakeError, bound, equip, integrity, require, translate


@dataclass(kw_only=True)
class Failure:
    """Lets statements that match fail, so many times from the first match on."""

    pattern: str
    error: BaseException
    times: int = 1


@dataclass
class FakeServer:
    """A server on one SQLite file. `lacks` are patterns of statements that it does not understand."""

    path: Path
    lacks: tuple[str, ...] = ()
    no_bulk: tuple[str, ...] = ()
    sent: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    before: Callable[[str], None] = lambda _sql: None

    def connect(self, _text: str, _seconds: int) -> "FakeConnection":
        """Takes the place of `drivers.mssql.connect`."""
        self.connections += 1
        self.open_connections += 1
        return FakeConnection(self)

    def fail(self, pattern: str, error: BaseException | None = None, times: int = 1) -> None:
        """From now on the next statement that matches fails."""
        self.failures.append(
            Failure(pattern=pattern, error=error or FakeError("General error: it was told to fail"), times=times)
        )

    def check(self, sql: str) -> None:
        """Records a statement, and fails it if it is to fail."""
        self.sent.append(sql)
        self.before(sql)
        for lacking in self.lacks:
            if re.search(lacking, sql):
                raise FakeError(f"Syntax error or access violation: not supported: {lacking}")
        for failure in self.failures:
            if failure.times and re.search(failure.pattern, sql):
                failure.times -= 1
                raise failure.error

    def open_file(self) -> sqlite3.Connection:
        """The file as a server's own thread would see it."""
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=20,
            detect_types=sqlite3.PARSE_DECLTYPES,
        )
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_schema'").fetchone():
            connection.executescript("PRAGMA journal_mode = WAL;" + CATALOGUE)
        connection.execute("PRAGMA synchronous = OFF")
        equip(connection)
        return connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """One statement of another program, in SQLite's own words; a table is named \"dbo.Item\"."""
        connection = self.open_file()
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def copy_to(self, path: Path) -> None:
        """The whole database as it is, in another file."""
        source, target = self.open_file(), sqlite3.connect(path)
        source.backup(target)
        source.close()
        target.close()

    def batch(self, sql: str) -> None:
        """One batch of another program, in T-SQL or, if it is none that the adapter sends, in SQLite's own words."""
        connection = self.open_file()
        try:
            Batch(connection, ()).run(sql)
        finally:
            connection.close()

    def tables(self) -> set[str]:
        """The names of all tables there are."""
        return {row[0] for row in self.query("SELECT name FROM _object WHERE kind = 'BASE TABLE'")}


class FakeConnection:
    """A connection: transactions are the statements' business."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.file = server.open_file()
        self.closed = False

    def cursor(self) -> "FakeCursor":
        """A new statement."""
        return FakeCursor(self)

    def close(self) -> None:
        """Whatever is open is undone, late; the adapter must not rely on it."""
        if not self.closed:
            require(not self.file.in_transaction, "a connection was given back with its transaction open")
            self.closed = True
            self.server.open_connections -= 1
            self.file.close()


class FakeHandle:
    """What the driver's statement handle is for the adapter: something that can be cancelled."""

    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection

    def _cancel(self) -> None:
        self._connection.file.interrupt()


class FakeCursor:
    """One statement, with the signatures of mssql-python."""

    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection
        self._server = connection.server
        self._file = connection.file
        self._rows: list[tuple[Any, ...]] | None = None
        self.description: Any = None
        self.hstmt = FakeHandle(connection)

    def execute(self, operation: str, *parameters: Any) -> "FakeCursor":
        """Carries out one batch of the shapes that the adapter sends."""
        require(None not in parameters, "a null was bound, where it has to be written")
        try:
            self._server.check(operation)
            rows = Batch(self._file, tuple(bound(value) for value in parameters)).run(operation)
        except sqlite3.IntegrityError as error:
            self._abort()
            raise FakeError(integrity(error)) from error
        except sqlite3.Error as error:
            self._abort()
            raise FakeError(f"Syntax error or access violation: {error} in {operation}") from error
        except BaseException:
            self._abort()
            raise
        self._rows = rows
        self.description = None if rows is None else [("column",)]
        return self

    def executemany(self, operation: str, seq_of_parameters: Sequence[Sequence[Any]]) -> None:
        """Many rows of parameters for one insert."""
        self._server.check(operation)
        statement = translate(operation)
        self._file.executemany(statement, [tuple(bound(value) for value in row) for row in seq_of_parameters])

    def setinputsizes(self, sizes: list[Any]) -> None:
        """Types of parameters, which SQLite does not need."""
        assert all(len(size) == 3 for size in sizes)

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """The rows."""
        return self._rows or []

    def nextset(self) -> bool:
        """There is one result a batch."""
        return False

    def close(self) -> None:
        """Gives the statement back."""

    def bulkcopy(
        self,
        table_name: str,
        data: Any,
        batch_size: int = 0,
        timeout: int = 30,
        column_mappings: list[str] | None = None,
        *,
        table_lock: bool = False,
        keep_nulls: bool = False,
    ) -> Any:
        """Tuples, on a connection of its own."""
        self._server.check(f"BULK ROWS {table_name}")
        require(table_lock and keep_nulls, "bulk copy without its options")
        if "rows" in self._server.no_bulk:
            raise RuntimeError("Bulk Copy Error: not supported")
        return self._load(table_name, iter(data), column_mappings or [])

    def bulkcopy_arrow(
        self,
        table_name: str,
        source: Any,
        batch_size: int = 0,
        timeout: int = 30,
        column_mappings: list[str] | None = None,
        *,
        table_lock: bool = False,
        keep_nulls: bool = False,
    ) -> Any:
        """Arrow data, on a connection of its own."""
        self._server.check(f"BULK ARROW {table_name}")
        require(table_lock and keep_nulls, "bulk copy without its options")
        if "arrow" in self._server.no_bulk:
            raise RuntimeError("bulkcopy_arrow: not supported")
        rows = (row for batch in source for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
        return self._load(table_name, rows, column_mappings or [])

    def _load(self, table_name: str, rows: Iterator[tuple[Any, ...]], column_mappings: list[str]) -> dict[str, int]:
        file = self._server.open_file()
        try:
            names = ", ".join(f'"{name}"' for name in column_mappings)
            marks = ", ".join("?" * len(column_mappings))
            file.execute("BEGIN IMMEDIATE")
            copied = file.executemany(
                f"INSERT INTO {translate(table_name)} ({names}) VALUES ({marks})",
                (tuple(bound(value) for value in row) for row in rows),
            ).rowcount
            file.execute("COMMIT")
        finally:
            if file.in_transaction:
                file.execute("ROLLBACK")
            file.close()
        return {"rows_copied": copied}

    def _abort(self) -> None:
        """As under XACT_ABORT, an error ends the transaction."""
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")
