"""Wall clock readings of the source as whole columns: seconds since 1970 on its clock, without a zone."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from afresh.sample.draws import Ints

DAY = 86_400
_OPENS = 6 * 3600
_SHIFT_SHARE = (2, 3)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  readings have no zone
_FIRST_JULIAN_YEAR = 1900


def reading_seconds(reading: datetime) -> int:
    """A wall clock reading as seconds."""
    return int((reading - _EPOCH).total_seconds())


def julian(seconds: Ints) -> Ints:
    """The stored dates of readings."""
    days = (seconds // DAY).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    numbers: Ints = (years.astype(np.int64) + 1970 - _FIRST_JULIAN_YEAR) * 1000
    numbers += (days - years.astype("datetime64[D]")).astype(np.int64) + 1
    return numbers


def clock_time(seconds: Ints) -> Ints:
    """The stored times of day of readings."""
    second = seconds % DAY
    return second // 3600 * 10_000 + second // 60 % 60 * 100 + second % 60


def text(seconds: Ints) -> list[str]:
    """Readings as YYYY-MM-DD HH:MM:SS."""
    words = np.datetime_as_string(seconds.astype("datetime64[s]"))
    return [word.replace("T", " ") for word in words.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The wall clock of the source: its present reading, and the days that rows reach back."""

    now: int
    days: int = 730

    def moment(self, index: Ints, count: int) -> Ints:
        """Working-hour readings, in order of the index, evenly over the days up to now."""
        span = self.days * DAY
        return self.at_work(self.now - span + (index * 2 + 1) * span // (2 * count))

    def at_work(self, seconds: Ints) -> Ints:
        """Readings moved into 06:00 to 22:00 of their day (so never into a clock change), and never after now."""
        day = np.minimum(seconds, self.now) // DAY
        shifts, of = _SHIFT_SHARE
        reading = day * DAY + _OPENS + seconds % DAY * shifts // of
        return np.where(reading > self.now, reading - DAY, reading)
