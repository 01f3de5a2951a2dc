"""Dates stored as CYYDDD and times stored as HHMMSS, one at a time and whole columns at once.

A date is the number (year - 1900) * 1000 + day of the year; 0 means none. A time is the number HHMMSS without leading
zeros; 0 is midnight (or was never set: the number does not tell).
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FIRST_YEAR = 1900
LAST_YEAR = 2899
_YEARS = LAST_YEAR - FIRST_YEAR + 1
_EPOCH = date(1970, 1, 1)
_FIRST_DAYS = np.array([(date(FIRST_YEAR + i, 1, 1) - _EPOCH).days for i in range(_YEARS + 1)], dtype=np.int64)
_LENGTHS = np.diff(_FIRST_DAYS)

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What stored numbers mean: `numbers` where there is a meaning, `missing` where not, `invalid` where they are
    wrong (an invalid one is missing too)."""

    numbers: Integers
    missing: Flags
    invalid: Flags

    def dates(self) -> "pa.Array[Any]":
        """Numbers that are days since 1970, as dates."""
        return pa.array(self.numbers.astype(np.int32), mask=self.missing).view(pa.date32())

    def times(self) -> "pa.Array[Any]":
        """Numbers that are microseconds of the day, as times."""
        return pa.array(self.numbers, mask=self.missing).view(pa.time64("us"))


def to_julian(day: date) -> int:
    """The stored number of a date from 1900 to 2899."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year} cannot be stored as CYYDDD")
    return (day.year - FIRST_YEAR) * 1000 + day.timetuple().tm_yday


def from_julian(number: int) -> date | None:
    """The date of a stored number; None for 0, ValueError for a number that is no date."""
    if number == 0:
        return None
    year, day = FIRST_YEAR + number // 1000, number % 1000
    if not FIRST_YEAR <= year <= LAST_YEAR or day < 1:
        raise ValueError(f"{number} is not a date CYYDDD")
    found = date(year, 1, 1) + timedelta(days=day - 1)
    if found.year != year:
        raise ValueError(f"{number} is not a date CYYDDD")
    return found


def to_time(reading: time) -> int:
    """The stored number of a time of day; fractions of a second are cut off."""
    return reading.hour * 10_000 + reading.minute * 100 + reading.second


def parse_dates(stored: "pa.Array[Any]") -> Parsed:
    """The days since 1970 of stored int64 dates; null and 0 are missing."""
    numbers = stored.fill_null(0).to_numpy(zero_copy_only=False)
    years = numbers // 1000
    days = numbers - years * 1000
    known = (years >= 0) & (years < _YEARS)
    years[~known] = 0
    valid = known & (days >= 1) & (days <= _LENGTHS[years])
    return Parsed(numbers=_FIRST_DAYS[years] + days - 1, missing=~valid, invalid=~valid & (numbers != 0))


def parse_times(stored: "pa.Array[Any]") -> Parsed:
    """The microseconds of the day of stored int64 times; null is missing."""
    numbers = stored.fill_null(0).to_numpy(zero_copy_only=False)
    hours = numbers // 10_000
    minutes = numbers // 100 - hours * 100
    seconds = numbers - numbers // 100 * 100
    valid = (hours >= 0) & (hours < 24) & (minutes < 60) & (seconds < 60)
    missing = ~valid
    if stored.null_count:
        missing |= stored.is_null().to_numpy(zero_copy_only=False)
    microseconds = (hours * 3600 + minutes * 60 + seconds) * 1_000_000
    return Parsed(numbers=microseconds, missing=missing, invalid=~valid)
