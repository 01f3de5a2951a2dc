"""Turns a column of values, as SQLite's driver gives them, into an Arrow array of a wanted type, exactly or not at all.

SQLite types values, not columns, so each pair of stored class and wanted type has a rule:

wanted            INTEGER               REAL                     TEXT                                      BLOB
bool              0 or 1                -                        -                                         -
int16/32/64       in range              whole, in range          digits, in range                          -
decimal(p,s)      if it fits            its shortest text fits   a decimal number that fits                -
float             exact in a double     as it is                 -                                         -
text              its digits            -                        as it is                                  -
bytes             -                     -                        -                                         as it is
date              -                     -                        YYYY-MM-DD, or a reading at midnight      -
time              -                     -                        HH:MM[:SS[.ffffff]]                       -
datetime          -                     -                        YYYY-MM-DD[ HH:MM[:SS[.ffffff]]], or T    -
timestamp         -                     -                        the same in the source's zone, or with    -
                                                                 Z or an offset

Of a reading that came twice (clock set back) the earlier instant is taken; one that never was (clock set forward)
becomes the instant of the change.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIMESTAMP, type_name

Values = Sequence[Any]
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
_EXACT_POWER = 22
"""The highest power of ten that is exact in a double."""
_UNIQUE_DIGITS = 10**15
"""Up to as many digits as this has, a decimal number that reads back as a double is the double's shortest text too."""


class Unfit(Exception):
    """Some value of the column has no exact form in the wanted type."""


def convert(values: Values, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    """The column in the wanted type, element by element; `Unfit` if one of them does not fit."""
    try:
        stored: Array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return _mixed(values, wanted, zone)
    if pa.types.is_binary(stored.type) and str in map(type, values):
        return _mixed(values, wanted, zone)
    return _converted(stored, wanted, zone)


def _converted(stored: Array, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    if stored.type == wanted or pa.types.is_null(stored.type):
        return stored.cast(wanted)
    rule = _rules(wanted).get(str(stored.type))
    if rule is None:
        raise Unfit
    try:
        return rule(stored, wanted, zone)
    except pa.ArrowInvalid as error:
        raise Unfit from error


def _mixed(values: Values, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    """A column with values of several stored classes: each class by its own rule, then laid over each other."""
    classes = set(map(type, values)) - {type(None)}
    if len(classes) == 1:
        raise Unfit
    parts = ([value if type(value) is kind else None for value in values] for kind in classes)
    return pc.coalesce(*(convert(part, wanted, zone) for part in parts))


def first_unfit(values: Values, wanted: pa.DataType, zone: ZoneInfo) -> int:
    """The position of the first value that does not fit, of a column that has one."""
    good, bad = 0, len(values)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            convert(values[good:middle], wanted, zone)
            good = middle
        except Unfit:
            bad = middle
    return good


def mask(value: object) -> str:
    """What may be said of a value in an error: its stored class and its shape, digits as 9 and letters as x."""
    if isinstance(value, bytes):
        return f"a BLOB of {len(value)} bytes"
    stored = {int: "INTEGER", float: "REAL", str: "TEXT"}.get(type(value), "a value")
    shape = "".join("9" if c.isdigit() else "x" if c.isalpha() else c if c.isprintable() else "?" for c in str(value))
    return f"{stored} {shape!r}" if len(shape) <= 40 else f"{stored} {shape[:40]!r}... of {len(shape)} characters"


# ------------------------------------------------------------------------------------------------------ numbers


def _cast(stored: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Arrow's own cast, where it is exact or fails: within integers, from whole doubles, to text."""
    return stored.cast(wanted)


def _digits(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Without the hexadecimal digits that the cast would take."""
    _all(pc.match_substring_regex(texts, r"^-?\d+$"))
    return texts.cast(wanted)


def _booleans(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    _all(pc.is_in(numbers, pa.array([0, 1, None], pa.int64())))
    return numbers.cast(wanted)


def _integer_doubles(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    doubles = numbers.cast(wanted, safe=False)
    _all(pc.equal(doubles.cast(pa.int64()), numbers))
    return doubles


def _integer_decimals(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return numbers.cast(_wide(wanted)).cast(wanted)


def _real_decimals(numbers: Array, wanted: Any, zone: ZoneInfo) -> Array:
    """Through scaled integers where that is sure to be the shortest text, else through the text."""
    nulls = np.asarray(numbers.is_null())
    doubles = np.where(nulls, 0.0, numbers.to_numpy(zero_copy_only=False))
    unit = 10.0**wanted.scale
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(doubles * unit)
        sure = (np.abs(scaled) < min(_UNIQUE_DIGITS, 10**wanted.precision)) & (scaled / unit == doubles)
    if wanted.scale > _EXACT_POWER or not sure.all():
        return _decimals((None if number is None else repr(number) for number in numbers.to_pylist()), wanted)
    return _decimal(scaled.astype(np.int64), nulls, wanted)


def _decimal(unscaled: np.ndarray[Any, np.dtype[np.int64]], nulls: Any, wanted: Any) -> Array:
    """Decimals out of 64-bit integers that are already scaled: each widened to 128 bits, low half first."""
    wide = np.empty((len(unscaled), 2), np.int64)
    wide[:, 0] = unscaled
    wide[:, 1] = unscaled >> 63
    valid = pa.array(~nulls).buffers()[1]
    return pa.Array.from_buffers(wanted, len(unscaled), [valid, pa.py_buffer(wide.tobytes())])


def _text_decimals(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    _all(pc.match_substring_regex(texts, _NUMBER))
    if pc.all(pc.match_substring_regex(texts, _SHORT_NUMBER)).as_py() is not False:
        return texts.cast(_wide(wanted)).cast(wanted)
    return _decimals(texts.to_pylist(), wanted)


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
        except ArithmeticError as error:
            raise Unfit from error
        if found[-1] is not None and found[-1].copy_abs() >= limit:
            raise Unfit
    return pa.array(found, wanted)


# --------------------------------------------------------------------------------------------- dates and instants


def _dates(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    readings = _readings(texts)
    ticks = readings.cast(pa.int64())
    _all(pc.equal(pc.multiply(pc.divide(ticks, _DAY), _DAY), ticks))
    return readings.cast(wanted)


def _times(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    _all(pc.match_substring_regex(texts, r"^\d\d:\d\d"))
    on_first_day = pc.binary_join_element_wise(pa.scalar("1970-01-01 "), texts, "")
    return _readings(on_first_day).cast(pa.int64()).cast(wanted)


def _datetimes(texts: Array, wanted: Any, zone: ZoneInfo) -> Array:
    return _readings(texts)


def _readings(texts: Array) -> Array:
    """Wall clock readings, years 1 to 9999; zeros beyond the microseconds do not count."""
    try:
        return _in_range(texts.cast(DATETIME))
    except pa.ArrowInvalid:
        return _in_range(pc.replace_substring_regex(texts, _TRAILING_ZEROS, r"\1").cast(DATETIME))


def _instants(values: Values, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    texts = pa.array(values, pa.string())
    try:
        return _placed(texts.cast(DATETIME), zone)
    except pa.ArrowInvalid:
        texts = pc.replace_substring_regex(texts, _TRAILING_ZEROS, r"\1")
    zoned = pc.match_substring_regex(texts, _ZONED)
    nothing = pa.scalar(None, pa.string())
    told = pc.if_else(zoned, texts, nothing).cast(TIMESTAMP)
    return _in_range(pc.coalesce(told, _placed(pc.if_else(zoned, nothing, texts).cast(DATETIME), zone)))


def _placed(readings: Array, zone: ZoneInfo) -> Array:
    """The instants that the readings mean in the zone."""
    if zone.key != "UTC":
        _in_range(readings)
        readings = pc.assume_timezone(readings, zone.key, ambiguous="earliest", nonexistent="latest")
    return _in_range(readings.cast(TIMESTAMP))


def _in_range(stamps: Array) -> Array:
    bounds = pc.min_max(stamps.cast(pa.int64()))
    lowest, highest = bounds["min"].as_py(), bounds["max"].as_py()
    if lowest is not None and (lowest < _FIRST_INSTANT or highest >= _AFTER_LAST_INSTANT):
        raise Unfit
    return stamps


def _all(holds: Array) -> None:
    if pc.all(holds).as_py() is False:
        raise Unfit


# -------------------------------------------------------------------------------------------------------- the rules

_WHOLE: dict[str, Rule] = {"int64": _cast, "double": _cast, "string": _digits}
_DECIMAL: dict[str, Rule] = {"int64": _integer_decimals, "double": _real_decimals, "string": _text_decimals}
_OTHER: dict[str, dict[str, Rule]] = {
    "bool": {"int64": _booleans},
    "double": {"int64": _integer_doubles},
    "string": {"int64": _cast},
    "binary": {},
    "date32[day]": {"string": _dates},
    "time64[us]": {"string": _times},
    "timestamp[us]": {"string": _datetimes},
    "timestamp[us, tz=UTC]": {"string": _instants},
}


def _rules(wanted: pa.DataType) -> dict[str, Rule]:
    if pa.types.is_signed_integer(wanted):
        return _WHOLE
    if pa.types.is_decimal128(wanted):
        return _DECIMAL
    if str(wanted) not in _OTHER:
        raise ConfigurationError(f"SQLite values cannot become {type_name(wanted)}")
    return _OTHER[str(wanted)]
