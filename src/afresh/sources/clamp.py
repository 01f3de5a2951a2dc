"""The nearest value that a type can hold, for the policy `clamp`."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

_WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


def nearest(value: object, wanted: pa.DataType) -> Any | None:
    """The value of the wanted type that lies nearest to it: rounded (halves to even), then cut to the type's range.
    None where nothing is near: not a number, a text that spells none, bytes."""
    number = _number(value)
    if pa.types.is_integer(wanted) and number is not None:
        bits = wanted.bit_width - 1
        return _whole(number, -(2**bits), 2**bits - 1)
    if pa.types.is_decimal128(wanted) and number is not None:
        return _decimal(number, wanted)
    if pa.types.is_boolean(wanted) and number is not None:
        return number != 0
    if pa.types.is_floating(wanted) and number is not None:
        return _float(number)
    for belongs, clamp in _TEMPORAL:
        if belongs(wanted):
            return clamp(value, wanted)
    return None


def _number(value: object) -> Decimal | None:
    if not isinstance(value, bool | int | float | Decimal | str):
        return None
    try:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return None if found.is_nan() else found


def _whole(number: Decimal, least: int, most: int) -> int:
    if number.is_infinite():
        return most if number > 0 else least
    return min(max(int(number.to_integral_value(ROUND_HALF_EVEN, _WIDE)), least), most)


def _decimal(number: Decimal, wanted: Any) -> Decimal:
    unscaled = _whole(number.scaleb(wanted.scale, _WIDE), -(10**wanted.precision) + 1, 10**wanted.precision - 1)
    return Decimal((int(unscaled < 0), tuple(int(digit) for digit in str(abs(unscaled))), -wanted.scale))


def _float(number: Decimal) -> float:
    found = float(number)
    return found if math.isfinite(found) else math.copysign(1.7976931348623157e308, found)


_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def _datetime(value: object, wanted: Any) -> datetime | None:
    zone = UTC if wanted.tz is not None else None
    if isinstance(value, str) and (value.endswith(" since 1970") or value.lower() in ("infinity", "-infinity")):
        return (_EARLIEST if value.startswith("-") else _LATEST).replace(tzinfo=zone)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and (value.tzinfo is None) == (zone is None) else None


def _date(value: object, wanted: Any) -> date | None:
    found = _datetime(value, pa.timestamp("us"))
    if found is None and isinstance(value, datetime):
        found = value.replace(tzinfo=None)
    return found.date() if found is not None else None


def _time(value: object, wanted: Any) -> time | None:
    """A time of day; spans beyond a day become its last moment, negative ones its first."""
    if isinstance(value, str):
        if value.startswith("-"):
            return time.min
        hours = value.partition(":")[0]
        if hours.isdigit() and int(hours) >= 24:
            return time.max
        try:
            return time.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, time) else None


_TEMPORAL: tuple[tuple[Callable[[Any], bool], Callable[[object, Any], Any]], ...] = (
    (pa.types.is_timestamp, _datetime),
    (pa.types.is_date, _date),
    (pa.types.is_time, _time),
)
