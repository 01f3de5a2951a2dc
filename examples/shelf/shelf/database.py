"""Connections to the file, and the meaning of its errors."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from afresh.core.errors import CacheError, CacheLocked, CacheUnavailable, ConfigurationError

OWN = """
CREATE TABLE IF NOT EXISTS ShelfTable (Name PRIMARY KEY, Columns NOT NULL, KeyColumns NOT NULL);
CREATE TABLE IF NOT EXISTS DataUpdate (
    Sequence INTEGER PRIMARY KEY, TableName NOT NULL, SourceSystem, UpdateType, OperationId UNIQUE, InstanceId, StartDT,
    MinimumDT, EndDT, SourceDT, WasSuccessful, NumberRecords, RowsInserted, RowsUpdated, RowsUnchanged, RowsDeleted,
    Outcome, ErrorMessage, Whole NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS OneOpen ON DataUpdate (TableName) WHERE NumberRecords = -2;
CREATE VIEW IF NOT EXISTS LastDataUpdates AS SELECT * FROM DataUpdate WHERE Sequence IN (
    SELECT max(Sequence) FROM DataUpdate WHERE WasSuccessful GROUP BY TableName, UpdateType
);
CREATE TABLE IF NOT EXISTS AfreshLease (Name PRIMARY KEY, Fence NOT NULL, Whole);
CREATE TABLE IF NOT EXISTS AfreshAction (Sequence INTEGER PRIMARY KEY, Whole NOT NULL);
"""
RESERVED = frozenset({"shelftable", "dataupdate", "lastdataupdates", "afreshlease", "afreshaction", "oneopen"})


class Database:
    """One file; each transaction has a connection of its own."""

    def __init__(self, path: Path, lock_seconds: float) -> None:
        self._path = path
        self._lock_seconds = lock_seconds

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction, one at a time in the file: commits at the end, rolls back on any exception."""
        with self._translated(), closing(self._connect()) as connection:
            self._to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                for statement in OWN.split(";"):
                    connection.execute(statement)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds; nothing if there is no file yet, which reading does not make."""
        if not self._path.exists():
            return []
        with self._translated(), closing(self._connect()) as connection:
            return connection.execute(sql, values).fetchall()

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        """Readers see the state before a transaction while it runs. SQLite's own timeout does not hold for this
        statement: where two make a new file at once, one is told at once that it is locked."""
        give_up = time.monotonic() + self._lock_seconds
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._lock_seconds, isolation_level=None)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The driver's errors as ours: which of them may pass by themselves is what the schedule needs to know."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "unable to open" in str(error):
                raise CacheUnavailable(f"{self._path}: {error}", hint="Make the directory.") from error
            kind = CacheLocked if "locked" in str(error) else CacheError
            raise kind(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise CacheError(f"{self._path}: {error}") from error


def quote(name: str) -> str:
    """The name as an identifier: the one place where names become SQL."""
    if not name or "\0" in name:
        raise ConfigurationError(f"{name!r} cannot be the name of a table or column")
    return '"' + name.replace('"', '""') + '"'
