"""One session of a SQL Server database: one transaction, closed on every way out."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from afresh.core.ports import Cancellation
from afresh.drivers.mssql import Connect
from afresh.sources.sqlserver_errors import translated
from afresh.sources.sqlserver_options import SqlServerOptions

_AGAIN_SECONDS = 0.1
_SET = (
    # Errors are known by their words, which follow the language of the login.
    "SET LANGUAGE us_english",
    "SET NOCOUNT ON",
    "SET CONCAT_NULL_YIELDS_NULL ON",
    "SET TEXTSIZE 2147483647",
)
SNAPSHOT_ALLOWED = "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()"
_ON = 1


class Sessions:
    """Opens sessions with the options of one source."""

    def __init__(self, name: str, options: SqlServerOptions, connect: Connect) -> None:
        self._place = f"source {name}"
        self._options = options
        self._settings = options.settings()
        self._connect = connect
        self._snapshot: bool | None = {"snapshot": True, "read_committed": False}.get(options.isolation)
        self._understood: tuple[str, ...] | None = None

    @contextmanager
    def open(self, cancel: Cancellation) -> Iterator["Session"]:
        """A session inside a transaction, which sees one state of the database where that allows it; a cancellation
        breaks off what runs in it. The transaction is rolled back in the end: nothing was written."""
        with translated(self._place, self._settings.password, cancel):
            cancel.check()
            connection: Any = self._connect(self._settings.connection_string(), self._settings.connect_timeout)
            connection.timeout = int(self._options.query_timeout.total_seconds())
            session = Session(connection)
            try:
                with cancel.interrupts(session.interrupt):
                    self._set_up(session)
                    cancel.check()
                    yield session
            finally:
                session.close()

    def _set_up(self, session: "Session") -> None:
        if self._understood is None:
            wanted = (*_SET, f"SET LOCK_TIMEOUT {int(self._options.lock_timeout.total_seconds() * 1000)}")
            self._understood = tuple(statement for statement in wanted if session.accepts(statement))
        if self._snapshot is None:
            # A server without this view has no such isolation; then reads are as committed.
            found = session.attempt(SNAPSHOT_ALLOWED)
            self._snapshot = bool(found) and found[0][0] == _ON
        level = "SNAPSHOT" if self._snapshot else "READ COMMITTED"
        session.execute(";\n".join([*self._understood, f"SET TRANSACTION ISOLATION LEVEL {level}"]))
        session.execute("BEGIN TRANSACTION")


class Session:
    """A connection in a transaction. `interrupt` may come from any thread."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._running: Any = None
        self._closed = threading.Event()
        self._interrupted = False

    def execute(self, sql: str) -> None:
        """A statement without rows."""
        self.rows(sql)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        with self._cursor() as cursor:
            cursor.execute(sql, *parameters)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def attempt(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows; none if the server does not allow or know that. Not inside a transaction, which an error ends."""
        with suppress(Exception):
            return self.rows(sql)
        return []

    def accepts(self, sql: str) -> bool:
        """Whether the server carries a statement out."""
        with suppress(Exception):
            self.rows(sql)
            return True
        return False

    def batches(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        """The result as record batches of so many rows, as the driver makes them."""
        with self._cursor() as cursor:
            cursor.execute(sql)
            # The reader ends its result when nobody holds it any more, so it is held.
            reader = cursor.arrow_reader(rows)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from reader

    def interrupt(self) -> None:
        """Breaks off the statement under way, and each that comes after it."""
        self._interrupted = True
        threading.Thread(target=self._break_off, name="afresh-interrupt", daemon=True).start()

    def close(self) -> None:
        """Gives the connection back with no transaction open."""
        self._closed.set()
        with suppress(Exception):
            cursor = self._connection.cursor()
            cursor.execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
            cursor.close()
        with suppress(Exception):
            self._connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        cursor = self._connection.cursor()
        self._running = cursor
        try:
            yield cursor
        finally:
            self._running = None
            with suppress(Exception):
                cursor.close()

    def _break_off(self) -> None:
        """Again and again, because a cancel that comes just before a statement is lost."""
        while not self._closed.wait(_AGAIN_SECONDS if self._running is None else 0):
            handle = getattr(self._running, "hstmt", None)
            with suppress(Exception):
                handle._cancel()  # type: ignore[union-attr]  # the driver has it, but not under a public name
            if self._closed.wait(_AGAIN_SECONDS):
                return
