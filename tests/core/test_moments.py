"""Times as people write them mean what they say, and what is none is said so with the way out."""

from datetime import UTC, datetime

import pytest

from afresh.core.moments import Between, NotASpan, between


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-11-20", "2026-11-20 00:00", "2026-11-21 00:00"),
        ("2026-11-20Z", "2026-11-20 00:00", "2026-11-21 00:00"),
        ("2026-11-20+01:00", "2026-11-19 23:00", "2026-11-20 23:00"),
        ("2026-11-20 America/Chicago", "2026-11-20 06:00", "2026-11-21 06:00"),
        ("2026-11-01 America/Chicago", "2026-11-01 05:00", "2026-11-02 06:00"),
        ("2026-11-20 22:00", "2026-11-20 22:00", "2026-11-20 22:00"),
        (" 2026-11-20T22:00:01.25Z ", "2026-11-20 22:00:01.250", "2026-11-20 22:00:01.250"),
        ("2026-11-20T22:00-0530", "2026-11-21 03:30", "2026-11-21 03:30"),
        ("2026-11-20T22:00 01:00", "2026-11-20 21:00", "2026-11-20 21:00"),
        ("2026-11-20 22:00 America/Chicago", "2026-11-21 04:00", "2026-11-21 04:00"),
        ("2026-11-01 01:30 America/Chicago", "2026-11-01 06:30", "2026-11-01 07:30"),
        ("2026-03-08 02:30 America/Chicago", "2026-03-08 08:00", "2026-03-08 08:00"),
    ],
)
def test_what_is_meant(text: str, begin: str, end: str) -> None:
    """UTC, an offset (whose sign may have been lost in an address) or a zone; a day is whole, and a reading that comes
    twice begins with the first and ends with the last."""
    assert between(text, None) == Between(since=utc(begin))
    assert between(None, text) == Between(until=utc(end))


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_open_ends(nothing: str | None) -> None:
    """Nothing is an open end."""
    assert between(nothing, nothing) == Between()
    assert not between(nothing, nothing).bounded
    assert between("2026-11-20", nothing).bounded


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "'yesterday' is neither a day nor a time"),
        ("2026-11-20 ../../etc/passwd", "is neither a day nor a time"),
        ("٢٠٢٦-11-20", "is neither a day nor a time"),
        ("2026-13-01", "'2026-13-01' is no time that there is"),
        ("2026-11-20 24:00", "is no time that there is"),
        ("2026-11-20 22:00+24:00", "is no time that there is"),
        ("0001-01-01 00:00+14:00", "is no time that there is"),
        ("9999-12-31 23:00 America/Chicago", "is no time that there is"),
        ("2026-11-20 America/Chigaco", "'America/Chigaco' is no time zone"),
        ("2026-11-20 America", "'America' is no time zone"),
        ("x" * 1000, "…' is neither"),
    ],
)
def test_what_is_none(text: str, told: str) -> None:
    """The error names the end of the span, and quotes what is wrong."""
    for field, span in (("since", (text, None)), ("until", (None, text))):
        with pytest.raises(NotASpan) as caught:
            between(*span)
        assert caught.value.field == field
        assert told in str(caught.value)
        assert len(str(caught.value)) < 150


def test_a_span_that_ends_before_it_begins() -> None:
    """It would find nothing, and is a mistake."""
    assert between("2026-11-20", "2026-11-20").until == utc("2026-11-21 00:00")
    for since, until in (("2026-11-21", "2026-11-20"), ("2026-11-20 22:00", "2026-11-20 22:00")):
        with pytest.raises(NotASpan, match=f"until: '{until}' is not later than since, '{since}'"):
            between(since, until)
    with pytest.raises(NotASpan, match="until"):
        between(None, "9999-12-31")
