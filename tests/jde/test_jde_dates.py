"""CYYDDD dates, HHMMSS times and the instants made of both."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from afresh.jde.dates import from_julian, parse_dates, parse_times, to_julian, to_time
from afresh.jde.instants import instants

KNOWN = {
    date(1999, 12, 31): 99365,
    date(2000, 1, 1): 100001,
    date(2013, 5, 3): 113123,
    date(2014, 1, 1): 114001,
    date(2024, 2, 29): 124060,
    date(2024, 12, 31): 124366,
    date(2026, 1, 1): 126001,
    date(2026, 11, 22): 126326,
    date(1900, 1, 1): 1,
    date(2899, 12, 31): 999365,
}
CHICAGO = ZoneInfo("America/Chicago")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock reading
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "America/Chicago",
            "America/Sao_Paulo",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Asia/Kolkata",
            "Europe/Dublin",
            "Pacific/Apia",
            "UTC",
        )
    ]
)


@pytest.mark.parametrize(("day", "number"), KNOWN.items())
def test_known_dates(day: date, number: int) -> None:
    """Published pairs of date and stored number, and both ends of the range."""
    assert to_julian(day) == number
    assert from_julian(number) == day
    assert parse_dates(pa.array([number])).dates().to_pylist() == [day]


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2899, 12, 31)))
def test_dates_come_back(day: date) -> None:
    """Any date from 1900 to 2899 is stored and read as itself."""
    assert from_julian(to_julian(day)) == day
    assert parse_dates(pa.array([to_julian(day)])).dates()[0].as_py() == day


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-2000, 1_001_000) | st.integers(-(2**63), 2**63 - 1), max_size=20))
@example([0, None, 124366, 124367, 125366, 125000, 366, -1, 1_000_001])
def test_columns_agree_with_single_numbers(numbers: list[int | None]) -> None:
    """A column of any numbers is read as each of them: date, none, or invalid."""
    parsed = parse_dates(pa.array(numbers, pa.int64()))
    for number, value, invalid in zip(numbers, parsed.dates().to_pylist(), parsed.invalid.tolist(), strict=True):
        try:
            expected, wrong = (None, False) if number is None else (from_julian(number), False)
        except ValueError:
            expected, wrong = None, True
        assert (value, invalid) == (expected, wrong)


def test_a_slice_of_a_column_is_read_where_it_starts() -> None:
    """Batches are often slices of longer columns."""
    numbers = pa.array([1, 2, 124060, None, 0]).slice(2)
    assert parse_dates(numbers).dates().to_pylist() == [date(2024, 2, 29), None, None]


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2900, 1, 1)])
def test_dates_out_of_range_cannot_be_stored(day: date) -> None:
    """The form has three digits for the years since 1900."""
    with pytest.raises(ValueError, match="CYYDDD"):
        to_julian(day)


@pytest.mark.parametrize(
    ("number", "reading"),
    [
        (0, time(0, 0, 0)),
        (5, time(0, 0, 5)),
        (83000, time(8, 30)),
        (141805, time(14, 18, 5)),
        (235959, time(23, 59, 59)),
        (246060, None),
        (240000, None),
        (6000, None),
        (60, None),
        (-5, None),
        (51_485_000, None),
    ],
)
def test_times(number: int, reading: time | None) -> None:
    """HHMMSS without leading zeros; what is no time of day is invalid."""
    parsed = parse_times(pa.array([number]))
    assert parsed.times().to_pylist() == [reading]
    assert parsed.invalid.tolist() == [reading is None]


@settings(deadline=None)
@given(st.times())
def test_times_come_back(reading: time) -> None:
    """Any time is stored and read as itself, but for fractions of a second."""
    parsed = parse_times(pa.array([to_time(reading), None]))
    assert parsed.times().to_pylist() == [reading.replace(microsecond=0), None]
    assert not parsed.invalid.any()


def instant(reading: datetime, zone: ZoneInfo) -> datetime:
    """The instant of one wall clock reading."""
    since = reading - EPOCH
    days, rest = np.array([since.days]), np.array([(since - timedelta(days=since.days)) // timedelta(microseconds=1)])
    found = int(instants(days, rest, np.array([False]), zone)[0])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found)


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("2026-07-01 08:30:00", "2026-07-01 13:30:00"),
        ("2026-01-01 08:30:00", "2026-01-01 14:30:00"),
        ("2026-03-08 01:59:59", "2026-03-08 07:59:59"),
        ("2026-03-08 02:00:00", "2026-03-08 08:00:00"),
        ("2026-03-08 02:30:00", "2026-03-08 08:00:00"),
        ("2026-03-08 03:00:00", "2026-03-08 08:00:00"),
        ("2026-11-01 00:59:59", "2026-11-01 05:59:59"),
        ("2026-11-01 01:30:00", "2026-11-01 06:30:00"),
        ("2026-11-01 01:59:59", "2026-11-01 06:59:59"),
        ("2026-11-01 02:00:00", "2026-11-01 08:00:00"),
    ],
)
def test_clock_changes_in_chicago(reading: str, expected: str) -> None:
    """In spring the skipped readings are the instant of the change; in autumn the repeated ones are the first pass."""
    assert instant(datetime.fromisoformat(reading), CHICAGO) == datetime.fromisoformat(expected + "+00:00")


@settings(deadline=None)
@given(st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)), ZONES)  # noqa: DTZ001  wall clock readings
def test_instants_agree_with_the_zone(reading: datetime, zone: ZoneInfo) -> None:
    """An instant shows the reading it was made of, and is the earliest that does; a skipped reading is never before
    an earlier reading or after a later one."""
    found = instant(reading, zone)
    shown = found.astimezone(zone).replace(tzinfo=None)
    if shown == reading:
        assert found == reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    else:
        assert reading < shown
        before = (found - timedelta(microseconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < reading


def test_a_column_of_nothing_has_no_instants() -> None:
    """No row, or no row with a date, is no error."""
    nothing = np.array([], dtype=np.int64)
    assert instants(nothing, nothing, np.array([], dtype=bool), CHICAGO).tolist() == []
    zeros = np.zeros(2, dtype=np.int64)
    assert instants(zeros, zeros, np.array([True, True]), CHICAGO).tolist() == [0, 0]
