"""Rows as parameters of an INSERT, for servers without bulk copy: their ODBC types, and the driver's traps.

A decimal is bound as text, because the driver gives a decimal's text no room for sign and point. A long text or long
bytes need a type of their own, under which an empty value of another row fails: such a row goes alone.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from afresh.caches.sqlserver_fields import Field

Row = tuple[Any, ...]
Size = tuple[int, int, int]

_PLAIN: dict[str, Size] = {
    "bit": (-7, 1, 0),
    "smallint": (5, 5, 0),
    "int": (4, 10, 0),
    "bigint": (-5, 19, 0),
    "float(53)": (8, 15, 0),
    "date": (91, 10, 0),
    "time(7)": (92, 16, 6),
    "datetime2(7)": (93, 26, 6),
}
_NVARCHAR, _LONG_NVARCHAR, _LONGEST_TEXT = -9, -10, 4_000
_VARBINARY, _LONG_VARBINARY, _LONGEST_BYTES = -3, -4, 8_000
_DECIMAL: Size = (_NVARCHAR, 41, 0)


def bindable(row: Row) -> Row:
    """The row as it is bound."""
    return tuple(f"{value:f}" if isinstance(value, Decimal) else value for value in row)


def together(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in the groups in which they can be sent."""
    short = [row for row in rows if not any(_is_long(value) for value in row)]
    if short:
        yield short
    for row in rows:
        if any(_is_long(value) for value in row):
            yield [row]


def sizes(rows: Sequence[Row], fields: Sequence[Field]) -> list[Size]:
    """ODBC type, size and scale of each parameter, so that a null needs no asking for its type; arrival comes last."""
    each = [_size(field, [row[place] for row in rows]) for place, field in enumerate(fields)]
    return [*each, _PLAIN["bigint"]]


def _size(field: Field, values: Sequence[Any]) -> Size:
    if pa.types.is_decimal(field.type):
        return _DECIMAL
    if not (pa.types.is_string(field.type) or pa.types.is_binary(field.type)):
        return _PLAIN[field.staged]
    longest = max((_length(value) for value in values if value is not None), default=1)
    is_long = any(_is_long(value) for value in values)
    if pa.types.is_string(field.type):
        return (_LONG_NVARCHAR if is_long else _NVARCHAR), max(longest, 1), 0
    return (_LONG_VARBINARY if is_long else _VARBINARY), max(longest, 1), 0


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return _length(value) > _LONGEST_TEXT
    return isinstance(value, bytes) and len(value) > _LONGEST_BYTES


def _length(value: str | bytes) -> int:
    return len(value.encode("utf-16-le")) // 2 if isinstance(value, str) else len(value)
