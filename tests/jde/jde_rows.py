"""A fake: a source system that holds rows of one JD Edwards table in memory, with the rows as stored.

It answers a select by testing its predicate on each row in Python, so that what a window brings can be judged
without a database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import TypeAdapter

from afresh.core.kinds import FetcherContext
from afresh.core.model import SourceInstant
from afresh.core.options import DataSourceConfig
from afresh.core.ports import Account, Catalogue, Reading, SourceColumn, SourceTraits, TableInfo, TableSummary
from afresh.core.select import (
    AllOf,
    AnyOf,
    Compare,
    IsNull,
    Predicate,
    Query,
    Select,
    Statement,
    TableName,
)
from afresh.fetchers.jde import JdeFetcher, build
from afresh.jde.catalogue import Kind, tables
from afresh.jde.options import JdeOptions
from afresh.testing.cancellation import ManualCancellation

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Row = Mapping[str, Any]


@dataclass
class FixedClock:
    """A clock that stands still."""

    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant

    def sleep(self, duration: timedelta) -> None:
        self.instant += duration

    def steady(self) -> timedelta | None:
        return None


@dataclass
class FakeSource:
    """One table of rows in memory."""

    table: str
    rows: list[Row]
    info: TableInfo | None
    time_zone: ZoneInfo = CHICAGO
    selects: list[Select] = field(default_factory=list)
    described: int = 0

    def statement(self, select: Select | Query) -> Statement:
        return Statement(f"fake read of {self.table}")

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        assert isinstance(select, Select)
        self.selects.append(select)
        found = [row for row in self.rows if select.where is None or holds(select.where, row)]
        schema = pa.schema([(output.name, output.type) for output in select.outputs])
        for start in range(0, len(found), batch_rows):
            piece = found[start : start + batch_rows]
            columns = {output.name: [row[output.column] for row in piece] for output in select.outputs}
            yield pa.RecordBatch.from_pydict(columns, schema=schema)

    def describe(self, table: TableName) -> TableInfo | None:
        self.described += 1
        return self.info if table.name == self.table else None

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        raise NotImplementedError("the fake holds a table, no queries")

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        return [TableSummary(table=TableName(self.table))]

    def account(self) -> Account:
        return Account(user="fake", version="fake")

    @property
    def traits(self) -> SourceTraits:
        return SourceTraits(kind="fake", dialect="sqlite", time_zone=self.time_zone)

    @property
    def catalogue(self) -> Catalogue:
        return self

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        yield (select,)

    def clock(self) -> SourceInstant | None:
        return SourceInstant(now=NOW)

    def close(self) -> None:
        return None


def holds(predicate: Predicate, row: Row) -> bool:
    """Whether the row satisfies the predicate; a comparison with null does not hold."""
    match predicate:
        case AllOf(parts):
            return all(holds(part, row) for part in parts)
        case AnyOf(parts):
            return any(holds(part, row) for part in parts)
        case IsNull(columns):
            return all(row[column] is None for column in columns)
        case Compare(columns, operator, value):
            found = next((row[column] for column in columns if row[column] is not None), None)
            return found is not None and _COMPARISONS[operator](found, value)
    raise AssertionError(f"the fake cannot judge {predicate}")


_COMPARISONS: dict[str, Any] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def info_of(table: str) -> TableInfo:
    """A known table as a source would describe it."""
    known = tables()[table]
    columns = [
        SourceColumn(name=c.name, type=pa.string() if c.kind is Kind.TEXT else pa.int64(), length=c.length)
        for c in known.columns
    ]
    return TableInfo(columns=tuple(columns), key=known.key, rows=12_345)


def stored(table: str, **values: Any) -> Row:
    """A row as stored: blanks and zeros, but for the values, which are taken as they are."""
    blank: dict[str, Any] = {
        c.name: " " * (c.length or 0) if c.kind is Kind.TEXT else 0 for c in tables()[table].columns
    }
    assert values.keys() <= blank.keys()
    return blank | values


def source_of(table: str, *rows: Row, zone: ZoneInfo = CHICAGO) -> FakeSource:
    """A source that holds the rows of a known table."""
    return FakeSource(table=table, rows=list(rows), info=info_of(table), time_zone=zone)


def options(**settings: Any) -> JdeOptions:
    """The options as a configuration file's values make them."""
    return TypeAdapter(JdeOptions).validate_python(settings)


def fetcher_of(source: FakeSource, *, batch_rows: int = 1000, **settings: Any) -> JdeFetcher:
    """The fetcher of the source's table."""
    config = DataSourceConfig(table_name="T", source_system="JDE", fetcher=f"jde:{source.table}")
    context = FetcherContext(
        config=config,
        argument=source.table,
        options=options(**settings),
        source=source,
        batch_rows=batch_rows,
        clock=FixedClock(),
    )
    return build(context)


def rows_of(batches: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    """All rows as dicts."""
    return [row for batch in batches for row in batch.to_pylist()]


def fetched(source: FakeSource, minimum: datetime | None = None, **settings: Any) -> list[dict[str, Any]]:
    """What the fetcher of the source's table brings."""
    return rows_of(fetcher_of(source, **settings).fetch(minimum, ManualCancellation()))
