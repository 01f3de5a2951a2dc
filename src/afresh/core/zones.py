"""Wall clocks and instants: what a clock change does to a window and to the order of stamps."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_STEP = timedelta(minutes=15)
_REACH = timedelta(hours=3)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


def local_floor(instant: datetime, zone: ZoneInfo) -> datetime:
    """The smallest wall clock reading that any instant from `instant` on can show; naive.

    It is the reading at the instant itself, but just before a clock is set back, where it is the reading that
    the repeated hour starts with: rows stamped in the second pass would be missed otherwise. At the very instant
    when a clock is set forward it is the first reading that is skipped, for what is stamped so counts as that instant.
    """
    before = (instant - _TICK).astimezone(zone).replace(tzinfo=None) + _TICK
    floor = min(instant.astimezone(zone).replace(tzinfo=None), before)
    minute = instant.astimezone(UTC).replace(second=0, microsecond=0)
    tick = minute - timedelta(minutes=minute.minute % 15) + _STEP
    while tick <= instant + _REACH:
        floor = min(floor, tick.astimezone(zone).replace(tzinfo=None))
        tick += _STEP
    return floor


def instant_of(day: date, reading: timedelta, zone: ZoneInfo, *, fold: int) -> datetime:
    """The first (fold 0) or last instant that the zone's clocks show the reading; the change, if they skip it."""
    wall = (datetime.combine(day, time()) + reading).replace(tzinfo=zone)
    first, last = (wall.replace(fold=number).astimezone(UTC) for number in (0, 1))
    if last >= first:
        return last if fold else first
    # Skipped: read with the offset before the change it lies behind it, with the one after it before it.
    low, high = last, first
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def folds(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The UTC spans in [start, end] whose wall clock readings came twice, as the first pass has them.

    With readings taken for the first of the two instants they may mean, all ambiguous stamps fall into these spans.
    """
    found: list[tuple[datetime, datetime]] = []
    day = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while day < end:
        if day.astimezone(zone).utcoffset() != (day + _DAY).astimezone(zone).utcoffset():
            found.extend(_folds_of(zone, day))
        day += _DAY
    return tuple(found)


def _folds_of(zone: ZoneInfo, day: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The folds of one day of UTC; clocks change at whole quarters of an hour."""
    before = day.astimezone(zone).utcoffset()
    for tick in (day + _STEP * number for number in range(1, _DAY // _STEP + 1)):
        offset = tick.astimezone(zone).utcoffset()
        if before is not None and offset is not None and offset < before:
            yield tick - (before - offset), tick
        before = offset


def folds_as_read(
    zone: ZoneInfo, spans: tuple[tuple[datetime, datetime], ...]
) -> tuple[tuple[datetime, datetime], ...]:
    """The same folds as the wall clock showed them, each reading labelled UTC: for stamps that stay readings."""

    def reading(at: datetime) -> datetime:
        return at.astimezone(zone).replace(tzinfo=UTC)

    return tuple((reading(start), reading(start) + (end - start)) for start, end in spans)
