"""What the kit for sources needs of files: another program keeps its tables in DuckDB and writes them out as files."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import duckdb
from tests.sources.duckdb_source_rig import ENDLESS, TYPES, DuckdbSourceRig, series
from tests.sources.duckdb_spy import SpiedDuckdb

from afresh.core.ports import SourceSystem
from afresh.core.schema import Column, type_name
from afresh.sources.duckdb_session import Limits
from afresh.sources.duckdb_types import arrives
from afresh.sources.files import FilesSource
from afresh.sources.files_tables import FileTable, Format
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_rig import SourceBench, SourceTrial, SourceType, Wish

_FILE_WORDS = {"SET allowed_paths", "SET enable_external_access"}


_PARQUET = {
    *("BOOLEAN", "TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT"),
    *("DECIMAL(38,10)", "DECIMAL(4,1)", "FLOAT", "DOUBLE", "VARCHAR", "BLOB", "UUID", "DATE", "TIME", "TIMESTAMP"),
    *("TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "INTEGER[]", "MAP(VARCHAR, INTEGER)", "JSON"),
}
"""DuckDB's types that a Parquet file has as they are."""

_PLAIN = {"BOOLEAN", "INTEGER", "BIGINT", "DECIMAL(38,10)", "DOUBLE", "VARCHAR", "DATE", "TIME", "TIMESTAMP"}


def _texts(kind: str) -> tuple[SourceType, ...]:
    """Types of which the values in such a file are written as texts, with a NUL only in JSON."""
    found = []
    for one in TYPES:
        if one.declared in _PLAIN:
            values = tuple(pair for pair in one.values if kind == "jsonl" or "\0" not in str(pair[1]))
            found.append(replace(one, values=values))
    return tuple(found)


class FilesSourceRig(DuckdbSourceRig):
    """Files in a directory of their own for each test."""

    kind: ClassVar[Format]
    limits = Limits(memory_limit="200MB")
    own_statements: ClassVar = MappingProxyType(
        {"CREATE TEMP VIEW": "a view in our own memory, by which the files have the table's name"}
    )
    odd: ClassVar = MappingProxyType(
        {
            **DuckdbSourceRig.odd,
            "bare NUMBER": "a number of a file has the digits that its type or the options say",
            "cp1252 bytes": "files of texts are UTF-8; the kit's rig can write no others",
        }
    )
    gaps: ClassVar = MappingProxyType(
        {"test_one_state": "a file that is written while it is read ends the read with an error that says so"}
    )
    outside: ClassVar = MappingProxyType(
        {
            "FaultKit": "files are read without a connection; files that change or go are in test_source_files.py",
            "test_a_view_is_a_table": "files have no views",
        }
    )

    def trial(self) -> SourceTrial:
        return SourceTrial(kind="files", product=self.kind, version=duckdb.__version__, by="duckdb")

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return files_of(directory, self.kind, wish)

    def execute(self, directory: Path, *statements: str) -> None:
        with closing(duckdb.connect(directory / "kit.duckdb")) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in statements:
                connection.execute(statement)
            for file in directory.glob(f"*.{self.kind}"):
                file.unlink()
            for number, name in enumerate(_tables(connection)):
                file = directory / f"{number}.{self.kind}"
                connection.execute(f"COPY {self.quote(name)} TO '{file}' ({_COPY[self.kind]})")

    def fill(self, directory: Path, name: str, rows: int) -> None:
        self.execute(directory, *series(self.quote(name), rows))

    def sessions(self, directory: Path) -> int:
        here = Path("/proc/self/fd")
        links = [str(link.readlink()) for link in here.iterdir() if link.is_symlink()] if here.exists() else []
        return sum(link.startswith(str(directory)) for link in links)

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        spy = SpiedDuckdb()
        yield files_of(directory, self.kind, Wish(), connect=spy.connect), lambda: spy.statements

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        """The tables are told, so that the process that is measured opens nothing but the files."""
        return partial(files_with, directory, described(directory, self.kind), Wish(), limits=self.limits)

    def endless(self) -> str:
        return ENDLESS

    @contextmanager
    def writing(self, bench: SourceBench) -> Iterator[None]:
        del bench
        yield


class ParquetRig(FilesSourceRig):
    """Parquet files."""

    kind: ClassVar[Format] = "parquet"
    types = tuple(kind for kind in TYPES if kind.declared in _PARQUET)


class CsvRig(FilesSourceRig):
    """CSV files: all columns are texts, and have the types that the options give them."""

    kind: ClassVar[Format] = "csv"
    types = _texts("csv")
    full_rows = (5_000_000, 20_000_000)
    """DuckDB reads through some six buffers of 32 MiB, a line's longest: smaller files than that take less memory."""

    outside: ClassVar = MappingProxyType(
        {
            **FilesSourceRig.outside,
            **({} if os.environ.get("AFRESH_TEST_FULL") else {"test_memory_is_flat": "run with AFRESH_TEST_FULL=1"}),
        }
    )
    gaps: ClassVar = MappingProxyType(
        {
            **FilesSourceRig.gaps,
            "test_extremes[bytes]": "a file of texts has no bytes",
            "test_large_texts[\\xfc]": "a line of a CSV file has 32 MiB at most, and a longer one fails the read",
        }
    )

    def compared(self, column: Column) -> str:
        return f"CAST({self.quote(column.name)} AS {self.ddl(column)})"

    def refusal(self, column: Column, value: Any) -> str:
        if isinstance(value, bytes):
            return "a file of texts has no bytes"
        if isinstance(value, str) and "\0" in value:
            return "a file of texts has no NUL"
        return ""


class LinesRig(CsvRig):
    """JSON lines."""

    kind: ClassVar[Format] = "jsonl"
    types = _texts("jsonl")
    memory_rows = (50_000, 250_000)
    full_rows = (1_000_000, 5_000_000)
    outside = FilesSourceRig.outside
    gaps: ClassVar = MappingProxyType(
        {
            **FilesSourceRig.gaps,
            "test_extremes[bytes]": "a file of texts has no bytes",
            "test_extremes[decimal(38,38)]": "DuckDB, which writes the file here, writes .5 for 0.5, which is no JSON",
        }
    )

    def refusal(self, column: Column, value: Any) -> str:
        return "a file of texts has no bytes" if isinstance(value, bytes) else ""


def files_of(
    directory: Path,
    kind: Format,
    wish: Wish,
    connect: Callable[..., Any] | None = None,
) -> FilesSource:
    """A source called Kit that reads the files which stand for the tables of the workshop."""
    return files_with(directory, described(directory, kind), wish, connect)


def described(directory: Path, kind: Format) -> dict[str, FileTable]:
    """The tables of the workshop, as a configuration says in which files they are."""
    tables = {}
    with closing(duckdb.connect(directory / "kit.duckdb")) as connection:
        for number, name in enumerate(_tables(connection)):
            columns = connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [name]
            ).fetchall()
            key = connection.execute(
                "SELECT constraint_column_names FROM duckdb_constraints() "
                "WHERE table_name = ? AND constraint_type = 'PRIMARY KEY'",
                [name],
            ).fetchall()
            types = {column: type_name(arrives(told)) for column, told in columns}
            tables[name] = FileTable(
                path=f"{number}.{kind}",
                key=tuple(key[0][0]) if key else (),
                columns={} if kind == "parquet" else types,
            )
    return tables


def files_with(
    directory: Path,
    tables: Mapping[str, FileTable],
    wish: Wish,
    connect: Callable[..., Any] | None = None,
    limits: Limits | None = None,
) -> FilesSource:
    """A source called Kit that reads those tables."""
    return FilesSource(
        name="Kit",
        tables=tables,
        base=directory,
        time_zone=ZoneInfo(wish.time_zone),
        clock=ManualClock(),
        show_values=wish.show_values,
        connect=connect,
        limits=limits,
    )


_COPY = {"parquet": "FORMAT parquet", "csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json"}


def _tables(connection: Any) -> list[str]:
    found = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall()
    return [name for (name,) in found]
