"""The flow of the kind `sybase` on a fake of the driver's calls: what is asked, what is made of the answers. Whether a
server understands what is asked was tried nowhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import SecretStr
from tests.sources.fake_odbc import FakeServer

from afresh.core.errors import AfreshError, LoginRefused, QueryFailed, SourceUnavailable
from afresh.core.select import Compare, Output, Query, Select, TableName
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_options import SybaseOptions, profile_of
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_rig import rows_of

PASSWORD = "a secret of the kit"
TABLE = TableName("MisData", "dbo")
STAMP = datetime.fromisoformat("2024-05-01 10:30:00.123")
COLUMNS = {
    "name": ["Id", "Name", "Amount", "Changed"],
    "type": ["int", "char(10)", "numeric(15,2)", "datetime"],
    "nullable": ["0", "1", "1", "1"],
}
ROWS = {
    "Id": pa.array([1, 2], pa.int32()),
    "Name": ["ab        ", None],
    "Amount": ["12.50", None],
    "Changed": pa.array([STAMP, None], pa.timestamp("us")),
}
ANSWERS = (
    ("from syscolumns", COLUMNS),
    ("index_col", {"name": ["Id"]}),
    ("row_count", {"rows": ["2"]}),
    ("suser_name", {"user": ["reader"], "version": ["Adaptive Server Enterprise/16.0"]}),
    ("sysprotects", {"right": ["INSERT on MisData"]}),
    ("syslogshold", {"oldest": pa.array([datetime.fromisoformat("2024-05-01 11:00")], pa.timestamp("us"))}),
    ("getutcdate", {"now": pa.array([datetime.fromisoformat("2024-05-01 12:00")], pa.timestamp("us"))}),
    ("NoSuch", "State: 42S02, Native error: 208, Message: NoSuch not found"),
    ("MisData", ROWS),
)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server on which no session may be left open."""
    made = FakeServer(answers=ANSWERS)
    yield made
    assert made.open == 0


def source_of(server: FakeServer, **settings: Any) -> OdbcSource:
    """The source that reads from it with those settings, in Chicago."""
    options = SybaseOptions(host="h", user="reader", password=SecretStr(PASSWORD), **settings)
    return OdbcSource(
        name="CMS",
        kind="sybase",
        options=options,
        profile=profile_of(options),
        time_zone=ZoneInfo("America/Chicago"),
        clock=ManualClock(),
        driver=server.driver,
    )


def test_a_table_is_described(server: FakeServer) -> None:
    """By the catalogue: columns, key and size."""
    info = source_of(server).describe(TABLE)
    assert info is not None
    assert (info.key, info.rows) == (("Id",), 2)
    assert [(column.name, column.type, column.nullable) for column in info.columns] == [
        ("Id", pa.int32(), False),
        ("Name", pa.string(), True),
        ("Amount", pa.decimal128(15, 2), True),
        ("Changed", pa.timestamp("us"), True),
    ]


def test_a_window_is_read(server: FakeServer) -> None:
    """After the settings of the session the window is asked for on the source's wall clock; padding is taken off."""
    types: dict[str, pa.DataType] = {
        "Id": pa.int32(),
        "Name": pa.string(),
        "Amount": pa.decimal128(15, 2),
        "Changed": pa.timestamp("us"),
    }
    outputs = tuple(Output(name, name, kind) for name, kind in types.items())
    minimum = datetime(2024, 5, 1, 15, tzinfo=UTC)
    select = Select(TABLE, outputs, Compare(("Changed",), ">=", minimum))
    found = rows_of(source_of(server).read(select, ManualCancellation(), 100))
    assert found == [(1, "ab", Decimal("12.50"), STAMP), (2, None, None, None)]
    assert server.sent[1] == "set quoted_identifier on"
    assert server.sent[-1].endswith("WHERE [MisData].[Changed] >= '20240501 10:00:00.000'")


def test_a_query_is_read(server: FakeServer) -> None:
    """As it stands, with the minimum as a literal; its columns are as the driver describes them."""
    query = Query("select * from MisData where Changed >= :minimum_dt", STAMP)
    source = source_of(server)
    assert [column.name for column in source.describe_query(query)] == list(ROWS)
    assert [row[0] for row in rows_of(source.read(query, ManualCancellation(), 100))] == [1, 2]
    assert server.sent[-1] == "select * from MisData where Changed >= '20240501 10:30:00.123'"


def test_the_clock_and_the_account(server: FakeServer) -> None:
    """Instants are told in UTC; that it may write, and that no server was tried, is said."""
    source = source_of(server)
    told = source.clock()
    assert told is not None
    assert (told.now.hour, told.oldest_open) == (12, datetime(2024, 5, 1, 11, tzinfo=UTC))
    account = source.account()
    assert (account.user, account.may_write) == ("reader", ("INSERT on MisData",))
    assert any("tried on no server" in advice for advice in account.advice)


def test_a_query_that_fails(server: FakeServer) -> None:
    """It is an error of the query, and the session is closed."""
    with pytest.raises(QueryFailed, match="NoSuch not found"):
        source_of(server).describe_query(Query("select * from NoSuch", None))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"State: 42000, Native error: 4002, Message: Login failed for {PASSWORD}.", LoginRefused),
        ("State: 08001, Native error: 0, Message: Unable to connect to data source", SourceUnavailable),
    ],
)
def test_logins_that_fail(server: FakeServer, message: str, kind: type[AfreshError]) -> None:
    """A refused login is told apart from a server that is away; neither says the password."""
    server.refuses = message
    with pytest.raises(kind) as raised:
        source_of(server).clock()
    assert PASSWORD not in str(raised.value)
