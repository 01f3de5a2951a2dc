"""A session with the server: statements, transactions, and breaking off the statement under way."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from afresh.caches.sqlserver_errors import translated
from afresh.core.errors import AfreshError
from afresh.core.ports import Cancellation
from afresh.drivers.mssql import Connection, Cursor

Row = tuple[Any, ...]

_AGAIN_SECONDS = 0.1


class Session:
    """One connection, used by one thread at a time; `interrupt` may come from any other.

    With a cancellation every statement is checked before it is sent and broken off while it runs. Statements that
    hold names of users have no parameters: a driver may take a `?` in a name for one.
    """

    def __init__(self, connection: Connection, place: str, secret: str = "") -> None:
        self._connection = connection
        self._place = place
        self._secret = secret
        self._cancel: Cancellation | None = None
        self._running: Cursor | None = None
        self._closed = False

    def run(self, sql: str, *parameters: object) -> None:
        """Sends a statement whose results do not matter."""
        self.rows(sql, *parameters)

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """The rows of the first result that has any columns; an error in what follows it is raised too."""
        with self.cursor() as cursor:
            cursor.execute(sql, *parameters)
            found: list[Row] = []
            while True:
                if cursor.description and not found:
                    found = [tuple(row) for row in cursor.fetchall()]
                if not cursor.nextset():
                    return found

    def one(self, sql: str, *parameters: object) -> Row | None:
        """The first row, if there is one."""
        found = self.rows(sql, *parameters)
        return found[0] if found else None

    def number(self, sql: str, *parameters: object) -> int:
        """The only value of the only row, which is a number."""
        found = self.one(sql, *parameters)
        return int(found[0]) if found is not None else 0

    def changed(self, sql: str, *parameters: object) -> int:
        """How many rows a statement changed. The server is asked: what a driver counts includes what triggers do."""
        return self.number(f"{sql};\nSELECT @@ROWCOUNT", *parameters)

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """The driver's cursor for one call, with its errors translated; broken off if the cancellation asks for it."""
        if self._cancel is not None:
            self._cancel.check()
        with translated(self._place, self._secret, self._cancel):
            cursor = self._connection.cursor()
            self._running = cursor
            try:
                yield cursor
            finally:
                self._running = None
                with suppress(Exception):
                    cursor.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits at the end, rolls back on any exception."""
        self.run("BEGIN TRANSACTION")
        try:
            yield
            self.run("COMMIT TRANSACTION")
        except BaseException:
            with self.uninterrupted(), suppress(AfreshError):
                self.roll_back()
            raise

    def roll_back(self) -> None:
        """Ends a transaction that may have ended already by an error."""
        self.run("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")

    @contextmanager
    def interrupted_by(self, cancel: Cancellation) -> Iterator[None]:
        """While open, a cancellation breaks off the statement under way and refuses all later ones."""
        self._cancel = cancel
        try:
            with cancel.interrupts(self._interrupt):
                yield
        finally:
            self._cancel = None

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """For what has to be done on the way out, whoever asked for a stop."""
        cancel, self._cancel = self._cancel, None
        try:
            yield
        finally:
            self._cancel = cancel

    def close(self) -> None:
        """Gives the connection back with no transaction open. May be called twice."""
        if self._closed:
            return
        with suppress(AfreshError), self.uninterrupted():
            self.roll_back()
        self._closed = True
        with suppress(Exception):
            self._connection.close()

    def _interrupt(self) -> None:
        threading.Thread(target=self._break_off, name="afresh-interrupt", daemon=True).start()

    def _break_off(self) -> None:
        """Again and again, because a cancel that comes just before a statement is lost."""
        waiting = threading.Event()
        while self._cancel is not None and not self._closed:
            running = self._running
            if running is not None:
                _cancel(running)
            waiting.wait(_AGAIN_SECONDS)


def _cancel(cursor: Cursor) -> None:
    """ODBC's SQLCancel, which may be called from any thread; the driver has it, but not under a public name."""
    cancel: Callable[[], None] | None = getattr(getattr(cursor, "hstmt", None), "_cancel", None)
    if cancel is not None:
        # The statement may have ended meanwhile.
        with suppress(Exception):
            cancel()
