"""Our types and PostgreSQL's: what a table is made of, and what an existing column is to us."""

import pyarrow as pa

from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column

LONGEST_VARCHAR = 10_485_760

_NATIVE: tuple[tuple[pa.DataType, str], ...] = (
    (pa.bool_(), "boolean"),
    (pa.int16(), "smallint"),
    (pa.int32(), "integer"),
    (pa.int64(), "bigint"),
    (pa.float64(), "double precision"),
    (pa.string(), "text"),
    (pa.binary(), "bytea"),
    (pa.date32(), "date"),
    (TIME, "time"),
    (TIMESTAMP, "timestamptz"),
    (DATETIME, "timestamp"),
)
_CATALOGUE: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": TIME,
    "timestamptz": TIMESTAMP,
    "timestamp": DATETIME,
}
_TIMES = frozenset({"time", "timestamp", "timestamptz"})
_MICROSECONDS = 6
_REASONS = {
    "bpchar": "char(n) pads texts with blanks, and takes texts that differ in trailing blanks for equal",
    "float4": "real keeps only six digits",
    "money": "money depends on the server's locale",
}


def native(arrow: pa.DataType, length: int | None = None) -> str:
    """The type of a column that holds the Arrow type's values exactly, which COPY takes from Arrow as they are."""
    if pa.types.is_decimal(arrow):
        return f"numeric({arrow.precision},{arrow.scale})"
    if pa.types.is_string(arrow) and length is not None and length <= LONGEST_VARCHAR:
        return f"varchar({length})"
    return next(name for kind, name in _NATIVE if kind == arrow)


def known(base: str, modifier: int, wanted: Column | None) -> tuple[pa.DataType, int | None] | str:
    """Arrow type and text length of a catalogue type, or the reason why it cannot hold our values exactly.

    A numeric without digits takes every decimal, so it is what is wanted of it.
    """
    if base == "numeric":
        return _numeric(modifier, wanted)
    if base not in _CATALOGUE:
        return _REASONS.get(base, f"{base} is none of the types that travel")
    if base in _TIMES and 0 <= modifier < _MICROSECONDS:
        return f"{base}({modifier}) rounds to fewer than the six digits of a microsecond"
    length = modifier - 4 if base == "varchar" and modifier >= 0 else None
    return _CATALOGUE[base], length


def _numeric(modifier: int, wanted: Column | None) -> tuple[pa.DataType, int | None] | str:
    if modifier < 0:
        if wanted is not None and pa.types.is_decimal(wanted.type):
            return wanted.type, None
        return "a numeric without digits is known for decimals only"
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    if scale > 0x3FF:
        scale -= 0x800
    if not 1 <= precision <= 38 or not 0 <= scale <= precision:
        return f"numeric({precision},{scale}) is no decimal of 1 to 38 digits of which the scale is a part"
    return pa.decimal128(precision, scale), None
