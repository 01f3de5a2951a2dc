"""Last-update stamps: what a window compares them with, and where a clock change makes their order uncertain."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import DATETIME, TIMESTAMP
from afresh.core.zones import folds, folds_as_read, local_floor

STAMP_TYPES = (TIMESTAMP, DATETIME, pa.date32())
STAMP_TYPE_NAMES = "timestamp, datetime or date"

_REACH = timedelta(days=400)

Folds = tuple[tuple[datetime, datetime], ...]


def floor(minimum_dt: datetime, stored: pa.DataType, zone: ZoneInfo) -> date | datetime:
    """The lowest stamp of that type that a row changed at or after the instant can have.

    An instant is compared with instants; a wall clock reading with the smallest reading that the source's clock
    shows from then on; a date with the date of that reading.
    """
    if stored == TIMESTAMP:
        return minimum_dt
    reading = local_floor(minimum_dt, zone)
    return reading if stored == DATETIME else reading.date()


def folds_around(zone: ZoneInfo, now: datetime, stamp: pa.DataType) -> Folds:
    """The repeated hours of the zone, 400 days back and ahead, as a schema with stamps of that type names them.

    Dates have none: they are not ordered within a day.
    """
    spans = _folds(zone, now.replace(hour=0, minute=0, second=0, microsecond=0))
    if stamp == DATETIME:
        return folds_as_read(zone, spans)
    return spans if stamp == TIMESTAMP else ()


@lru_cache(maxsize=16)
def _folds(zone: ZoneInfo, day: datetime) -> Folds:
    return folds(zone, day - _REACH, day + _REACH)
