"""The profile `generic`, over two drivers whose databases it takes for unknown ones; and which profiles are untried."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import SecretStr
from tests.sources.odbc_drivers import without
from tests.sources.postgres_source_rig import PASSWORD, READER, accounts
from tests.sources.psqlodbc_rig import PsqlOdbcRig
from tests.sources.sqlite_odbc_rig import SqliteOdbcRig

from afresh.core.errors import QueryFailed
from afresh.core.schema import DATETIME
from afresh.core.select import Compare, Output, Query, Select, TableName
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_mysql import MYSQL
from afresh.sources.odbc_options import Db2Options, OdbcOptions, SybaseOptions, profile_of
from afresh.sources.odbc_plain import DB2, GENERIC, SQLITE, SQLSERVER
from afresh.sources.odbc_postgres import POSTGRES
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_rig import SourceBench, SourceRig, on_source_bench

AMOUNT = pa.decimal128(15, 2)
DECLARED = {
    "Id": "integer NOT NULL",
    "Name": "varchar(20)",
    "Big": "bigint",
    "Weight": "double precision",
    "Amount": "numeric(15,2)",
    "Changed": "timestamp",
    "Day": "date",
}
EARLY, LATE = datetime.fromisoformat("2024-05-01 10:30"), datetime.fromisoformat("2024-06-01 10:30:00.5")
BETWEEN = datetime.fromisoformat("2024-05-15")
FIRST = (1, "Zoë", 2**63 - 1, 50331651.75, Decimal("12345.67"), EARLY, EARLY.date())
EMPTY = (2, *[None] * 6)
LAST = (3, "O'Hara", 5, 0.5, Decimal("0.10"), LATE, LATE.date())
SQL = (
    ("1", "'Zoë'", str(2**63 - 1), "50331651.75", "12345.67", f"'{EARLY}'", "'2024-05-01'"),
    ("2", *["NULL"] * 6),
    ("3", "'O''Hara'", "5", "0.5", "0.10", "'2024-06-01 10:30:00.500'", "'2024-06-01'"),
)


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A bench, and the source of profile `generic` that reads it."""

    bench: SourceBench
    source: OdbcSource

    def select(self) -> Select:
        """All columns, as the driver describes them."""
        info = self.source.catalogue.describe(self.bench.table())
        assert info is not None
        outputs = tuple(Output(c.name, c.name, c.type, declared=c.declared) for c in info.columns)
        return Select(self.bench.table(), outputs)


def options_of(rig: SourceRig, bench: SourceBench) -> OdbcOptions:
    """What somebody writes who knows the driver alone."""
    if isinstance(rig, SqliteOdbcRig):
        return OdbcOptions(driver="SQLite3", database=str(bench.directory / "kit.db"))
    known = accounts()
    chosen: dict[str, Any] = {"user": READER, "password": SecretStr(PASSWORD)}
    return OdbcOptions(
        driver="PostgreSQL Unicode",
        host=known.get("host") or "localhost",
        port=int(known.get("port") or 5432),
        database=known.get("dbname") or "postgres",
        **chosen,
    )


@contextmanager
def unknown(rig: SourceRig) -> Iterator[Unknown]:
    """The table of three rows."""
    with on_source_bench(rig) as bench:
        bench.create_declared(DECLARED, SQL)
        options = options_of(rig, bench)
        source = OdbcSource(
            name="Unknown",
            kind="odbc",
            options=options,
            profile=profile_of(options),
            time_zone=ZoneInfo("America/Chicago"),
            clock=ManualClock(),
        )
        bench.made.append(source)
        yield Unknown(bench=bench, source=source)


@pytest.fixture(
    params=[
        pytest.param(PsqlOdbcRig(), marks=without("PostgreSQL Unicode"), id="psqlODBC"),
        pytest.param(SqliteOdbcRig(), marks=without("SQLite3"), id="libsqliteodbc"),
    ]
)
def found(request: pytest.FixtureRequest) -> Iterator[Unknown]:
    """Each of the drivers."""
    with unknown(request.param) as made:
        yield made


def test_columns_are_as_the_driver_says(found: Unknown) -> None:
    """Names and types come from a result without rows, no key is known, and a table that is not there is none."""
    info = found.source.catalogue.describe(found.bench.table())
    assert info is not None
    assert info.key == ()
    types = {column.name: column.type for column in info.columns}
    assert types.pop("Amount") in (AMOUNT, pa.float64())  # SQLite's driver tells of no decimals
    assert types == {
        "Id": pa.int32(),
        "Name": pa.string(),
        "Big": pa.int64(),
        "Weight": pa.float64(),
        "Changed": DATETIME,
        "Day": pa.date32(),
    }
    assert found.source.catalogue.describe(TableName("NoSuch", found.bench.table().schema)) is None


def test_a_table_is_read(found: Unknown) -> None:
    """All rows are exact; a decimal that the driver tells as a double is one if it is asked for as such."""
    select = found.select()
    outputs = tuple(replace(o, type=AMOUNT) if o.column == "Amount" else o for o in select.outputs)
    assert found.bench.rows(replace(select, outputs=outputs), found.source) == [FIRST, EMPTY, LAST]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (Compare(("Changed",), ">=", BETWEEN), [3]),
        (Compare(("Day",), "<", date(2024, 5, 2)), [1]),
        (Compare(("Name",), "=", "O'Hara"), [3]),
        (Compare(("Big",), ">", 5), [1]),
        (Compare(("Changed", "Day"), ">=", EARLY), [1, 3]),
    ],
    ids=["stamp", "day", "text", "number", "the first of two that is not null"],
)
def test_a_window_is_read(found: Unknown, where: Compare, ids: list[int]) -> None:
    """Values stand in the statement as the escapes that every driver understands."""
    assert [row[0] for row in found.bench.rows(replace(found.select(), where=where), found.source)] == ids


@without("SQLite3")
def test_a_driver_that_tells_too_short_a_length() -> None:
    """SQLite's driver has room for milliseconds; a stamp with more digits is an error, never cut."""
    with unknown(SqliteOdbcRig()) as made:
        made.bench.execute(f"UPDATE {made.bench.place()} SET \"Changed\" = '2024-06-01 10:30:00.123456'")
        with pytest.raises(QueryFailed, match="larger than what the driver was given room for"):
            made.bench.rows(made.select(), made.source)


def test_a_query_is_read(found: Unknown) -> None:
    """A query of the user's is described and read, its minimum in its place."""
    query = Query(f'SELECT "Id", "Name" FROM {found.bench.place()} WHERE "Changed" >= :minimum_dt', BETWEEN)
    assert [column.name for column in found.source.catalogue.describe_query(query)] == ["Id", "Name"]
    assert found.bench.rows(query, found.source) == [(3, "O'Hara")]


def test_what_it_cannot_know(found: Unknown) -> None:
    """The clock is our own, the account the one that was configured, and whether it may write is not known."""
    account = found.source.catalogue.account()
    assert account.may_write is None
    assert account.advice == ()
    assert found.source.clock() is not None
    assert not found.source.traits.own_clock
    with pytest.raises(QueryFailed, match="NoSuch"):
        found.bench.rows(Query('SELECT * FROM "NoSuch"', None), found.source)


@without("PostgreSQL Unicode")
def test_tables_are_listed_where_there_is_an_information_schema() -> None:
    """The standard's own views are left out."""
    with unknown(PsqlOdbcRig()) as made:
        listed = made.source.catalogue.tables()
        assert made.bench.table() in [summary.table for summary in listed]
        assert "information_schema" not in {(summary.table.schema or "").casefold() for summary in listed}


@without("SQLite3")
def test_a_database_without_one_asks_for_its_profile() -> None:
    """Whoever wants its tables listed is told what to name."""
    with unknown(SqliteOdbcRig()) as made, pytest.raises(QueryFailed) as failed:
        made.source.catalogue.tables()
    assert "name its kind with `profile`" in failed.value.hint


def test_untried_profiles_say_so() -> None:
    """Those that were written from documentation alone have nothing in `tested`, so that the account's advice says
    it; the others say with what."""
    sybase = profile_of(SybaseOptions(host="h"))
    assert [profile.name for profile in (DB2, SQLSERVER, sybase) if profile.tested] == []
    assert all(profile.tested for profile in (GENERIC, POSTGRES, SQLITE, MYSQL))
    for options in (Db2Options, SybaseOptions):
        assert "no server" in " ".join((options.__doc__ or "").split())
