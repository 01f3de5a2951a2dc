"""Oracle databases as sources, through python-oracledb: one read-only transaction for each read, numbers never floats.

Not tested against a server: what is said of the driver was read in its sources and documentation.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.errors import QueryFailed
from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Catalogue, Reading, SourceTraits
from afresh.core.schema import TIMESTAMP
from afresh.core.select import AllOf, Compare, Output, Policy, Query, Raw, Select, Statement, Value
from afresh.core.zones import local_floor
from afresh.sources import oracle_parts
from afresh.sources.arrow_read import fitted
from afresh.sources.fit import Fitting
from afresh.sources.never import NEVER
from afresh.sources.oracle_catalogue import OracleCatalogue
from afresh.sources.oracle_errors import MISFIT, NOT_SEEN, code_of
from afresh.sources.oracle_options import OracleOptions
from afresh.sources.oracle_session import Session, Sessions
from afresh.sources.oracle_texts import PROBE_SQL, National, from_utf16, national
from afresh.sources.oracle_types import NATIONAL, Carrier, carrier, parse
from afresh.sources.predicates import with_values
from afresh.sources.render import Dialect, Use, quote, render

_CLOCK = "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL"
_OLDEST = "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP), (SYSDATE - MIN(START_DATE)) * 86400 FROM {}V$TRANSACTION"
_ZONED = re.compile(r"TIMESTAMP.*TIME ZONE")


def bind(value: Value, use: Use) -> object:
    """The value as the driver takes it: instants as readings of UTC, dates as readings of midnight."""
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a reading
    return value


def wrap(value: Value, placeholder: str) -> str:
    """Instants are compared as such, readings as a DATE so that an index on one can serve."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return f"FROM_TZ(CAST({placeholder} AS TIMESTAMP), 'UTC')"
    if isinstance(value, datetime) and value.microsecond:
        return f"CAST({placeholder} AS TIMESTAMP)"
    if isinstance(value, datetime | date):
        return f"CAST({placeholder} AS DATE)"
    return placeholder


def _expression(output: Output, column: str) -> str:
    return carrier(output).expression.format(column)


def _source(select: Select, table: str) -> str:
    return table if select.snapshot is None else f"{table} AS OF SCN {int(select.snapshot)}"


DIALECT = Dialect(name="oracle", bind=bind, wrap=wrap, placeholder=":{}", expression=_expression, source=_source)


class OracleSource:
    """An Oracle database that is only read. No session is held open between reads."""

    def __init__(
        self,
        *,
        name: str,
        options: OracleOptions,
        time_zone: ZoneInfo,
        base_directory: Path = Path(),
        show_values: bool = False,
        driver: Any = None,
    ) -> None:
        self.traits = SourceTraits(
            kind="oracle",
            dialect="oracle",
            time_zone=time_zone,
            shared_snapshots=options.flashback,
            read_only_sessions=True,
        )
        self._name = name
        self._options = options
        self._sessions = Sessions(name, options, base_directory, driver)
        self._catalogue = OracleCatalogue(name, options, self._sessions)
        self._show_values = show_values
        self._national: National | None = None
        self._transactions: str | None = "G"

    @property
    def catalogue(self) -> Catalogue:
        """The data dictionary."""
        return self._catalogue

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send."""
        if isinstance(select, Select):
            return render(self._placed(select), DIALECT)
        rendered = render(select, DIALECT)
        if not select.outputs:
            return rendered
        columns = ", ".join(
            _expression(output, f"Q.{quote(output.column, DIALECT)}") for output in self._as_named(select)
        )
        return Statement(f"SELECT {columns} FROM (\n{rendered.sql}\n) Q", rendered.parameters)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows of one read-only transaction; the driver fetches so many rows a round trip."""
        reading.check()
        if isinstance(select, Query) and not select.outputs:
            described = self._catalogue.describe_query(select)
            select = replace(
                select, outputs=tuple(Output(c.name, c.name, c.type, declared=c.declared) for c in described)
            )
        statement, carriers = self.statement(select), [carrier(output) for output in select.outputs]
        schema = pa.schema([pa.field(f"C{place}", found.type) for place, found in enumerate(carriers)])
        fitting = self._fitting(select, reading)
        with self._sessions.open(reading, str(select.table) if isinstance(select, Select) else "query") as session:
            arrives = self._arrivals(session, select.outputs, carriers)
            frames = session.batches(statement.sql, statement.parameters, schema, batch_rows)
            try:
                yield from fitted(
                    (batch for frame in frames for batch in arrives(frame)),
                    fitting,
                    range(len(select.outputs)),
                    reading,
                    batch_rows,
                )
            except (ValueError, OverflowError, self._sessions.driver.Error) as error:
                if isinstance(error, self._sessions.driver.Error) and code_of(error) not in MISFIT:
                    raise
                self._name_misfit(session, select, carriers, reading, error)

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """Ranges of ROWID, or of the column `partition_by`, cut by a sample; with `flashback` of one state."""
        with self._sessions.open(NEVER, f"parts of {select.table}") as session:
            scn = oracle_parts.scn(session) if self._options.flashback and count > 1 else None
            described = self._catalogue.describe(select.table) if count > 1 else None
            cuts = oracle_parts.cut(session, self._placed(select), count, described)
        yield tuple(replace(part, snapshot=scn, partitions=1) for part in cuts)

    def clock(self) -> SourceInstant:
        """The database's clock, and the begin of the oldest open transaction where V$TRANSACTION may be seen."""
        with self._sessions.open(NEVER, "clock") as session:
            while self._transactions is not None:
                try:
                    now, age = session.rows(_OLDEST.format(self._transactions))[0]
                except self._sessions.driver.Error as error:
                    if code_of(error) not in NOT_SEEN:
                        raise
                    # Not granted: one instance's view, then none.
                    self._transactions = "" if self._transactions == "G" else None
                    continue
                told = now.replace(tzinfo=UTC)
                return SourceInstant(now=told, oldest_open=told - timedelta(seconds=float(age or 0)))
            return SourceInstant(now=session.rows(_CLOCK)[0][0].replace(tzinfo=UTC))

    def close(self) -> None:
        """Nothing is held open."""

    def _placed(self, select: Select) -> Select:
        """With the owner of tables that name none, and instants as readings where the column has no zone."""
        table = select.table
        if table.schema is None and self._options.schema_name:
            table = replace(table, schema=self._options.schema_name)
        declared = {output.column: output.declared for output in select.outputs}

        def value_of(compare: Compare) -> Value:
            value = compare.value
            if not isinstance(value, datetime):
                return value
            if compare.operator in (">=", ">"):  # a floor may reach lower, and a DATE has whole seconds
                value = value.replace(microsecond=0)
            if value.tzinfo is None:
                return value
            zoned = all(_ZONED.match(declared.get(column, "")) for column in compare.columns)
            return value if zoned else local_floor(value, self.traits.time_zone)

        where = with_values(select.where, value_of) if select.where is not None else None
        return replace(select, table=table, where=where)

    def _as_named(self, query: Query) -> Iterable[Output]:
        """The outputs under the names that the result has: upper case, unless the query quotes them."""
        quoted = set(re.findall(r'"([^"]+)"', query.sql))
        return (
            output if output.column in quoted else replace(output, column=output.column.upper())
            for output in query.outputs
        )

    def _fitting(self, select: Select | Query, reading: Reading) -> Fitting:
        return Fitting(
            source=self._name,
            select=select,
            zone=self.traits.time_zone,
            reading=reading,
            key=lambda table: self._catalogue.key(table, reading),
            show_values=self._show_values,
        )

    def _arrivals(self, session: Session, outputs: Sequence[Output], carriers: Sequence[Carrier]) -> Any:
        """What makes record batches of the driver's data frames: readings of UTC become instants, UTF-16 texts."""
        texts = [parse(output.declared).name in NATIONAL for output in outputs]
        if any(texts) and self._national is None:
            self._national = national(_first_bytes(session))
        utf16 = self._national is National.UTF16

        def arrives(frame: Any) -> Iterator[pa.RecordBatch]:
            for batch in pa.table(frame).to_batches():
                columns: list[Any] = list(batch.columns)
                for place, found in enumerate(carriers):
                    if found.utc and pa.types.is_timestamp(found.type):
                        columns[place] = columns[place].cast(found.type).cast(TIMESTAMP)
                    if texts[place] and utf16:
                        columns[place] = from_utf16(columns[place].view(_bytes_of(columns[place].type)))
                yield pa.RecordBatch.from_arrays(columns, names=[str(place) for place in range(len(columns))])

        return arrives

    def _name_misfit(
        self,
        session: Session,
        select: Select | Query,
        carriers: Sequence[Carrier],
        reading: Reading,
        error: Exception,
    ) -> None:
        """Raises `BadValue` for the value that the driver refused: reads the rows with such values again, as texts.
        The transaction is the same, so they are."""
        doubtful = {
            output.column: found.misfit for output, found in zip(select.outputs, carriers, strict=True) if found.misfit
        }
        if isinstance(select, Select) and doubtful:
            wheres = [f"({text.format(quote(column, DIALECT))})" for column, text in doubtful.items()]
            where = Raw(" OR ".join(wheres))
            select = replace(select, where=AllOf((select.where, where)) if select.where is not None else where)
        careful = replace(select, outputs=tuple(replace(output, policy=Policy.NULL) for output in select.outputs))
        statement, again = self.statement(careful), [carrier(output) for output in careful.outputs]
        schema = pa.schema([pa.field(f"C{place}", found.type) for place, found in enumerate(again)])
        arrives, fitting = self._arrivals(session, careful.outputs, again), self._fitting(select, reading)
        for frame in session.batches(statement.sql, statement.parameters, schema, 1000):
            for batch in arrives(frame):
                reading.check()
                fitting.batch(batch.columns, 0)
        raise QueryFailed(
            f"source {self._name}: the driver could not deliver a value: {str(error).splitlines()[0]}"
        ) from error


def _first_bytes(session: Session) -> bytes:
    """The bytes that the driver delivers for the known text."""
    schema = pa.schema([pa.field("C0", pa.large_string())])
    for frame in session.batches(PROBE_SQL, (), schema, 1):
        for column in pa.table(frame).combine_chunks().columns:
            found: Any = column.chunk(0) if column.num_chunks else None
            return b"" if found is None else bytes(found.view(_bytes_of(found.type))[0].as_py())
    raise QueryFailed("DUAL has no row")


def _bytes_of(kind: pa.DataType) -> pa.DataType:
    return pa.large_binary() if pa.types.is_large_string(kind) else pa.binary()


def _build(context: SourceContext) -> OracleSource:
    options: OracleOptions = context.options
    return OracleSource(
        name=context.name,
        options=options,
        time_zone=ZoneInfo(context.config.time_zone),
        base_directory=context.base_directory,
        show_values=context.config.show_values,
    )


ORACLE = SourceKind(options=OracleOptions, build=_build)
