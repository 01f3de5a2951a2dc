"""Publishing: a readable copy of the file for other processes, which cannot open the one that is being written."""

import glob
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import duckdb

from afresh.caches import duckdb_sql as sql
from afresh.caches.duckdb_address import Address
from afresh.core.errors import AfreshError, CacheError, CacheUnavailable

_LOGGER = logging.getLogger("afresh.caches.duckdb")
_PATIENCE = 5.0
"""So long writers are held off before a publication steps back and lets them go on."""
_PAUSE = 1.0
_PROVING: dict[str, str | int | float | list[str]] = {"threads": 1, "memory_limit": "256MB"}
_TABLES = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'"
_FIRST_BLOCK = 12_288
_REACH = """
SELECT (1 + max(greatest(block_id, list_max(additional_block_ids)))) * (
    SELECT any_value(block_size) FROM pragma_database_size()
) FROM pragma_storage_info(?)
"""
_PYTHON_COPY = "import shutil, sys; shutil.copyfile(sys.argv[1], sys.argv[2])"


class Copy:
    """A copy in the making, beside its place."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self.half = target.with_name(f".{target.name}.{os.getpid()}.{uuid4().hex}")

    def take(self) -> None:
        """Copies the file as it stands. The caller sees to it that nobody writes it meanwhile."""
        done = subprocess.run(self._command(), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        if done.returncode:
            raise CacheUnavailable(
                f"{self._target}: the copy could not be made: {done.stderr.strip()}",
                hint="See whether there is space for it, and its directory may be written.",
            )

    def prove(self) -> None:
        """Raises `CacheUnavailable` unless the blocks of all tables are in the copy; what stands in them is not read.

        DuckDB gives back and takes blocks at the end of its file while it writes a checkpoint, and a copy was once seen
        that ended before its last block. So each one is opened, and where its tables' data lie is read from it.
        """
        try:
            with closing(duckdb.connect(str(self.half), read_only=True, config=_PROVING)) as connection:
                reached = max(
                    (_reach(connection, name) for (name,) in connection.execute(_TABLES).fetchall()), default=0
                )
        except duckdb.Error as error:
            raise self._cut_off(str(error)) from error
        size = self.half.stat().st_size
        if reached > size:
            raise self._cut_off(f"it has {size:,} bytes, and data up to byte {reached:,}")

    def put(self) -> None:
        """Puts the copy in its place at once and for good; who has the old one open keeps it."""
        try:
            self.half.chmod(0o444)  # opened for writing it would get a log that the next copy does not go with
            _to_disk(self.half)
            self.half.replace(self._target)
            _to_disk(self._target.parent)
        except OSError as error:
            raise CacheUnavailable(f"{self._target}: the copy could not be put there: {error}") from error

    def _cut_off(self, reason: str) -> CacheUnavailable:
        return CacheUnavailable(
            f"{self._target}: the copy is not whole, so the one before it stays: {reason}",
            hint=f"It is made again. If that goes on, {self._source} itself is damaged: "
            "move it away, and a Mass fills a new one.",
        )

    def _command(self) -> list[str]:
        """A process of its own copies: the system drops this one's lock on a file when it closes any handle on it."""
        cp = shutil.which("cp")
        words = [cp, "--"] if cp else [sys.executable, "-I", "-S", "-c", _PYTHON_COPY]
        return [*words, str(self._source), str(self.half)]


@contextmanager
def copy(source: Path, target: Path) -> Iterator[Copy]:
    """A copy to be taken and put; what is left of one that was not put is removed."""
    made = Copy(source, target)
    try:
        yield made
    finally:
        made.half.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Removes copies that processes which are gone began to make; there is one owner at a time, which we are."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*"):
        made = re.fullmatch(r"(\d+)\.[0-9a-f]{32}", left.name.removeprefix(f".{target.name}."))
        if made is not None and int(made[1]) != os.getpid():
            left.unlink(missing_ok=True)


class Publisher:
    """Publishes in a thread of its own: after a change, but not more often than the interval, and once at the end.

    `publish` takes the seconds it may wait for writers, and says whether it did publish.
    """

    def __init__(self, publish: Callable[[float], bool], address: Address) -> None:
        assert address.publish is not None
        remove_leftovers(address.publish)
        self._publish = publish
        self._interval = address.publish_interval.total_seconds()
        self._state = threading.Condition()
        self._changed = _is_older(address.publish, address.path)
        self._closing = False
        self._due = 0.0
        self._thread = threading.Thread(target=self._run, name="afresh-publish", daemon=True)
        self._thread.start()

    def changed(self) -> None:
        """Something was committed that readers are to see; returns at once."""
        with self._state:
            self._changed = True
            self._state.notify_all()

    def close(self) -> None:
        """Publishes what is not published yet; raises what went wrong with that."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        self._thread.join()
        if self._changed and not self._publish(_PATIENCE):
            raise CacheError("the last state of the cache was not published: somebody in this process is writing it")

    def _run(self) -> None:
        while self._waited():
            try:
                done = self._publish(_PATIENCE)
            except AfreshError as error:
                # Nobody waits for this thread who could be told; and the next interval tries again.
                _LOGGER.warning("The cache was not published: %s", error)
                self._again(self._interval)
            else:
                if done:
                    self._due = time.monotonic() + self._interval
                else:
                    self._again(min(_PAUSE, self._interval))

    def _waited(self) -> bool:
        """Waits until a publication is due; whether one is, before the end."""
        with self._state:
            while not self._closing:
                left = self._due - time.monotonic()
                if self._changed and left <= 0:
                    self._changed = False
                    return True
                self._state.wait(left if self._changed else None)
            return False

    def _again(self, seconds: float) -> None:
        with self._state:
            self._changed = True
            self._due = time.monotonic() + seconds


def _reach(connection: duckdb.DuckDBPyConnection, table_name: str) -> int:
    """Where in the file the table's data end, in bytes."""
    found = connection.execute(_REACH, [sql.qualified(table_name)]).fetchone()
    assert found is not None
    return _FIRST_BLOCK + int(found[0] or 0)


def _is_older(copied: Path, source: Path) -> bool:
    """Whether the copy lacks something, as after a process that was killed."""
    try:
        return copied.stat().st_mtime < source.stat().st_mtime
    except FileNotFoundError:
        return True


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
