"""Turns a column of values, as SQLite's driver gives them, into an Arrow array of a wanted type, exactly or not at all.

SQLite types values, not columns, so each pair of stored class and wanted type has a rule:

wanted            INTEGER               REAL                     TEXT                                      BLOB
bool              0 or 1                -                        -                                         -
int16/32/64       in range              whole, in range          digits, in range                          -
decimal(p,s)      if it fits            its shortest text fits   a decimal number that fits                -
float             exact in a double     as it is                 -                                         -
text              its digits            its shortest text        as it is                                  -
bytes             -                     -                        -                                         as it is
date              -                     -                        YYYY-MM-DD, or a reading at midnight      -
time              -                     -                        HH:MM[:SS[.ffffff]]                       -
datetime          -                     -                        YYYY-MM-DD[ HH:MM[:SS[.ffffff]]], or T    -
timestamp         -                     -                        the same in the source's zone, or with    -
                                                                 Z or an offset

Of a reading that came twice (clock set back) the earlier instant is taken; one that never was (clock set forward)
becomes the instant of the change.
"""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute

from afresh.core.errors import ConfigurationError
from afresh.core.schema import type_name
from afresh.sources import values as rules
from afresh.sources.masks import shape
from afresh.sources.values import Array, Rule, Unfit

Values = Sequence[Any]

pc: Any = pyarrow.compute

_LOOK = 8
"""Values of a column that are looked at for what it may hold."""


def convert(values: Values, wanted: pa.DataType, zone: ZoneInfo) -> Array:
    """The column in the wanted type, element by element; `Unfit` if one of them does not fit."""
    try:
        stored = _stored(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return _mixed(values, wanted, zone)
    if _hides(stored, values, wanted):
        return _mixed(values, wanted, zone)
    return _converted(stored, wanted, zone)


def _stored(values: Values, wanted: pa.DataType) -> Array:
    """The values in the type that all of them have. For decimals doubles are tried first, which is quicker: whole
    numbers become such only where that is exact."""
    if pa.types.is_decimal128(wanted) and any(type(value) is float for value in values[:_LOOK]):
        try:
            return pa.array(values, pa.float64())
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass
    return pa.array(values)


def _hides(stored: Array, values: Values, wanted: pa.DataType) -> bool:
    """Whether Arrow's type says less than the values': texts among bytes, whole numbers among doubles."""
    if pa.types.is_binary(stored.type):
        return str in map(type, values)
    return pa.types.is_floating(stored.type) and pa.types.is_string(wanted) and int in map(type, values)


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


_WHOLE: dict[str, Rule] = {"int64": rules.cast, "double": rules.cast, "string": rules.digits}
_DECIMAL: dict[str, Rule] = {
    "int64": rules.integer_decimals,
    "double": rules.real_decimals,
    "string": rules.text_decimals,
}
_OTHER: dict[str, dict[str, Rule]] = {
    "bool": {"int64": rules.booleans},
    "double": {"int64": rules.integer_doubles},
    "string": {"int64": rules.cast, "double": rules.float_texts},
    "binary": {},
    "date32[day]": {"string": rules.dates},
    "time64[us]": {"string": rules.times},
    "timestamp[us]": {"string": rules.readings},
    "timestamp[us, tz=UTC]": {"string": rules.instants},
}


def _rules(wanted: pa.DataType) -> dict[str, Rule]:
    if pa.types.is_signed_integer(wanted):
        return _WHOLE
    if pa.types.is_decimal128(wanted):
        return _DECIMAL
    if str(wanted) not in _OTHER:
        raise ConfigurationError(f"SQLite values cannot become {type_name(wanted)}")
    return _OTHER[str(wanted)]


def mask(value: object) -> str:
    """What may be said of a value in an error: its stored class and its shape, digits as 9 and letters as x."""
    if isinstance(value, bytes):
        return f"a BLOB of {len(value)} bytes"
    stored = {int: "INTEGER", float: "REAL", str: "TEXT"}.get(type(value), "a value")
    return f"{stored} {shape(value)}"
