"""Columns, keys and types of a table, on both sides.

Arrow data types are our type system; these are the ones that travel, with the names a configuration uses:

bool · int16 · int32 · int64 · decimal(p,s) · float · text · text(n) · bytes · date · time
· timestamp (an instant, UTC) · datetime (a wall clock reading, no zone)

Times are microseconds everywhere, never nanoseconds: 0001-01-01 and 9999-12-31 must fit.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from afresh.core.errors import ConfigurationError

TIMESTAMP = pa.timestamp("us", "UTC")
DATETIME = pa.timestamp("us")
TIME = pa.time64("us")

_PLAIN: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "time": TIME,
    "timestamp": TIMESTAMP,
    "datetime": DATETIME,
}
_NAMES = {str(arrow): name for name, arrow in _PLAIN.items()}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_TEXT = re.compile(r"text\(\s*(\d+)\s*\)")

TYPE_NAMES = (*_PLAIN, "decimal(p,s)", "text(n)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name in the cache, its Arrow type, and the longest text it holds (characters), if known."""

    name: str
    type: pa.DataType
    nullable: bool = True
    length: int | None = None

    @property
    def type_name(self) -> str:
        """The type as a configuration writes it, such as `decimal(15,4)`."""
        return type_name(self.type, self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """What a fetcher delivers and the cache table holds.

    `key` identifies a row. `last_update` names the column by which newer and older versions of a row are told
    apart, if there is one. `folds` are the UTC spans in which that order cannot be known, because a clock
    change repeated the hour: inside one of them the version that arrives last wins. For a last-update column of
    wall clock readings they are those readings, labelled UTC.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    last_update: str | None = None
    folds: tuple[tuple[datetime, datetime], ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for column in self.columns:
            folded = column.name.casefold()
            if folded in seen:
                raise ConfigurationError(
                    f"two columns have the same name: {seen[folded]!r} and {column.name!r} (case does not count)"
                )
            seen[folded] = column.name
        if not self.key:
            raise ConfigurationError("a table needs a key: the columns that identify a row")
        for name in (*self.key, *([self.last_update] if self.last_update else [])):
            if name not in self.names:
                raise ConfigurationError(
                    f"{name!r} is used as key or last-update column but is not among the columns",
                    hint=f"The columns are: {', '.join(self.names)}.",
                )
        if len(set(self.key)) != len(self.key):
            raise ConfigurationError(f"a key column is named twice: {', '.join(self.key)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the columns that are not part of the key, in order."""
        return tuple(name for name in self.names if name not in self.key)

    @property
    def stamp(self) -> str | None:
        """The last-update column if it says when: as instants, or as readings of a wall clock."""
        if self.last_update is None or self.column(self.last_update).type not in (TIMESTAMP, DATETIME):
            return None
        return self.last_update

    def column(self, name: str) -> Column:
        """The column of that exact name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def arrow(self) -> pa.Schema:
        """The schema that every record batch of the fetcher has; key columns are not nullable."""
        return pa.schema(
            [
                pa.field(column.name, column.type, nullable=column.nullable and column.name not in self.key)
                for column in self.columns
            ]
        )


def parse_type(text: str) -> tuple[pa.DataType, int | None]:
    """The Arrow type and text length of a type name; ConfigurationError for a name that is none."""
    name = text.strip().lower()
    if name in _PLAIN:
        return _PLAIN[name], None
    if match := _TEXT.fullmatch(name):
        length = int(match[1])
        if length < 1:
            raise ConfigurationError(f"{text!r}: a text length is at least 1")
        return pa.string(), length
    if match := _DECIMAL.fullmatch(name):
        precision, scale = int(match[1]), int(match[2])
        if not 1 <= precision <= 38 or scale > precision:
            raise ConfigurationError(f"{text!r}: a decimal has 1 to 38 digits, of which the scale is a part")
        return pa.decimal128(precision, scale), None
    raise ConfigurationError(f"{text!r} is not a type", hint=f"The types are: {', '.join(TYPE_NAMES)}.")


def type_name(arrow: pa.DataType, length: int | None = None) -> str:
    """The name of an Arrow type; ConfigurationError for one that cannot travel."""
    if pa.types.is_decimal128(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    if pa.types.is_string(arrow) and length is not None:
        return f"text({length})"
    try:
        return _NAMES[str(arrow)]
    except KeyError:
        raise ConfigurationError(
            f"the Arrow type {arrow} is not supported", hint=f"The types are: {', '.join(TYPE_NAMES)}."
        ) from None
