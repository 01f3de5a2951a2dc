"""Sybase ASE over FreeTDS, as far as it can be tried without a server: the login packet, the SQL, texts and errors."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import SecretStr
from tests.engine.rig import item, make_rig, release_all
from tests.sources.odbc_drivers import without

from afresh.core.errors import SourceUnavailable
from afresh.core.events import ValuesMisfit
from afresh.core.model import Outcome
from afresh.core.ports import Reading
from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Output, Select, TableName
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_decode import decoded
from afresh.sources.odbc_errors import scrubbed
from afresh.sources.odbc_options import SybaseOptions, connection_string, profile_of
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock

PASSWORD = "a secret; of {the} kit"
TABLE = TableName("MisData", "dbo")
TDS5_LOGIN = 0x02


def source_of(**settings: object) -> OdbcSource:
    """A source of the kind with those settings."""
    known = {"host": "127.0.0.1", "user": "reader", "password": SecretStr(PASSWORD), "database": "cms", **settings}
    options = SybaseOptions(**known)  # type: ignore[arg-type]
    return OdbcSource(
        name="CMS",
        kind="sybase",
        options=options,
        profile=profile_of(options),
        time_zone=ZoneInfo("America/Chicago"),
        clock=ManualClock(),
    )


@contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A socket on loopback that takes one login, keeps its packet, and says nothing."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            connection, _ = server.accept()
            with connection:
                got.append(connection.recv(4096))

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1], got
        thread.join(5)


@without("FreeTDS")
def test_the_login_is_of_tds_5() -> None:
    """The driver sends a login of TDS 5.0 with the account; that nobody answers is a transient error without the
    password."""
    with listener() as (port, got):
        with pytest.raises(SourceUnavailable) as raised:
            source_of(port=port).clock()
        assert PASSWORD not in str(raised.value)
    assert got[0][0] == TDS5_LOGIN
    assert b"reader" in got[0]


def test_sessions_begin_as_the_options_say() -> None:
    """Size of texts, isolation and character set are set by options; one byte more than allowed is asked for, so that a
    text that is too long is seen."""
    options = SybaseOptions(host="h", isolation=0, max_text_size=1000, charset="cp1252")
    profile = profile_of(options)
    assert "set textsize 1001" in profile.opening
    assert "set transaction isolation level 0" in profile.opening
    told = connection_string(options, profile)
    assert "TDS_Version=5.0;" in told
    assert "ClientCharset=cp1252;" in told
    assert "Port=5000;" in told


GOLDEN = (
    (Output("Id", "Id", pa.int64(), "int"), "[MisData].[Id]"),
    (Output("N", "N", pa.string(), "varchar(10)"), "[MisData].[N]"),
    (Output("B", "B", pa.decimal128(20, 0), "ubigint"), "convert(numeric(20, 0), [MisData].[B])"),
    (Output("M", "M", pa.decimal128(19, 4), "money"), "convert(varchar(30), convert(numeric(19, 4), [MisData].[M]))"),
    (Output("T", "T", pa.binary(), "timestamp"), "convert(varbinary(8), [MisData].[T])"),
)


def test_the_sql_of_a_window() -> None:
    """Names in brackets, values as literals: a stamp to the millisecond, cut, on the wall clock of the source; a text
    with its quotes doubled."""
    where = AllOf(
        (
            AnyOf(
                (Compare(("Changed",), ">=", datetime(2024, 5, 1, 15, 0, 0, 123_999, tzinfo=UTC)), IsNull(("Changed",)))
            ),
            Compare(("Day",), "<", date(2024, 5, 2)),
            Compare(("Name",), "=", "O'Hara"),
            Compare(("Amount",), ">", Decimal("1.50")),
        )
    )
    found = source_of().statement(Select(TABLE, tuple(output for output, _ in GOLDEN), where))
    assert found.parameters == ()
    assert found.sql == (
        f"SELECT {', '.join(sql for _, sql in GOLDEN)} FROM [dbo].[MisData] WHERE "
        "(([MisData].[Changed] >= '20240501 10:00:00.123' OR [MisData].[Changed] IS NULL) "
        "AND [MisData].[Day] < '20240502' AND [MisData].[Name] = 'O''Hara' AND [MisData].[Amount] > 1.50)"
    )


def test_big_stamps_are_read_as_texts() -> None:
    """A bigdatetime is put together from its parts, because the driver does not know it."""
    output = Output("S", "S", pa.timestamp("us"), "bigdatetime")
    sql = source_of().statement(Select(TABLE, (output,))).sql
    assert "datepart(us, [MisData].[S])" in sql
    assert "datepart(yy, [MisData].[S])" in sql


def test_texts_of_another_code_page() -> None:
    """With `decode_as` texts are asked for as bytes, which the server does not convert."""
    output = Output("N", "N", pa.string(), "varchar(10)")
    sql = source_of(decode_as="cp1252").statement(Select(TABLE, (output,))).sql
    assert sql == "SELECT convert(varbinary(10), [MisData].[N]) FROM [dbo].[MisData]"


def test_bytes_that_the_code_page_lacks_are_counted() -> None:
    """Bytes become texts by the code page; one that it does not have is replaced and reported."""
    reading = ManualCancellation()
    output = Output("N", "N", pa.string(), "varchar(10)")
    found = decoded(pa.array([b"\x80 5", None, b"a\x81"]), "cp1252", output, reading)
    assert found.to_pylist() == ["€ 5", None, "a\ufffd"]
    assert [(misfit.column, misfit.rows) for misfit in reading.misfits] == [("N", 1)]


def test_replaced_bytes_go_through_a_sync(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The sync succeeds with the replaced text, and its event and its record in the log count the row as `clamp`."""
    request.addfinalizer(release_all)
    rig = make_rig(tmp_path, rows=[item(1), item(2)])
    fetch = rig.source.fetch
    output = Output("Name", "Name", pa.string(), "varchar(10)")

    def decoding(minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        for batch in fetch(minimum_dt, cancel):
            names = decoded(pa.array([b"a\x81", b"b"]), "cp1252", output, cancel)
            yield batch.set_column(batch.schema.get_field_index("Name"), "Name", names)

    rig.source.fetch = decoding  # type: ignore[method-assign] # a source whose bytes are of no code page
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert [(event.column, event.policy, event.rows) for event in rig.of(ValuesMisfit)] == [("Name", "clamp", 1)]
    details = rig.history()[0].details
    assert details is not None
    assert details.adjusted == {"clamp": 1}


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        ("numeric(15,2)", pa.decimal128(15, 2)),
        ("numeric(18,0)", pa.int64()),
        ("timestamp", pa.binary()),
        ("datetime", pa.timestamp("us")),
        ("ubigint", pa.decimal128(20, 0)),
        ("bit", pa.bool_()),
        ("text", pa.string()),
        ("image", pa.binary()),
    ],
)
def test_declared_types(declared: str, wanted: pa.DataType) -> None:
    """The type as which a column arrives; `timestamp` is a token and no time."""
    assert profile_of(SybaseOptions(host="h")).declared(declared)[0] == wanted


def test_a_driver_that_repeats_the_password_is_not_believed() -> None:
    """The password is taken out of a message in every form in which it can stand there."""
    message = f"cannot connect with PWD={{{PASSWORD.replace('}', '}}')}}};Server=x and {PASSWORD}"
    told = scrubbed(message, PASSWORD)
    assert "secret" not in told
    assert "Server=x" in told
