"""How late rows come is measured by windows, and a Mass counts what no window could bring."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.engine.rig import DAILY, HOUR, HOURLY, ITEMS, MASS, Rig, item, make_rig, table_config

from afresh.core.model import UpdateDetails, UpdateType
from afresh.core.options import ScheduleConfig
from afresh.core.schema import Column


def details(rig: Rig) -> UpdateDetails:
    """What the log says of the last sync."""
    (update, *_) = rig.history()
    assert update.details is not None
    return update.details


@pytest.mark.parametrize("kind", [DAILY, HOURLY])
def test_window(directory: Path, kind: UpdateType) -> None:
    """A row that comes after a sync has passed its stamp is late by as much as it lies before that sync."""
    rig = make_rig(directory, rows=[item(1)])
    rig.sync(MASS)
    assert details(rig).lateness is None
    rig.clock.advance(HOUR)
    rig.source.table.put(item(2, minutes=-17))
    rig.source.table.put(item(3, minutes=5))
    rig.sync(kind)
    assert details(rig).lateness == timedelta(minutes=17)
    rig.clock.advance(HOUR)
    rig.sync(kind)
    assert details(rig).lateness == timedelta(0)


def test_since_the_last_window(directory: Path) -> None:
    """What counts is the sync before, whatever its type, not the older one from which the window reaches back."""
    rig = make_rig(directory, rows=[item(1)])
    rig.sync(MASS)
    rig.clock.advance(2 * HOUR)
    rig.sync(HOURLY)
    rig.source.table.put(item(2, minutes=79))
    rig.clock.advance(HOUR)
    rig.sync(HOURLY)
    assert details(rig).lateness == timedelta(minutes=41)


def test_changed_rows(directory: Path) -> None:
    """A new version of a row is late as a new row is; what changed without its stamp says nothing."""
    rig = make_rig(directory, rows=[item(1, minutes=-60), item(2, minutes=-30)])
    rig.sync(MASS)
    rig.clock.advance(HOUR)
    rig.source.table.change(1, Changed=item(1, minutes=-9)["Changed"])
    rig.source.table.change(2, Name="without its stamp")
    rig.sync(HOURLY)
    assert details(rig).lateness == timedelta(minutes=9)


def test_over_batches(directory: Path) -> None:
    """The latest row of all batches counts."""
    rig = make_rig(directory, rows=[item(1)], batch_size=10)
    rig.sync(MASS)
    rig.clock.advance(HOUR)
    for number in range(2, 40):
        rig.source.table.put(item(number, minutes=-number if number < 25 else 1))
    rig.sync(HOURLY)
    assert details(rig).lateness == timedelta(minutes=24)


def test_first_load(directory: Path) -> None:
    """A window without an anchor reads everything, and measures nothing."""
    rig = make_rig(directory, rows=[item(1, minutes=-90)])
    rig.sync(HOURLY)
    assert details(rig).lateness is None


@pytest.mark.parametrize("prepurge", [True, False])
def test_mass(directory: Path, prepurge: bool) -> None:
    """A Mass counts the rows that are stamped before the day to which the widest window reaches back."""
    mass = ScheduleConfig(interval=168 * HOUR, prepurge_data=prepurge)
    rig = make_rig(directory, [table_config(mass=mass)], rows=[item(1), item(2, minutes=-9_000)])
    rig.sync(MASS)
    assert details(rig).missed is None
    rig.clock.advance(HOUR)
    rig.source.table.put(item(3, minutes=-60 * 24 * 3 + 5))
    rig.source.table.put(item(4, minutes=-60 * 24 * 5))
    rig.source.table.put(item(5, minutes=-60 * 24 * 6))
    rig.source.table.change(2, Name="without its stamp")
    rig.sync(MASS)
    assert (details(rig).missed, details(rig).lateness) == (2, None)
    rig.sync(MASS)
    assert details(rig).missed == 0


def test_mass_alone(directory: Path) -> None:
    """Where there are no windows, none can miss a row."""
    rig = make_rig(directory, [table_config(daily=None, hourly=None)], rows=[item(1)])
    rig.sync(MASS)
    rig.source.table.put(item(2, minutes=-99_999))
    rig.sync(MASS)
    assert details(rig).missed is None


def test_without_a_time(directory: Path) -> None:
    """A table whose stamp is no instant and no reading, or that has none, is not measured."""
    rig = make_rig(directory, rows=[])
    columns = (*ITEMS.columns[:2], Column(name="Changed", type=pa.date32()))
    for schema in (replace(ITEMS, columns=columns), replace(ITEMS, columns=ITEMS.columns[:2], last_update=None)):
        assert schema.stamp is None
    assert ITEMS.stamp == "Changed"
    rig.source.table.schema = replace(ITEMS, last_update=None)
    for _ in range(2):
        rig.sync(HOURLY)
    assert details(rig).lateness is None
