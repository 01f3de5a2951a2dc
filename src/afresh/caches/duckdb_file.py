"""The DuckDB files that this process has open: each once, however many caches and tasks use it.

All connections of a process to one file share one instance and one configuration. For writing, an instance is held
until the last cache on the file is closed, and keeps all other processes out; for reading alone, only for a moment.
"""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import duckdb

from afresh.caches.duckdb_address import Address
from afresh.caches.duckdb_errors import HeldElsewhere, translated
from afresh.caches.duckdb_gate import Gate
from afresh.core.errors import CacheError, CacheLocked, CacheUnavailable

_RETRY_SECONDS = 0.02
_OWN_MEMORY = 96 * 2**20
_COLUMN_MEMORY = 512 * 2**10
"""Whoever appends to a table holds a block of values and one of nulls for each of its columns."""

_VACUUM_TASKS = 100
_IN_OUR_TIME = "SET max_vacuum_tasks = 0; SET checkpoint_threshold = '1GB'"
"""Checkpoints come when we say so, not inside of a commit, and few of them put together what is scattered and leave
out what was deleted: else every window would rewrite several row groups."""

ROW_GROUP = 122_880
"""The rows that DuckDB keeps together, at most."""
_PIECES = 32
_LOG_ROWS = """
SELECT max(estimated_size) FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'main' AND table_name = 'DataUpdate'
"""
_LOG_PIECES = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('main.DataUpdate')"


class OpenFile:
    """One file as this process has it open.

    `control` is the turn of those who write the cache's own tables, whose rows no constraint keeps apart. `broken`
    says that nobody may begin with it any more: it is opened again when all who use it are out.
    """

    def __init__(self, address: Address, root: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        self.address = address
        self.read_only = read_only
        self.gate = Gate()
        self.control = threading.Lock()
        self.claims = 1
        self.broken = False
        self._root = root
        self._lock = threading.Lock()
        self._columns = 0
        self._memory = address.first_memory
        self._pieces: int | None = None

    @property
    def memory(self) -> int:
        """What DuckDB may use now, in bytes."""
        return self._memory

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one task, to be closed by the caller."""
        with translated(self.address.path):
            return self._root.cursor()

    @contextmanager
    def room(self, columns: int) -> Iterator[None]:
        """Memory for a sync of so many columns, up to the limit; what DuckDB has been given it keeps."""
        with self._lock:
            self._columns += columns
            # One thread fills staging while the others fill the table.
            wanted = _OWN_MEMORY + self._columns * _COLUMN_MEMORY * (self.address.threads + 1)
            if min(wanted, self.address.memory) > self._memory:
                self._memory = min(wanted, self.address.memory)
                with closing(self.cursor()) as cursor, translated(self.address.path):
                    cursor.execute(f"SET memory_limit = '{self._memory}B'")
        try:
            yield
        finally:
            with self._lock:
                self._columns -= columns

    def checkpoint(self, *, vacuum: bool = False) -> None:
        """Takes what is committed into the file itself, while nobody writes; `Busy` if somebody does.

        With `vacuum`, rows that were deleted leave the file, and what came in small pieces is put together. Without,
        that happens once in a while: each checkpoint leaves a piece of every table that was written, of one block of
        256 kB at least, for a few rows. The log is written by every sync, so its pieces tell how many there were.
        """
        with closing(self.cursor()) as cursor, translated(self.address.path):
            if self._pieces is None:
                self._pieces = _pieces_of_log(cursor)
            vacuum = vacuum or self._pieces > _PIECES
            if vacuum:
                cursor.execute(f"SET max_vacuum_tasks = {_VACUUM_TASKS}")
            try:
                cursor.execute("CHECKPOINT")
                # A transaction that looks on may have kept pieces apart: what is left is counted again.
                self._pieces = None if vacuum else self._pieces + 1
            finally:
                if vacuum:
                    cursor.execute("SET max_vacuum_tasks = 0")

    def close(self) -> None:
        """Ends the process's hold on the file."""
        with suppress(duckdb.Error):  # of a broken instance; what was committed is in the file or its log
            self._root.close()


_OPEN: dict[Path, OpenFile] = {}
_CHANGED = threading.Condition()


def claim(address: Address, patience: float) -> OpenFile:
    """The file, opened for writing and made if there is none; to be given back by `release`.

    Waits so many seconds for other processes that read it, then raises `CacheLocked`.
    """
    give_up = time.monotonic() + patience
    while True:
        try:
            return _claimed(address, read_only=False, give_up=give_up)
        except HeldElsewhere as error:
            if time.monotonic() > give_up:
                raise CacheLocked(error.message, hint=error.hint) from error
            time.sleep(_RETRY_SECONDS)


def release(file: OpenFile) -> None:
    """Gives a claim back; the last one closes the file."""
    with _CHANGED:
        file.claims -= 1
        if file.claims == 0:
            _OPEN.pop(file.address.path, None)
            file.close()
            _CHANGED.notify_all()


@contextmanager
def reading(address: Address, patience: float) -> Iterator[OpenFile]:
    """The file for a moment, as it is open, or opened to read it; `HeldElsewhere` if another process writes it."""
    file = _claimed(address, read_only=True, give_up=time.monotonic() + patience)
    try:
        yield file
    finally:
        release(file)


def _claimed(address: Address, *, read_only: bool, give_up: float) -> OpenFile:
    with _CHANGED:
        found = _OPEN.get(address.path)
        while found is not None and (found.broken or (found.read_only and not read_only)):
            if not _CHANGED.wait(max(give_up - time.monotonic(), 0)):
                raise CacheLocked(f"{address.path}: it is still open elsewhere in this process")
            found = _OPEN.get(address.path)
        if found is None:
            found = _OPEN[address.path] = _opened(address, read_only=read_only)
        elif found.address.config() != address.config() and not read_only:
            raise CacheError(
                f"{address.path}: this process has the file open with other settings",
                hint="Give the same memory_limit, threads and temp_directory everywhere.",
            )
        else:
            found.claims += 1
        return found


@atexit.register
def _close_all() -> None:
    """What nobody closed: DuckDB complains of connections that outlive the interpreter."""
    with _CHANGED:
        while _OPEN:
            _OPEN.popitem()[1].close()


def _opened(address: Address, *, read_only: bool) -> OpenFile:
    with translated(address.path):
        if not read_only and not address.path.exists():
            _make(address.path)
        root = duckdb.connect(str(address.path), read_only=read_only, config=dict(address.config()))
        root.execute(_IN_OUR_TIME)
    return OpenFile(address, root, read_only=read_only)


def _pieces_of_log(cursor: duckdb.DuckDBPyConnection) -> int:
    """How many row groups of the log there are beyond those that its rows fill."""
    found = cursor.execute(_LOG_ROWS).fetchone()
    if found is None or found[0] is None:
        return 0
    pieces = cursor.execute(_LOG_PIECES).fetchone()
    assert pieces is not None
    return int(pieces[0] - 4 * found[0] // (3 * ROW_GROUP))


def _make(path: Path) -> None:
    """Makes an empty database beside its place and puts it there whole: DuckDB cannot open one that was half made."""
    if not path.parent.is_dir():
        raise CacheUnavailable(f"{path}: the directory does not exist", hint="Make the directory.")
    half = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        duckdb.connect(str(half)).close()
        try:
            os.link(half, path)
        except FileExistsError:
            pass  # another process was faster
        except OSError:
            half.rename(path)  # a file system without links
    finally:
        half.unlink(missing_ok=True)
