"""Wall clocks, where they are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afresh.core.zones import folds, local_floor

ZONES = [
    "UTC",
    "America/Chicago",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Africa/Casablanca",
]


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def wall(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A reading of a wall clock."""
    return utc(year, month, day, hour, minute).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("zone", "instant", "expected"),
    [
        pytest.param("UTC", utc(2026, 3, 2, 8), wall(2026, 3, 2, 8), id="no changes"),
        pytest.param("America/Chicago", utc(2026, 7, 1, 12), wall(2026, 7, 1, 7), id="far from any change"),
        pytest.param(
            "America/Chicago", utc(2026, 11, 1, 5, 30), wall(2026, 11, 1, 0, 30), id="before the hour repeats"
        ),
        pytest.param("America/Chicago", utc(2026, 11, 1, 6, 30), wall(2026, 11, 1, 1, 0), id="in its first pass"),
        pytest.param("America/Chicago", utc(2026, 11, 1, 7, 30), wall(2026, 11, 1, 1, 30), id="in its second pass"),
        pytest.param(
            "Australia/Lord_Howe", utc(2026, 4, 4, 14, 45), wall(2026, 4, 5, 1, 30), id="half an hour repeats"
        ),
        pytest.param("Australia/Lord_Howe", utc(2026, 4, 4, 15, 10), wall(2026, 4, 5, 1, 40), id="its second pass"),
    ],
)
def test_local_floor(zone: str, instant: datetime, expected: datetime) -> None:
    """The floor is the reading itself, but while a repeated hour is near, the reading that it starts with."""
    assert local_floor(instant, ZoneInfo(zone)) == expected


@settings(max_examples=300)
@given(
    st.sampled_from(ZONES),
    st.datetimes(wall(2000, 1, 1), wall(2035, 1, 1)),
    st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_no_later_reading_is_below_the_floor(zone: str, instant: datetime, later: timedelta) -> None:
    """No instant from this one on shows a reading that is below the floor."""
    at = instant.replace(tzinfo=UTC)
    assert (at + later).astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= local_floor(at, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "year", "expected"),
    [
        pytest.param("UTC", 2026, [], id="none"),
        pytest.param("Asia/Kathmandu", 2026, [], id="no clock changes"),
        pytest.param("America/Chicago", 2026, [(utc(2026, 11, 1, 6), utc(2026, 11, 1, 7))], id="an hour"),
        pytest.param("Europe/Berlin", 2026, [(utc(2026, 10, 25, 0), utc(2026, 10, 25, 1))], id="Europe"),
        pytest.param("Australia/Lord_Howe", 2026, [(utc(2026, 4, 4, 14, 30), utc(2026, 4, 4, 15))], id="half an hour"),
        pytest.param("Pacific/Apia", 2011, [(utc(2011, 4, 2, 13), utc(2011, 4, 2, 14))], id="a skipped day is no fold"),
    ],
)
def test_folds(zone: str, year: int, expected: list[tuple[datetime, datetime]]) -> None:
    """The folds are the first passes of what repeats; a reading that is skipped makes none."""
    assert list(folds(ZoneInfo(zone), utc(year, 1, 1), utc(year + 1, 1, 1))) == expected


def test_folds_of_the_date_line() -> None:
    """A zone that moves over the date line repeats a day, or skips one, which makes no fold."""
    zone = ZoneInfo("Pacific/Kwajalein")
    ((start, end),) = folds(zone, utc(1969, 1, 1), utc(1970, 1, 1))
    assert end - start == timedelta(hours=23)
    assert folds(zone, utc(1993, 1, 1), utc(1994, 1, 1)) == ()


@settings(max_examples=200)
@given(st.sampled_from(ZONES), st.datetimes(wall(2024, 1, 1), wall(2028, 1, 1)))
def test_every_ambiguous_reading_is_in_a_fold(zone: str, reading: datetime) -> None:
    """A reading that two instants show is, taken for the first of them, in a fold; any other is in none."""
    found = folds(ZoneInfo(zone), utc(2023, 12, 1), utc(2028, 2, 1))
    first, second = (reading.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    back = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    ambiguous = first != second and back == reading
    assert any(start <= first < end for start, end in found) == ambiguous
