"""Values as they are stored, and back. A column has no declared type, so that SQLite changes nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from afresh.core.errors import BadValue


def stored(kind: pa.DataType, value: Any, place: str) -> Any:
    """The value as SQLite keeps it exactly; `BadValue` for one that it cannot hold."""
    if value is None or isinstance(value, str | bytes):
        return value
    if isinstance(value, float) and value != value:
        raise BadValue(f"{place}: not-a-number cannot be stored, it would become null")
    if pa.types.is_decimal(kind):
        return f"{value:f}"
    return value if isinstance(value, int | float) else value.isoformat()


def loaded(kind: pa.DataType, value: Any) -> Any:
    """The stored value as Arrow gives it to Python."""
    return None if value is None else _loader(kind)(value)


def _loader(kind: pa.DataType) -> Callable[[Any], Any]:
    if pa.types.is_boolean(kind):
        return bool
    if pa.types.is_decimal(kind):
        return Decimal
    if pa.types.is_date(kind):
        return date.fromisoformat
    if pa.types.is_time(kind):
        return time.fromisoformat
    if pa.types.is_timestamp(kind):
        return _instant if kind.tz else datetime.fromisoformat
    return _same


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _same(value: Any) -> Any:
    return value
