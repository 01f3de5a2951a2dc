"""The Oracle source on a fake of the driver: statements, exactness, errors, manners. Not tested on a server."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.sources.fake_oracle import NOW, Error, FakeColumn, FakeDriver

from afresh.core.errors import (
    AfreshError,
    BadValue,
    Cancelled,
    ConfigurationError,
    LoginRefused,
    QueryFailed,
    SnapshotTooOld,
    SourceRefused,
    SourceUnavailable,
)
from afresh.core.kinds import FetcherContext
from afresh.core.options import DataSourceConfig
from afresh.core.ports import TableInfo
from afresh.core.schema import TIMESTAMP, parse_type
from afresh.core.select import AnyOf, Compare, IsNull, Output, Policy, Query, Select, TableName
from afresh.fetchers.jde import build
from afresh.jde.options import JdeOptions, StampOptions
from afresh.sources.oracle import OracleSource
from afresh.sources.oracle_options import OracleOptions
from afresh.sources.oracle_texts import National, from_utf16, national
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock

PLACE = TableName("T", "PRODDTA")
reading = datetime.fromisoformat


def source_of(driver: FakeDriver, **options: Any) -> OracleSource:
    """A source called JDE in Chicago."""
    settings = {"dsn": "jdeprd1:1521/JDEPRD", "user": "READER", "password": SecretStr("hunter2"), **options}
    return OracleSource(
        name="JDE", options=OracleOptions(**settings), time_zone=ZoneInfo("America/Chicago"), driver=driver
    )


def output(name: str, wanted: str, declared: str, policy: Policy = Policy.STOP) -> Output:
    """A column under its own name."""
    return Output(name, name, parse_type(wanted)[0], declared, policy)


def read(driver: FakeDriver, *outputs: Output, watched: ManualCancellation | None = None) -> list[dict[str, Any]]:
    """All rows with these outputs."""
    batches: list[pa.RecordBatch] = list(
        source_of(driver).read(Select(PLACE, outputs), watched or ManualCancellation(), 2)
    )
    return [row for batch in batches for row in batch.to_pylist()]


def table(*columns: FakeColumn, **more: Any) -> FakeDriver:
    """A driver whose one table has a key and these columns."""
    rows = len(columns[0].values)
    return FakeDriver(
        [FakeColumn("ID", "NUMBER", list(range(1, rows + 1)), precision=8, scale=0, nullable="N"), *columns], **more
    )


ID = output("ID", "int64", "NUMBER(8)")


# ------------------------------------------------------------------------------------------------------ statements


@pytest.mark.parametrize(
    ("wanted", "declared", "policy", "expression"),
    [
        ("int64", "NUMBER(8)", Policy.STOP, "{}"),
        ("decimal(15,4)", "NUMBER(15,2)", Policy.STOP, "{}"),
        (
            "int64",
            "NUMBER",
            Policy.STOP,
            "CASE WHEN {} <> TRUNC({}, 0) OR ABS({}) >= 1E38 THEN 1E60 ELSE {} END",
        ),
        (
            "decimal(9,2)",
            "NUMBER(15,4)",
            Policy.STOP,
            "CASE WHEN {} <> TRUNC({}, 2) OR ABS({}) >= 1E36 THEN 1E60 ELSE {} END",
        ),
        ("int64", "NUMBER", Policy.NULL, "TO_CHAR({}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"),
        ("text", "NUMBER", Policy.TEXT, "TO_CHAR({}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"),
        ("float", "FLOAT(126)", Policy.STOP, "TO_CHAR({}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"),
        ("text", "NCHAR(12)", Policy.STOP, "{}"),
        ("datetime", "DATE", Policy.STOP, "{}"),
        ("datetime", "TIMESTAMP(6)", Policy.STOP, "{}"),
        ("datetime", "TIMESTAMP(9)", Policy.STOP, "LTRIM(TO_CHAR({}, 'SYYYY-MM-DD HH24:MI:SS.FF9'))"),
        ("timestamp", "TIMESTAMP(6) WITH TIME ZONE", Policy.STOP, "SYS_EXTRACT_UTC({})"),
        (
            "timestamp",
            "TIMESTAMP(6) WITH LOCAL TIME ZONE",
            Policy.STOP,
            "SYS_EXTRACT_UTC(CAST({} AS TIMESTAMP(9) WITH TIME ZONE))",
        ),
        (
            "timestamp",
            "TIMESTAMP(9) WITH TIME ZONE",
            Policy.STOP,
            "LTRIM(TO_CHAR(SYS_EXTRACT_UTC({}), 'SYYYY-MM-DD HH24:MI:SS.FF9')) || '+00:00'",
        ),
        ("text", "INTERVAL DAY(2) TO SECOND(6)", Policy.STOP, "TO_CHAR({})"),
        ("text", "XMLTYPE", Policy.STOP, "XMLSERIALIZE(CONTENT {} AS CLOB)"),
    ],
)
def test_what_is_selected(wanted: str, declared: str, policy: Policy, expression: str) -> None:
    """Each declared type is selected in the way in which it arrives exactly; no number is ever asked for as a float."""
    select = Select(PLACE, (output("C", wanted, declared, policy),))
    sql = source_of(FakeDriver()).statement(select).sql
    column = '"T"."C"'
    assert sql == f'SELECT {expression.replace("{}", column)} FROM "PRODDTA"."T"'


def test_a_window() -> None:
    """Instants are compared as such where the column has a zone, else as the smallest reading from then on; cut to the
    second, as a DATE; the owner is that of the options where the table names none."""
    at = datetime(2026, 5, 1, 15, 0, 0, 5, tzinfo=UTC)
    outputs = (output("A", "timestamp", "DATE"), output("B", "timestamp", "TIMESTAMP(6) WITH TIME ZONE"))
    where = AnyOf((Compare(("A",), ">=", at), Compare(("B",), ">=", at), IsNull(("B",)), Compare(("U",), ">=", 126121)))
    found = source_of(FakeDriver(), schema_name="PRODDTA").statement(Select(TableName("T"), outputs, where))
    assert found.sql == (
        'SELECT "T"."A", SYS_EXTRACT_UTC("T"."B") FROM "PRODDTA"."T" WHERE ("T"."A" >= CAST(:1 AS DATE) '
        'OR "T"."B" >= FROM_TZ(CAST(:2 AS TIMESTAMP), \'UTC\') OR "T"."B" IS NULL OR "T"."U" >= :3)'
    )
    assert found.parameters == (reading("2026-05-01 10:00:00"), reading("2026-05-01 15:00:00"), 126121)


def test_a_query_is_wrapped() -> None:
    """A user's query is as exact as a table: its columns are cast around it, under the names that the result has."""
    query = Query(
        'SELECT a AS n, b AS "m" FROM t', None, (output("n", "int64", "NUMBER"), output("m", "text", "NCHAR"))
    )
    sql = source_of(FakeDriver()).statement(query).sql
    assert sql.endswith('Q."N" END, Q."m" FROM (\nSELECT a AS n, b AS "m" FROM t\n) Q')


# ------------------------------------------------------------------------------------------------------- exactness


def test_numbers_are_exact() -> None:
    """Bare numbers of any size arrive as what was asked for, and the driver is always told which type that is."""
    big = Decimal("12345678901234567890123456789.123456789")
    driver = table(
        FakeColumn("N", "NUMBER", [Decimal("1.5"), None, Decimal("-0.25")]), FakeColumn("B", "NUMBER", [big] * 3)
    )
    found = read(driver, ID, output("N", "decimal(15,4)", "NUMBER"), output("B", "decimal(38,9)", "NUMBER"))
    assert found == [
        {"ID": 1, "N": Decimal("1.5000"), "B": big},
        {"ID": 2, "N": None, "B": big},
        {"ID": 3, "N": Decimal("-0.2500"), "B": big},
    ]


@pytest.mark.parametrize("value", [Decimal("1.5"), Decimal("1E40"), Decimal("99999999999999999999")])
def test_a_number_that_does_not_fit_is_named(value: Decimal) -> None:
    """A fraction or too many digits stop the read; the row is found by a second statement in the same transaction."""
    driver = table(FakeColumn("N", "NUMBER", [1, 2, value]))
    with pytest.raises(
        BadValue, match=r"source JDE: PRODDTA\.T\.N: row ID=3 holds .*, which int64 cannot hold exactly"
    ):
        read(driver, ID, output("N", "int64", "NUMBER"))
    assert all(connection.closed for connection in driver.connections)


def test_a_policy_is_followed() -> None:
    """With a policy the numbers come as texts, so that one that does not fit is dealt with where it stands."""
    watched = ManualCancellation()
    driver = table(FakeColumn("N", "NUMBER", [1, Decimal("2.5"), 3]))
    found = read(driver, ID, output("N", "int64", "NUMBER", Policy.CLAMP), watched=watched)
    assert [row["N"] for row in found] == [1, 2, 3]
    assert [misfit.rows for misfit in watched.misfits] == [1]


def test_instants_and_readings() -> None:
    """A zone-carrying timestamp is the instant, a DATE asked for as one is a reading in the source's zone, and nine
    digits of a second fit if the last three are zeros."""
    zoned = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    driver = table(
        FakeColumn("Z", "TIMESTAMP(6) WITH TIME ZONE", [zoned]),
        FakeColumn("D", "DATE", [reading("2026-07-01 07:00:00")]),
        FakeColumn("F", "TIMESTAMP(9)", ["9999-12-31 23:59:59.999999000"]),
    )
    (row,) = read(
        driver,
        output("Z", "timestamp", "TIMESTAMP(6) WITH TIME ZONE"),
        output("D", "timestamp", "DATE"),
        output("F", "datetime", "TIMESTAMP(9)"),
    )
    assert row["Z"] == zoned
    assert row["D"] == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert row["F"] == reading("9999-12-31 23:59:59.999999")
    driver = table(FakeColumn("F", "TIMESTAMP(9)", ["2026-07-01 00:00:00.123456789"]))
    with pytest.raises(BadValue, match="row ID=1 holds"):
        read(driver, ID, output("F", "datetime", "TIMESTAMP(9)"))


@pytest.mark.parametrize("utf16", [False, True])
def test_national_texts(utf16: bool) -> None:
    """Texts of the national character set arrive whole, whichever way the driver delivers them; it is asked once."""
    texts = ["Größe", None, "", "品目 🙂", "plain   "]
    driver = table(FakeColumn("C", "NCHAR", texts, length=12), utf16=utf16)
    source = source_of(driver)
    for _ in range(2):
        batches = list(source.read(Select(PLACE, (output("C", "text", "NCHAR(12)"),)), ManualCancellation(), 2))
        assert [value for batch in batches for value in batch.column(0).to_pylist()] == texts
    assert sum("UNISTR" in sql for sql in driver.statements) == 1


@given(st.lists(st.none() | st.text(max_size=8)), st.integers(0, 3))
def test_any_text_survives_utf16(texts: list[str | None], skipped: int) -> None:
    """Every text of any characters is what it was, also in a part of an array."""
    encoded = pa.array([None if text is None else text.encode("utf-16-be") for text in texts], pa.large_binary())
    assert from_utf16(encoded.slice(skipped)).to_pylist() == texts[skipped:]


def test_lost_characters_are_refused() -> None:
    """If the known text does not arrive, no national text is read."""
    assert national("a\u00e9\u20ac\u54c1\U0001f600".encode()) is National.UTF8
    with pytest.raises(QueryFailed, match="loses characters"):
        national(b"a????")


# --------------------------------------------------------------------------------------------------------- manners


def test_only_reads_are_sent_in_a_named_read_only_transaction() -> None:
    """Each session begins a read-only transaction, says who reads what, has a timeout, and is closed; nothing but
    SELECT and SET is sent."""
    driver = table(FakeColumn("N", "NUMBER", [1, 2, 3]))
    source = source_of(driver, call_timeout=timedelta(seconds=30))
    list(source.read(Select(PLACE, (ID,)), ManualCancellation(), 2))
    source.catalogue.describe(PLACE)
    source.catalogue.tables()
    source.catalogue.account()
    source.clock()
    assert all(connection.closed and connection.module == "afresh" for connection in driver.connections)
    assert driver.connections[0].action == "PRODDTA.T"
    assert driver.connections[0].call_timeout == 30_000
    assert driver.statements[0] == "SET TRANSACTION READ ONLY"
    assert {sql.split()[0] for sql in driver.statements} == {"SELECT", "SET"}
    assert not any("ORDER BY" in sql for sql in driver.statements if '"T"' in sql)


def test_a_cancellation_breaks_off_what_runs() -> None:
    """The driver is told to cancel, and what it raises then is the cancellation; the session is closed."""
    driver = table(FakeColumn("N", "NUMBER", list(range(100))))
    watched = ManualCancellation()
    batches = source_of(driver).read(Select(PLACE, (ID,)), watched, 2)
    next(batches)
    watched.request()
    with pytest.raises(Cancelled):
        list(batches)
    assert [(connection.cancelled, connection.closed) for connection in driver.connections] == [(True, True)]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("ORA-01017: invalid username/password; logon denied", LoginRefused),
        ("ORA-28000: the account is locked", LoginRefused),
        ("ORA-12541: TNS:no listener", SourceUnavailable),
        ("DPY-6005: cannot connect to database", SourceUnavailable),
        ("DPY-4011: the database or network closed the connection", SourceUnavailable),
        ("ORA-01555: snapshot too old", SnapshotTooOld),
        ("ORA-01031: insufficient privileges", SourceRefused),
        ("DPY-3001: Native Network Encryption is only supported in thick mode", ConfigurationError),
        ("ORA-00904: invalid identifier", QueryFailed),
    ],
)
def test_errors_are_told_apart(message: str, kind: type[AfreshError]) -> None:
    """What may pass is transient, a refused login is not, and no password is in any message."""
    driver = table(FakeColumn("N", "NUMBER", [1]), fails={"CONNECT": Error(message)})
    with pytest.raises(kind) as raised:
        read(driver, ID)
    assert type(raised.value) is kind
    assert message.partition(":")[0] in raised.value.message
    assert "hunter2" not in repr(raised.value) + str(raised.value)
    assert driver.arguments[0]["password"] == "hunter2"


# ------------------------------------------------------------------------------------------------ catalogue, clock


def test_the_catalogue() -> None:
    """Columns have their declared types; a bare NUMBER is what the option says, never a float."""
    driver = FakeDriver(
        [
            FakeColumn("ID", "NUMBER", [], precision=8, scale=0, nullable="N"),
            FakeColumn("N", "NUMBER", []),
            FakeColumn("M", "NUMBER", [], precision=12, scale=2),
            FakeColumn("I", "NUMBER", [], scale=0),
            FakeColumn("C", "NCHAR", [], length=12),
            FakeColumn("Z", "TIMESTAMP(6) WITH TIME ZONE", []),
        ]
    )
    source = source_of(driver, bare_number="decimal(38,4)")
    info = source.catalogue.describe(PLACE)
    assert isinstance(info, TableInfo)
    assert [(column.name, column.type_name, column.declared) for column in info.columns] == [
        ("ID", "int64", "NUMBER(8)"),
        ("N", "decimal(38,4)", "NUMBER"),
        ("M", "decimal(12,2)", "NUMBER(12,2)"),
        ("I", "decimal(38,0)", "NUMBER(*)"),
        ("C", "text(12)", "NCHAR(12)"),
        ("Z", "timestamp", "TIMESTAMP(6) WITH TIME ZONE"),
    ]
    assert (info.key, info.rows) == (("ID",), 5000)
    account = source.catalogue.account()
    assert account.may_write == ("INSERT ANY TABLE",)
    assert source.catalogue.tables("PRODDTA")[0].table == PLACE
    assert source.catalogue.describe_query(Query("SELECT n FROM t", None))[1].type_name == "decimal(38,4)"
    assert source_of(FakeDriver()).catalogue.describe(PLACE) is None


def test_what_is_seen_of_transactions_outlives_a_fault() -> None:
    """A connection that breaks while they are looked at does not mean that they may not be seen."""
    driver = FakeDriver([], open_for=60.0)
    source = source_of(driver)
    driver.fails["V$TRANSACTION"] = Error("ORA-03113: end-of-file on communication channel")
    with pytest.raises(SourceUnavailable):
        source.clock()
    driver.fails.clear()
    assert source.clock().oldest_open is not None


@pytest.mark.parametrize(("open_for", "oldest"), [(90.0, NOW - timedelta(seconds=90)), (0.0, NOW), (None, None)])
def test_the_clock(open_for: float | None, oldest: datetime | None) -> None:
    """The database's clock, and the begin of its oldest transaction if it may be seen."""
    found = source_of(table(FakeColumn("N", "NUMBER", [1]), open_for=open_for)).clock()
    assert found.now == NOW.replace(tzinfo=UTC)
    assert found.oldest_open == (oldest.replace(tzinfo=UTC) if oldest else None)


def test_parts_by_rowid() -> None:
    """A sample of row addresses cuts the table, in the order that addresses have; all parts see one state."""
    rowids = [f"AAAR3sAAEAAAACX{letter}AA" for letter in "zaZA0/"] * 3
    driver = table(FakeColumn("N", "NUMBER", [1]), rowids=rowids)
    with source_of(driver, flashback=True).parts(Select(PLACE, (ID,), partitions=3), 3) as parts:
        sqls = [source_of(driver).statement(part).sql for part in parts]
    assert [sql.partition("WHERE ")[2] for sql in sqls] == [
        "(ROWID < CHARTOROWID('AAAR3sAAEAAAACXaAA'))",
        "((ROWID >= CHARTOROWID('AAAR3sAAEAAAACXaAA')) AND (ROWID < CHARTOROWID('AAAR3sAAEAAAACX0AA')))",
        "(ROWID >= CHARTOROWID('AAAR3sAAEAAAACX0AA'))",
    ]
    assert all("AS OF SCN 987654" in sql for sql in sqls)


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver is imported when it is used; without it the extra is named."""
    monkeypatch.setitem(__import__("sys").modules, "oracledb", None)
    source = OracleSource(name="JDE", options=OracleOptions(dsn="h/S", user="U"), time_zone=ZoneInfo("UTC"))
    with pytest.raises(ConfigurationError) as raised:
        source.clock()
    assert raised.value.hint == "Install it: pip install 'afresh[oracle]'."
    assert pa.timestamp("us", "UTC") == TIMESTAMP


def test_a_closed_port_is_unavailable() -> None:
    """The real driver, with nobody to answer it, ends in a transient error without the password."""
    options = OracleOptions(
        dsn="127.0.0.1:9/S", user="U", password=SecretStr("hunter2"), connect_timeout=timedelta(seconds=3)
    )
    source = OracleSource(name="JDE", options=options, time_zone=ZoneInfo("UTC"))
    with pytest.raises(SourceUnavailable) as raised:
        source.clock()
    assert "hunter2" not in str(raised.value)


def test_jde_over_oracle() -> None:
    """A JD Edwards table of bare NUMBERs and padded NCHARs becomes what it means, dates and decimals included."""
    driver = FakeDriver(
        [
            FakeColumn("SLDOCO", "NUMBER", [400001, 400002], nullable="N"),
            FakeColumn("SLMCU", "NCHAR", ["         M30", "          30"], length=12),
            FakeColumn("SLUNCS", "NUMBER", [Decimal(1234567), Decimal(0)]),
            FakeColumn("SLUPMJ", "NUMBER", [126121, 0], precision=6, scale=0),
            FakeColumn("SLTDAY", "NUMBER", [83000, 0]),
        ],
        key=("SLDOCO",),
        utf16=True,
    )
    context = FetcherContext(
        config=DataSourceConfig(table_name="Ledger", source_system="JDE", fetcher="jde:T"),
        argument="T",
        options=JdeOptions(
            schema_name="PRODDTA",
            decimals={"SLUNCS": 4},
            last_update=StampOptions(date="SLUPMJ", time="SLTDAY"),
            names="column",
        ),
        source=source_of(driver),
        batch_rows=100,
        clock=ManualClock(),
    )
    fetcher = build(context)
    rows = [row for batch in fetcher.fetch(None, ManualCancellation()) for row in batch.to_pylist()]
    assert [(row["SLDOCO"], row["SLMCU"], row["SLUNCS"]) for row in rows] == [
        (400001, "M30", Decimal("123.4567")),
        (400002, "30", Decimal("0.0000")),
    ]
    assert [row["LastUpdateDT"] for row in rows] == [datetime(2026, 5, 1, 13, 30, tzinfo=UTC), None]
    assert 'CASE WHEN "T"."SLDOCO" <> TRUNC' in driver.statements[-1] or "UNISTR" in driver.statements[-1]
