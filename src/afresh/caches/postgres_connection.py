"""Connections to one PostgreSQL database, for control and for Arrow data, and transactions on them.

Statements use `$1` placeholders, so that a `%` in a name is a `%`.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import psycopg
from adbc_driver_manager.dbapi import Connection as ArrowConnection

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_address import Address
from afresh.caches.postgres_errors import translated
from afresh.core.errors import CacheError, ConfigurationError
from afresh.core.ports import Cancellation

Connection = psycopg.Connection[tuple[Any, ...]]

OLDEST_VERSION = 150_000
_ORPHAN_CHECK = "1s"
_FRESH_SECONDS = 5.0
_SETTINGS = """
SELECT set_config('TimeZone', 'UTC', false), set_config('lock_timeout', $1, false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('client_min_messages', 'error', false),
    current_schema(), current_setting('server_encoding'), current_setting('server_version_num')::int
"""


class Database:
    """A PostgreSQL database and the schema in it that holds the cache. Connections are made for one task each."""

    def __init__(self, address: Address, lock_timeout: timedelta) -> None:
        self.address = address
        self.lock_timeout = lock_timeout
        self._schema = address.schema
        self._idle: deque[tuple[float, Connection]] = deque()
        self._first: list[ArrowConnection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle, self._first)

    def connect(self) -> Connection:
        """A new connection, to be closed by the caller: each statement is a transaction unless one is begun."""
        with translated(self.address):
            connection: Connection = psycopg.connect(
                self.address.conninfo, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.RawCursor
            )
            try:
                self._set_up(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection for a few statements, whose errors are translated. What is set on it must be set back.

        One that was used just now is used again: a new session has the whole catalogue to learn. One that was
        idle for longer may be dead without anybody knowing.
        """
        connection = self._taken() or self.connect()
        try:
            with translated(self.address):
                yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append((time.monotonic(), connection))

    def close(self) -> None:
        """Closes the idle connections."""
        with self._lock:
            _close_all(self._idle, self._first)

    @contextmanager
    def writing(self, connection: Connection | None = None, cancel: Cancellation | None = None) -> Iterator[Connection]:
        """A transaction: commits at the end, rolls back on any exception. Without a connection it makes one."""
        if connection is None:
            with self.connected() as own, own.transaction():
                yield own
            return
        with translated(self.address, cancel), connection.transaction():
            if cancel is not None:
                cancel.check()
            yield connection

    @contextmanager
    def arrow(self, cancel: Cancellation) -> Iterator[ArrowConnection]:
        """A connection that takes Arrow data; each ingest is a transaction of its own.

        The first one stays open, idle, for others to be made from: the driver reads all types of the database to
        make one of its own, which takes a hundred times as long.
        """
        with translated(self.address, cancel):
            with self._lock:
                if not self._first:
                    self._first.append(adbc.connect(self.address.conninfo, autocommit=True))
                connection = self._first[0].adbc_clone()
            connection.adbc_connection.set_autocommit(True)
        try:
            yield connection
        finally:
            # What is lost with it is staging, and whoever uses that is told so by the statement that fails.
            with suppress(adbc_driver_manager.Error):
                connection.close()

    @contextmanager
    def staging(self) -> Iterator[Connection]:
        """A connection for the statements of a sync. If our process is killed, the server breaks off the one under
        way within a second rather than finish it (not all systems that it runs on can do that)."""
        connection = self.connect()
        try:
            with translated(self.address):
                with suppress(psycopg.errors.InvalidParameterValue):
                    connection.execute(f"SET client_connection_check_interval = '{_ORPHAN_CHECK}'")
                yield connection
        finally:
            connection.close()

    @property
    def schema(self) -> str:
        """The schema's name; asks the database once if the URL does not say it."""
        if self._schema is None:
            self.connect().close()
        assert self._schema is not None
        return self._schema

    def name(self, table_name: str) -> str:
        """A table of the cache's schema as an identifier."""
        return sql.qualified(self.schema, table_name)

    def _taken(self) -> Connection | None:
        """The connection that has been idle for the shortest time, if that is short; others are closed."""
        try:
            since, connection = self._idle.pop()
        except IndexError:
            return None
        if time.monotonic() - since < _FRESH_SECONDS and not connection.closed:
            return connection
        connection.close()
        _close_all(self._idle, [])
        return None

    def _set_up(self, connection: Connection) -> None:
        milliseconds = f"{self.lock_timeout // timedelta(milliseconds=1)}ms"
        found = connection.execute(_SETTINGS, (milliseconds,)).fetchone()
        assert found is not None
        schema, encoding, version = found[4:]
        if version < OLDEST_VERSION:
            raise CacheError(
                f"{self.address.shown}: the server is PostgreSQL {version // 10_000}",
                hint=f"A cache needs PostgreSQL {OLDEST_VERSION // 10_000} or later, which has MERGE.",
            )
        if encoding != "UTF8":
            raise ConfigurationError(
                f"{self.address.shown}: the database's encoding is {encoding}, which cannot hold every text",
                hint="Make a database with ENCODING 'UTF8' for the cache.",
            )
        if self._schema is None and schema is None:
            raise ConfigurationError(
                f"{self.address.shown}: no schema of the search path is there",
                hint="Name a schema in the cache URL: `?schema=NAME`.",
            )
        self._schema = self._schema or schema


def _close_all(idle: deque[tuple[float, Connection]], first: list[ArrowConnection]) -> None:
    while first:
        with suppress(adbc_driver_manager.Error):
            first.pop().close()
    while idle:
        with suppress(IndexError):  # another thread took it
            idle.pop()[1].close()
