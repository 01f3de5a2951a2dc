"""What a window brings: nothing that was stamped in it is left out, at clock changes neither."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.jde.jde_rows import CHICAGO, Row, fetched, fetcher_of, holds, source_of, stored

from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Predicate
from afresh.jde.catalogue import StampKind
from afresh.jde.dates import to_julian, to_time
from afresh.jde.layout import StampReading
from afresh.jde.window import window
from afresh.testing.cancellation import ManualCancellation

STAMP = StampReading(name="LastUpdateDT", date="WAUPMJ", time="WATDAY", kind=StampKind.UPDATE)


def at(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stamped(reading: str, number: int = 1) -> Row:
    """A work order with that wall clock reading as its stamp."""
    found = datetime.fromisoformat(reading)
    return stored("F4801", WADOCO=number, WAUPMJ=to_julian(found.date()), WATDAY=to_time(found.time()))


def brought(row: Row, minimum: datetime, zone: ZoneInfo = CHICAGO) -> bool:
    """Whether a window from the instant brings the row."""
    return holds(window(STAMP, minimum, zone), row)


def test_the_condition_is_on_the_stored_numbers() -> None:
    """Bare columns are compared with numbers, so that an index on the stamp can serve them; 14:30 UTC is 08:30 in
    Chicago, and the window starts a second before."""
    date, time = ("WAUPMJ",), ("WATDAY",)
    assert window(STAMP, at("2026-01-15 14:30:00"), CHICAGO) == AnyOf(
        (
            Compare(date, ">", 126015),
            AllOf(
                (
                    Compare(date, "=", 126015),
                    AnyOf((Compare(time, ">=", 83000), Compare(time, "=", 0), IsNull(time))),
                )
            ),
            Compare(date, "<=", 0),
            IsNull(date),
        )
    )


def test_a_stamp_without_time_is_compared_by_day() -> None:
    """A table that stamps the date alone is read from the start of the day."""
    stamp = StampReading(name="LastUpdateDT", date="XXUPMJ", time=None, kind=StampKind.UPDATE)
    date = ("XXUPMJ",)
    expected: Predicate = AnyOf((Compare(date, ">=", 126015), Compare(date, "<=", 0), IsNull(date)))
    assert window(stamp, at("2026-01-15 14:30:00"), CHICAGO) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (stamped("2026-01-15 08:30:00"), True),
        (stamped("2026-01-15 08:30:01"), True),
        (stamped("2026-01-15 08:29:00"), False),
        (stamped("2026-01-14 23:00:00"), False),
        (stamped("2026-01-16 00:00:05"), True),
        (stored("F4801", WAUPMJ=0), True),
        (stored("F4801", WAUPMJ=None), True),
        (stored("F4801", WAUPMJ=-1), True),
        (stored("F4801", WAUPMJ=126015, WATDAY=0), True),
        (stored("F4801", WAUPMJ=126015, WATDAY=None), True),
        (stored("F4801", WAUPMJ=126014, WATDAY=None), False),
        (stored("F4801", WAUPMJ=139365, WATDAY=0), True),
    ],
    ids=[
        "same second",
        "later",
        "earlier",
        "the day before",
        "five seconds into the next day",
        "date 0",
        "date null",
        "date negative",
        "time 0: never set, or midnight",
        "time null",
        "time null, but the day before",
        "years ahead, by a wrong clock",
    ],
)
def test_rows_at_the_edge_of_a_window(row: Row, expected: bool) -> None:
    """From 08:30:00 in Chicago: everything stamped from that second on, and what has no stamp."""
    assert brought(row, at("2026-01-15 14:30:00")) is expected


@pytest.mark.parametrize(
    ("minimum", "reading"),
    [
        ("2026-11-01 06:30:00", "2026-11-01 01:30:00"),
        ("2026-11-01 06:45:00", "2026-11-01 01:05:00"),
        ("2026-11-01 07:10:00", "2026-11-01 01:10:00"),
        ("2026-11-01 06:59:59", "2026-11-01 01:00:00"),
        ("2026-03-08 08:00:00", "2026-03-08 03:00:00"),
        ("2026-03-08 08:00:00", "2026-03-08 02:30:00"),
        ("2026-03-08 07:59:59", "2026-03-08 01:59:59"),
    ],
    ids=[
        "autumn, first pass",
        "autumn, second pass seen from the first",
        "autumn, within the second pass",
        "autumn, last second of the first pass",
        "spring, first second after the change",
        "spring, a reading that never came, at its instant",
        "spring, last second before the change",
    ],
)
def test_windows_at_clock_changes(minimum: str, reading: str) -> None:
    """A row stamped in the repeated or the skipped hour is brought by a window from its instant, either one."""
    assert brought(stamped(reading), at(minimum))


ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("America/Chicago", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata")]
)
SECONDS = st.integers(0, 3 * 365 * 86_400)
START = datetime(2017, 1, 1, tzinfo=UTC)
AUTUMN = (at("2017-11-05 06:30:00") - START) // timedelta(seconds=1)
SPRING = (at("2017-03-12 02:30:00") - START) // timedelta(seconds=1)
"""A reading that never came in Chicago."""


@settings(deadline=None)
@given(SECONDS, st.integers(-7200, 7200), ZONES)
@example(AUTUMN, 1800, CHICAGO)
@example(AUTUMN + 3600, -1800, CHICAGO)
def test_a_row_written_after_the_minimum_is_always_brought(second: int, later: int, zone: ZoneInfo) -> None:
    """A clock on the wall stamps a row at some instant; a window from that instant or an earlier one brings it."""
    written = START + timedelta(seconds=second)
    minimum = written - timedelta(seconds=abs(later))
    reading = written.astimezone(zone).replace(tzinfo=None, fold=0)
    assert brought(stamped(reading.isoformat(" ")), minimum, zone)


@settings(deadline=None)
@given(SECONDS, st.integers(-7200, 7200), ZONES)
@example(SPRING, 0, CHICAGO)
def test_a_row_whose_stamp_is_in_the_window_is_brought(second: int, apart: int, zone: ZoneInfo) -> None:
    """Whatever the reading, also one that never came: if the instant it is taken for is in the window, so is it."""
    reading = (START + timedelta(seconds=second)).replace(tzinfo=None).isoformat(" ")
    source = source_of("F4801", stamped(reading), zone=zone)
    instant = fetched(source, columns=["DOCO"])[0]["LastUpdateDT"]
    if apart <= 0:
        assert fetched(source, instant + timedelta(seconds=apart), columns=["DOCO"])


def test_an_old_row_is_left_out() -> None:
    """A window is not the whole table: what was stamped two hours and more before it stays away."""
    source = source_of("F4801", stamped("2026-01-15 06:00:00", 1), stamped("2026-01-15 09:00:00", 2))
    assert [row["WADOCO"] for row in fetched(source, at("2026-01-15 14:30:00"))] == [2]


def test_a_minimum_before_the_first_date_brings_everything() -> None:
    """A window that starts before 1900 is the whole table."""
    first = stored("F4801", WAUPMJ=to_julian(date(1900, 1, 1)))
    assert brought(first, datetime(1800, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))


def test_a_creation_stamp_windows_on_the_creation_date() -> None:
    """F4111 is windowed by ILCRDJ and ILTDAY, never by the transaction date that users may put back."""
    rows = [
        stored("F4111", ILUKID=1, ILCRDJ=126015, ILTDAY=83000, ILTRDJ=125001),
        stored("F4111", ILUKID=2, ILCRDJ=126014, ILTDAY=83000, ILTRDJ=126015),
    ]
    source = source_of("F4111", *rows)
    assert [row["ILUKID"] for row in fetched(source, at("2026-01-15 14:00:00"))] == [1]


def test_everything_needs_no_condition() -> None:
    """Without a minimum nothing is compared."""
    source = source_of("F4801", stored("F4801"))
    list(fetcher_of(source).fetch(None, ManualCancellation()))
    assert source.selects[0].where is None
