"""The `jde` fetcher over ODBC: from MariaDB, which takes the blanks behind a char away, and from PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.jde.jde_rows import FixedClock, options, rows_of, stored
from tests.sources.mysql_source_rig import MysqlSourceRig
from tests.sources.odbc_drivers import without, without_mariadb
from tests.sources.psqlodbc_rig import PsqlOdbcRig

from afresh.core.kinds import FetcherContext
from afresh.core.options import DataSourceConfig
from afresh.fetchers.jde import JdeFetcher, build
from afresh.jde.catalogue import Kind, tables
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.source_kit_rig import SourceBench, on_source_bench

ORDERS = (
    stored(
        "F4801",
        WADOCO=1,
        WAMCU="         M30",
        WALITM="ABC'Ü" + " " * 20,
        WATRDJ=124366,
        WAUORG=-12345,
        WAHRSO=150,
        WAUPMJ=126015,
        WATDAY=83000,
    ),
    stored("F4801", WADOCO=2, WALITM=None, WAUPMJ=126015, WATDAY=82900),
    stored("F4801", WADOCO=999_999_999_999_999, WAUPMJ=0),
)
MINIMUM = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)


@pytest.fixture(
    params=[
        pytest.param(MysqlSourceRig(), marks=without_mariadb(), id="mysql"),
        pytest.param(PsqlOdbcRig(), marks=without("PostgreSQL Unicode"), id="postgres"),
    ]
)
def bench(request: pytest.FixtureRequest) -> Iterator[SourceBench]:
    """Work orders, declared as they are on DB2: texts padded, numbers decimals without digits behind the point."""
    known = tables()["F4801"]
    declared = {c.name: f"char({c.length})" if c.kind is Kind.TEXT else "numeric(15,0)" for c in known.columns}
    with on_source_bench(request.param) as made:
        made.create_declared(declared, [tuple(map(literal, row.values())) for row in ORDERS], "F4801", known.key)
        yield made


def literal(value: Any) -> str:
    """A value in SQL."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def fetcher_on(bench: SourceBench) -> JdeFetcher:
    """The fetcher of the work orders, at a site of three decimals in the zone of Chicago."""
    return build(
        FetcherContext(
            config=DataSourceConfig(table_name="WorkOrder", source_system="JDE", fetcher="jde:F4801"),
            argument="F4801",
            options=options(schema_name=bench.table().schema, quantity_decimals=3),
            source=bench.source(time_zone="America/Chicago"),
            batch_rows=100,
            clock=FixedClock(),
        )
    )


def test_stored_values_are_read_as_what_they_mean(bench: SourceBench) -> None:
    """Julian dates, padded texts and implied decimals; nothing stored is null or an empty key."""
    rows = {row["WADOCO"]: row for row in rows_of(fetcher_on(bench).fetch(None, ManualCancellation()))}
    assert sorted(rows) == [1, 2, 999_999_999_999_999]
    order = rows[1]
    assert (order["WAMCU"], order["WALITM"], order["WATRDJ"]) == ("M30", "ABC'Ü", date(2024, 12, 31))
    assert (order["WAUORG"], order["WAHRSO"]) == (Decimal("-12.345"), Decimal("1.50"))
    assert order["LastUpdateDT"] == MINIMUM
    empty = rows[999_999_999_999_999]
    assert [empty[name] for name in ("WALITM", "WATRDJ", "LastUpdateDT")] == [None] * 3


def test_a_window_is_read_by_the_stored_stamp(bench: SourceBench) -> None:
    """What was stamped since, and what has no stamp."""
    found = rows_of(fetcher_on(bench).fetch(MINIMUM, ManualCancellation()))
    assert sorted(row["WADOCO"] for row in found) == [1, 999_999_999_999_999]
