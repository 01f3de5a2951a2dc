"""PostgreSQL's types: as what each arrives, and the cast under which it arrives exactly.

A numeric is read as the text that the server makes of it, which costs about what a cast to a whole number does, and a
third of what the driver's own numbers cost; and unlike both it can be NaN or infinite without ending the statement.
Text, char(n) with its blanks, bytes, booleans, floats, whole numbers, dates and times come as they are, anything else
as its text.
"""

import re
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute

from afresh.core.schema import DATETIME, TIME, TIMESTAMP, parse_type
from afresh.core.select import Output
from afresh.sources.masks import mask as masked
from afresh.sources.values import Array, Unfit, convert

pc: Any = pyarrow.compute

_AS_THEY_ARE: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "real": pa.float64(),
    "text": pa.string(),
    "character varying": pa.string(),
    "character": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time without time zone": TIME,
    "timestamp without time zone": DATETIME,
    "timestamp with time zone": TIMESTAMP,
}
_TEXTS = ("text", "character varying", "character")
_CASTS = {"oid": "::int8", "money": "::numeric::text", "numeric": "::text"}
_OTHERS: dict[str, pa.DataType] = {"oid": pa.int64(), "money": pa.decimal128(19, 2)}
_SIZES = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_MOST_DIGITS = 38
_LONGEST_INTEGER = 18
_DAY = 86_400_000_000
_UNIX = date(1970, 1, 1).toordinal()
_FIRST_DAY, _AFTER_LAST_DAY = date.min.toordinal() - _UNIX, date.max.toordinal() - _UNIX + 1
_EPOCH_STAMP, _EPOCH_DATE = 946_684_800_000_000, 10_957
"""PostgreSQL counts from 2000, in microseconds and days; the driver adds these, and wraps around at infinity."""
_INFINITE: dict[pa.DataType, dict[int, str]] = {
    pa.int64(): {
        (2**63 - 1 + _EPOCH_STAMP) - 2**64: "infinity",
        -(2**63) + _EPOCH_STAMP: "-infinity",
    },
    pa.int32(): {(2**31 - 1 + _EPOCH_DATE) - 2**32: "infinity", -(2**31) + _EPOCH_DATE: "-infinity"},
}
_SAYABLE = ("infinity", "-infinity", "Infinity", "-Infinity", "NaN", "24:00:00")


def named(declared: str) -> tuple[str, tuple[int, ...]]:
    """The name of a type without its sizes, and the sizes: of `numeric(15,2)`, `timestamp(3) with time zone`."""
    found = _SIZES.search(declared)
    sizes = tuple(int(size) for size in found.groups() if size is not None) if found else ()
    return _SIZES.sub("", declared), sizes


def arrives(declared: str, bare_numeric: pa.DataType) -> tuple[pa.DataType, int | None]:
    """The type as which a column declared so arrives, and its text length if it has one."""
    name, sizes = named(declared)
    if name == "numeric":
        return _numeric(sizes, bare_numeric), None
    length = sizes[0] if sizes and name in _TEXTS else None
    return {**_AS_THEY_ARE, **_OTHERS}.get(name, pa.string()), length


def bare(type_text: str) -> pa.DataType:
    """The type that the options have for numerics without digits."""
    return parse_type(type_text)[0]


def _numeric(sizes: tuple[int, ...], bare_numeric: pa.DataType) -> pa.DataType:
    """Digits before or behind the point may be declared away: numeric(2,-3) has five, numeric(2,4) four behind it."""
    if not sizes:
        return bare_numeric
    precision, scale = _digits(sizes)
    if precision > _MOST_DIGITS:
        return pa.string()
    if scale == 0 and precision <= _LONGEST_INTEGER:
        return pa.int64()
    return pa.decimal128(precision, scale)


def _digits(sizes: tuple[int, ...]) -> tuple[int, int]:
    precision, scale = sizes[0], sizes[1] if len(sizes) > 1 else 0
    return max(precision, scale) if scale >= 0 else precision - scale, max(scale, 0)


def expression(output: Output, column: str) -> str:
    """What is selected for a column that is declared so; of an unknown type, the column as it is."""
    name, _ = named(output.declared)
    if not output.declared or name in _TEXTS:
        return column
    if pa.types.is_string(output.type):
        return f"{column}::text"
    if name in _AS_THEY_ARE:
        return column
    if name == "numeric" and pa.types.is_integer(output.type):
        return f"trim_scale({column})::text"
    return column + _CASTS.get(name, "::text")


def decoded(column: Array, output: Output) -> Any:
    """What the driver delivered for an output as what it means: numerics as numbers, and where a stamp is none that we
    have, the column as `Odd`."""
    kind = column.type
    if pa.types.is_string(kind):
        return _numbers(column, output)
    if pa.types.is_temporal(kind) and not _in_calendar(column):
        return Odd(column)
    return column


def converted(values: Any, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    """As `values.convert`, of what `decoded` gave."""
    if not isinstance(values, Odd):
        return convert(values, wanted, zone)
    if not _in_calendar(values.array):
        raise Unfit
    return convert(values.array, wanted, zone)


class Odd:
    """Dates, times or stamps of which some are infinite, before the year 1, after 9999, or the end of a day. Such a
    one is shown as its text."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __len__(self) -> int:
        """How many there are."""
        return len(self.array)

    def __getitem__(self, place: int | slice) -> Any:
        """One of them as a value for people, or a part of them."""
        if isinstance(place, slice):
            return Odd(self.array[place])
        return self.array[place] if _in_calendar(self.array[place : place + 1]) else _text_of(self.array[place])


def _numbers(texts: Array, output: Output) -> Array:
    """Declared digits bound every number, so Arrow's own parser is exact; what it does not take is NaN."""
    name, sizes = named(output.declared)
    if name != "numeric" or pa.types.is_string(output.type):
        return texts
    try:
        if pa.types.is_integer(output.type):
            return texts.cast(pa.int64())
        if sizes and _digits(sizes)[0] <= _MOST_DIGITS:
            return texts.cast(pa.decimal128(*_digits(sizes)))
    except pa.ArrowInvalid:
        pass
    return texts


def _in_calendar(stamps: Array) -> bool:
    """Whether each lies in the years 1 to 9999, or in a day."""
    kind = stamps.type
    if pa.types.is_time64(kind):
        first, end = 0, _DAY
    elif pa.types.is_date32(kind):
        first, end = _FIRST_DAY, _AFTER_LAST_DAY
    else:
        first, end = _FIRST_DAY * _DAY, _AFTER_LAST_DAY * _DAY
    bounds = pc.min_max(stamps.cast(_ticks(kind)))
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    return least is None or (first <= least and most < end)


def _ticks(kind: Any) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def _text_of(stamp: Any) -> str | None:
    """What PostgreSQL calls it, or the number of days or microseconds since 1970."""
    width = _ticks(stamp.type)
    ticks: int = stamp.cast(width).as_py()
    if pa.types.is_time64(stamp.type):
        return "24:00:00"
    return _INFINITE[width].get(ticks, f"{ticks} since 1970")


def mask(value: object) -> str:
    """What may be said of a value: of those that say nothing of anybody, what they are."""
    return value if isinstance(value, str) and value in _SAYABLE else masked(value)
