"""How SQL Server's types arrive, and which expression makes a value arrive exactly.

The driver's Arrow data has microseconds, and cuts what is finer without a word: readings with seven digits come as
texts, so that a value that is finer is found and follows its column's policy. A zone is taken away in the server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIME, TIMESTAMP
from afresh.core.select import Output

_DECLARED = re.compile(r"\s*(\w+)\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", re.IGNORECASE)
_MICROSECONDS, _FINEST = 6, 7
_TEXTS = ("char", "varchar", "nchar", "nvarchar")
_LONG = {
    "text": "varchar(max)",
    "ntext": "nvarchar(max)",
    "xml": "nvarchar(max)",
    "json": "nvarchar(max)",
    "vector": "nvarchar(max)",
    "geography": "nvarchar(max)",
    "geometry": "nvarchar(max)",
    "hierarchyid": "nvarchar(4000)",
    "sysname": "nvarchar(128)",
    "uniqueidentifier": "nvarchar(36)",
    "image": "varbinary(max)",
    "timestamp": "binary(8)",
    "rowversion": "binary(8)",
    "money": "decimal(19,4)",
    "smallmoney": "decimal(10,4)",
    "datetime": "datetime2(3)",
    "smalldatetime": "datetime2(0)",
}
"""Types that are asked for as another one, which holds the same values."""
_WHOLE: Mapping[str, pa.DataType] = {
    "bit": pa.bool_(),
    "tinyint": pa.int16(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float64(),
    "real": pa.float64(),
    "date": pa.date32(),
    "time": TIME,
    "datetime": DATETIME,
    "smalldatetime": DATETIME,
    "datetime2": DATETIME,
    "datetimeoffset": TIMESTAMP,
    "money": pa.decimal128(19, 4),
    "smallmoney": pa.decimal128(10, 4),
}
_BYTES = ("binary", "varbinary", "image", "timestamp", "rowversion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A type as the catalogue names it: `decimal(12,2)` has a size of 12 and a scale of 2; `max` has no size."""

    name: str
    size: int | None = None
    scale: int | None = None

    @property
    def fraction(self) -> int:
        """Digits of a second."""
        return _FINEST if self.size is None else self.size


def parse(declared: str) -> Native:
    """The parts of a declared type; a name of its own for what is not understood."""
    match = _DECLARED.fullmatch(declared)
    if match is None:
        return Native(name=declared.lower())
    size = int(match[2]) if match[2] and match[2].isdecimal() else None
    return Native(name=match[1].lower(), size=size, scale=int(match[3]) if match[3] else None)


def declared(name: str, length: int, precision: int, scale: int) -> str:
    """The type's name with its sizes, from the columns of sys.columns (length in bytes, -1 for max)."""
    base = name.lower()
    if base in (*_TEXTS, "binary", "varbinary"):
        return f"{base}({'max' if length == -1 else length // 2 if base.startswith('n') else length})"
    if base in ("decimal", "numeric"):
        return f"{base}({precision},{scale})"
    return f"{base}({scale})" if base in ("datetime2", "datetimeoffset", "time") else base


def arrives_as(native: Native) -> tuple[pa.DataType, int | None]:
    """The type of a column that nobody gave one, and its text length."""
    if native.name in ("decimal", "numeric"):
        return pa.decimal128(native.size or 18, native.scale or 0), None
    if native.name in _TEXTS:
        return pa.string(), native.size
    if native.name in _BYTES:
        return pa.binary(), None
    return _WHOLE.get(native.name, pa.string()), 36 if native.name == "uniqueidentifier" else None


def expression(output: Output, column: str) -> str:
    """What is selected for an output; ConfigurationError for a type whose values have no one type of their own."""
    native = parse(output.declared)
    if native.name == "sql_variant":
        raise ConfigurationError(
            f"{output.column}: a sql_variant holds values of many types, so it cannot be read as it is",
            hint="Leave the column out, or convert it in a query: CONVERT(nvarchar(4000), column).",
        )
    if native.name == "datetimeoffset":
        column = f"CONVERT(datetime2({native.fraction}), SWITCHOFFSET({column}, '+00:00'))"
    if native.name == "datetimeoffset" and native.fraction > _MICROSECONDS:
        return f"CONVERT(nvarchar(27), {column}, 121) + N'+00:00'"
    if native.name == "datetime2" and native.fraction > _MICROSECONDS:
        return f"CONVERT(nvarchar(27), {column}, 121)"
    if native.name in ("datetime2", "datetime", "smalldatetime", "date") and pa.types.is_string(output.type):
        return f"CONVERT(nvarchar(27), {column}, 121)"
    return f"CONVERT({_LONG[native.name]}, {column})" if native.name in _LONG else column


def is_large(output: Output) -> bool:
    """Whether values of any size may come, so that the driver asks for them one by one."""
    native = parse(output.declared)
    if native.name in ("varchar", "nvarchar", "varbinary"):
        return native.size is None
    return _LONG.get(native.name, "").endswith("(max)")


def is_utc(output: Output) -> bool:
    """Whether what arrives is a reading of UTC."""
    return parse(output.declared).name == "datetimeoffset"
