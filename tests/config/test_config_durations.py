"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh.config.durations import LONGEST, NotADuration, parse, time_span, written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60s", timedelta(seconds=60)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("1h30m", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("1m250ms", timedelta(minutes=1, milliseconds=250)),
        ("0s", timedelta(0)),
        ("01:00:00", timedelta(hours=1)),
        ("1:30", timedelta(hours=1, minutes=30)),
        ("7.00:00:00", timedelta(days=7)),
        ("00:00:30.5", timedelta(seconds=30.5)),
        ("00:00:00.0000010", timedelta(microseconds=1)),
        ("23:59:59.999999", timedelta(days=1) - timedelta(microseconds=1)),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta) -> None:
    """Units from large to small, or a TimeSpan of .NET."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("", ""), ("s", ""), ("1", '"1s" or "1d"'), ("1h1h", ""), ("30m1h", ""), ("24:00:00", '"1.00:00:00"'),
        ("90:00:00", '"3.18:00:00"'), ("00:60:00", ""), ("1.5h", ""), ("5 min", '"5m"'), ("10 Seconds", '"10s"'),
        ("1H 30M", '"1h30m"'), ("P1DT2H", '"1d2h"'), ("P", ""), ("PT", ""), ("-5s", ""), ("٣s", ""),
        ("9" * 5000 + "s", ""), ("999999999999w", ""), ("99999999.00:00:00", ""),
        ("00:00:00.0000001", ""), ("1s\n", '"1s"'),
    ],
)  # fmt: skip
def test_what_is_none_is_refused(text: str, suggestion: str) -> None:
    """With what was probably meant, where that is clear."""
    with pytest.raises(NotADuration) as caught:
        parse(text)
    assert caught.value.suggestion == suggestion


@given(st.timedeltas(min_value=timedelta(0), max_value=LONGEST))
def test_a_duration_that_was_written_is_read_back(duration: timedelta) -> None:
    """Exactly as TimeSpan, and to the millisecond in units."""
    assert parse(time_span(duration)) == duration
    assert parse(written(duration)) == duration - duration % timedelta(milliseconds=1)


@given(st.text(alphabet="0123456789wdhms:.- PT", max_size=20))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """No text makes anything else happen, and no duration is negative or endless."""
    try:
        found = parse(text)
    except NotADuration:
        return
    assert timedelta(0) <= found <= LONGEST
