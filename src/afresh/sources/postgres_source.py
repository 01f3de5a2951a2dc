"""A PostgreSQL database as a source, read by COPY in its binary form."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.errors import QueryFailed
from afresh.core.model import SourceInstant
from afresh.core.ports import (
    Account,
    Cancellation,
    Catalogue,
    Reading,
    SourceColumn,
    SourceTraits,
    TableInfo,
    TableSummary,
)
from afresh.core.select import Compare, Output, Query, Select, Statement, TableName, Value
from afresh.core.zones import local_floor
from afresh.sources import postgres_account, postgres_catalogue
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.postgres_catalogue import columns, columns_sql, with_declared
from afresh.sources.postgres_options import PostgresOptions
from afresh.sources.postgres_parts import cut
from afresh.sources.postgres_session import Connection, Server, Stream, server
from afresh.sources.postgres_texts import DIALECT
from afresh.sources.postgres_types import bare, converted, decoded, expression, mask, named
from afresh.sources.predicates import with_values
from afresh.sources.render import quote, render

_QUERY = "q"
_MINUTE = 60_000


class PostgresSource:
    """A PostgreSQL database that is only read. Nothing is held open between reads."""

    def __init__(
        self, *, name: str, server: Server, time_zone: ZoneInfo, bare_numeric: pa.DataType, show_values: bool = False
    ) -> None:
        self.traits = SourceTraits(
            kind="postgres",
            dialect=DIALECT.name,
            time_zone=time_zone,
            shared_snapshots=True,
            read_only_sessions=True,
        )
        self._name = name
        self._server = server
        self._bare_numeric = bare_numeric
        self._show_values = show_values

    @property
    def catalogue(self) -> Catalogue:
        """What the database's catalogue says."""
        return self

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` sends, if the columns are still declared as the outputs say."""
        if isinstance(select, Query):
            return _wrapped(select, render(select, DIALECT))
        where = select.where and with_values(select.where, lambda compare: self._comparable(compare, select))
        return render(replace(select, where=where), DIALECT)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows of one state of the database, with casts by what the columns are declared as now."""
        reading.check()
        if isinstance(select, Query):
            select = self._described(select, reading)
        snapshot = select.snapshot if isinstance(select, Select) else None
        with self._server.streaming(reading, snapshot) as stream:
            if isinstance(select, Select):
                select = self._declared(select, stream)
            fitting = self._fitting(select, reading)
            rows_done = 0
            for batch in stream.batches(self.statement(select).sql, batch_rows):
                arrived = [
                    decoded(column, output) for column, output in zip(batch.columns, select.outputs, strict=True)
                ]
                came = batch.num_rows
                del batch  # the texts of numbers are not in memory any more while the numbers are looked at
                for start in range(0, came, batch_rows):
                    reading.check()
                    rows = min(batch_rows, came - start)
                    found = fitting.batch([column[start : start + rows] for column in arrived], rows_done)
                    rows_done += rows
                    if found.num_rows:
                        yield found

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """Ranges of blocks, or of `partition_by`, in one exported snapshot that is kept while the context is open."""
        whole = replace(select, partitions=1, partition_by=None)
        if count < 2:
            yield (whole,)
            return
        patient = f"SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = {_MINUTE}"

        def ask(connection: Connection) -> tuple[Select, ...]:
            found = cut(connection, replace(select, partitions=1), count)
            exported = connection.execute("SELECT pg_export_snapshot()").fetchone()
            assert exported is not None
            return tuple(replace(part, partition_by=None, snapshot=exported[0]) for part in found)

        with self._server.holding(NEVER, ask, patient) as parts:
            yield parts

    def describe(self, table: TableName) -> TableInfo | None:
        """The columns that the account may read, with the types that their domains are of; rows by the last ANALYZE."""
        with self._server.asking(NEVER) as connection:
            found = columns(connection.execute(columns_sql(table).encode()).fetchall(), self._bare_numeric)
            if not found:
                return None
            return TableInfo(
                columns=found,
                key=postgres_catalogue.table_key(connection, table),
                rows=postgres_catalogue.table_rows(connection, table),
            )

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns; the query is planned and gives no row."""
        return self._described_columns(query, NEVER)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """The tables, views and foreign tables; a partitioned table is one."""
        with self._server.asking(NEVER) as connection:
            return postgres_catalogue.tables(connection, schema)

    def account(self) -> Account:
        """Who we are there."""
        with self._server.asking(NEVER) as connection:
            return postgres_account.account(connection)

    def clock(self) -> SourceInstant:
        """The server's clock and its oldest transaction that has written."""
        with self._server.asking(NEVER) as connection:
            return postgres_account.clock(connection)

    def close(self) -> None:
        """Nothing is held open."""

    def _described_columns(self, query: Query, cancel: Cancellation) -> tuple[SourceColumn, ...]:
        with self._server.asking(cancel) as connection:
            return postgres_catalogue.query_columns(connection, query, self._bare_numeric)

    def _described(self, query: Query, reading: Reading) -> Query:
        """The query with outputs that say what its columns are declared as."""
        known = self._described_columns(replace(query, outputs=()), reading)
        if not query.outputs:
            outputs = tuple(Output(column.name, column.name, column.type, declared=column.declared) for column in known)
        else:
            outputs = with_declared("the query", query.outputs, known, exact=False)
        return replace(query, outputs=outputs)

    def _declared(self, select: Select, stream: Stream) -> Select:
        known = columns(stream.run(columns_sql(select.table)), self._bare_numeric)
        if not known:
            raise QueryFailed(
                f"source {self._name}: there is no table {select.table}, or the account may not read it",
                hint="Correct the name and its schema, or ask for SELECT: see docs/how-to/grants-postgres.md.",
            )
        place = f"source {self._name}: {select.table}"
        return replace(select, outputs=with_declared(place, select.outputs, known, exact=True))

    def _comparable(self, compare: Compare, select: Select) -> Value:
        """An instant as the reading that columns without a zone are compared with."""
        value = compare.value
        if not isinstance(value, datetime):
            return value
        declared = {output.column: output for output in select.outputs}
        zoned = [_zoned(declared.get(name)) for name in compare.columns]
        if value.tzinfo is None or any(zoned) or None in zoned:
            return value
        if compare.operator in (">", ">="):
            return local_floor(value, self.traits.time_zone)
        return value.astimezone(self.traits.time_zone).replace(tzinfo=None)

    def _fitting(self, select: Select | Query, reading: Reading) -> Fitting:
        def key(table: TableName) -> Sequence[str]:
            with self._server.asking(NEVER) as connection:
                return postgres_catalogue.table_key(connection, table)

        return Fitting(
            source=self._name,
            select=select,
            zone=self.traits.time_zone,
            reading=reading,
            key=key,
            convert=converted,
            mask=mask,
            show_values=self._show_values,
        )


def _zoned(output: Output | None) -> bool | None:
    """Whether a column holds instants; None where that is not known."""
    if output is None or not output.declared:
        return None
    name, _ = named(output.declared)
    return name == "timestamp with time zone"


def _wrapped(query: Query, statement: Statement) -> Statement:
    """A query around the user's that casts its columns."""
    if not query.outputs:
        return statement
    names = [f"{_QUERY}.{quote(output.column, DIALECT)}" for output in query.outputs]
    outputs = ", ".join(expression(output, name) for output, name in zip(query.outputs, names, strict=True))
    return Statement(f"SELECT {outputs} FROM (\n{statement.sql}\n) AS {_QUERY}")


def open_postgres(
    *, name: str, options: PostgresOptions, base_directory: Path, time_zone: ZoneInfo, show_values: bool = False
) -> PostgresSource:
    """The source that the options describe; it connects when it is first used."""
    return PostgresSource(
        name=name,
        server=server(name, options, base_directory),
        time_zone=time_zone,
        bare_numeric=bare(options.bare_numeric),
        show_values=show_values,
    )
