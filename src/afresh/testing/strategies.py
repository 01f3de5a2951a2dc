"""Hypothesis strategies for types, schemas and rows, with the odd values that databases stumble over."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column, TableSchema

_ODD_TEXTS = [
    "",
    " ",
    "'",
    '"',
    "--",
    "\\",
    "%",
    "\t\r\n",
    "null",
    "1e5",
    "00",
    " a ",
    "ü",
    "u\u0308",
    "🙂",
    "\ufeff",
    "a\0b",
]

WEIRD_NAMES = (
    "Order",
    "select",
    "Item Branch",
    " ",
    "a.b",
    'say "so"',
    "it's",
    "[bracketed]",
    "`ticked`",
    "IXF$RP",
    "FA#1",
    "@x",
    "1st",
    "?1",
    ":name",
    "%s",
    "{0}",
    "a;DROP TABLE Item;--",
    "/*",
    "Größe",
    "品目",
    "🙂",
    "new\nline",
    "rowid",
    "oid",
    "arrival",
    "version",
    "excluded",
    "t",
    "s",
    "x" * 128,
)
"""Names of tables and columns that somebody has, or that somebody tries."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)

PLAIN_TYPES: tuple[pa.DataType, ...] = (
    pa.bool_(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.date32(),
    TIME,
    TIMESTAMP,
    DATETIME,
)

EXTREMES: Mapping[pa.DataType, tuple[Any, ...]] = {
    pa.bool_(): (True, False),
    pa.int16(): (-(2**15), 2**15 - 1, 0, -1),
    pa.int32(): (-(2**31), 2**31 - 1, 0),
    pa.int64(): (-(2**63), 2**63 - 1, 0, 2**53 + 1),
    pa.float64(): (0.0, 0.1, -1.7976931348623157e308, 5e-324, 1e22, float(2**53), float("inf"), float("-inf")),
    pa.string(): (*_ODD_TEXTS, "x" * 10_000),
    pa.binary(): (b"", b"\0", bytes(range(256)), b"text"),
    pa.date32(): (date.min, date.max, date(2024, 2, 29), date(1970, 1, 1), date(1969, 12, 31)),
    TIME: (time.min, time.max, time(23, 59, 59), time(12, 0, 0, 1)),
    TIMESTAMP: (_FIRST, _LAST, datetime(1969, 12, 31, tzinfo=UTC)),
    DATETIME: tuple(
        at.replace(tzinfo=None) for at in (_FIRST, _LAST, datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC))
    ),
}
"""For each type of no certain size the values at its edges and the odd ones in between."""

DIGITS = (
    *((1, 0), (1, 1), (2, 1), (4, 0), (5, 2), (7, 6), (9, 0), (9, 2), (9, 7), (10, 0), (15, 2), (15, 4), (15, 15)),
    *((18, 0), (18, 4), (19, 0), (19, 4), (20, 0), (28, 10), (31, 2), (38, 0), (38, 1), (38, 10), (38, 37), (38, 38)),
)
"""Decimals by digits and scale: those at the edges of integers and of databases' types."""

LENGTHS = (1, 10, 255, 4_000)
"""Texts by their length."""

COLUMNS = (
    *(Column(name="Value", type=kind) for kind in PLAIN_TYPES),
    *(Column(name="Value", type=pa.string(), length=length) for length in LENGTHS),
    *(Column(name="Value", type=pa.decimal128(digits, scale)) for digits, scale in DIGITS),
)
"""A column of each type that a cache has to keep exactly."""


def extremes(column: Column) -> tuple[Any, ...]:
    """The least, greatest, odd and empty values of a column, all different."""
    if pa.types.is_decimal128(column.type):
        return _decimals(column.type)
    if column.length is not None:
        short = [text for text in _ODD_TEXTS if len(text) <= column.length]
        return tuple(dict.fromkeys([*short, *(character * column.length for character in "x ü🙂")]))
    return EXTREMES[column.type]


def types() -> st.SearchStrategy[pa.DataType]:
    """Any type that travels."""
    decimals = st.integers(1, 38).flatmap(lambda digits: st.integers(0, digits).map(lambda s: pa.decimal128(digits, s)))
    return st.one_of(st.sampled_from(PLAIN_TYPES), decimals)


def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Values of the type, not null: edges often, anything else as well."""
    drawn = _drawn(kind)
    return st.one_of(st.sampled_from(extremes(Column(name="V", type=kind))), drawn)


def schemas(*, max_columns: int = 8) -> st.SearchStrategy[TableSchema]:
    """Tables of any types, with a key of one to three columns that may stand anywhere."""
    return st.lists(types(), min_size=1, max_size=max_columns).flatmap(_with_key)


def tables(schema: TableSchema, *, max_rows: int = 12) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Rows of the schema, each key once."""
    columns = [
        values(column.type) if column.name in schema.key or not column.nullable else st.none() | values(column.type)
        for column in schema.columns
    ]
    places = [schema.names.index(name) for name in schema.key]
    return st.lists(
        st.tuples(*columns), max_size=max_rows, unique_by=lambda row: tuple(_identity(row[place]) for place in places)
    )


def _drawn(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_decimal128(kind):
        most = 10**kind.precision - 1
        return st.integers(-most, most).map(lambda digits: _decimal(digits, kind.scale))
    if pa.types.is_integer(kind):
        return st.integers(-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1)
    return {
        pa.bool_(): st.booleans(),
        pa.float64(): st.floats(allow_nan=False),
        pa.string(): st.text(st.characters(codec="utf-8"), max_size=20),
        pa.binary(): st.binary(max_size=20),
        pa.date32(): st.dates(),
        TIME: st.times(),
        TIMESTAMP: st.datetimes(timezones=st.just(UTC)),
        DATETIME: st.datetimes(),
    }[kind]


def _decimals(kind: pa.Decimal128Type) -> tuple[Decimal, ...]:
    """The greatest and least, the smallest steps beside zero, and some whose last digits are zeros or all alike."""
    most = 10**kind.precision - 1
    found = (most, -most, 0, 1, -1, most // 9, most // 10 * 10, 5 * 10 ** (kind.precision - 1))
    return tuple(_decimal(digits, kind.scale) for digits in dict.fromkeys(found))


def _decimal(digits: int, scale: int) -> Decimal:
    """Exact, whatever the context's precision is."""
    return Decimal((int(digits < 0), tuple(int(digit) for digit in str(abs(digits))), -scale))


def _with_key(kinds: list[pa.DataType]) -> st.SearchStrategy[TableSchema]:
    columns = tuple(Column(name=f"C{place}", type=kind) for place, kind in enumerate(kinds))
    names = [column.name for column in columns]
    keys = st.lists(st.sampled_from(names), min_size=1, max_size=min(3, len(names)), unique=True)
    return keys.map(lambda key: TableSchema(columns=columns, key=tuple(key)))


def _identity(value: Any) -> Any:
    """What makes two key values the same to a database: 0.0 and -0.0 are."""
    return value + 0.0 if isinstance(value, float) else value
