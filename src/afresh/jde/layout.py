"""How a JD Edwards table of a source is read and what comes out, as a frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from afresh.core.schema import TIME, TIMESTAMP, Column, TableSchema
from afresh.core.select import Output
from afresh.jde.catalogue import Kind, StampKind
from afresh.jde.decimals import number_type

LAST_UPDATE = "LastUpdateDT"
BAD_DATES = "BadDates"

_RAW: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.int64(),
    Kind.TIME: pa.int64(),
    Kind.NUMBER: pa.int64(),
}
_READ: dict[Kind, pa.DataType] = {Kind.TEXT: pa.string(), Kind.DATE: pa.date32(), Kind.TIME: TIME}

Folds = tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One column of the source and what it becomes.

    `column` is its name in the source, `name` in the cache. `plain` is the type of a column of kind PLAIN, which
    passes as it is. A number has `scale` implied decimals; a text loses the blanks on `both_sides`. `declared` is
    the source's own name of the column's type.
    """

    column: str
    name: str
    kind: Kind
    key: bool = False
    scale: int = 0
    quantity: bool = False
    both_sides: bool = False
    length: int | None = None
    plain: pa.DataType | None = None
    declared: str = ""

    @property
    def raw_type(self) -> pa.DataType:
        """The type it is read as."""
        return _RAW[self.kind] if self.plain is None else self.plain

    @property
    def type(self) -> pa.DataType:
        """The type it becomes."""
        if self.plain is not None:
            return self.plain
        return number_type(self.scale) if self.kind is Kind.NUMBER else _READ[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class StampReading:
    """The columns of the source that tell when a row was changed, and the cache column made of them; `declared` are
    the source's own names of their types."""

    name: str
    date: str
    time: str | None
    kind: StampKind
    declared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table is read. `bad_dates` is the column for invalid dates and times; None if they stop the sync.
    `available` counts the columns of the source, `stored_keys` are dates and times that stay numbers."""

    table: str
    readings: tuple[Reading, ...]
    key: tuple[str, ...]
    stamp: StampReading | None
    bad_dates: str | None
    available: int
    stored_keys: tuple[str, ...] = ()

    def outputs(self) -> tuple[Output, ...]:
        """What is asked of the source: each column once, under its own name."""
        raw = {
            reading.column: Output(reading.column, reading.column, reading.raw_type, reading.declared)
            for reading in self.readings
        }
        if self.stamp:
            told = self.stamp.declared
            names = [name for name in (self.stamp.date, self.stamp.time) if name]
            raw |= {name: Output(name, name, pa.int64(), told.get(name, "")) for name in names}
        return tuple(raw.values())

    def schema(self, folds: Folds = ()) -> TableSchema:
        """What comes out; `folds` as in `TableSchema`."""
        columns = [_column(reading) for reading in self.readings]
        if self.stamp:
            columns.append(Column(name=self.stamp.name, type=TIMESTAMP))
        if self.bad_dates:
            columns.append(Column(name=self.bad_dates, type=pa.string()))
        return TableSchema(
            columns=tuple(columns),
            key=self.key,
            last_update=self.stamp.name if self.stamp else None,
            folds=folds if self.stamp else (),
        )


def _column(reading: Reading) -> Column:
    return Column(name=reading.name, type=reading.type, nullable=not reading.key, length=reading.length)


def cache_name(column: str, alias: str, renamed: Mapping[str, str], *, by_alias: bool) -> str:
    """The name of a column in the cache; `renamed` is by source column."""
    return renamed.get(column) or (alias if by_alias else column)
