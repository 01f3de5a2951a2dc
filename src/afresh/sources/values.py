"""Turns an Arrow array of any type into one of a type that travels, exactly or not at all.

stored            becomes
bool              bool, integers, text
integers          bool (0 and 1), integers and decimals in range, float where a double holds it, text
float             integers and decimals that are its shortest text, float, text
decimal           integers, decimals and floats of the same value, text
text              whatever it spells: digits, decimal numbers, YYYY-MM-DD[ HH:MM[:SS[.ffffff]]], HH:MM[:SS[.ffffff]]
bytes             bytes
date              date, a reading or instant at midnight, text
time              time in whole microseconds, text
reading           reading in whole microseconds, date at midnight, instant in the source's zone, text
instant           instant in whole microseconds, reading in the source's zone, text

Of a reading that came twice (clock set back) the earlier instant is taken; one that never was (clock set forward)
becomes the instant of the change. Years are 1 to 9999: whatever a driver makes of an infinite date lies outside.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Context, Decimal, Inexact, InvalidOperation
from math import isfinite, isinf
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, type_name
from afresh.sources import short_decimals

Array = Any
"""A `pyarrow.Array`. The stubs cannot follow arrays whose type is only known at run time, so they are left out."""
Rule = Callable[[Array, Any, ZoneInfo], Array]

pc: Any = pyarrow.compute

_FIRST_INSTANT, _AFTER_LAST_INSTANT = (int(np.datetime64(day, "us").astype(np.int64)) for day in ("0001", "10000"))
_DAY = 86_400_000_000
_ZONED = r"[T ].*(Z|[+-]\d\d(:?\d\d)?)$"
_TRAILING_ZEROS = r"(\.\d{6})0+"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$"
_SHORT_NUMBER = r"^[+-]?[\d.]{1,38}$"
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])


class Unfit(Exception):
    """Some value of the column has no exact form in the wanted type."""


def convert(stored: Array, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    """The array in the wanted type, element by element; `Unfit` if one of them does not fit. Costs nothing where the
    types are the same."""
    found = _plain(stored)
    if found.type == wanted:
        return _checked(found)
    if found.null_count == len(found):
        return pa.array([None] * len(found), wanted)
    rule = _rule(found.type, wanted)
    if rule is None:
        raise Unfit
    try:
        return rule(found, wanted, zone)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise Unfit from error


def _plain(stored: Array) -> Array:
    """Without wrappings that mean nothing to us: chunks, dictionaries, extensions, views, wide offsets."""
    found: Array = stored.combine_chunks() if isinstance(stored, pa.ChunkedArray) else stored
    if isinstance(found.type, pa.BaseExtensionType):
        found = found.storage
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    kind = found.type
    if pa.types.is_large_string(kind) or kind == pa.string_view():
        return found.cast(pa.string())
    if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind) or kind == pa.binary_view():
        return found.cast(pa.binary())
    return found


def _checked(found: Array) -> Array:
    """The array as it is; `Unfit` if a date, time or stamp in it is none: drivers hand on the numbers by which
    databases mark infinite dates, and the 24th hour."""
    if pa.types.is_timestamp(found.type):
        return in_range(found)
    if pa.types.is_date32(found.type):
        return _between(found, _FIRST_INSTANT // _DAY, _AFTER_LAST_INSTANT // _DAY, pa.int32())
    return _between(found, 0, _DAY, pa.int64()) if found.type == TIME else found


def _rule(stored: Any, wanted: pa.DataType) -> Rule | None:
    kind = _kind(stored)
    if pa.types.is_string(wanted):
        return _TEXTS.get(kind)
    if pa.types.is_signed_integer(wanted):
        return _WHOLE.get(kind)
    if pa.types.is_decimal128(wanted):
        return _DECIMAL.get(kind)
    if str(wanted) not in _OTHER:
        raise ConfigurationError(f"values of a source cannot become {type_name(wanted)}")
    return _OTHER[str(wanted)].get(kind)


_KINDS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("bool", pa.types.is_boolean),
    ("integer", pa.types.is_integer),
    ("float", pa.types.is_floating),
    ("decimal", pa.types.is_decimal),
    ("text", pa.types.is_string),
    ("bytes", pa.types.is_binary),
    ("date", pa.types.is_date),
    ("time", pa.types.is_time),
)


def _kind(stored: Any) -> str:
    if pa.types.is_timestamp(stored):
        return "reading" if stored.tz is None else "instant"
    return next((name for name, belongs in _KINDS if belongs(stored)), "other")


# ------------------------------------------------------------------------------------------------------ numbers


def cast(stored: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Arrow's own cast, where it is exact or fails: within integers, from whole doubles, to text."""
    return stored.cast(wanted)


def digits(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Without the hexadecimal digits that the cast would take."""
    if not short_decimals.used(texts).translate(None, b"-0123456789"):  # the cast refuses a sign in another place
        return texts.cast(wanted)
    _all(pc.match_substring_regex(texts, r"^-?\d+$"))
    return texts.cast(wanted)


def booleans(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """0 and 1, nothing else."""
    _all(pc.is_in(numbers, pa.array([0, 1, None], numbers.type)))
    return numbers.cast(wanted)


def _word_booleans(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    folded = pc.utf8_lower(texts)
    true, false = pa.array(["1", "t", "true"]), pa.array(["0", "f", "false"])
    yes = pc.is_in(folded, true)
    _all(pc.or_(yes, pc.or_(pc.is_in(folded, false), texts.is_null())))
    return pc.if_else(texts.is_null(), pa.scalar(None, pa.bool_()), yes)


def integer_doubles(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Whole numbers that a double holds exactly."""
    doubles = numbers.cast(wanted, safe=False)
    _all(pc.equal(doubles.cast(numbers.type), numbers))
    return doubles


def integer_decimals(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Whole numbers in range."""
    return numbers.cast(_wide(wanted)).cast(wanted)


def real_decimals(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """The decimal number that is the double's shortest text."""
    found = short_decimals.of_doubles(numbers, wanted)
    if found is not None:
        return found
    return _decimals((None if number is None else repr(number) for number in numbers.to_pylist()), wanted)


def _narrow_floats(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Single precision becomes double, each as it is."""
    return numbers.cast(pa.float64())


def _float_decimals(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return real_decimals(numbers.cast(pa.float64()), wanted, zone)


def text_decimals(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Decimal numbers with or without an exponent."""
    found = short_decimals.of_texts(texts, wanted)
    if found is not None:
        return found
    _all(pc.match_substring_regex(texts, _NUMBER))
    if pc.all(pc.match_substring_regex(texts, _SHORT_NUMBER)).as_py() is not False:
        return texts.cast(_wide(wanted)).cast(wanted)
    return _decimals(texts.to_pylist(), wanted)


def _rescaled(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return numbers.cast(_wide(numbers.type)).cast(_wide(wanted)).cast(wanted)


def _decimal_integers(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    whole = numbers.cast(_wide(numbers.type)).cast(pa.decimal256(76, 0)).cast(pa.decimal128(38, 0))
    return whole.cast(wanted)


def _decimal_floats(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """The double whose shortest text is the number."""
    found = [None if number is None else float(number) for number in numbers.to_pylist()]
    for number, double in zip(numbers.to_pylist(), found, strict=True):
        if double is not None and Decimal(repr(double)) != number:
            raise Unfit
    return pa.array(found, wanted)


def _text_floats(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """The double whose shortest text, or text in 17 digits, the number is; or the words for what is no number."""
    return pa.array([None if text is None else _double(text) for text in texts.to_pylist()], wanted)


def _double(text: str) -> float:
    try:
        number = float(text)
        same = not isfinite(number) or Decimal(text) in (Decimal(repr(number)), Decimal(f"{number:.17g}"))
    except (ValueError, ArithmeticError) as error:
        raise Unfit from error
    if not same or "_" in text or (isinf(number) and any(letter.isdigit() for letter in text)):
        raise Unfit
    return number


def _wide(wanted: Any) -> pa.DataType:
    """A decimal in which no number of 38 digits overflows when it gets that scale; Arrow's casts and parsing do so
    without a word in narrower ones."""
    return pa.decimal256(76, wanted.scale)


def _decimals(texts: Iterable[str | None], wanted: Any) -> Array:
    """One by one: for texts with an exponent or many digits, and doubles of more than 15 digits."""
    unit, limit = Decimal(1).scaleb(-wanted.scale), Decimal(1).scaleb(wanted.precision - wanted.scale)
    found = []
    for text in texts:
        try:
            found.append(None if text is None else Decimal(text).quantize(unit, context=_EXACT))
            if found[-1] is not None and found[-1].copy_abs() >= limit:  # what is no number cannot be compared
                raise Unfit
        except ArithmeticError as error:
            raise Unfit from error
    return pa.array(found, wanted)


# --------------------------------------------------------------------------------------------- dates and instants


def dates(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """A date, or a reading at midnight."""
    return _days(readings(texts, DATETIME, zone), wanted, zone)


def _days(stamps: Array, wanted: Any, zone: ZoneInfo) -> Array:
    found = in_range(stamps.cast(DATETIME))
    ticks = found.cast(pa.int64())
    _all(pc.equal(pc.multiply(pc.divide(ticks, _DAY), _DAY), ticks))
    return found.cast(wanted)


def _whole_days(days: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return _checked(days.cast(wanted))


def _whole_times(times_of_day: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return _checked(times_of_day.cast(wanted))


def times(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """A time of day."""
    _all(pc.match_substring_regex(texts, r"^\d\d:\d\d"))
    on_first_day = pc.binary_join_element_wise(pa.scalar("1970-01-01 "), texts, "")
    return readings(on_first_day, DATETIME, zone).cast(pa.int64()).cast(wanted)


def readings(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Wall clock readings, years 1 to 9999; zeros beyond the microseconds do not count."""
    try:
        return in_range(texts.cast(DATETIME))
    except pa.ArrowInvalid:
        return in_range(pc.replace_substring_regex(texts, _TRAILING_ZEROS, r"\1").cast(DATETIME))


def instants(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Readings in the zone, unless they say their offset. The first text tells which of the two all others may be: a
    cast that fails takes twenty times as long as one that does not."""
    with suppress(pa.ArrowInvalid):
        if _says_offset(texts):
            return in_range(texts.cast(TIMESTAMP))
        return placed(texts.cast(DATETIME), wanted, zone)
    texts = pc.replace_substring_regex(texts, _TRAILING_ZEROS, r"\1")
    zoned = pc.match_substring_regex(texts, _ZONED)
    nothing = pa.scalar(None, pa.string())
    told = pc.if_else(zoned, texts, nothing).cast(TIMESTAMP)
    return in_range(pc.coalesce(told, placed(pc.if_else(zoned, nothing, texts).cast(DATETIME), wanted, zone)))


def _says_offset(texts: Array) -> bool:
    """Whether the first of them does."""
    first = pc.index(texts.is_valid(), True).as_py()
    return first >= 0 and re.search(_ZONED, texts[first].as_py()) is not None


def placed(stamps: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """The instants that the readings mean in the zone."""
    found = stamps.cast(DATETIME)
    if zone.key != "UTC":
        in_range(found)
        found = pc.assume_timezone(found, zone.key, ambiguous="earliest", nonexistent="latest")
    return in_range(found.cast(TIMESTAMP))


def _microseconds(stamps: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return in_range(stamps.cast(wanted))


def _local(stamps: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return in_range(pc.local_timestamp(in_range(stamps.cast(TIMESTAMP)).cast(pa.timestamp("us", zone.key))))


def _date_stamps(days: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return in_range(days.cast(DATETIME))


def _date_instants(days: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return placed(days.cast(DATETIME), wanted, zone)


def in_range(stamps: Array) -> Array:
    """The stamps as they are; `Unfit` if a year is not 1 to 9999."""
    return _between(stamps, _FIRST_INSTANT, _AFTER_LAST_INSTANT, pa.int64())


def _between(found: Array, lowest: int, end: int, plain: pa.DataType) -> Array:
    bounds = pc.min_max(found.cast(plain))
    least, greatest = bounds["min"].as_py(), bounds["max"].as_py()
    if least is not None and (least < lowest or greatest >= end):
        raise Unfit
    return found


def _all(holds: Array) -> None:
    if pc.all(holds).as_py() is False:
        raise Unfit


# -------------------------------------------------------------------------------------------------------- texts


def float_texts(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Each double's shortest text."""
    return pa.array([None if number is None else repr(number) for number in numbers.to_pylist()], wanted)


def _stamp_texts(stamps: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """`2024-05-01 10:00:00`, an instant with `+00:00`; digits of a second as many as it has."""
    found = in_range(stamps.cast(DATETIME if stamps.type.tz is None else TIMESTAMP))
    return pa.array([None if stamp is None else stamp.isoformat(" ") for stamp in found.to_pylist()], wanted)


def _date_texts(days: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return _checked(days.cast(pa.date32())).cast(wanted)


def _time_texts(times_of_day: Array, wanted: Any, zone: ZoneInfo) -> Array:
    found = _checked(times_of_day.cast(TIME))
    return pa.array([None if time is None else time.isoformat() for time in found.to_pylist()], wanted)


# -------------------------------------------------------------------------------------------------------- the rules

_WHOLE: dict[str, Rule] = {
    "bool": cast,
    "integer": cast,
    "float": cast,
    "decimal": _decimal_integers,
    "text": digits,
}
_DECIMAL: dict[str, Rule] = {
    "integer": integer_decimals,
    "float": _float_decimals,
    "decimal": _rescaled,
    "text": text_decimals,
}
_TEXTS: dict[str, Rule] = {
    "bool": cast,
    "integer": cast,
    "float": float_texts,
    "decimal": cast,
    "date": _date_texts,
    "time": _time_texts,
    "reading": _stamp_texts,
    "instant": _stamp_texts,
}
_OTHER: dict[str, dict[str, Rule]] = {
    "bool": {"integer": booleans, "text": _word_booleans},
    "double": {
        "integer": integer_doubles,
        "float": _narrow_floats,
        "decimal": _decimal_floats,
        "text": _text_floats,
    },
    "binary": {},
    "date32[day]": {"text": dates, "date": _whole_days, "reading": _days},
    "time64[us]": {"text": times, "time": _whole_times},
    "timestamp[us]": {"text": readings, "date": _date_stamps, "reading": _microseconds, "instant": _local},
    "timestamp[us, tz=UTC]": {
        "text": instants,
        "date": _date_instants,
        "reading": placed,
        "instant": _microseconds,
    },
}
