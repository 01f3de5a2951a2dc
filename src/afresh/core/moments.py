"""Times as people write them, and the span between two of them.

A time without an offset or the name of a zone is UTC, as everything that is shown. A day without a time is the whole
day. Where a clock change leaves more than one meaning, the span is taken for the longer.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from afresh.core.zones import instant_of

EXAMPLES = (
    "Write a day, 2026-11-20, or a time: 2026-11-20 22:00 (UTC), 2026-11-20 22:00+01:00, "
    "2026-11-20 22:00 America/Chicago."
)
"""How one is written."""

# A plus sign that was not escaped arrives in the query of an address as a space.
_WRITTEN = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?)?"
    r" ?(?:(?P<utc>[Zz])|(?P<sign>[+\- ])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})|(?P<zone>[A-Za-z][\w+\-/]{1,60}))?",
    re.ASCII,
)
_DAY = timedelta(days=1)


class NotASpan(ValueError):
    """What was written is no span of time: which end is wrong, `since` or `until`, and what is wrong with it."""

    def __init__(self, field: str, wrong: str) -> None:
        super().__init__(f"{field}: {wrong}")
        self.field = field
        self.wrong = wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """From an instant on, and before another; without one the span is open there."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def bounded(self) -> bool:
        """Whether it leaves anything out."""
        return self.since is not None or self.until is not None


def between(since: str | None, until: str | None) -> Between:
    """The span between two times as they were written, nothing standing for an open end; `NotASpan` if they are none.

    A day is meant whole: from its beginning, until its end.
    """
    begin = _moment("since", since, end=False) if since and since.strip() else None
    end = _moment("until", until, end=True) if until and until.strip() else None
    if begin is not None and end is not None and end <= begin:
        raise NotASpan("until", f"{_quoted(until)} is not later than since, {_quoted(since)}")
    return Between(since=begin, until=end)


def _moment(field: str, text: str, *, end: bool) -> datetime:
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise NotASpan(field, f"{_quoted(text)} is neither a day nor a time")
    try:
        return _instant(found, end=end)
    except (LookupError, OSError) as error:  # none is called so, or several are
        raise NotASpan(field, f"{_quoted(found['zone'])} is no time zone") from error
    except (ValueError, OverflowError) as error:
        raise NotASpan(field, f"{_quoted(text)} is no time that there is") from error


def _instant(found: re.Match[str], *, end: bool) -> datetime:
    day = date.fromisoformat(found["day"])
    if found["hour"] is None:
        # The day ends where the next one begins, however often a clock shows midnight.
        return _offset(found, day + _DAY if end else day, timedelta(0), fold=0)
    fraction = int((found["fraction"] or "").ljust(6, "0"))
    clock = time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0), fraction)
    return _offset(found, day, datetime.combine(day, clock) - datetime.combine(day, time()), fold=end)


def _offset(found: re.Match[str], day: date, reading: timedelta, *, fold: int) -> datetime:
    if found["sign"] is None:
        return instant_of(day, reading, ZoneInfo(found["zone"] or "UTC"), fold=fold)
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    if offset >= _DAY or int(found["minutes"]) > 59:
        raise ValueError("no offset is so large")
    return instant_of(day, reading, ZoneInfo("UTC"), fold=0) + (offset if found["sign"] == "-" else -offset)


def _quoted(text: str | None) -> str:
    text = text or ""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
