"""DuckDB's errors as ours, with the file named and the cause kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from afresh.core.errors import AfreshError, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.core.ports import Cancellation

_MOVE_AWAY = "Move the file away: a Mass fills a new one."


class HeldElsewhere(CacheUnavailable):
    """Another process has the file open; only one can while it writes."""

    default_hint = (
        "A DuckDB file is open to one process at a time while it is written. Stop that process, "
        "or let the service publish a copy: `publish=` in the cache URL."
    )


class Conflict(CacheLocked):
    """Another transaction changed the same rows or the same table; trying again may do."""

    default_hint = "Another sync wrote the same rows all the time; the sync is tried again by itself."


class Busy(CacheLocked):
    """Somebody is at work on the file who would have to be out."""


class Broken(CacheUnavailable):
    """DuckDB refuses to go on with the file until it is opened again."""

    default_hint = "It is opened again by itself; what was committed is there."


@contextmanager
def translated(path: Path, cancel: Cancellation | None = None) -> Iterator[None]:
    """Raises our errors for DuckDB's; `Cancelled` if the stop was asked for."""
    try:
        yield
    except duckdb.Error as error:
        if cancel is not None:
            cancel.check()
        raise _meaning(path, error) from error


def _meaning(path: Path, error: duckdb.Error) -> AfreshError:
    first = str(error).partition("\n")[0].partition(" See also http")[0]
    text, lower = f"{path}: {first}", str(error).lower()
    if "could not set lock" in lower:
        return HeldElsewhere(text)
    if isinstance(error, duckdb.FatalException):
        return Broken(text)
    if _is_full(lower):
        return CacheFull(text)
    if isinstance(error, duckdb.OutOfMemoryException):
        return CacheFull(text, hint="Give it more memory (`memory_limit=` in the cache URL), or fewer threads.")
    if isinstance(error, duckdb.TransactionException) and "conflict" in lower:
        return Conflict(text)
    if "cannot checkpoint" in lower:
        return Busy(text)
    if "corrupt" in lower or "not a valid duckdb database" in lower:
        return CacheError(text, hint=f"The file is no intact DuckDB database. {_MOVE_AWAY}")
    if "version number" in lower or "storage version" in lower:
        return CacheError(text, hint=f"Another version of DuckDB wrote the file: install that one. {_MOVE_AWAY}")
    if isinstance(error, duckdb.ConnectionException) and "different configuration" in lower:
        return CacheError(text, hint="This process has the file open with other settings: give the same ones.")
    if isinstance(error, duckdb.IOException):
        return CacheUnavailable(text)
    if isinstance(error, duckdb.IntegrityError):
        return CacheError(text, hint="The cache table has a constraint that the rows break.")
    return CacheError(text)


def _is_full(lower: str) -> bool:
    full = ("no space left", "disk is full", "max_temp_directory_size", "file too large", "disk quota")
    return any(words in lower for words in full)
