"""Durations as people write them: `60s`, `1h30m`, `7d`, and the TimeSpan texts of .NET: `7.00:00:00`."""

import re
from datetime import timedelta

LONGEST = timedelta(days=36_525)
EXAMPLE = '"60s", "5m", "1h30m" or "7d"'

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
PLAIN = r"(?=\d)(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?"
TIME_SPAN = r"(?:\d+\.)?(?:[01]?\d|2[0-3]):[0-5]?\d(?::[0-5]?\d(?:\.\d{1,7})?)?"
_PART = re.compile(r"(\d+)(ms|[wdhms])")
_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d+)(?::(\d+)(?:\.(\d{1,7}))?)?")
_LOOSE = re.compile(
    r"\s*(\d+)\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|milliseconds?|millis|ms)\s*",
    re.IGNORECASE,
)


class NotADuration(ValueError):
    """The text is no duration; `suggestion` is what was probably meant, in quotes, or empty."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.suggestion = suggestion


def parse(text: str) -> timedelta:
    """The duration that the text names, exact to the microsecond; `NotADuration` if it names none."""
    if not text.isascii() or len(text) > 60:
        raise NotADuration("is not a duration")
    if re.fullmatch(PLAIN, text):
        found = _milliseconds(sum(int(amount) * _UNITS[unit] for amount, unit in _PART.findall(text)))
    elif re.fullmatch(TIME_SPAN, text):
        found = _time_span(text)
    else:
        raise _refusal(text)
    if found is None or found > LONGEST:
        raise NotADuration(f"is longer than {LONGEST.days} days")
    return found


def written(duration: timedelta) -> str:
    """The duration as `parse` reads it, in the fewest units: `1h30m`."""
    left = duration // timedelta(milliseconds=1)
    parts = []
    for unit, size in list(_UNITS.items())[1:]:
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"


def time_span(duration: timedelta) -> str:
    """The duration as a TimeSpan text: `7.00:00:00`."""
    hours, seconds = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    days = f"{duration.days}." if duration.days else ""
    fraction = f".{duration.microseconds:06d}" if duration.microseconds else ""
    return f"{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"


def _milliseconds(amount: int) -> timedelta | None:
    try:
        return timedelta(milliseconds=amount)
    except OverflowError:
        return None


def _time_span(text: str) -> timedelta | None:
    match = _SPAN.fullmatch(text)
    assert match is not None, "TIME_SPAN is stricter than _SPAN"
    days, hours, minutes, seconds, fraction = match.groups()
    ticks = int((fraction or "0").ljust(7, "0"))
    if ticks % 10:
        raise NotADuration("is finer than a microsecond")
    try:
        return timedelta(
            days=int(days or 0),
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds or 0),
            microseconds=ticks // 10,
        )
    except OverflowError:
        return None


def _refusal(text: str) -> NotADuration:
    if text.lstrip().startswith("-"):
        return NotADuration("is negative")
    if match := re.fullmatch(r"(\d{2,4}):([0-5]\d):([0-5]\d)", text):
        hours = int(match[1])
        meant = f"{hours // 24}.{hours % 24:02d}:{match[2]}:{match[3]}"
        return NotADuration("has more than 23 hours; days stand before a dot", f'"{meant}"')
    if re.fullmatch(r"\d+(\.\d+)?", text):
        whole = text.split(".")[0]
        return NotADuration("has no unit", f'"{whole}s" or "{whole}d"')
    loose = _LOOSE.fullmatch(text)
    if loose:
        word = loose[2].lower()
        unit = "ms" if word.startswith(("ms", "mil")) else word[0]
        return NotADuration("is not a duration", f'"{loose[1]}{unit}"')
    squeezed = re.sub(r"\s+", "", text).lower()
    if squeezed != text and re.fullmatch(PLAIN, squeezed):
        return NotADuration("is not a duration", f'"{squeezed}"')
    iso = re.fullmatch(r"p(?:(\d+w)|(\d+d)?(?:t(\d+h)?(\d+m)?(\d+s)?)?)", squeezed)
    if iso and any(iso.groups()):
        meant = "".join(part or "" for part in iso.groups())
        return NotADuration("is not a duration", f'"{meant}"')
    return NotADuration("is not a duration")
