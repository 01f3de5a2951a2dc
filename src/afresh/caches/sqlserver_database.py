"""A SQL Server database: sessions with it, what it can do, and retries of what only needs another try."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from afresh.caches.sqlserver_errors import is_busy, translated
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_probes import probe
from afresh.caches.sqlserver_session import Session
from afresh.core.errors import AfreshError, CacheLocked, CacheUnavailable
from afresh.drivers.mssql import Connect
from afresh.drivers.mssql_url import Settings

T = TypeVar("T")

_TRIES = 3
_PAUSE_SECONDS = 1.0
_AGAIN_SECONDS = 0.05
_LONGEST_TIMEOUT = 2**31 - 1
_SET = (
    # Messages are understood by their words, which follow the language of the login.
    "SET LANGUAGE us_english",
    "SET NOCOUNT ON",
    "SET XACT_ABORT ON",
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    # What indexes on views and computed columns, and filtered ones, ask of those who write to their table.
    "SET ANSI_NULLS ON",
    "SET ANSI_PADDING ON",
    "SET ANSI_WARNINGS ON",
    "SET ARITHABORT ON",
    "SET CONCAT_NULL_YIELDS_NULL ON",
    "SET QUOTED_IDENTIFIER ON",
    "SET NUMERIC_ROUNDABORT OFF",
)


class Database:
    """Opens sessions. What the server understands is found out once and kept."""

    def __init__(self, settings: Settings, lock_timeout: timedelta, connect: Connect) -> None:
        self.settings = settings
        self.lock_seconds = lock_timeout.total_seconds()
        self._connect = connect
        self._understood: tuple[str, ...] | None = None
        self._features: Features | None = None
        self._lock = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session, closed at the end."""
        session = self.open()
        try:
            yield session
        finally:
            session.close()

    def open(self) -> Session:
        """A session that the caller closes."""
        for remaining in reversed(range(_TRIES)):
            session = self._connected()
            try:
                self._set_up(session)
            except BaseException as error:
                session.close()
                # A driver that keeps connections may give one whose server went away meanwhile.
                if not remaining or not isinstance(error, CacheUnavailable):
                    raise
            else:
                return session
        raise AssertionError("unreachable")

    def transact(self, work: Callable[[Session], T]) -> T:
        """Does a short piece of work in a transaction; again if it was the victim of a deadlock."""
        with self.session() as session:
            return again(session, lambda: work(session), self.lock_seconds)

    def features(self, session: Session) -> Features:
        """What the server can do, found out with the first session that is to write."""
        with self._lock:
            if self._features is None:
                self._features = probe(session, self.settings.schema, self.settings.staging_schema)
            return self._features

    def _connected(self) -> Session:
        text, secret = self.settings.connection_string(), self.settings.password
        for remaining in reversed(range(_TRIES)):
            with translated(str(self.settings), secret):
                try:
                    connection = self._connect(text, self.settings.connect_timeout)
                except Exception as error:
                    if not remaining or not is_busy(error):
                        raise
                    # A managed database that moves between machines is back in seconds.
                    time.sleep(_PAUSE_SECONDS)
                else:
                    return Session(connection, str(self.settings), secret)
        raise AssertionError("unreachable")

    def _set_up(self, session: Session) -> None:
        if self._understood is None:
            self._understood = tuple(statement for statement in self._wanted() if _accepts(session, statement))
        if self._understood:
            session.run(";\n".join(self._understood))

    def _wanted(self) -> tuple[str, ...]:
        return (*_SET, f"SET LOCK_TIMEOUT {min(int(self.lock_seconds * 1000), _LONGEST_TIMEOUT)}")


def again(session: Session, work: Callable[[], T], seconds: float) -> T:
    """Does the work in a transaction; again if it was the victim of a deadlock, for so many seconds."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            with session.transaction():
                return work()
        except CacheLocked:
            if time.monotonic() > give_up:
                raise
            time.sleep(_AGAIN_SECONDS)


def _accepts(session: Session, statement: str) -> bool:
    try:
        session.run(statement)
    except CacheUnavailable:
        raise
    except AfreshError:
        return False
    return True
