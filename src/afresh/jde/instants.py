"""Wall clock readings of a zone as instants, whole columns at once.

A reading that came twice, when the clock was set back, is taken for the first of its two instants. A reading that
never came, because the clock was set forward over it, is taken for the instant of that change.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from afresh.jde.dates import Flags, Integers

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = -(2**62)

Stretch = tuple[int, int, int]
"""First reading, offset from UTC, and first instant of a time without clock change; all in microseconds."""


def instants(days: Integers, microseconds: Integers, missing: Flags, zone: ZoneInfo) -> Integers:
    """Microseconds UTC since 1970 of readings given as days since 1970 and microseconds of the day; anything where
    `missing` is set."""
    present = days[~missing]
    if not len(present):
        return np.zeros_like(days)
    first, last = (int(day) for day in (present.min(), present.max()))
    starts, offsets, floors = _stretches(zone, _year(first), _year(last))
    readings = days * _DAY + microseconds
    found = np.maximum(np.searchsorted(starts, readings, side="right") - 1, 0)
    utc: Integers = np.maximum(readings - offsets[found], floors[found])
    return utc


def _year(day: int) -> int:
    return (_EPOCH + timedelta(days=day)).year


@lru_cache(maxsize=64)
def _stretches(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[Integers, Integers, Integers]:
    found = sorted({stretch for year in range(first_year, last_year + 1) for stretch in _of_year(zone, year)})
    starts, offsets, floors = np.array(found, dtype=np.int64).T
    return starts, offsets, floors


@lru_cache(maxsize=4096)
def _of_year(zone: ZoneInfo, year: int) -> tuple[Stretch, ...]:
    """The stretches that a reading of the year can fall into."""
    tick, end = datetime(year - 1, 12, 30, tzinfo=UTC), datetime(year + 1, 1, 2, tzinfo=UTC)
    offset = _offset(tick, zone)
    found = [(_microseconds(tick) + offset, offset, _NEVER)]
    while tick < end:
        following = tick + timedelta(days=1)
        after = _offset(following, zone)
        if after != offset:
            change = _microseconds(_change(tick, following, zone))
            found.append((change + offset, after, change))
            offset = after
        tick = following
    return tuple(found)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with another offset than at `before`; `after` has another one."""
    offset = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset()
    return (offset or timedelta()) // timedelta(microseconds=1)


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
