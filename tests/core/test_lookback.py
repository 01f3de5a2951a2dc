"""How late rows come, and what that says of the lookback of windows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.lookback import Lookback, Measure, Verdict, judged, measure_of
from afresh.core.model import DataUpdate, DataUpdateTask, Late, Outcome, UpdateDetails, UpdateType
from afresh.core.options import DataSourceConfig, ScheduleConfig
from afresh.core.schema import DATETIME, TIMESTAMP, Column, TableSchema

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CHICAGO = ZoneInfo("America/Chicago")
INSTANTS = Measure(at=NOON, zone=ZoneInfo("UTC"), as_readings=False)


def update(
    late: timedelta | None = None, kind: UpdateType = UpdateType.HOURLY, missed: int | None = None
) -> DataUpdate:
    """A success that measured so much."""
    return DataUpdate(
        table_name="Item",
        source_system="ERP",
        update_type=kind,
        operation_id="1",
        instance_id="i",
        start_dt=NOON,
        outcome=Outcome.SUCCEEDED,
        details=UpdateDetails(lateness=late, missed=missed),
    )


def of_hourly(multiplier: float, updates: Sequence[DataUpdate], interval: timedelta = HOUR) -> Lookback:
    """What is said of the windows of a table that has these only."""
    hourly = ScheduleConfig(interval=interval)
    config = DataSourceConfig(table_name="Item", source_system="ERP", fetcher="memory", hourly=hourly)
    (found,) = judged(config, multiplier, updates)
    return found


def test_lateness() -> None:
    """It is how far the oldest stamp of what is late lies before the instant; zero if nothing is."""
    assert INSTANTS.lateness(Late(rows=1, oldest=NOON - 5 * MINUTE)) == 5 * MINUTE
    assert INSTANTS.lateness(Late(rows=1, oldest=NOON - timedelta(milliseconds=999))) == timedelta(0)
    assert INSTANTS.lateness(Late()) == timedelta(0)


def test_readings() -> None:
    """A reading of a wall clock is taken in the zone of the source, there and back."""
    readings = Measure(at=NOON, zone=CHICAGO, as_readings=True)
    assert readings.before == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert readings.lateness(Late(rows=1, oldest=datetime(2026, 3, 2, 5, 30, tzinfo=UTC))) == 30 * MINUTE


def test_days() -> None:
    """A stamp of midnight in the source stands for its day: it is late only after the day has ended."""
    chicago = Measure(at=NOON, zone=CHICAGO, as_readings=False)
    assert chicago.lateness(Late(rows=1, oldest=datetime(2026, 3, 2, 6, 0, tzinfo=UTC))) == timedelta(0)
    assert chicago.lateness(Late(rows=1, oldest=datetime(2026, 3, 1, 6, 0, tzinfo=UTC))) == 6 * HOUR
    assert INSTANTS.lateness(Late(rows=1, oldest=datetime(9999, 12, 31, tzinfo=UTC))) is None


def test_measure_of() -> None:
    """Only instants and readings are stamps that say when; for a Mass the day counts, as the source has it."""

    def measure(kind: pa.DataType, update_type: UpdateType = UpdateType.HOURLY, at: datetime | None = NOON) -> object:
        columns = (Column(name="Id", type=pa.int64()), Column(name="S", type=kind))
        schema = TableSchema(columns=columns, key=("Id",), last_update="S")
        task = DataUpdateTask(
            table_name="Item",
            update_type=update_type,
            source_system="ERP",
            operation_id="1",
            minimum_dt=None,
            late_before=at,
        )
        return measure_of(task, schema, CHICAGO)

    assert measure(TIMESTAMP) == Measure(at=NOON, zone=CHICAGO, as_readings=False)
    assert measure(DATETIME) == Measure(at=NOON, zone=CHICAGO, as_readings=True)
    assert measure(pa.int64()) is None
    assert measure(TIMESTAMP, at=None) is None
    day = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert measure(TIMESTAMP, UpdateType.MASS) == Measure(at=day, zone=CHICAGO, as_readings=False)


def test_enough() -> None:
    """The evidence is told even if nothing follows from it."""
    found = of_hourly(2, [*[update(timedelta(0))] * 29, update(13 * MINUTE)], 30 * MINUTE)
    assert found.verdict is Verdict.ENOUGH
    assert found.said == (
        "In the last 30 windows rows came up to 13 min 00 s late; "
        "Hourly windows look back 2 x 30 min 00 s = 1 h 00 min: enough."
    )


def test_too_small() -> None:
    """If the largest lateness exceeds half of it, the sentence says by which arithmetic it should grow."""
    updates = [update(timedelta(0)), update(108 * MINUTE, UpdateType.DAILY), update(None)]
    assert of_hourly(3, updates).said == (
        "In the last 2 windows rows came up to 1 h 48 min late; Hourly windows look back 3 x 1 h 00 min = 3 h 00 min: "
        "too small. Raise lookback_multiplier to 4 (2 x 1 h 48 min / 1 h 00 min, rounded up)."
    )
    assert of_hourly(4, updates).recommended is None


def test_edge() -> None:
    """If rows came as late as a window can see, others may have come later."""
    found = of_hourly(2, [update(2 * HOUR)])
    assert found.at_edge
    assert found.said.endswith("Rows that came later still, these windows could not bring.")
    assert not of_hourly(3, [update(2 * HOUR)]).at_edge
    assert not of_hourly(0, [update(timedelta(0))]).at_edge


def test_missed() -> None:
    """What the last Mass found beyond every window is told with the widest windows."""
    mass = UpdateType.MASS
    found = of_hourly(3, [update(timedelta(0)), update(missed=1_200, kind=mass), update(missed=9, kind=mass)])
    assert found.missed == 1_200
    assert found.said.endswith(
        "The last Mass brought 1,200 rows stamped before any window reached back to: committed later than the "
        "lookback, or written with an old stamp."
    )
    config = DataSourceConfig(
        table_name="Item",
        source_system="ERP",
        fetcher="memory",
        daily=ScheduleConfig(interval=24 * HOUR),
        hourly=ScheduleConfig(interval=HOUR),
    )
    told = judged(config, 3, [update(timedelta(0)), update(missed=1, kind=mass)])
    assert [(each.update_type, each.missed) for each in told] == [(UpdateType.DAILY, 1), (UpdateType.HOURLY, 0)]


def test_needlessly_large() -> None:
    """If thirty windows used less than a tenth of the lookback, half of it would do; unless a Mass found rows."""
    updates = [update(MINUTE)] * 30
    assert of_hourly(3, updates).said == (
        "In the last 30 windows rows came up to 1 min 00 s late; Hourly windows look back "
        "3 x 1 h 00 min = 3 h 00 min: larger than needed. If that holds for every table, "
        "a lookback_multiplier of 1.5 reads less."
    )
    assert of_hourly(3, updates[:29]).verdict is Verdict.ENOUGH
    assert of_hourly(1, updates).verdict is Verdict.ENOUGH
    assert of_hourly(3, [*updates[:29], update(20 * MINUTE)]).verdict is Verdict.ENOUGH
    assert of_hourly(3, [*updates, update(missed=1, kind=UpdateType.MASS)]).verdict is Verdict.ENOUGH


def test_latest_windows() -> None:
    """Only the latest thirty windows count: what was late long ago is forgotten."""
    assert of_hourly(1, [*[update(timedelta(0))] * 30, update(HOUR)]).verdict is Verdict.ENOUGH


def test_nothing_measured() -> None:
    """Without a measurement, or without windows, nothing is said."""
    config = DataSourceConfig(
        table_name="Item", source_system="ERP", fetcher="memory", mass=ScheduleConfig(interval=HOUR)
    )
    assert judged(config, 3, [update(HOUR)]) == ()
    hourly = DataSourceConfig(
        table_name="Item", source_system="ERP", fetcher="memory", hourly=ScheduleConfig(interval=HOUR)
    )
    assert judged(hourly, 3, [update(None), update(missed=3, kind=UpdateType.MASS)]) == ()
