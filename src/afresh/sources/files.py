"""Files as a source: Parquet, CSV and JSON lines, read by DuckDB in memory, a table for each entry of the options.

What a CSV file or JSON lines hold are texts; they become values by the same exact rules as those of any database, and
nothing is guessed from some of the rows. In a query of the user's their columns are texts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import QueryFailed
from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.model import SourceInstant
from afresh.core.ports import (
    Account,
    Cancellation,
    Catalogue,
    Clock,
    Reading,
    SourceColumn,
    SourceTraits,
    TableInfo,
    TableSummary,
)
from afresh.core.select import Query, Select, Statement, TableName
from afresh.sources import duckdb_catalogue as catalogue
from afresh.sources import duckdb_session as sessions
from afresh.sources.arrow_read import fitted, positions
from afresh.sources.duckdb import DIALECT, as_it_is
from afresh.sources.duckdb_types import arrives
from afresh.sources.files_tables import TEXT, Files, FileTable, compared, quoted
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.process_user import process_user
from afresh.sources.render import quote, render

TEXTS = replace(DIALECT, expression=lambda output, column: f'{column[:-1]}{TEXT}"')
"""For columns of texts: each is selected as it stands in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOptions(sessions.Limits):
    """Settings of a source of files."""

    tables: Annotated[Mapping[str, FileTable], Field(description="The tables, by name.")] = field(default_factory=dict)


class FilesSource:
    """Local files that are only read."""

    def __init__(
        self,
        *,
        name: str,
        tables: Mapping[str, FileTable],
        base: Path,
        time_zone: ZoneInfo,
        clock: Clock,
        limits: sessions.Limits | None = None,
        show_values: bool = False,
        connect: sessions.Connect | None = None,
    ) -> None:
        self.traits = SourceTraits(
            kind="files", dialect="duckdb", time_zone=time_zone, own_clock=False, read_only_sessions=True
        )
        self._name = name
        self._place = f"source {name}"
        self._tables = tables
        self._base = base
        self._clock = clock
        self._limits = limits or sessions.Limits()
        self._show_values = show_values
        self._connect = connect

    @property
    def catalogue(self) -> Catalogue:
        """What the options and the files say."""
        return self

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send, about a view of the files."""
        texts = isinstance(select, Select) and self._entry(select.table).kind() != "parquet"
        return render(select, TEXTS if texts else DIALECT)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows; fails if a file changes before the read has ended."""
        reading.check()
        statement = self.statement(select)
        with self._session(reading, select) as (connection, files):
            found = sessions.relation(connection, statement)
            outputs = select.outputs
            if isinstance(select, Query):
                outputs = outputs or catalogue.outputs(found)
                found = as_it_is(found)
            fitting = Fitting(
                source=self._name,
                select=select,
                outputs=outputs,
                zone=self.traits.time_zone,
                reading=reading,
                key=lambda table: self._entry(table).key,
                show_values=self._show_values,
            )
            places = positions(select, outputs, found.columns)
            with closing(sessions.batches(found, batch_rows)) as stream:
                del found
                for batch in fitted(stream, fitting, places, reading, batch_rows):
                    _check(files)
                    yield batch
                _check(files)

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """The whole: DuckDB reads files with several threads by itself."""
        yield (select,)

    def describe(self, table: TableName) -> TableInfo | None:
        """The table as the files and the options have it; only Parquet knows its rows."""
        if table.schema or table.name not in self._tables:
            return None
        with self._session(NEVER, Select(table, ())) as (connection, (files,)):
            if files.kind != "parquet":
                return TableInfo(columns=self._texts(files), key=files.table.key)
            told = sessions.columns(sessions.relation(connection, Statement(f"SELECT * FROM {_name(table.name)}")))
            places = ", ".join(quoted(str(path)) for path in files.paths)
            rows = sessions.rows(connection, f"SELECT sum(num_rows) FROM parquet_file_metadata([{places}])")
            columns = tuple(
                SourceColumn(name=name, type=arrives(declared), nullable=name not in files.table.key, declared=declared)
                for name, declared in told.items()
            )
            return TableInfo(columns=columns, key=files.table.key, rows=int(rows[0][0]))

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns, which DuckDB tells without running the query."""
        with self._session(NEVER, query) as (connection, _):
            return catalogue.query_columns(sessions.relation(connection, self.statement(query)), query)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """The tables of the options whose files are there, with the bytes of these."""
        del schema
        found = []
        for name, entry in self._tables.items():
            files = Files(self._place, name, entry, self._base)
            found.append(TableSummary(table=TableName(name), size=sum(path.stat().st_size for path in files.paths)))
        return sorted(found, key=lambda summary: -(summary.size or 0))

    def account(self) -> Account:
        """Files have no accounts; they are opened so that nothing can write them."""
        with self._session(NEVER, None) as (connection, _):
            ((version,),) = sessions.rows(connection, "SELECT version()")
        return Account(user=process_user(), version=f"files by DuckDB {version}", may_write=())

    def clock(self) -> SourceInstant:
        """Our own clock: files have none."""
        return SourceInstant(now=self._clock.now())

    def close(self) -> None:
        """Nothing is held open."""

    def _entry(self, table: TableName) -> FileTable:
        if table.schema or table.name not in self._tables:
            raise QueryFailed(
                f"{self._place}: there is no table {table}", hint=f"The tables are: {', '.join(self._tables)}."
            )
        return self._tables[table.name]

    @contextmanager
    def _session(self, cancel: Cancellation, select: Select | Query | None) -> Iterator[tuple[Any, tuple[Files, ...]]]:
        """A database in memory with a view for each table that is read, which can reach their files and no other."""
        if isinstance(select, Select):
            self._entry(select.table)
            names = [select.table.name]
        else:
            names = [name for name in self._tables if select is not None and _mentions(select.sql, name)]
        files = tuple(Files(self._place, name, self._tables[name], self._base) for name in names)
        with sessions.session(self._place, None, self._limits, cancel, connect=self._connect) as connection:
            paths = ", ".join(quoted(str(path)) for one in files for path in one.paths)
            connection.execute(f"SET allowed_paths = [{paths}]")
            connection.execute("SET enable_external_access = false")
            for one in files:
                _make_view(connection, one, typed=not isinstance(select, Query))
            yield connection, files

    def _texts(self, files: Files) -> tuple[SourceColumn, ...]:
        columns = []
        for name in files.texts():
            kind, length = files.type_of(name)
            nullable = name not in files.table.key
            columns.append(
                SourceColumn(name=name, type=kind, nullable=nullable, length=length, declared=f"{files.kind} text")
            )
        return tuple(columns)


def _make_view(connection: Any, files: Files, *, typed: bool) -> None:
    """The table as a view of the session's own; of texts with each column as its type beside, for conditions."""
    if files.kind == "jsonl":
        connection.register(f"{files.name}:lines", files.lines())
        source = _name(f"{files.name}:lines")
    else:
        source = files.source_sql()
    columns = "*"
    if files.kind != "parquet" and typed:
        columns = ", ".join(
            f"{compared(_name(name), files.type_of(name)[0])} AS {_name(name)}, {_name(name)} AS {_name(name + TEXT)}"
            for name in files.texts()
        )
    connection.execute(f"CREATE TEMP VIEW {_name(files.name)} AS SELECT {columns} FROM {source}")


def _name(name: str) -> str:
    return quote(name, DIALECT)


def _mentions(sql: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE) is not None


def _check(files: Sequence[Files]) -> None:
    for one in files:
        one.check()


def _build(context: SourceContext) -> FilesSource:
    options: FilesOptions = context.options
    return FilesSource(
        name=context.name,
        tables=options.tables,
        base=context.base_directory,
        time_zone=ZoneInfo(context.config.time_zone),
        clock=context.clock,
        limits=options,
        show_values=context.config.show_values,
    )


FILES = SourceKind(options=FilesOptions, build=_build)
