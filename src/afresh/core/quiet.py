"""When a source is left alone: spans of wall clock readings of a zone, as instants.

A span that a clock change touches is taken for the longer: it begins at the first instant that its beginning may
mean, and ends at the last that its end may mean; a reading that is skipped means the instant of the change.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from afresh.core.zones import instant_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WRITTEN = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+)?"
    r"(?P<start>\d{2}:\d{2})-(?P<end>\d{2}:\d{2})",
    re.IGNORECASE,
)
_DAY = timedelta(days=1)
_FARTHEST = 15
"""Days that spans are joined over: a source that is never left in peace for longer has quiet hours for ever."""

EXAMPLE = '"22:00-06:00" or "sat-sun 00:00-24:00"'


class NotQuietHours(ValueError):
    """A text that is no span; says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span that begins on certain weekdays (0 is Monday); `end` is after midnight if it is not after `start`."""

    days: frozenset[int]
    start: timedelta
    end: timedelta


def parse(text: str) -> Span:
    """`22:00-06:00`, `fri 18:00-24:00` or `mon-fri 08:00-17:30`; `NotQuietHours` for anything else."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise NotQuietHours(f"is not written as {EXAMPLE}")
    start, end = _reading(found["start"]), _reading(found["end"])
    if start in (_DAY, end):
        raise NotQuietHours("begins when it ends; a whole day is 00:00-24:00")
    return Span(days=_days(found["first"], found["last"]), start=start, end=end if end > start else end + _DAY)


def quiet_until(spans: Iterable[Span], zone: ZoneInfo, at: datetime) -> datetime | None:
    """When the quiet that holds at the instant ends, spans that touch or overlap taken together; None if none holds.

    An instant more than two weeks away stands for quiet hours without an end.
    """
    today = at.astimezone(zone).date()
    spans = tuple(spans)
    # A span of the day before yesterday may reach until now where a clock was set back.
    instants = sorted(
        interval for days in range(-2, _FARTHEST) for interval in _of_day(spans, today + days * _DAY, zone)
    )
    until: datetime | None = None
    for begin, end in instants:
        if begin <= (until or at) < end:
            until = end
    return until


def _of_day(spans: Iterable[Span], day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    for span in spans:
        if day.weekday() in span.days:
            yield instant_of(day, span.start, zone, fold=0), instant_of(day, span.end, zone, fold=1)


def _reading(text: str) -> timedelta:
    hours, minutes = (int(part) for part in text.split(":"))
    found = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or found > _DAY:
        raise NotQuietHours(f"has no time of day {text}")
    return found


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    for name in (first, last or first):
        if name.lower() not in _DAYS:
            raise NotQuietHours(f"has no weekday {name}; they are {', '.join(_DAYS)}")
    begin, end = _DAYS.index(first.lower()), _DAYS.index((last or first).lower())
    return frozenset((begin + number) % 7 for number in range((end - begin) % 7 + 1))
