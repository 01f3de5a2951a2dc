"""SQL Server databases as sources, through mssql-python: one transaction for each read, values as they are.

Tested with the real driver against a stand-in that speaks TDS, not against a server.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Catalogue, Reading, SourceColumn, SourceTraits
from afresh.core.schema import DATETIME, TIMESTAMP
from afresh.core.select import Compare, Output, Query, Select, Statement, Value
from afresh.core.zones import local_floor
from afresh.drivers.mssql import Connect, check_installed, connect_alone
from afresh.sources import sqlserver_apart, sqlserver_parts
from afresh.sources.arrow_read import fitted, positions
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.predicates import with_values
from afresh.sources.render import Dialect, Use, quote, render
from afresh.sources.sqlserver_catalogue import SqlServerCatalogue
from afresh.sources.sqlserver_options import SqlServerOptions
from afresh.sources.sqlserver_rowversions import SEEN, Rowversions
from afresh.sources.sqlserver_session import Sessions
from afresh.sources.sqlserver_types import expression, is_large, is_utc, parse

_CLOCK = "SELECT SYSUTCDATETIME()"
_OLDEST = """
SELECT SYSUTCDATETIME(), DATEDIFF_BIG(microsecond, MIN(t.transaction_begin_time), SYSDATETIME())
FROM sys.dm_tran_active_transactions AS t
INNER JOIN sys.dm_tran_session_transactions AS s ON s.transaction_id = t.transaction_id
WHERE s.is_user_transaction = 1 AND s.session_id <> @@SPID AND t.transaction_type = 1"""


def literal(value: Value | None, use: Use) -> str:
    """The value as SQL. The driver takes a `?` in a name for a parameter, and binds numbers and texts by types that
    keep an index from being used, so nothing is bound: what is written here is digits, or a quoted text."""
    del use
    if value is None:
        return "CAST(NULL AS datetime2(7))"
    if isinstance(value, datetime):
        naive = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        told = f"CONVERT(datetime2(7), '{naive.isoformat(timespec='microseconds')}', 126)"
        return told if value.tzinfo is None else f"TODATETIMEOFFSET({told}, '+00:00')"
    if isinstance(value, date):
        return f"CONVERT(date, '{value.isoformat()}', 23)"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        return f"{'' if value.isascii() else 'N'}'{value.replace(chr(39), chr(39) * 2)}'"
    return str(int(value))


DIALECT = Dialect(
    name="tsql", bind=lambda value, use: value, opening="[", closing="]", literal=literal, expression=expression
)


class SqlServerSource:
    """A SQL Server database that is only read. No session is held open between reads."""

    def __init__(
        self,
        *,
        name: str,
        options: SqlServerOptions,
        time_zone: ZoneInfo,
        show_values: bool = False,
        connect: Connect = connect_alone,
    ) -> None:
        self.traits = SourceTraits(
            kind="sqlserver",
            dialect="tsql",
            time_zone=time_zone,
            # With `auto` the database may not allow it, so it is not promised.
            snapshot_reads=options.isolation == "snapshot",
        )
        self._name = name
        self._options = options
        self._sessions = Sessions(name, options, connect)
        self._apart = connect is connect_alone  # another process connects in no other way
        self._catalogue = SqlServerCatalogue(self._sessions, options.schema_name)
        self._show_values = show_values
        self._sees_transactions = True
        self._rowversions = Rowversions()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue views."""
        return self._catalogue

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send."""
        if isinstance(select, Select):
            return render(self._placed(select), DIALECT)
        rendered = render(select, DIALECT)
        if not any(output.declared for output in select.outputs):
            return rendered
        columns = ", ".join(
            f"{expression(output, column)} AS {column}"
            for output in select.outputs
            for column in [quote(output.column, DIALECT)]
        )
        return Statement(f"SELECT {columns} FROM (\n{rendered.sql}\n) AS q", rendered.parameters)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows of one transaction as the driver's Arrow batches."""
        reading.check()
        if isinstance(select, Query) and (not select.outputs or not all(o.declared for o in select.outputs)):
            described = self._catalogue.describe_query(select)
            select = replace(select, outputs=_declared(select.outputs, described))
        statement = self.statement(select)
        with self._results(statement.sql, select.outputs, reading, batch_rows) as found:
            names = next(found).schema.names
            places = positions(select, select.outputs, names)
            yield from fitted(
                (self._arrived(batch, select.outputs, places) for batch in found),
                self._fitting(select, reading),
                range(len(select.outputs)),
                reading,
                batch_rows,
            )
            # The driver ends a read that was broken off as if it were at its end.
            reading.check()

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """Ranges of the column `partition_by`, or of the key's first column, cut by a sample of pages."""
        described = self._catalogue.describe(select.table) if count > 1 else None
        with self._sessions.open(NEVER) as session:
            parts = sqlserver_parts.cut(session, self._catalogue.place(select.table), select, count, described)
        yield tuple(replace(part, partitions=1) for part in parts)

    def clock(self) -> SourceInstant:
        """The server's clock, and the begin of the oldest open transaction where the account may see it; else what
        row versions say of it."""
        if self._sees_transactions:
            with self._sessions.open(NEVER) as session:
                found = session.attempt(_OLDEST)
            if found:
                now = found[0][0].replace(tzinfo=UTC)
                return SourceInstant(now=now, oldest_open=sqlserver_parts.before(now, found[0][1]))
            self._sees_transactions = False
        with self._sessions.open(NEVER) as session:
            found = session.attempt(SEEN)
        if found:
            at, smallest_open, last_given = found[0]
            now = at.replace(tzinfo=UTC)
            open_since = self._rowversions.begin_of_open(now, int(smallest_open), int(last_given))
            return SourceInstant(now=now, oldest_open=open_since)
        with self._sessions.open(NEVER) as session:
            return SourceInstant(now=session.rows(_CLOCK)[0][0].replace(tzinfo=UTC))

    def close(self) -> None:
        """Nothing is held open."""

    @contextmanager
    def _results(
        self, sql: str, outputs: Sequence[Output], reading: Reading, rows: int
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        """The driver's batches, an empty one first."""
        if self._apart and any(map(is_large, outputs)):
            order = sqlserver_apart.Order(name=self._name, options=self._options, sql=sql, rows=rows)
            with sqlserver_apart.results(order, reading) as found:
                yield found
        else:
            with self._sessions.open(reading) as session:
                yield session.batches(sql, rows)

    def _placed(self, select: Select) -> Select:
        """With the schema of tables that name none, and instants as readings where the column has no zone."""
        table = select.table if select.table.schema else replace(select.table, schema=self._options.schema_name)
        declared = {output.column: output.declared for output in select.outputs}

        def value_of(compare: Compare) -> Value:
            value = compare.value
            if not isinstance(value, datetime) or value.tzinfo is None:
                return value
            zoned = all(parse(declared.get(column, "")).name == "datetimeoffset" for column in compare.columns)
            return value if zoned else local_floor(value, self.traits.time_zone)

        where = with_values(select.where, value_of) if select.where is not None else None
        return replace(select, table=table, where=where)

    def _arrived(self, batch: pa.RecordBatch, outputs: Sequence[Output], places: Sequence[int]) -> pa.RecordBatch:
        """The outputs in their order; readings of UTC as instants."""
        columns = []
        for output, place in zip(outputs, places, strict=True):
            column = batch.column(place)
            if is_utc(output) and pa.types.is_timestamp(column.type):
                column = column.cast(DATETIME).cast(TIMESTAMP)
            columns.append(column)
        return pa.RecordBatch.from_arrays(columns, names=[str(place) for place in range(len(columns))])

    def _fitting(self, select: Select | Query, reading: Reading) -> Fitting:
        return Fitting(
            source=self._name,
            select=select,
            zone=self.traits.time_zone,
            reading=reading,
            key=lambda table: self._catalogue.key(table, reading),
            show_values=self._show_values,
        )


def _declared(outputs: Sequence[Output], described: Sequence[SourceColumn]) -> tuple[Output, ...]:
    """The outputs with the types that the server tells; all of its columns where none were named."""
    told = {column.name.casefold(): column.declared for column in described}
    if not outputs:
        return tuple(Output(column.name, column.name, column.type, declared=column.declared) for column in described)
    return tuple(
        output if output.declared else replace(output, declared=told.get(output.column.casefold(), ""))
        for output in outputs
    )


def _build(context: SourceContext) -> SqlServerSource:
    check_installed("a SQL Server source")
    return SqlServerSource(
        name=context.name,
        options=context.options,
        time_zone=ZoneInfo(context.config.time_zone),
        show_values=context.config.show_values,
    )


SQLSERVER = SourceKind(options=SqlServerOptions, build=_build)
