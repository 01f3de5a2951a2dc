"""Sessions of DuckDB, with its errors as ours: what sources that read through it share."""

import re
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import AfreshError, ConfigurationError, QueryFailed, SourceUnavailable
from afresh.core.ports import Cancellation
from afresh.core.select import Statement

_RETRY_SECONDS = 0.05
_HELD = "could not set lock"
_CSV = re.compile(r"CSV Error on Line: (?P<line>\d+)")
_CSV_REASON = re.compile(
    r"Expected Number of Columns: \d+ Found: \d+|Value with unterminated quote found|Maximum line size of \d+ bytes"
    r" exceeded"
)
_CSV_FILE = re.compile(r"^  file = (?P<file>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What DuckDB may use of this machine while it reads."""

    memory_limit: Annotated[
        str, Field(pattern=r"^\d+ ?[KMGT]i?B$", description="Memory that DuckDB may use, such as `512MB`.")
    ] = "256MB"
    threads: Annotated[int, Field(ge=1, description="Threads with which DuckDB reads.")] = 2
    temp_directory: Annotated[
        Path | None,
        Field(description="Where DuckDB puts what does not fit into memory; by default where the system does."),
    ] = None

    def config(self) -> dict[str, str]:
        """As DuckDB takes it; nothing is fetched from elsewhere, and no name means a variable of ours."""
        return {
            "memory_limit": self.memory_limit,
            "threads": str(self.threads),
            "temp_directory": str(self.temp_directory or Path(tempfile.gettempdir(), "afresh-duckdb")),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }


Connect = Callable[..., Any]
"""Opens a database as `duckdb.connect` does."""


def driver() -> Any:
    """The module duckdb, which is imported when it is used."""
    try:
        import duckdb
    except ImportError:
        raise ConfigurationError(
            "this source is read with DuckDB, which is not installed", hint="pip install 'afresh[duckdb]'"
        ) from None
    return duckdb


@contextmanager
def session(
    place: str,
    path: Path | None,
    limits: Limits,
    cancel: Cancellation,
    *,
    patience: float = 0,
    connect: Connect | None = None,
) -> Iterator[Any]:
    """A connection to the file, read-only, or to an empty database in memory; closed on every way out.

    A request to stop interrupts it. Waits so many seconds for a process that has the file open to write.
    """
    with (
        translated(place, cancel),
        closing(_opened(path, limits, cancel, patience, connect)) as connection,
        _interrupted(connection, cancel),
    ):
        connection.execute("SET TimeZone = 'UTC'")
        try:
            yield connection
        except BaseException as error:
            # As long as anything of a file's connection is alive, such as a relation in the frames of an error, the
            # next one who opens the file waits for it without an end.
            traceback.clear_frames(error.__traceback__)
            raise


@contextmanager
def _interrupted(connection: Any, cancel: Cancellation) -> Iterator[None]:
    """While open, a request to stop breaks off what the connection does, again and again: DuckDB forgets a request
    that comes just before a statement begins."""
    ended, threads = threading.Event(), list[threading.Thread]()

    def interrupt() -> None:
        while not ended.is_set():
            connection.interrupt()
            ended.wait(_RETRY_SECONDS)

    def ask() -> None:
        threads.append(threading.Thread(target=interrupt, daemon=True))
        threads[-1].start()

    try:
        with cancel.interrupts(ask):
            yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _opened(path: Path | None, limits: Limits, cancel: Cancellation, patience: float, connect: Connect | None) -> Any:
    duckdb, give_up = driver(), time.monotonic() + patience
    connect = connect or duckdb.connect
    if path is None:
        return connect(":memory:", config=limits.config())
    while True:
        cancel.check()
        try:
            return connect(str(path), read_only=True, config=limits.config())
        except duckdb.IOException as error:
            if _HELD not in str(error).lower() or time.monotonic() > give_up:
                raise
        time.sleep(_RETRY_SECONDS)


def relation(connection: Any, statement: Statement) -> Any:
    """The statement, understood but not run: it tells its columns."""
    found = connection.sql(statement.sql, params=list(statement.parameters) or None)
    if found is None:
        raise QueryFailed("the statement has no result")
    return found


def columns(found: Any) -> Mapping[str, str]:
    """The names of a relation's columns and their types as DuckDB writes them."""
    return dict(zip(found.columns, map(str, found.types), strict=True))


def batches(found: Any, batch_rows: int) -> Generator[pa.RecordBatch, None, None]:
    """Runs it; its rows come as they are asked for."""
    reader = found.to_arrow_reader(batch_rows)
    try:
        yield from reader
    finally:
        reader.close()


def rows(connection: Any, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """All rows of a small result."""
    found: list[tuple[Any, ...]] = connection.execute(sql, list(parameters)).fetchall()
    return found


@contextmanager
def translated(place: str, cancel: Cancellation) -> Iterator[None]:
    """Raises our errors for DuckDB's, which come by Arrow as OSError and ArrowException once rows are flowing;
    `Cancelled` if the stop was asked for."""
    duckdb = driver()
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        cancel.check()
        raise meaning(place, error) from error


def _csv(place: str, line: int, told: str) -> QueryFailed:
    """A line of a CSV file that is none. DuckDB repeats the line itself, which is left out."""
    files, reason = _CSV_FILE.findall(told), _CSV_REASON.search(told)
    where = f"{files[-1]}, line {line}" if files else f"line {line} of a CSV file"
    return QueryFailed(
        f"{place}: {where}: {reason[0].lower() if reason else 'it cannot be read'}",
        hint="Correct the line, or see whether `delimiter` is the file's and values with such signs stand in quotes.",
    )


def meaning(place: str, error: Exception) -> AfreshError:
    """The error as ours. No value of a row is in it."""
    first, lower = str(error).partition("\n")[0].partition(" See also http")[0], str(error).lower()
    text = f"{place}: {first}"
    if _HELD in lower:
        return SourceUnavailable(
            text,
            hint="A DuckDB file is open to one process at a time while it is written: read a copy of it, or see that "
            "its writer lets go of it now and then.",
        )
    if csv := _CSV.search(first):
        return _csv(place, int(csv["line"]), str(error))
    if "conversion error" in lower:
        return QueryFailed(
            f"{place}: a value cannot be converted as the statement asks for",
            hint="Convert it with TRY_CAST, or read the column as it is.",
        )
    if "out of memory" in lower:
        return QueryFailed(text, hint="Give it more memory (option `memory_limit`), or a simpler query.")
    if "different configuration" in lower:
        return ConfigurationError(text, hint="This process has the file open with other settings: give the same ones.")
    if "io error" in lower or isinstance(error, OSError):
        return SourceUnavailable(text)
    return QueryFailed(text)
