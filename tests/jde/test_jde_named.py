"""The fetchers that have names of their own."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter
from tests.jde.jde_rows import CHICAGO, NOW, FixedClock, rows_of

from afresh import wiring
from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.options import DataSourceConfig
from afresh.core.ports import Fetcher
from afresh.jde.catalogue import tables
from afresh.jde.names import NAMES
from afresh.sample.source import create
from afresh.sources.sqlite import SqliteSource
from afresh.testing.cancellation import ManualCancellation

TABLES = {
    "JdeWorkOrderFetcher": "F4801",
    "JdeWorkOrderRoutingFetcher": "F3112",
    "JdeWorkOrderPartFetcher": "F3111",
    "JdeWorkOrderTimeFetcher": "F31122",
    "JdeItemFetcher": "F4101",
    "JdeItemBranchFetcher": "F4102",
    "JdeItemCrossReferenceFetcher": "F4104",
    "JdeItemLocationFetcher": "F41021",
    "JdeLotUsageFetcher": "F4111",
    "JdeLotFetcher": "F4108",
    "JdeBillOfMaterialFetcher": "F3002",
    "JdeAddressBookFetcher": "F0101",
    "JdeBusinessUnitFetcher": "F0006",
    "JdeUserDefinedCodeFetcher": "F0005",
    "JdePurchaseOrderLineFetcher": "F4311",
    "JdeSalesOrderLineFetcher": "F4211",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of all tables."""
    path = tmp_path_factory.mktemp("named") / "sample.db"
    create(path, now=NOW, rows=2000)
    return path


def fetcher_of(name: str, path: Path, **settings: Any) -> Fetcher[pa.RecordBatch]:
    """The fetcher of that name on a file, built as a configuration builds it."""
    kind: FetcherKind = wiring.FETCHERS[name]
    context = FetcherContext(
        config=DataSourceConfig(table_name="T", source_system="S", fetcher=name),
        argument=kind.argument or "",
        options=TypeAdapter(kind.options).validate_python(settings),
        source=SqliteSource(name="S", path=path, time_zone=CHICAGO, clock=FixedClock()),
        batch_rows=100,
        clock=FixedClock(),
    )
    return kind.build(context)


def test_every_known_table_has_a_named_fetcher() -> None:
    """One name for each table of the catalogue, and one for CMS."""
    assert NAMES == TABLES
    assert {wiring.FETCHERS[name].argument for name in TABLES} == set(tables())


@pytest.mark.parametrize(("name", "table"), TABLES.items())
def test_a_named_fetcher_reads_its_table(sample: Path, name: str, table: str) -> None:
    """The name needs no argument, and brings the table's columns and all of its rows."""
    assert not wiring.FETCHERS[name].takes_argument
    fetcher = fetcher_of(name, sample)
    assert fetcher.schema().key == tables()[table].key
    with closing(sqlite3.connect(sample)) as connection:
        (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    assert sum(batch.num_rows for batch in fetcher.fetch(None, ManualCancellation())) == count > 0


def test_lot_usage_joins_what_went_in_to_what_came_out(sample: Path) -> None:
    """Issues (IM) of the item ledger name the lots a work order used, completions (IC) the lot it made."""
    rows = rows_of(fetcher_of("JdeLotUsageFetcher", sample, quantity_decimals=4).fetch(None, ManualCancellation()))
    issued = {row["ILDOCO"] for row in rows if row["ILDCT"] == "IM"}
    completed = {row["ILDOCO"] for row in rows if row["ILDCT"] == "IC"}
    assert issued & completed
    assert all(row["ILTRQT"] < 0 for row in rows if row["ILDCT"] == "IM")


def test_mis_data_as_it_is_stored(sample: Path) -> None:
    """Results come with exact decimals, and readings of the source's clock as instants."""
    fetcher = fetcher_of("CmsMisDataFetcher", sample)
    schema = fetcher.schema()
    assert (schema.key, schema.last_update) == (("MisId",), "LastUpdateDT")
    found = {row["MisId"]: row for row in rows_of(fetcher.fetch(None, ManualCancellation()))}
    with closing(sqlite3.connect(sample)) as connection:
        connection.row_factory = sqlite3.Row
        stored = [dict(row) for row in connection.execute("SELECT * FROM MisData")]
    assert len(found) == len(stored) > 10
    for row in stored:
        assert found[row["MisId"]] == row | {
            "ResultValue": Decimal(row["ResultValue"]),
            "MeasuredAt": instant(row["MeasuredAt"]),
            "LastUpdate": instant(row["LastUpdate"]),
            "LastUpdateDT": instant(row["LastUpdate"] or row["MeasuredAt"]),
        }


def test_a_window_of_mis_data(sample: Path) -> None:
    """A window brings what was corrected in it, and what was measured in it and never corrected."""
    fetcher = fetcher_of("CmsMisDataFetcher", sample)
    minimum = NOW - timedelta(days=60)
    everything = rows_of(fetcher.fetch(None, ManualCancellation()))
    windowed = {row["MisId"] for row in rows_of(fetcher.fetch(minimum, ManualCancellation()))}
    assert {row["MisId"] for row in everything if row["LastUpdateDT"] >= minimum} <= windowed
    assert 0 < len(windowed) < len(everything)


def test_mis_data_can_be_another_table(tmp_path: Path) -> None:
    """At a site the table's name, columns, key and stamp are options."""
    with closing(sqlite3.connect(tmp_path / "cms.db")) as connection:
        connection.execute("CREATE TABLE QMRESULT (RID INTEGER PRIMARY KEY, RVAL TEXT, CHG TEXT)")
        connection.execute("INSERT INTO QMRESULT VALUES (1, '2.5', '2026-11-20 08:00:00')")
        connection.commit()
    fetcher = fetcher_of(
        "CmsMisDataFetcher",
        tmp_path / "cms.db",
        table="QMRESULT",
        columns={"MisId": "RID", "ResultValue": {"column": "RVAL", "type": "decimal(9,2)"}},
        cursor=["CHG"],
        cursor_type="timestamp",
    )
    (row,) = rows_of(fetcher.fetch(None, ManualCancellation()))
    assert row == {
        "MisId": 1,
        "ResultValue": Decimal("2.50"),
        "LastUpdateDT": datetime(2026, 11, 20, 14, tzinfo=UTC),
    }


def instant(reading: str | None) -> datetime | None:
    """The instant of a reading of the source's clock; the change itself for a reading that never came."""
    if reading is None:
        return None
    local = datetime.fromisoformat(reading).replace(tzinfo=CHICAGO)
    found = local.astimezone(UTC)
    skipped = found.astimezone(CHICAGO).replace(tzinfo=None) != local.replace(tzinfo=None)
    return local.replace(hour=3, minute=0, second=0).astimezone(UTC) if skipped else found
