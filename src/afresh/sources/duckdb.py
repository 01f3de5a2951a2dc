"""DuckDB files as sources: opened read-only for each read, and closed after it."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import QueryFailed, SourceUnavailable
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
from afresh.core.select import Query, Select, Statement, TableName, Value
from afresh.sources import duckdb_catalogue as catalogue
from afresh.sources import duckdb_session as sessions
from afresh.sources.arrow_read import fitted, positions
from afresh.sources.duckdb_types import exact, expression
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.process_user import process_user
from afresh.sources.render import Dialect, Use, quote, render


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckdbOptions(sessions.Limits):
    """Settings of a DuckDB source."""

    path: Annotated[Path, Field(description="The database file; relative to the configuration file's directory.")]
    busy_timeout: Annotated[
        timedelta,
        Field(ge=timedelta(0), description="How long a read waits for a process that has the file open to write."),
    ] = timedelta(seconds=10)


def bind(value: Value, use: Use) -> object:
    """The value as the driver takes it: it knows all of them."""
    del use
    assert isinstance(value, int | str | Decimal | date | datetime)
    return value


DIALECT = Dialect(name="duckdb", bind=bind, expression=expression)


class DuckdbSource:
    """A DuckDB file that is only read. While it is open here no other process can write it."""

    def __init__(
        self,
        *,
        name: str,
        path: Path,
        time_zone: ZoneInfo,
        clock: Clock,
        limits: sessions.Limits | None = None,
        busy_timeout: timedelta = timedelta(seconds=10),
        show_values: bool = False,
        connect: sessions.Connect | None = None,
    ) -> None:
        self.traits = SourceTraits(
            kind="duckdb", dialect="duckdb", time_zone=time_zone, own_clock=False, read_only_sessions=True
        )
        self._place = f"source {name}"
        self._name = name
        self._path = path
        self._clock = clock
        self._limits = limits or sessions.Limits()
        self._patience = busy_timeout.total_seconds()
        self._show_values = show_values
        self._connect = connect

    @property
    def catalogue(self) -> Catalogue:
        """What the file's catalogue says."""
        return self

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send."""
        return render(select, DIALECT)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows of one state: while the file is open to be read, nobody can write it."""
        reading.check()
        with self._session(reading) as connection:
            found = sessions.relation(connection, self.statement(select))
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
                key=lambda table: _key(connection, table),
                show_values=self._show_values,
            )
            places = positions(select, outputs, found.columns)
            with closing(sessions.batches(found, batch_rows)) as stream:
                del found  # what is left of it keeps the file open
                yield from fitted(stream, fitting, places, reading, batch_rows)

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """The whole: DuckDB reads a table with several threads by itself."""
        yield (select,)

    def describe(self, table: TableName) -> TableInfo | None:
        """The table as the catalogue declares it."""
        with self._session(NEVER) as connection:
            return catalogue.describe(connection, table)

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns, which DuckDB tells without running the query."""
        with self._session(NEVER) as connection:
            return catalogue.query_columns(sessions.relation(connection, self.statement(query)), query)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """The tables and views of the file."""
        with self._session(NEVER) as connection:
            return catalogue.tables(connection, schema)

    def account(self) -> Account:
        """A file has no accounts, and is opened so that nothing can write it."""
        with self._session(NEVER) as connection:
            ((version,),) = sessions.rows(connection, "SELECT version()")
        return Account(user=process_user(), version=f"DuckDB {version}", may_write=())

    def clock(self) -> SourceInstant:
        """Our own clock: DuckDB's is that of the process that reads."""
        return SourceInstant(now=self._clock.now())

    def close(self) -> None:
        """Nothing is held open."""

    @contextmanager
    def _session(self, cancel: Cancellation) -> Iterator[Any]:
        if not self._path.is_file():
            raise SourceUnavailable(f"{self._place}: there is no file {self._path}")
        with sessions.session(
            self._place, self._path, self._limits, cancel, patience=self._patience, connect=self._connect
        ) as connection:
            connection.execute("SET enable_external_access = false")  # a query reads this file and no other
            yield connection


def as_it_is(found: Any) -> Any:
    """The relation with the casts under which all of its columns arrive exactly."""
    kinds = sessions.columns(found)
    if len(kinds) != len(found.columns):
        raise QueryFailed("the query has several result columns of one name", hint="Rename all but one.")
    written = {name: exact(declared, quote(name, DIALECT)) for name, declared in kinds.items()}
    if all(text == quote(name, DIALECT) for name, text in written.items()):
        return found
    return found.project(", ".join(f"{text} AS {quote(name, DIALECT)}" for name, text in written.items()))


def _key(connection: Any, table: TableName) -> tuple[str, ...]:
    """What names a row, asked for when one has to be named: while rows are flowing, beside them."""
    with closing(connection.cursor()) as beside:
        return catalogue.key(beside, table)


def _build(context: SourceContext) -> DuckdbSource:
    options: DuckdbOptions = context.options
    return DuckdbSource(
        name=context.name,
        path=context.base_directory / options.path,
        time_zone=ZoneInfo(context.config.time_zone),
        clock=context.clock,
        limits=options,
        busy_timeout=options.busy_timeout,
        show_values=context.config.show_values,
    )


DUCKDB = SourceKind(options=DuckdbOptions, build=_build)
