"""Columns of SQLite values as Arrow arrays: exact or refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIMESTAMP, parse_type
from afresh.sources.sqlite_values import convert, mask
from afresh.sources.values import Unfit

UNHURRIED = settings(deadline=None)
reading = datetime.fromisoformat

CHICAGO, ZONE = ZoneInfo("America/Chicago"), ZoneInfo("UTC")
INT64 = st.integers(-(2**63), 2**63 - 1)
STORED = st.one_of(
    st.none(),
    INT64,
    st.floats(allow_nan=False),
    st.sampled_from([0.5, 1.0, 1, 0, -1, 2**53 + 1, 12345.67, 1e15, 1e22]),
    st.text(max_size=5),
    st.sampled_from(["5", "-1.5", "0x10", "1e3", "2024-02-29", "2024-02-29 10:30", "10:30:00", "2024-01-01T00:00:00Z"]),
    st.binary(max_size=3),
)
TYPES = st.sampled_from(
    [
        "bool", "int16", "int64", "decimal(15,2)", "decimal(38,10)", "float", "text", "bytes", "date", "time",
        "timestamp", "datetime",
    ]
)  # fmt: skip


@UNHURRIED
@given(st.lists(STORED, max_size=8), TYPES)
@example([0, 0.0], "text")
def test_a_column_is_converted_value_by_value(values: list[object], name: str) -> None:
    """Whatever stands beside a value, it becomes what it becomes alone, or the column does not fit."""
    wanted = parse_type(name)[0]
    alone: list[object] = []
    for value in values:
        try:
            alone += convert([value], wanted, CHICAGO).to_pylist()
        except Unfit:
            with pytest.raises(Unfit):
                convert(values, wanted, CHICAGO)
            return
    converted = convert(values, wanted, CHICAGO)
    assert converted.type == wanted
    assert converted.to_pylist() == alone


@UNHURRIED
@given(st.floats(allow_nan=False), st.integers(0, 20))
def test_decimals_are_the_shortest_text_of_a_real(value: float, scale: int) -> None:
    """A REAL becomes the decimal that its shortest text says, or is refused; it is never rounded."""
    exact = Decimal(repr(value)) if abs(value) < float("inf") else None
    wanted = pa.decimal128(38, scale)
    try:
        found = convert([value], wanted, ZONE)[0].as_py()
    except Unfit:
        assert exact is None or not _fits(exact, wanted)
    else:
        assert found == exact


def _fits(value: Decimal, kind: Any) -> bool:
    """Whether that many digits hold the number, with that many of them behind the point."""
    unscaled = Fraction(value) * 10**kind.scale
    return unscaled.denominator == 1 and bool(abs(unscaled) < 10**kind.precision)


NUMBERS = st.one_of(
    st.from_regex(r"[+-]?[0-9]{1,45}(\.[0-9]{0,45})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{0,20}\.[0-9]{1,20}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)


@UNHURRIED
@given(NUMBERS, st.integers(1, 38), st.integers(0, 38))
def test_decimals_from_text(text: str, precision: int, scale: int) -> None:
    """A TEXT with a decimal number becomes that number, if the digits suffice before and after the point."""
    wanted = pa.decimal128(precision, min(scale, precision))
    exact = Decimal(text)
    try:
        found = convert([text], wanted, ZONE)[0].as_py()
    except Unfit:
        assert not _fits(exact, wanted)
    else:
        assert found == exact


@UNHURRIED
@given(INT64, st.integers(1, 38), st.integers(0, 38))
def test_decimals_from_integers(value: int, precision: int, scale: int) -> None:
    """An INTEGER becomes itself as a decimal, if the digits before the point suffice."""
    wanted = pa.decimal128(precision, min(scale, precision))
    if abs(value) < 10 ** (precision - min(scale, precision)):
        assert convert([value], wanted, ZONE)[0].as_py() == value
    else:
        with pytest.raises(Unfit):
            convert([value], wanted, ZONE)


@UNHURRIED
@given(st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)), min_size=1))
def test_columns_of_money(values: list[float | None]) -> None:
    """Amounts that went through a double come back to the cent."""
    found = convert(values, pa.decimal128(15, 2), ZONE).to_pylist()
    assert found == [None if value is None else Decimal(repr(value)) for value in values]


READINGS = st.datetimes(reading("1970-01-02 00:00:00"), reading("2037-12-30 00:00:00"))


@UNHURRIED
@given(READINGS, st.sampled_from(["America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]))
def test_readings_become_instants_as_the_zone_says(wall: datetime, name: str) -> None:
    """A reading of the source's clock becomes its instant; the first of two; the change itself for one that never
    was."""
    zone = ZoneInfo(name)
    found = convert([str(wall)], TIMESTAMP, zone)[0].as_py()
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        assert found == first
    else:
        before, after = (found + step for step in (-timedelta(microseconds=1), timedelta(0)))
        assert before.astimezone(zone).replace(tzinfo=None) < wall < after.astimezone(zone).replace(tzinfo=None)


@UNHURRIED
@given(st.datetimes(reading("0002-01-01 00:00:00"), reading("9998-01-01 00:00:00")), st.integers(-14 * 60, 14 * 60))
def test_offsets_are_exact(wall: datetime, minutes: int) -> None:
    """A text with an offset is that instant, whatever the source's zone."""
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    text = f"{wall.isoformat()}{sign}{hours:02}:{rest:02}"
    assert convert([text], TIMESTAMP, CHICAGO)[0].as_py() == wall.replace(tzinfo=UTC) - timedelta(minutes=minutes)


def test_ambiguous_and_missing_hours() -> None:
    """In Chicago 01:30 came twice on 3 November 2024, and 02:30 never on 10 March."""
    texts = ["2024-11-03 01:30:00", "2024-03-10 02:30:00", None]
    found = convert(texts, TIMESTAMP, CHICAGO).to_pylist()
    assert found == [datetime(2024, 11, 3, 6, 30, tzinfo=UTC), datetime(2024, 3, 10, 8, 0, tzinfo=UTC), None]


@pytest.mark.parametrize("text", ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"])
def test_the_ends_of_the_calendar(text: str) -> None:
    """The first and last readings fit; as instants of a zone that shifts them out of the calendar they do not."""
    assert convert([text], DATETIME, ZONE)[0].as_py() == datetime.fromisoformat(text)
    assert convert([text], TIMESTAMP, ZONE)[0].as_py() == datetime.fromisoformat(text).replace(tzinfo=UTC)
    outward = ZoneInfo("Asia/Tokyo") if text < "1" else CHICAGO
    with pytest.raises(Unfit):
        convert([text], TIMESTAMP, outward)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12.5, "REAL '99.9'"),
        (-7, "INTEGER '-9'"),
        ("Müller 42\n", "TEXT 'xxxxxx 99?'"),
        (b"secret", "a BLOB of 6 bytes"),
        ("x" * 50, f"TEXT '{'x' * 40}'... of 50 characters"),
    ],
)
def test_masked_values(value: object, expected: str) -> None:
    """An error shows the shape of a value and none of its letters and digits."""
    assert mask(value) == expected


def test_a_type_that_is_none_of_ours() -> None:
    """Types that do not travel are a mistake of the configuration, not of the value."""
    with pytest.raises(ConfigurationError):
        convert([1], pa.list_(pa.int64()), ZONE)
