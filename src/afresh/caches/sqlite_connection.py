"""Connections to one SQLite file, its one writer at a time, and the meaning of its errors."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from afresh.core.errors import AfreshError, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.core.ports import Cancellation

_BUSY_MILLISECONDS = 100
_CACHE_KIBIBYTES = 16_384
_STEPS_BETWEEN_LOOKS = 100_000


class Database:
    """A SQLite file in WAL mode. Readers never wait; writers of this process take turns by a lock of ours, so that
    they wait in order and can be cancelled, and wait for other processes by trying again."""

    def __init__(self, path: Path, lock_timeout: timedelta) -> None:
        self.path = path
        self._lock_timeout = lock_timeout.total_seconds()
        self._turn = threading.Lock()

    def exists(self) -> bool:
        """Whether there is a file yet; one that is only read is never made."""
        return self.path.exists()

    def connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        """A new connection for one task; to be closed by the caller."""
        with translated(self.path):
            if not read_only and not self.path.parent.is_dir():
                raise CacheUnavailable(f"{self.path}: the directory does not exist", hint="Make the directory.")
            uri = f"{self.path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0)
            try:
                self._set_up(connection, read_only=read_only)
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A short-lived connection that sees one state of the file."""
        connection = self.connect(read_only=True)
        try:
            with translated(self.path):
                connection.execute("BEGIN")
                yield connection
        finally:
            connection.close()

    @contextmanager
    def writing(
        self, connection: sqlite3.Connection | None = None, cancel: Cancellation | None = None
    ) -> Iterator[sqlite3.Connection]:
        """A write transaction: commits at the end, rolls back on any exception. Without a connection it makes one.

        Raises `CacheLocked` if the turn does not come within the lock timeout, `Cancelled` as soon as that is asked.
        """
        own = connection is None
        used = connection if connection is not None else self.connect()
        try:
            with translated(self.path, cancel), self._begun(used, cancel):
                try:
                    yield used
                    used.execute("COMMIT")
                except BaseException:
                    if used.in_transaction:
                        used.execute("ROLLBACK")
                    raise
        finally:
            if own:
                used.close()

    @contextmanager
    def _begun(self, connection: sqlite3.Connection, cancel: Cancellation | None) -> Iterator[None]:
        give_up = time.monotonic() + self._lock_timeout
        check: Callable[[], None] = cancel.check if cancel is not None else lambda: None
        while not self._turn.acquire(timeout=_BUSY_MILLISECONDS / 1000):
            check()
            self._still_waiting(give_up)
        try:
            while not _begin(connection):
                check()
                self._still_waiting(give_up)
                time.sleep(0.01)
            yield
        finally:
            self._turn.release()

    def _still_waiting(self, give_up: float) -> None:
        if time.monotonic() > give_up:
            raise CacheLocked(f"{self.path}: another writer held the cache for {self._lock_timeout:.0f} s")

    def _set_up(self, connection: sqlite3.Connection, *, read_only: bool) -> None:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS if not read_only else 10_000}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
        if read_only:
            return
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute(f"PRAGMA temp.cache_size = -{_CACHE_KIBIBYTES}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            self._to_wal(connection)

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        give_up = time.monotonic() + self._lock_timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
                self._still_waiting(give_up)
                time.sleep(0.01)
            else:
                return


@contextmanager
def broken_off(connection: sqlite3.Connection, cancel: Cancellation) -> Iterator[None]:
    """While open, a cancellation breaks off the statement under way, and any that is begun later."""
    # An interrupt that falls between two statements is lost; the handler then breaks off the next one.
    connection.set_progress_handler(lambda: cancel.requested, _STEPS_BETWEEN_LOOKS)
    try:
        with cancel.interrupts(connection.interrupt):
            yield
    finally:
        connection.set_progress_handler(None, 0)


@contextmanager
def translated(path: Path, cancel: Cancellation | None = None) -> Iterator[None]:
    """sqlite3's errors as ours, with the file named and the cause kept."""
    try:
        yield
    except sqlite3.Error as error:
        if cancel is not None:
            cancel.check()
        raise _meaning(path, error) from error


def _meaning(path: Path, error: sqlite3.Error) -> AfreshError:
    name = getattr(error, "sqlite_errorname", "") or ""
    text = f"{path}: {error}"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return CacheLocked(text)
    if name.startswith("SQLITE_FULL") or "disk is full" in str(error):
        return CacheFull(text)
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_PERM")):
        return CacheUnavailable(text)
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return CacheError(text, hint="The file is no intact SQLite database: move it away, a Mass fills a new one.")
    if isinstance(error, sqlite3.IntegrityError):
        return CacheError(text, hint="The cache table has a constraint that the rows break.")
    return CacheError(text)


def _begin(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            return False
        raise
    return True


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return (getattr(error, "sqlite_errorname", "") or "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
