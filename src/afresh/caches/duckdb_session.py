"""One connection at work for one task, which a cancellation breaks off within moments."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from afresh.caches.duckdb_errors import translated
from afresh.caches.duckdb_file import OpenFile
from afresh.core.ports import Cancellation

Row = tuple[Any, ...]
T = TypeVar("T")

INCOMING = "temp.main.afresh_incoming"
"""How statements call the Arrow rows that `load` hands them."""

_REPEAT_SECONDS = 0.05


class Session:
    """Statements of one task on a cursor of the process's connection. Belongs to one thread at a time."""

    def __init__(self, file: OpenFile, cancel: Cancellation | None = None) -> None:
        self.file = file
        self._path = file.address.path
        self._connection = connection = file.cursor()
        self._cancel = cancel
        self._breaker = _Breaker(connection)
        self._feed: _Feed | None = None

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The statement's result."""
        self.check()
        with translated(self._path, self._cancel):
            self._connection.execute(statement, list(parameters))
            return self._connection.fetchall() if self._connection.description else []

    def run(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """A statement whose result is of no interest."""
        self.rows(statement, parameters)

    def one(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """The one number that is the statement's result: of a DML statement, how many rows it touched."""
        return int(self.rows(statement, parameters)[0][0])

    def expect(self, schema: pa.Schema) -> None:
        """Says which columns `load` will bring. Outside of a transaction, whose end would have to be waited for."""
        self._feed = _Feed(schema)
        with translated(self._path):
            self._connection.register(INCOMING.rpartition(".")[2], self._feed)

    def load(self, batches: Sequence[pa.RecordBatch], statement: str) -> None:
        """A statement that reads these rows, of the columns that are expected, as `INCOMING`."""
        assert self._feed is not None
        self._feed.batches = batches
        try:
            self.run(statement)
        finally:
            self._feed.batches = ()

    def transaction(self, work: Callable[[], T]) -> T:
        """The work as one transaction, rolled back on any exception. Once it commits, nothing breaks it off."""
        self.run("BEGIN TRANSACTION")
        try:
            done = work()
            self.commit()
        except BaseException:
            self.rollback()
            raise
        return done

    def commit(self) -> None:
        """Ends the transaction; a cancellation comes before it or after it."""
        self.check()
        with self._breaker.held(), translated(self._path, self._cancel):
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undoes the transaction, if there is one."""
        with suppress(duckdb.Error), self._breaker.held():
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Gives the connection back; undoes what is not committed."""
        if self._feed is not None:
            with suppress(duckdb.Error):
                self._connection.unregister(INCOMING.rpartition(".")[2])
        self._connection.close()

    def check(self) -> None:
        """Raises `Cancelled` if the stop was asked for."""
        if self._cancel is not None:
            self._cancel.check()

    @contextmanager
    def broken_off(self) -> Iterator[None]:
        """While open, a cancellation breaks off the statement under way; afterwards none concerns the session."""
        if self._cancel is None:
            yield
            return
        try:
            with self._cancel.interrupts(self._breaker.start):
                yield
        finally:
            self._breaker.close()
            self._cancel = None


class _Feed:
    """Rows that a connection reads by the Arrow stream protocol, one block after the other under one name.

    A name given anew to each block would keep all blocks in memory until the transaction ends.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.batches: Sequence[pa.RecordBatch] = ()
        self._schema = schema

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self._schema, self.batches)
        stream: object = reader.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]  # a stub is missing
        return stream


class _Breaker:
    """Interrupts a connection again and again: an interrupt that falls between two statements is lost."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._closed = threading.Event()
        self._held = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to interrupt; returns at once."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="afresh-interrupt", daemon=True)
                self._thread.start()

    @contextmanager
    def held(self) -> Iterator[None]:
        """No interrupt falls in here."""
        with self._held:
            yield

    def close(self) -> None:
        """Returns when nothing will be interrupted any more."""
        self._closed.set()
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            with self._held:
                self._connection.interrupt()
            self._closed.wait(_REPEAT_SECONDS)
