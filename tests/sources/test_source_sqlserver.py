"""SQL Server as a source: the real driver, over the wire to a stand-in that answers what it was told to.

Not SQL Server: what it would make of the statements is not shown here.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from tests.sources import sqlserver_front as front
from tests.sources.sqlserver_front import SourceBench, number, result, source_bench
from tests.tds_front.server import Result, ServerError
from tests.tds_front.tokens import Column

from afresh.core.errors import (
    BadValue,
    Cancelled,
    ConfigurationError,
    QueryFailed,
    SourceRefused,
    SourceSlow,
    SourceUnavailable,
)
from afresh.core.schema import DATETIME, TIMESTAMP
from afresh.core.select import Compare, Output, Query, Select, TableName
from afresh.drivers import mssql_native as native
from afresh.sources.sqlserver_types import arrives_as, declared, expression, parse
from afresh.testing.cancellation import ManualCancellation

pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")

ITEM = TableName("F4101")


@pytest.fixture
def bench() -> Iterator[SourceBench]:
    """A source and its server."""
    made = source_bench()
    yield made
    made.front.close()
    assert made.front.faults == []


def select(*outputs: Output, where: Any = None) -> Select:
    """A read of the table."""
    return Select(ITEM, outputs, where)


def rows(bench: SourceBench, what: Select | Query, **options: Any) -> list[dict[str, Any]]:
    """All rows of a read."""
    batches = bench.source(**options).read(what, ManualCancellation(), 100)
    return [row for batch in batches for row in batch.to_pylist()]


def test_values_arrive_exactly(bench: SourceBench) -> None:
    """Numbers of 38 digits, money, all readings, marks at the beginning of a text, NUL, and nulls."""
    kinds = {
        "a": front.BIGINT,
        "b": front.LONG,
        "c": front.BYTES,
        "d": front.DATE,
        "e": front.DATETIME2,
        "f": front.NVARCHAR,
        "g": front.NVARCHAR,
        "h": front.BIT,
        "i": front.FLOAT,
    }
    stamp = datetime.fromisoformat("9999-12-31 23:59:59.999999")
    values = (-(2**63), "\ufeffé🙂 \0", b"\0\1", date(1, 1, 1), stamp, "2024-05-01 10:00:00.1234560", "x", True, -0.5)
    bench.answers.tell("FROM .dbo...F4101", result(kinds, [values, (None,) * 9]))
    wanted = [
        Output("a", "a", pa.int64(), "bigint"),
        Output("b", "b", pa.string(), "nvarchar(max)"),
        Output("c", "c", pa.binary(), "varbinary(max)"),
        Output("d", "d", pa.date32(), "date"),
        Output("e", "e", DATETIME, "datetime2(6)"),
        Output("f", "f", DATETIME, "datetime2(7)"),
        Output("g", "g", pa.string(), "uniqueidentifier"),
        Output("h", "h", pa.bool_(), "bit"),
        Output("i", "i", pa.float64(), "float"),
    ]
    read = datetime.fromisoformat("2024-05-01 10:00:00.123456")
    expected = (*values[:5], read, *values[6:])
    assert [tuple(row.values()) for row in rows(bench, select(*wanted))] == [expected, (None,) * 9]


def test_what_is_finer_than_a_microsecond_is_no_value(bench: SourceBench) -> None:
    """The seventh digit of a second stops the read, for the driver would cut it without a word."""
    bench.answers.tell("FROM .dbo...F4101", result({"f": front.NVARCHAR}, [("2024-05-01 10:00:00.1234567",)]))
    with pytest.raises(BadValue, match=r"F4101\.f"):
        rows(bench, select(Output("f", "f", DATETIME, "datetime2(7)")))


def test_offsets_become_instants(bench: SourceBench) -> None:
    """The server takes the offset away, whatever the zone of the source is."""
    kinds = {"a": front.DATETIME2, "b": front.NVARCHAR}
    at = datetime.fromisoformat("2024-05-01 10:00:00")
    bench.answers.tell("FROM .dbo...F4101", result(kinds, [(at, "2024-05-01 10:00:00.0000010+00:00")]))
    wanted = [
        Output("a", "a", TIMESTAMP, "datetimeoffset(3)"),
        Output("b", "b", TIMESTAMP, "datetimeoffset(7)"),
    ]
    (row,) = rows(bench, select(*wanted), zone="America/Chicago")
    assert row == {"a": at.replace(tzinfo=UTC), "b": at.replace(tzinfo=UTC, microsecond=1)}


def test_a_read_is_one_transaction(bench: SourceBench) -> None:
    """Under snapshot isolation where the database allows it; nothing but reads and words of the session is sent."""
    bench.answers.tell("FROM .dbo...F4101", result({"a": front.INT}, [(1,)]))
    assert rows(bench, select(Output("a", "a", pa.int32(), "int"))) == [{"a": 1}]
    sent = "\n".join(bench.answers.sent)
    assert "SET TRANSACTION ISOLATION LEVEL SNAPSHOT" in sent
    assert sent.index("BEGIN TRANSACTION") < sent.index("F4101") < sent.index("ROLLBACK TRANSACTION")
    assert all(sql.startswith(("SET ", "SELECT ", "BEGIN ", "IF @@TRANCOUNT")) for sql in bench.answers.sent)


def test_no_session_stays(bench: SourceBench) -> None:
    """A read that ends, fails or is left leaves no session on the server."""
    bench.answers.tell("FROM .dbo...F4101", result({"a": front.INT}, [(1,)] * 100))
    wanted = select(Output("a", "a", pa.int32(), "int"))
    assert len(rows(bench, wanted)) == 100
    left = bench.source().read(wanted, ManualCancellation(), 10)
    next(left)
    left.close()  # type: ignore[attr-defined]  # it is a generator
    bench.answers.fail("FROM .dbo...F4101", ServerError(208, "Invalid object name 'dbo.F4101'."))
    with pytest.raises(QueryFailed):
        rows(bench, wanted)
    until = time.monotonic() + 10
    while bench.front.connections and time.monotonic() < until:
        time.sleep(0.02)
    assert bench.front.connections == 0


def test_without_snapshots(bench: SourceBench) -> None:
    """A database that does not allow them, or knows no such view, is read as committed."""
    bench.answers.fail("snapshot_isolation_state", ServerError(208, "Invalid object name 'sys.databases'."))
    bench.answers.tell("FROM .dbo...F4101", result({"a": front.INT}, [(1,)]))
    assert rows(bench, select(Output("a", "a", pa.int32(), "int"))) == [{"a": 1}]
    assert any("ISOLATION LEVEL READ COMMITTED" in sql for sql in bench.answers.sent)
    assert not any("ISOLATION LEVEL SNAPSHOT" in sql for sql in bench.answers.sent)


def test_statement_of_a_window(bench: SourceBench) -> None:
    """Names are bracketed; numbers, texts and instants are written so that an index of the column can serve."""
    where = Compare(("UPMJ",), ">=", 124_001)
    what = Select(TableName("F?]1"), (Output("UP?MJ", "a", pa.decimal128(6, 0), "numeric(6,0)"),), where)
    assert bench.source().statement(what).sql == (
        "SELECT [F?]]1].[UP?MJ] FROM [dbo].[F?]]1] WHERE [F?]]1].[UPMJ] >= 124001"
    )
    changed = Compare(("At",), ">=", datetime(2024, 5, 1, 10, tzinfo=UTC))
    zoned = select(Output("At", "At", TIMESTAMP, "datetimeoffset(7)"), where=changed)
    assert "TODATETIMEOFFSET(CONVERT(datetime2(7), '2024-05-01T10:00:00.000000', 126), '+00:00')" in (
        bench.source().statement(zoned).sql
    )
    local = select(Output("At", "At", DATETIME, "datetime"), where=changed)
    assert "[At] >= CONVERT(datetime2(7), '2024-05-01T05:00:00.000000', 126)" in (
        bench.source(zone="America/Chicago").statement(local).sql
    )


def test_query(bench: SourceBench) -> None:
    """A query's columns are as the server describes them; `:minimum_dt` is written, or a null of its type."""
    described = result({"name": front.NVARCHAR, "t": front.NVARCHAR}, [("Id", "int"), ("Price", "money")])
    bench.answers.tell("describe_first_result_set", described)
    bench.answers.tell("FROM x WHERE", result({"Id": front.INT, "Price": front.MONEY}, [(1, Decimal("1.2345"))]))
    query = Query("SELECT Id, Price FROM x WHERE At >= :minimum_dt", None)
    assert rows(bench, query) == [{"Id": 1, "Price": Decimal("1.2345")}]
    assert any("At >= CAST(NULL AS datetime2(7))" in sql for sql in bench.answers.sent)


def test_broken_off_in_mid_stream(bench: SourceBench) -> None:
    """A cancellation ends a read within a second, though rows go on coming, and does not take it for complete."""
    if not native.loads("libltdl.so.7"):
        pytest.xfail("the driver's library that needs OpenSSL alone does not break off a statement")

    def endless(stop: threading.Event) -> Iterable[Result]:
        def slowly() -> Iterator[tuple[int]]:
            while not stop.wait(0.02):
                yield (1,)

        yield Result(columns=[Column(name="a", type=front.INT)], rows=slowly())

    bench.answers.tell("FROM .dbo...F4101", endless)
    reading = ManualCancellation()
    threading.Timer(0.5, reading.request).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        list(bench.source().read(select(Output("a", "a", pa.int32(), "int")), reading, 1_000_000))
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServerError(1205, "Transaction (Process ID 5) was deadlocked on lock resources"), SourceUnavailable),
        (ServerError(1222, "Lock request time out period exceeded."), SourceSlow),
        (ServerError(208, "Invalid object name 'dbo.F4101'."), QueryFailed),
        (ServerError(229, "The SELECT permission was denied on the object 'F4101'", severity=14), SourceRefused),
    ],
)
def test_errors(bench: SourceBench, error: ServerError, expected: type[Exception]) -> None:
    """What the server says is understood by its words."""
    bench.answers.fail("FROM .dbo...F4101", error)
    with pytest.raises(expected, match="source Kit"):
        rows(bench, select(Output("a", "a", pa.int32(), "int")))


def test_wrong_password(bench: SourceBench) -> None:
    """A login that is refused is no transient failure, and the password is not told."""
    bench.answers.refused = ServerError(18456, "Login failed for user 'reader'.", severity=14)
    with pytest.raises(SourceRefused) as caught:
        rows(bench, select(Output("a", "a", pa.int32(), "int")), user="refused")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_clock(bench: SourceBench) -> None:
    """The server's clock and the begin of its oldest open transaction; the clock alone where the server tells neither
    that nor row versions."""
    told = bench.source().clock()
    assert told.now == front.NOW.replace(tzinfo=UTC)
    assert told.oldest_open == told.now - timedelta(minutes=1)
    bench.answers.fail("dm_tran", ServerError(300, "VIEW SERVER STATE permission was denied", severity=14))
    bench.answers.fail(
        "MIN_ACTIVE_ROWVERSION", ServerError(195, "not a recognized built-in function name", severity=15)
    )
    told = bench.source().clock()
    assert (told.now, told.oldest_open) == (front.NOW.replace(tzinfo=UTC), None)


def test_clock_by_row_versions(bench: SourceBench) -> None:
    """Who may not see transactions asks for row versions, and learns since when one may be open that has got one."""
    bench.answers.fail("dm_tran", ServerError(300, "VIEW SERVER STATE permission was denied", severity=14))
    source, oldest = bench.source(), []
    for minutes, smallest_open, last_given in [(0, 101, 100), (5, 111, 110), (9, 112, 115), (15, 116, 115)]:
        kinds = {"now": front.DATETIME2, "open": front.BIGINT, "last": front.BIGINT}
        seen = (front.NOW + timedelta(minutes=minutes), smallest_open, last_given)
        bench.answers.tell("MIN_ACTIVE_ROWVERSION", result(kinds, [seen]))
        oldest.append(source.clock().oldest_open)
    assert oldest == [None, None, front.NOW.replace(tzinfo=UTC) + timedelta(minutes=5), None]


def test_describe(bench: SourceBench) -> None:
    """Columns with their declared types, the key and the number of rows."""
    kinds = {"n": front.NVARCHAR, "t": front.NVARCHAR, "l": front.INT, "p": front.INT, "s": front.INT, "u": front.BIT}
    columns = [
        ("LITM", "nchar", 50, 0, 0, False),
        ("UNCS", "decimal", 9, 15, 4, True),
        ("At", "datetime2", 8, 27, 7, True),
    ]
    bench.answers.tell("FROM sys.columns", result(kinds, columns))
    bench.answers.tell(
        "FROM sys.indexes", result({"i": front.NVARCHAR, "p": front.BIT, "c": front.NVARCHAR}, [("PK", True, "LITM")])
    )
    bench.answers.tell("FROM sys.partitions", result({"n": front.BIGINT}, [(1_000,)]))
    info = bench.source().catalogue.describe(ITEM)
    assert info is not None
    assert [(column.name, column.declared, column.type_name) for column in info.columns] == [
        ("LITM", "nchar(25)", "text(25)"),
        ("UNCS", "decimal(15,4)", "decimal(15,4)"),
        ("At", "datetime2(7)", "datetime"),
    ]
    assert (info.key, info.rows) == (("LITM",), 1_000)


def test_parts(bench: SourceBench) -> None:
    """A read is cut by a sample of the key's first column; together the parts are the table, nulls included."""
    kinds = {"n": front.NVARCHAR, "t": front.NVARCHAR, "l": front.INT, "p": front.INT, "s": front.INT, "u": front.BIT}
    bench.answers.tell("FROM sys.columns", result(kinds, [("Id", "int", 4, 10, 0, False)]))
    bench.answers.tell(
        "FROM sys.indexes", result({"i": front.NVARCHAR, "p": front.BIT, "c": front.NVARCHAR}, [("PK", True, "Id")])
    )
    bench.answers.tell("FROM sys.partitions", result({"n": front.BIGINT}, [(1_000,)]))
    bench.answers.tell("SELECT TOP", result({"Id": front.INT}, [(place,) for place in range(90)]))
    source = bench.source()
    with source.parts(select(Output("Id", "Id", pa.int32(), "int")), 3) as parts:
        wheres = [source.statement(part).sql.partition(" WHERE ")[2] for part in parts]
    assert wheres == [
        "([F4101].[Id] < 30 OR [F4101].[Id] IS NULL)",
        "([F4101].[Id] >= 30 AND [F4101].[Id] < 60)",
        "[F4101].[Id] >= 60",
    ]


@pytest.mark.parametrize(
    ("name", "sizes", "told", "kind", "length"),
    [
        ("nvarchar", (-1, 0, 0), "nvarchar(max)", pa.string(), None),
        ("varchar", (30, 0, 0), "varchar(30)", pa.string(), 30),
        ("numeric", (17, 38, 38), "numeric(38,38)", pa.decimal128(38, 38), None),
        ("smallmoney", (4, 10, 4), "smallmoney", pa.decimal128(10, 4), None),
        ("tinyint", (1, 3, 0), "tinyint", pa.int16(), None),
        ("datetimeoffset", (10, 34, 7), "datetimeoffset(7)", TIMESTAMP, None),
        ("rowversion", (8, 0, 0), "rowversion", pa.binary(), None),
        ("xml", (-1, 0, 0), "xml", pa.string(), None),
    ],
)
def test_types(name: str, sizes: tuple[int, int, int], told: str, kind: pa.DataType, length: int | None) -> None:
    """The catalogue's types, and what they arrive as."""
    assert declared(name, *sizes) == told
    assert arrives_as(parse(told)) == (kind, length)


def test_types_that_are_asked_for_as_others() -> None:
    """Money as a decimal, XML as a text, a zone taken away; a variant is refused with a reason."""
    wanted = {"money": "CONVERT(decimal(19,4), c)", "xml": "CONVERT(nvarchar(max), c)", "int": "c", "": "c"}
    for kind, sql in wanted.items():
        assert expression(Output("c", "c", pa.string(), kind), "c") == sql
    with pytest.raises(ConfigurationError, match="sql_variant"):
        expression(Output("c", "c", pa.string(), "sql_variant"), "c")


def test_account(bench: SourceBench) -> None:
    """Who we are, what we could write, and what to ask for."""
    bench.answers.tell("SUSER_SNAME", result({"u": front.NVARCHAR, "v": front.NVARCHAR}, [("reader", "16.0.1")]))
    bench.answers.tell("fn_my_permissions", result({"p": front.NVARCHAR}, [("CONNECT",), ("SELECT",), ("INSERT",)]))
    bench.answers.tell("snapshot_isolation_state", number(0))
    bench.answers.fail("dm_tran", ServerError(300, "VIEW SERVER STATE permission was denied", severity=14))
    account = bench.source().catalogue.account()
    assert (account.user, account.version, account.may_write) == ("reader", "SQL Server 16.0.1", ("INSERT",))
    assert "VIEW SERVER STATE" in account.advice[0]
    assert "ALLOW_SNAPSHOT_ISOLATION" in account.advice[1]
