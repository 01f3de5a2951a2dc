"""Quiet hours: over midnight, over weekends, over clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh.core.quiet import NotQuietHours, parse, quiet_until

CHICAGO = ZoneInfo("America/Chicago")


def until(spans: list[str], reading: str, zone: ZoneInfo = CHICAGO, fold: int = 0) -> str | None:
    """The end of the quiet at that wall clock reading, as a reading with its offset."""
    at = datetime.fromisoformat(reading).replace(tzinfo=zone, fold=fold).astimezone(UTC)
    found = quiet_until([parse(span) for span in spans], zone, at)
    return None if found is None else found.astimezone(zone).strftime("%Y-%m-%d %H:%M %z")


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("2026-03-03 21:59", None),
        ("2026-03-03 22:00", "2026-03-04 06:00 -0600"),
        ("2026-03-04 00:00", "2026-03-04 06:00 -0600"),
        ("2026-03-04 05:59", "2026-03-04 06:00 -0600"),
        ("2026-03-04 06:00", None),
    ],
)
def test_a_span_may_go_over_midnight(reading: str, expected: str | None) -> None:
    """It holds from its beginning up to, but not at, its end."""
    assert until(["22:00-06:00"], reading) == expected


def test_weekdays_are_those_on_which_a_span_begins() -> None:
    """Friday's night ends on Saturday; Saturday's has none."""
    assert until(["mon-fri 22:00-06:00"], "2026-03-07 05:00") == "2026-03-07 06:00 -0600"
    assert until(["mon-fri 22:00-06:00"], "2026-03-07 23:00") is None
    assert until(["sat-mon 08:00-09:00"], "2026-03-09 08:30") == "2026-03-09 09:00 -0500"


def test_spans_that_touch_are_one() -> None:
    """A weekend that follows a night is quiet in one piece."""
    spans = ["fri 18:00-24:00", "sat-sun 00:00-24:00", "mon 00:00-06:00"]
    assert until(spans, "2026-03-13 19:00") == "2026-03-16 06:00 -0500"


def test_a_night_in_which_the_clock_is_set_forward_is_an_hour_shorter() -> None:
    """22:00 to 06:00 by the wall clock, which are seven hours of 2026-03-07."""
    assert until(["22:00-06:00"], "2026-03-07 23:00") == "2026-03-08 06:00 -0500"


def test_an_end_that_is_skipped_is_the_change() -> None:
    """02:30 does not come on 2026-03-08: the quiet ends when the clock is set forward."""
    assert until(["01:00-02:30"], "2026-03-08 01:30") == "2026-03-08 03:00 -0500"
    assert until(["02:30-04:00"], "2026-03-08 03:00") == "2026-03-08 04:00 -0500"


def test_an_end_that_comes_twice_is_the_second() -> None:
    """A source whose quiet ends at 01:30 is left alone until the clock shows it for the last time."""
    assert until(["00:00-01:30"], "2026-11-01 01:45") == "2026-11-01 01:30 -0600"
    assert until(["00:00-01:30"], "2026-11-01 01:15", fold=1) == "2026-11-01 01:30 -0600"
    assert until(["00:00-01:30"], "2026-11-01 01:30", fold=1) is None


def test_a_beginning_that_comes_twice_is_the_first() -> None:
    """The quiet that begins at 01:30 holds through the repeated hour."""
    assert until(["01:30-03:00"], "2026-11-01 01:10", fold=1) == "2026-11-01 03:00 -0600"


def test_quiet_hours_without_an_end_have_one_far_away() -> None:
    """All day, every day: the end is more than two weeks away, and is looked at again before."""
    at = datetime(2026, 3, 4, tzinfo=UTC)
    found = quiet_until([parse("00:00-24:00")], CHICAGO, at)
    assert found is not None
    assert found - at > timedelta(days=13)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("22-6", "is not written as"),
        ("22:00 - 06:00", "is not written as"),
        ("25:00-06:00", "has no time of day 25:00"),
        ("22:60-06:00", "has no time of day 22:60"),
        ("06:00-06:00", "begins when it ends"),
        ("24:00-06:00", "begins when it ends"),
        ("mom 06:00-07:00", "has no weekday mom"),
    ],
)
def test_what_is_no_span_says_why(text: str, told: str) -> None:
    """In words that stand behind the text."""
    with pytest.raises(NotQuietHours, match=told):
        parse(text)


@given(
    start=st.integers(0, 1439),
    length=st.integers(1, 1440),
    minute=st.integers(0, 60 * 24 * 365),
    zone=st.sampled_from(["America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
)
def test_outside_of_clock_changes_the_wall_clock_decides(start: int, length: int, minute: int, zone: str) -> None:
    """An instant is quiet if and only if the reading lies in the span, and the end shows the span's end."""
    end = (start + length) % 1440
    if end == start:
        return
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    offsets = {(at + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in range(-50, 50)}
    if len(offsets) > 1:
        return
    local = at.astimezone(ZoneInfo(zone))
    now = local.hour * 60 + local.minute
    inside = (now - start) % 1440 < (end - start) % 1440
    found = quiet_until([parse(f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}")], ZoneInfo(zone), at)
    assert (found is not None) == inside
    if found is not None:
        shown = found.astimezone(ZoneInfo(zone))
        assert shown.hour * 60 + shown.minute == end
