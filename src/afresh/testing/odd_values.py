"""The values that databases and drivers stumble over, by the names that the kits and the type matrix know them by."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from afresh.core.schema import DATETIME, TIMESTAMP, Column

LARGE = 16 * 1024 * 1024
"""Characters of a text that is large."""
ZONE = "America/Chicago"
"""The zone of sources whose clock changes are tried."""

_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OddValue:
    """One odd value: what it is, and the column and value that a cache gets of it.

    A source keeps `written` in a column of the type `written_type` (if not just that value in that column). Where
    both are None the way in which a source keeps it is its own, and its rig has to say it.
    """

    name: str
    meaning: str
    type: pa.DataType
    value: Any
    written: Any = None
    written_type: pa.DataType | None = None
    own: bool = False

    @property
    def column(self) -> Column:
        """The column of a cache that it belongs in."""
        return Column(name="V", type=self.type)

    @property
    def at_source(self) -> Column:
        """The column of a source that it is written to."""
        return Column(name="V", type=self.written_type or self.type)


reading = datetime.fromisoformat

ODD = (
    OddValue(
        name="38 digits",
        meaning="the greatest whole number of 38 digits",
        type=pa.decimal128(38, 0),
        value=Decimal("9" * 38),
    ),
    OddValue(
        name="bare NUMBER",
        meaning="a number of a type that says neither digits nor scale",
        type=pa.decimal128(38, 10),
        value=Decimal("1.5000000000"),
        own=True,
    ),
    OddValue(name="0001-01-01", meaning="the first day there is", type=DATETIME, value=reading("0001-01-01")),
    OddValue(
        name="9999-12-31 23:59:59.9999999",
        meaning="the last moment there is, finer than the microseconds that travel",
        type=DATETIME,
        value=reading("9999-12-31 23:59:59.999999"),
        own=True,
    ),
    OddValue(
        name="DST gap",
        meaning=f"02:30 in the hour that never was in {ZONE}, read as an instant: the change itself",
        type=TIMESTAMP,
        value=reading("2024-03-10 08:00:00Z"),
        written=reading("2024-03-10 02:30:00"),
        written_type=DATETIME,
    ),
    OddValue(
        name="DST fold",
        meaning=f"01:30 in the hour that came twice in {ZONE}, read as an instant: the earlier of the two",
        type=TIMESTAMP,
        value=reading("2024-11-03 06:30:00Z"),
        written=reading("2024-11-03 01:30:00"),
        written_type=DATETIME,
    ),
    OddValue(name="CHAR padding", meaning="`ab` in a CHAR(5)", type=pa.string(), value="ab   ", own=True),
    OddValue(name="empty text", meaning="an empty text, next to a NULL", type=pa.string(), value=""),
    OddValue(
        name="cp1252 bytes",
        meaning="the bytes FC 80 (`ü€` in cp1252) in a column that is said to be iso_1 or another code page",
        type=pa.string(),
        value="ü€",
        own=True,
    ),
    OddValue(name="NUL", meaning="a text with the character NUL", type=pa.string(), value="a\0b"),
    OddValue(name="emoji", meaning="a character beyond 16 bits", type=pa.string(), value="🙂"),
    OddValue(name="16 MB text", meaning="a text of 16,777,216 characters", type=pa.string(), value="x" * LARGE),
    OddValue(name="NaN", meaning="a float that is not a number", type=pa.float64(), value=float("nan")),
    OddValue(name="infinity", meaning="a float beyond all others", type=pa.float64(), value=float("inf")),
)


def same(found: Any, wanted: Any) -> bool:
    """Whether two values are the same: what is not a number as well, and 0.0 not as -0.0."""
    if isinstance(wanted, float) and isinstance(found, float):
        return repr(found) == repr(wanted)
    return type(found) is type(wanted) and bool(found == wanted)


def shown(value: Any) -> str:
    """A value of the kits (never one of a user's) for people, on one line, the long ones cut short."""
    match value:
        case None:
            return "null"
        case str():
            text = (
                f"{value[0]!r} × {len(value):,}" if len(value) > _MOST_SHOWN and len(set(value)) == 1 else repr(value)
            )
        case bytes():
            text = f"X'{value.hex().upper()}'"
        case Decimal():
            text = f"{value:f}"
        case datetime():
            plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            text = f"{plain.isoformat(' ')}{' UTC' if value.tzinfo else ''}"
        case date() | time():
            text = value.isoformat()
        case _:
            text = repr(value)
    return cut(text)


def cut(text: str) -> str:
    """A text of at most so many characters, with its beginning and its length."""
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN // 2]}… ({len(text):,} characters)"
