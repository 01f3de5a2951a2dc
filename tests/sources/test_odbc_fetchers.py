"""Fetchers over ODBC: the results of CMS from MariaDB and from PostgreSQL, as everything and as a window."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.sources.mysql_source_rig import MysqlSourceRig
from tests.sources.odbc_drivers import without, without_mariadb
from tests.sources.psqlodbc_rig import PsqlOdbcRig

from afresh.core.kinds import FetcherContext
from afresh.core.options import DataSourceConfig
from afresh.core.schema import DATETIME, TIMESTAMP, Column, parse_type
from afresh.fetchers.cms import CMS_MIS_DATA, MIS_DATA_TYPES, CmsMisDataOptions
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_rig import SourceRig, on_source_bench


@pytest.mark.parametrize(
    "rig",
    [
        pytest.param(MysqlSourceRig(), marks=without_mariadb(), id="mysql"),
        pytest.param(PsqlOdbcRig(), marks=without("PostgreSQL Unicode"), id="postgres"),
    ],
)
def test_the_results_of_cms(rig: SourceRig) -> None:
    """All rows; and of a window those corrected or measured since, their stamps read on the source's clock."""
    columns = []
    for name, told in MIS_DATA_TYPES.items():
        kind, length = parse_type(told)
        columns.append(Column(name=name, type=DATETIME if kind == TIMESTAMP else kind, length=length))
    early, late = datetime.fromisoformat("2024-01-01 08:00"), datetime.fromisoformat("2024-06-01 08:00")
    text = ("L1", "width", Decimal("1.500000"), None, "mm", "Zoë")
    rows = [(1, 10, *text, early, None), (2, 10, *text, early, late), (3, 11, *text, late, None)]
    with on_source_bench(rig) as bench:
        bench.create(columns, rows, "MisData", key=("MisId",))
        fetcher = CMS_MIS_DATA.build(
            FetcherContext(
                config=DataSourceConfig(table_name="MisData", source_system="CMS", fetcher="CmsMisDataFetcher"),
                argument="",
                options=CmsMisDataOptions(schema_name=bench.table().schema),
                source=bench.source(time_zone="America/Chicago"),
                batch_rows=100,
                clock=ManualClock(),
            )
        )
        everything = [row for batch in fetcher.fetch(None, ManualCancellation()) for row in batch.to_pylist()]
        assert sorted(row["MisId"] for row in everything) == [1, 2, 3]
        assert {row["Inspector"] for row in everything} == {"Zoë"}
        assert min(row["MeasuredAt"] for row in everything) == datetime(2024, 1, 1, 14, tzinfo=UTC)
        window = fetcher.fetch(datetime(2024, 5, 1, tzinfo=UTC), ManualCancellation())
        assert sorted(row["MisId"] for batch in window for row in batch.to_pylist()) == [2, 3]
