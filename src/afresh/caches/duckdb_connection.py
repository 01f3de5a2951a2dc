"""Sessions and transactions on one DuckDB file, from whichever place it can be read."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from afresh.caches import duckdb_file as files
from afresh.caches.duckdb_address import Address
from afresh.caches.duckdb_errors import Broken, Busy, Conflict, HeldElsewhere
from afresh.caches.duckdb_file import OpenFile
from afresh.caches.duckdb_publish import Publisher, copy
from afresh.caches.duckdb_session import Session
from afresh.core.errors import AfreshError, CacheLocked, CacheUnavailable
from afresh.core.ports import Cancellation

T = TypeVar("T")

_MOST_PATIENCE = 10.0
"""A process that writes a DuckDB file keeps it; only those that read it for a moment are worth waiting for."""
_WAL_LIMIT = 256 * 2**20
_LONGEST_PAUSE = 0.25


class Database:
    """A DuckDB file that this process owns from the first write until `close`; it may be used again after that."""

    def __init__(self, address: Address, lock_timeout: timedelta) -> None:
        self.address = address
        self.served_from = address.path
        self._lock_timeout = lock_timeout.total_seconds()
        self._patience = min(self._lock_timeout, _MOST_PATIENCE)
        self._lock = threading.Lock()
        self._file: OpenFile | None = None
        self._publisher: Publisher | None = None

    def exists(self) -> bool:
        """Whether there is a file yet; one that is only read is never made."""
        return self.address.path.exists()

    @contextmanager
    def session(self, cancel: Cancellation | None = None) -> Iterator[Session]:
        """A session on the file opened for writing, which is made if there is none."""
        self._hold()
        with self._session(cancel) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state and does not keep the file.

        While another process has the file, the published copy answers; `served_from` says which one did.
        """
        with self._readable() as file, closing(Session(file)) as session:
            self.served_from = file.address.path
            session.run("BEGIN TRANSACTION READ ONLY")
            yield session

    def transact(self, work: Callable[[Session], T], session: Session | None = None, *, publish: bool = True) -> T:
        """The work as one transaction, done again if another one was in the way: it may be called several times.

        Raises `CacheLocked` if it does not succeed within the lock timeout. `publish` says whether those who read the
        published copy are to see what was done.
        """
        if session is None:
            with self.session() as own:
                return self.transact(work, own, publish=publish)
        done = self._repeated(work, session)
        if publish and self._publisher is not None:
            self._publisher.changed()
        return done

    def transact_in_turn(self, work: Callable[[Session], T], *, publish: bool = True) -> T:
        """The same, while nobody else of this process does so: for what a constraint would have to guard."""
        with self.session() as session:
            if not session.file.control.acquire(timeout=self._lock_timeout):
                raise CacheLocked(f"{self.address.path}: its own tables were busy for {self._lock_timeout:.0f} s")
            try:
                return self.transact(work, session, publish=publish)
            finally:
                session.file.control.release()

    def checkpoint(self, *, vacuum: bool = False) -> None:
        """Takes what is committed into the file itself, if nobody writes now; waits for that if much has gathered.

        With `vacuum` the rows that were deleted leave the file. What is committed stays so without a checkpoint: one
        that fails is made up for by the next.
        """
        with suppress(AfreshError), self._session() as session:
            patience = self._patience if self._log_size() > _WAL_LIMIT else 0
            with session.file.gate.alone(patience) as alone:
                if alone:
                    session.file.checkpoint(vacuum=vacuum)

    def close(self) -> None:
        """Publishes what is not published yet, and gives the file back."""
        with self._lock:
            publisher, self._publisher = self._publisher, None
        try:
            if publisher is not None:
                publisher.close()
        finally:
            self._let_go()

    @contextmanager
    def _session(self, cancel: Cancellation | None = None) -> Iterator[Session]:
        file = files.claim(self.address, self._patience)
        try:
            with closing(Session(file, cancel)) as session:
                yield session
        except Broken:
            file.broken = True
            self._let_go()
            raise
        finally:
            files.release(file)

    def _repeated(self, work: Callable[[Session], T], session: Session) -> T:
        give_up = time.monotonic() + self._lock_timeout
        pause = 0.002
        while True:
            try:
                with session.file.gate.writing(lambda: self._still_waiting(session, give_up)):
                    return session.transaction(lambda: work(session))
            except Conflict:
                self._still_waiting(session, give_up)
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - no secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _still_waiting(self, session: Session, give_up: float) -> None:
        session.check()
        if time.monotonic() > give_up:
            raise CacheLocked(f"{self.address.path}: other writers were in the way for {self._lock_timeout:.0f} s")

    def _log_size(self) -> int:
        log = self.address.path.with_name(f"{self.address.path.name}.wal")
        try:
            return log.stat().st_size
        except OSError:
            return 0

    def _hold(self) -> None:
        with self._lock:
            if self._file is None:
                self._file = files.claim(self.address, self._patience)
            if self._publisher is None and self.address.publish is not None:
                self._publisher = Publisher(self._publish, self.address)

    def _let_go(self) -> None:
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            files.release(file)

    def _publish(self, patience: float) -> bool:
        """Publishes a copy if the writers are out in time; whether it did."""
        assert self.address.publish is not None
        with self._session() as session, copy(self.address.path, self.address.publish) as copied:
            with session.file.gate.alone(patience) as alone:
                if not alone:
                    return False
                try:
                    session.file.checkpoint()
                except Busy:
                    return False
                copied.take()
            copied.prove()
            copied.put()
        return True

    @contextmanager
    def _readable(self) -> Iterator[OpenFile]:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(files.reading(self.address, self._patience))
            except HeldElsewhere as error:
                file = stack.enter_context(files.reading(self._published(error), self._patience))
            yield file

    def _published(self, error: HeldElsewhere) -> Address:
        publish = self.address.publish
        if publish is None:
            raise error
        if not publish.exists():
            raise CacheUnavailable(
                f"{error.message}; and there is no published copy at {publish} yet", hint="The first sync makes one."
            ) from error
        return replace(self.address, path=publish, publish=None)
