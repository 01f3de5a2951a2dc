"""Arrow columns as SQLite stores them: numbers as they are, everything else that is not text or bytes as ISO text.

Timestamps are UTC, `YYYY-MM-DD HH:MM:SS.ffffff`, so that text order is time order; decimals keep all digits of
their scale, so that equal values are equal texts. Conversions run on whole columns.
"""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from afresh.core.errors import BadValue
from afresh.core.schema import DATETIME

_PLAIN_DECIMAL_SCALE = 6
"""Up to this scale Arrow writes every decimal without an exponent."""


def columns(table: str, batch: pa.RecordBatch) -> list[list[Any]]:
    """The batch's columns as values that sqlite3 binds exactly."""
    return [_stored(table, field.name, batch.column(index)) for index, field in enumerate(batch.schema)]


def instant_text(at: datetime) -> str:
    """One instant in the same form."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _stored(table: str, name: str, values: "pa.Array[Any]") -> list[Any]:
    kind = values.type
    if pa.types.is_timestamp(kind):
        return values.cast(DATETIME).cast(pa.string()).to_pylist()
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return values.cast(pa.string()).to_pylist()
    if pa.types.is_decimal(kind):
        if kind.scale <= _PLAIN_DECIMAL_SCALE:
            return values.cast(pa.string()).to_pylist()
        return [None if value is None else f"{value:f}" for value in values.to_pylist()]
    if pa.types.is_floating(kind) and pc.any(pc.is_nan(values)).as_py():
        raise BadValue(
            f"{table}.{name}: a value is NaN, which SQLite would store as null",
            hint="Declare the column as text, or exclude such rows.",
        )
    return values.to_pylist()
