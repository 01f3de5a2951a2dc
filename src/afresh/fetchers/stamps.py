"""Last-update stamps: what a window compares them with, and where a clock change makes their order uncertain."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import DATETIME, TIMESTAMP
from afresh.core.zones import folds, local_floor

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


def folds_around(zone: ZoneInfo, now: datetime) -> Folds:
    """The repeated hours of the zone, 400 days back and ahead.

    They matter where readings were turned into instants. For stamps that stay wall clock readings the order within a
    repeated hour is lost too, but it cannot be told as spans of UTC; there the next window after the hour sets right
    what came in the wrong order.
    """
    return _folds(zone, now.replace(hour=0, minute=0, second=0, microsecond=0))


@lru_cache(maxsize=16)
def _folds(zone: ZoneInfo, day: datetime) -> Folds:
    return folds(zone, day - _REACH, day + _REACH)
