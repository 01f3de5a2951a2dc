"""Values that do not fit: exact or by policy, counted and named, never silent."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afresh.core.errors import BadValue
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, parse_type
from afresh.core.select import Output, Policy, Select, TableName
from afresh.sources.arrow_read import fitted
from afresh.sources.clamp import nearest
from afresh.sources.fit import Fitting
from afresh.sources.values import Unfit, convert
from afresh.testing.cancellation import ManualCancellation

CHICAGO, ZONE = ZoneInfo("America/Chicago"), ZoneInfo("UTC")
reading = datetime.fromisoformat
SECOND = reading("2024-05-01 10:00:01")


def converted(values: Sequence[Any], stored: pa.DataType, wanted: str, zone: ZoneInfo = ZONE) -> list[Any]:
    """What becomes of the values, as Python has them."""
    found: list[Any] = convert(pa.array(list(values), stored), parse_type(wanted)[0], zone).to_pylist()
    return found


@pytest.mark.parametrize(
    ("stored", "value", "wanted", "became"),
    [
        (pa.uint64(), 2**64 - 1, "decimal(20,0)", Decimal(2**64 - 1)),
        (pa.int64(), 1, "bool", True),
        (pa.float32(), 0.5, "float", 0.5),
        (pa.float64(), 0.1, "decimal(10,2)", Decimal("0.10")),
        (pa.decimal128(10, 2), Decimal("12.00"), "int32", 12),
        (pa.decimal256(60, 3), Decimal("1.250"), "decimal(5,2)", Decimal("1.25")),
        (pa.decimal128(10, 2), Decimal("0.25"), "float", 0.25),
        (pa.string(), "12.50", "decimal(5,2)", Decimal("12.50")),
        (pa.string(), "-.5", "decimal(5,2)", Decimal("-0.50")),
        (pa.string(), "1.2E1", "decimal(5,2)", Decimal("12.00")),
        (pa.string(), "-999999999999999999", "decimal(38,20)", Decimal("-999999999999999999")),
        (pa.large_string(), "x", "text", "x"),
        (pa.string(), "t", "bool", True),
        (pa.string(), "1e-3", "float", 0.001),
        (pa.string(), "0.10000000000000001", "float", 0.1),
        (pa.string(), "-inf", "float", float("-inf")),
        (pa.date32(), date(2024, 2, 29), "datetime", reading("2024-02-29")),
        (pa.date64(), date(2024, 2, 29), "date", date(2024, 2, 29)),
        (pa.timestamp("s"), SECOND, "datetime", SECOND),
        (pa.timestamp("ns"), SECOND, "timestamp", SECOND.replace(tzinfo=UTC)),
        (pa.timestamp("us", "America/Chicago"), SECOND.replace(tzinfo=UTC), "timestamp", SECOND.replace(tzinfo=UTC)),
        (pa.timestamp("us"), reading("2024-05-01"), "date", date(2024, 5, 1)),
        (pa.time32("ms"), time(10, 0, 1), "time", time(10, 0, 1)),
        (pa.dictionary(pa.int32(), pa.string()), "a", "text", "a"),
        (pa.decimal128(5, 2), Decimal("1.20"), "text", "1.20"),
        (pa.float64(), 0.1, "text", "0.1"),
        (pa.timestamp("us", "UTC"), SECOND.replace(tzinfo=UTC), "text", "2024-05-01 10:00:01+00:00"),
        (pa.binary(3), b"abc", "bytes", b"abc"),
    ],
)
def test_exact_conversions(stored: pa.DataType, value: object, wanted: str, became: object) -> None:
    """A value with an exact form in the wanted type becomes it, and null stays null."""
    assert converted([value, None], stored, wanted) == [became, None]


@pytest.mark.parametrize(
    ("stored", "value", "wanted"),
    [
        (pa.uint64(), 2**63, "int64"),
        (pa.int64(), 2, "bool"),
        (pa.int64(), 2**53 + 1, "float"),
        (pa.float64(), float("nan"), "decimal(10,2)"),
        (pa.float64(), float("inf"), "int64"),
        (pa.float64(), 0.125, "decimal(10,2)"),
        (pa.decimal128(10, 2), Decimal("12.01"), "int32"),
        (pa.decimal128(10, 2), Decimal("1000.00"), "decimal(4,2)"),
        (pa.decimal128(38, 1), Decimal("1234567890123456789012345678901234567.8"), "float"),
        (pa.string(), "NaN", "decimal(10,2)"),
        (pa.string(), "1e999999999", "decimal(10,2)"),
        (pa.string(), "9e17", "decimal(38,21)"),
        (pa.string(), "999999999999999999", "decimal(38,21)"),
        (pa.string(), "1.001", "decimal(10,2)"),
        (pa.string(), "100000000", "decimal(10,2)"),
        (pa.string(), ".", "decimal(10,2)"),
        (pa.string(), "", "decimal(10,2)"),
        (pa.string(), " 1", "decimal(10,2)"),
        (pa.string(), "0x10", "int64"),
        (pa.string(), "1_0", "float"),
        (pa.string(), "0.12345678901234567890123", "float"),
        (pa.string(), "1e400", "float"),
        (pa.timestamp("ns"), pa.scalar(1, pa.timestamp("ns")), "datetime"),
        (pa.timestamp("us"), SECOND, "date"),
        (pa.timestamp("us"), pa.scalar(2**63 - 1, pa.timestamp("us")), "datetime"),
        (pa.timestamp("us", "UTC"), pa.scalar(-(2**63) + 1, pa.timestamp("us", "UTC")), "timestamp"),
        (pa.binary(), b"a", "text"),
        (pa.list_(pa.int64()), [1], "text"),
        (pa.duration("us"), 5, "time"),
    ],
)
def test_what_has_no_exact_form_does_not_fit(stored: pa.DataType, value: object, wanted: str) -> None:
    """Nothing is rounded, cut, wrapped or made null on the way."""
    with pytest.raises(Unfit):
        convert(pa.array([None, value], stored), parse_type(wanted)[0], ZONE)


def test_nulls_fit_everywhere() -> None:
    """A column of nulls alone becomes nulls of any type, also of one that its values could not become."""
    assert convert(pa.array([None, None], pa.binary()), pa.string(), ZONE).to_pylist() == [None, None]
    assert convert(pa.array([], pa.list_(pa.int64())), pa.int64(), ZONE).to_pylist() == []


def test_readings_become_instants_in_the_zone() -> None:
    """A repeated hour is the earlier one, one that never was is the instant of the change, back and forth."""
    readings = [reading(at) for at in ("2024-11-03 01:30", "2024-03-10 02:30", "2024-07-01 12:00")]
    found = converted(readings, DATETIME, "timestamp", CHICAGO)
    assert [f"{at:%m-%d %H:%M}" for at in found] == ["11-03 06:30", "03-10 08:00", "07-01 17:00"]
    assert converted(found[2:], TIMESTAMP, "datetime", CHICAGO) == readings[2:]


@pytest.mark.parametrize(
    ("value", "wanted", "became"),
    [
        (40_000, "int16", 2**15 - 1),
        (-(10**30), "int64", -(2**63)),
        (2.5, "int32", 2),
        (3.5, "int32", 4),
        (Decimal("1.005"), "decimal(5,2)", Decimal("1.00")),
        (Decimal("99999"), "decimal(5,2)", Decimal("999.99")),
        (float("-inf"), "decimal(3,1)", Decimal("-99.9")),
        (float("nan"), "decimal(3,1)", None),
        ("abc", "int64", None),
        ("infinity", "timestamp", datetime.max.replace(tzinfo=UTC)),
        ("-infinity", "date", date.min),
        ("-838:59:59", "time", time.min),
        ("25:00:00", "time", time.max),
        (7, "bool", True),
        (b"a", "text", None),
    ],
)
def test_the_nearest_value(value: object, wanted: str, became: object) -> None:
    """Clamping rounds halves to even and cuts to the range; what is near nothing is told."""
    assert nearest(value, parse_type(wanted)[0]) == became


def fit_of(watched: ManualCancellation, policy: Policy, *, show_values: bool = False) -> Fitting:
    """A fitting of a key and a number of two digits."""
    outputs = (Output("Id", "Id", pa.int64()), Output("V", "Value", pa.decimal128(2, 0), "number(9)", policy))
    return Fitting(
        source="ERP",
        select=Select(TableName("T"), outputs),
        zone=ZONE,
        reading=watched,
        key=lambda _table: ("ID",),
        show_values=show_values,
    )


def columns(*numbers: int | None) -> list[Any]:
    """Rows 10, 11... with these numbers, as a driver delivers them."""
    return [pa.array(range(10, 10 + len(numbers)), pa.int32()), pa.array(list(numbers), pa.int64())]


def test_stop() -> None:
    """The first value that does not fit stops the read and is named by table, column and key, but not shown."""
    with pytest.raises(BadValue) as raised:
        fit_of(ManualCancellation(), Policy.STOP).batch(columns(1, None, 123, 456), 0)
    assert raised.value.message == (
        "source ERP: T.V: row Id=12 holds integer '999', which decimal(2,0) cannot hold exactly"
    )
    with pytest.raises(BadValue, match="holds 123, which"):
        fit_of(ManualCancellation(), Policy.STOP, show_values=True).batch(columns(123), 0)


@pytest.mark.parametrize(
    ("policy", "ids", "values"),
    [
        (Policy.NULL, [10, 11, 12, 13], [1, None, None, 4]),
        (Policy.CLAMP, [10, 11, 12, 13], [1, 99, -99, 4]),
        (Policy.QUARANTINE, [10, 13], [1, 4]),
    ],
)
def test_policies(policy: Policy, ids: list[int], values: list[int | None]) -> None:
    """Values are left out, clamped, or their rows put aside; all of it is reported."""
    watched = ManualCancellation()
    batch = fit_of(watched, policy).batch(columns(1, 123, -5000, 4), 0)
    assert batch.column("Id").to_pylist() == ids
    assert batch.column("Value").to_pylist() == [None if value is None else Decimal(value) for value in values]
    assert sum(misfit.rows for misfit in watched.misfits) == 2
    assert {misfit.policy for misfit in watched.misfits} == {policy}
    if policy is Policy.QUARANTINE:
        assert [(misfit.key, misfit.value) for misfit in watched.misfits] == [
            ("Id=11", "integer '999'"),
            ("Id=12", "integer '-9999'"),
        ]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-200, 200), max_size=40), st.integers(1, 7))
def test_every_value_is_exact_or_reported(numbers: list[int | None], batch_rows: int) -> None:
    """Whatever comes, in batches of any size: rows that fit come as they are, each other row is reported once."""
    watched = ManualCancellation()
    schema = pa.schema([("a", pa.int32()), ("b", pa.int64())])
    raw = [pa.RecordBatch.from_arrays(columns(*numbers), schema=schema)]
    found = list(fitted(raw, fit_of(watched, Policy.QUARANTINE), (0, 1), watched, batch_rows))
    assert all(0 < batch.num_rows <= batch_rows for batch in found)
    good = {10 + place: number for place, number in enumerate(numbers) if number is None or abs(number) < 100}
    assert {row["Id"]: row["Value"] for batch in found for row in batch.to_pylist()} == good
    assert [misfit.key for misfit in watched.misfits] == [
        f"Id={10 + place}" for place in range(len(numbers)) if 10 + place not in good
    ]


def test_what_fits_is_not_copied() -> None:
    """A column that has the wanted type already is the driver's own memory."""
    numbers = pa.array([1, 2, 3], pa.int64())
    found: Any = convert(numbers, pa.int64(), ZONE)
    assert found.buffers()[1].address == numbers.buffers()[1].address  # type: ignore[union-attr]
    assert convert(pa.array([time(1)], TIME), TIME, ZONE).to_pylist() == [time(1)]
