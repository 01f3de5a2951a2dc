"""The `jde` fetcher on real SQLite files, judged by a second reading of the same rows, value by value."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.jde.jde_rows import CHICAGO, NOW, FixedClock, options, rows_of

from afresh.core.errors import BadValue, ConfigurationError
from afresh.core.kinds import FetcherContext
from afresh.core.options import DataSourceConfig
from afresh.fetchers.jde import JdeFetcher, build
from afresh.jde.catalogue import JdeColumn, Kind, tables
from afresh.sample.source import create
from afresh.sources.sqlite import SqliteSource
from afresh.testing.cancellation import ManualCancellation

Row = dict[str, Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of all tables, with an index on every stamp."""
    path = tmp_path_factory.mktemp("jde") / "sample.db"
    create(path, now=NOW, rows=3000, stamp_indexes=True)
    return path


def fetcher_on(path: Path, table: str, **settings: Any) -> JdeFetcher:
    """The fetcher of a table in a file."""
    source = SqliteSource(name="JDE", path=path, time_zone=CHICAGO, clock=FixedClock())
    context = FetcherContext(
        config=DataSourceConfig(table_name="T", source_system="JDE", fetcher=f"jde:{table}"),
        argument=table,
        options=options(**settings),
        source=source,
        batch_rows=97,
        clock=FixedClock(),
    )
    return build(context)


def rows_in(path: Path, table: str) -> list[Row]:
    """The rows as stored."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]


def day_of(number: int | None) -> date | None:
    """A stored date, by Python's own reading of year and day."""
    return datetime.strptime(f"{number + 1900000}", "%Y%j").date() if number else None  # noqa: DTZ007


def time_of(number: int | None) -> time | None:
    """A stored time, by its digits."""
    return None if number is None else time.fromisoformat(f"{number:06d}")


def meant(column: JdeColumn, value: Any) -> Any:
    """What a stored value means, at a site with four decimals in its quantities."""
    if column.kind is Kind.TEXT:
        text = (value or "").rstrip(" ")
        if column.alias in ("MCU", "MMCU", "CMCU") or column.name == "DRKY":
            text = text.lstrip(" ")
        return text if column.key_position else text or None
    if column.kind is Kind.DATE and not column.key_position:
        return day_of(value)
    if column.kind is Kind.TIME:
        return time_of(value)
    scale = 4 if column.quantity else column.decimals or 0
    return Decimal(value).scaleb(-scale) if value is not None and scale else value


def instant_of(table: str, row: Row) -> datetime | None:
    """When a row was stamped; the first pass of a reading that came twice, the change for one that never came."""
    stamp = tables()[table].stamp
    assert stamp
    assert stamp.time
    day = day_of(row[stamp.date])
    if day is None:
        return None
    reading = datetime.combine(day, time_of(row[stamp.time]) or time(), CHICAGO)
    instant = reading.astimezone(UTC)
    if instant.astimezone(CHICAGO).replace(tzinfo=None) != reading.replace(tzinfo=None):
        return datetime.combine(day, time(3), CHICAGO).astimezone(UTC)
    return instant


def judged(path: Path, table: str) -> list[Row]:
    """All rows as they are meant."""
    columns = [column for column in tables()[table].columns if column.documented]
    return [
        {column.name: meant(column, row[column.name]) for column in columns} | {"LastUpdateDT": instant_of(table, row)}
        for row in rows_in(path, table)
    ]


def in_order(rows: list[Row]) -> list[Row]:
    """Rows in an order that does not depend on how they were read."""
    return sorted(rows, key=repr)


@pytest.mark.parametrize("table", sorted(tables()))
def test_every_value_of_the_sample(sample: Path, table: str) -> None:
    """All rows of all tables, with every trap in them, come out as a reading value by value has them."""
    found = rows_of(fetcher_on(sample, table, quantity_decimals=4).fetch(None, ManualCancellation()))
    expected = judged(sample, table)
    assert len(found) > 10
    assert in_order([{name: row[name] for name in expected[0]} for row in found]) == in_order(expected)


MINIMA = [
    NOW - timedelta(hours=3),
    NOW - timedelta(days=30, minutes=17),
    datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 7, 30, tzinfo=UTC),
    datetime(2026, 3, 8, 8, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, tzinfo=UTC),
    NOW + timedelta(days=1),
]


@pytest.mark.parametrize("minimum", MINIMA, ids=str)
@pytest.mark.parametrize("table", ["F4801", "F4101", "F4111", "F0006"])
def test_a_window_of_the_sample(sample: Path, table: str, minimum: datetime) -> None:
    """A window brings all rows stamped in it or not at all, and no row from before its first day."""
    rows = rows_of(fetcher_on(sample, table, quantity_decimals=4).fetch(minimum, ManualCancellation()))
    stamps = {row["LastUpdateDT"] for row in rows}
    instants = [row["LastUpdateDT"] for row in judged(sample, table)]
    needed = [instant for instant in instants if instant is None or instant >= minimum]
    assert len(needed) <= len(rows) < max(len(instants), len(needed) + 1)
    assert set(needed) <= stamps
    first_day = (minimum.astimezone(CHICAGO) - timedelta(hours=1)).date()
    assert all(stamp is None or stamp.astimezone(CHICAGO).date() >= first_day for stamp in stamps)


def test_an_index_on_the_stamp_serves_the_window(sample: Path) -> None:
    """Where somebody made an index on date and time, no part of the window's condition reads the whole table."""
    statement = fetcher_on(sample, "F4801").explain(NOW).statement
    assert statement
    with closing(sqlite3.connect(sample)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)]
    assert any("SEARCH F4801 USING INDEX" in step for step in plan)
    assert not any(step.startswith("SCAN") for step in plan)


def test_a_condition_of_the_user_reaches_the_source(sample: Path) -> None:
    """`where` goes with the window in the source's own SQL."""
    fetcher = fetcher_on(sample, "F4801", where="WADCTO = 'WO' AND WASRST = '10'")
    found = rows_of(fetcher.fetch(datetime(2025, 1, 1, tzinfo=UTC), ManualCancellation()))
    assert found
    assert {row["WASRST"] for row in found} == {"10"}


def test_invalid_dates_stop_or_stay_legible(tmp_path: Path) -> None:
    """The sample's invalid dates stop the sync, or are null with their numbers kept."""
    path = tmp_path / "wrong.db"
    create(path, now=NOW, rows=500, only=["F4801"], invalid_dates=True)
    with pytest.raises(BadValue, match=r"WADRQJ holds 999999 \(each digit shown as 9\), which is not a date CYYDDD"):
        list(fetcher_on(path, "F4801").fetch(None, ManualCancellation()))
    rows = rows_of(fetcher_on(path, "F4801", bad_dates="null").fetch(None, ManualCancellation()))
    kept = sorted(row["BadDates"] for row in rows if row["BadDates"])
    assert kept == ["WADRQJ=124367", "WADRQJ=125366", "WADRQJ=126000"]
    assert all(row["WADRQJ"] is None for row in rows if row["BadDates"])


@pytest.fixture
def small(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A file with an empty item ledger, open for writing."""
    create(tmp_path / "small.db", now=NOW, rows=100, only=["F4111"])
    with closing(sqlite3.connect(tmp_path / "small.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM F4111")
        yield connection


def test_numbers_that_arrive_as_reals(small: sqlite3.Connection, tmp_path: Path) -> None:
    """A driver that gives 141805.0 for a number gives the same time, date and decimals."""
    small.execute("CREATE TABLE F9 (A REAL, B REAL, C REAL, D REAL)")
    small.execute("INSERT INTO F9 VALUES (1.0, 126015.0, 141805.0, 125000.0)")
    fetcher = fetcher_on(
        tmp_path / "small.db", "F9", key=["A"], last_update={"date": "B", "time": "C"}, times=["C"], decimals={"D": 4}
    )
    (row,) = rows_of(fetcher.fetch(None, ManualCancellation()))
    assert (row["C"], row["D"]) == (time(14, 18, 5), Decimal("12.5000"))
    assert row["LastUpdateDT"] == datetime(2026, 1, 15, 20, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize("value", [1.5, "12A", b"\x01"], ids=["a fraction", "text", "bytes"])
def test_what_is_no_whole_number_is_refused(small: sqlite3.Connection, tmp_path: Path, value: Any) -> None:
    """A stored number with a fraction, or none at all, stops the sync and is named by table, column and key."""
    small.execute("INSERT INTO F4111 (ILUKID, ILTRQT) VALUES (7, ?)", (value,))
    with pytest.raises(BadValue, match=r"F4111\.ILTRQT: row ILUKID=7"):
        list(fetcher_on(tmp_path / "small.db", "F4111", quantity_decimals=4).fetch(None, ManualCancellation()))


def test_names_with_signs_are_read(tmp_path: Path) -> None:
    """Column names with `$`, `#` and `@` are quoted as they are."""
    path = tmp_path / "signs.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute('CREATE TABLE "F55$01" ("QQUK#ID" INTEGER PRIMARY KEY, "QQFA@RT" INTEGER, "QQF$RP" TEXT)')
        connection.execute("INSERT INTO \"F55$01\" VALUES (1, 126015, 'A  ')")
    fetcher = fetcher_on(path, "F55$01", last_update={"date": "QQFA@RT"})
    (row,) = rows_of(fetcher.fetch(datetime(2026, 1, 15, 12, tzinfo=UTC), ManualCancellation()))
    assert (row["QQUK#ID"], row["QQF$RP"]) == (1, "A")


def test_a_table_that_the_file_lacks(sample: Path) -> None:
    """A table that is not there is a configuration error that points to the owner setting."""
    with pytest.raises(ConfigurationError, match="the source has no table F4801Z1") as raised:
        fetcher_on(sample, "F4801Z1").schema()
    assert "schema_name" in raised.value.hint
