"""What the kit for sources needs of a SQL Server: a database of its own, as the URL of the cache's kit.

AFRESH_TEST_SQLSERVER_URL is `mssql://user:password@host:1433/database?encrypt=...`; the login needs CREATE TABLE there.
Tables are named after the test's directory and dropped in the end.
"""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import SecretStr

from afresh.core.ports import SourceSystem
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column
from afresh.core.select import TableName
from afresh.drivers.mssql import connect_alone
from afresh.drivers.mssql_url import parse
from afresh.sources.sqlserver import SqlServerSource
from afresh.sources.sqlserver_options import SqlServerOptions
from afresh.testing.proxy import Target
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceRig, SourceTrial, SourceType, Wish

VARIABLE = "AFRESH_TEST_SQLSERVER_URL"
URL = os.environ.get(VARIABLE, "")
_PORT = 1433
_LONGEST_NAME = 100

reading = datetime.fromisoformat

TYPES = (
    SourceType(declared="bigint", arrives="int64", values=(("9223372036854775807", 2**63 - 1), ("0", 0))),
    SourceType(declared="tinyint", arrives="int16", values=(("255", 255),)),
    SourceType(declared="bit", arrives="bool", values=(("1", True), ("0", False))),
    SourceType(declared="decimal(38,4)", arrives="decimal(38,4)", values=(("-0.0001", Decimal("-0.0001")),)),
    SourceType(
        declared="money", arrives="decimal(19,4)", values=(("922337203685477.5807", Decimal("922337203685477.5807")),)
    ),
    SourceType(declared="smallmoney", arrives="decimal(10,4)", values=(("-214748.3648", Decimal("-214748.3648")),)),
    SourceType(declared="float", arrives="float", values=(("1e308", 1e308), ("0.1", 0.1))),
    SourceType(declared="real", arrives="float", values=(("0.5", 0.5),)),
    SourceType(declared="varchar(20)", arrives="text(20)", values=(("'abc '", "abc "),)),
    SourceType(declared="char(5)", arrives="text(5)", values=(("'ab'", "ab   "),), note="padded"),
    SourceType(declared="nchar(4)", arrives="text(4)", values=(("N'品'", "品   "),), note="padded"),
    SourceType(declared="nvarchar(max)", arrives="text", values=(("NCHAR(65279) + N'a'", "\ufeffa"),)),
    SourceType(declared="varbinary(20)", arrives="bytes", values=(("0x00FF", b"\0\xff"),)),
    SourceType(declared="date", arrives="date", values=(("'0001-01-01'", date(1, 1, 1)),)),
    SourceType(declared="time(6)", arrives="time", values=(("'23:59:59.999999'", time(23, 59, 59, 999_999)),)),
    SourceType(declared="datetime", arrives="datetime", values=(("'1753-01-01T00:00:00'", reading("1753-01-01")),)),
    SourceType(
        declared="datetime2(7)",
        arrives="datetime",
        values=(("'9999-12-31T23:59:59.999999'", reading("9999-12-31 23:59:59.999999")),),
        misfits=("'9999-12-31T23:59:59.9999999'",),
    ),
    SourceType(
        declared="datetimeoffset(6)",
        arrives="timestamp",
        values=(("'2024-05-01T10:30:00.5+02:00'", reading("2024-05-01 08:30:00.5Z")),),
    ),
    SourceType(
        declared="uniqueidentifier",
        arrives="text(36)",
        values=(("'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),),
    ),
)


class SqlServerSourceRig(SourceRig):
    """The database of the URL; each test's tables have a prefix of their own."""

    types = TYPES
    odd: ClassVar = MappingProxyType(
        {
            "bare NUMBER": SourceType(
                declared="decimal",
                arrives="decimal(18,0)",
                values=(("2", Decimal(2)),),
                note="a decimal without digits is a decimal(18,0)",
            ),
            "9999-12-31 23:59:59.9999999": declared_as(TYPES, "datetime2(7)"),
            "CHAR padding": declared_as(TYPES, "char(5)"),
            "cp1252 bytes": SourceType(
                declared="varchar(20) COLLATE Latin1_General_100_BIN2",
                arrives="text(20)",
                values=(("CAST(0xFC80 AS varchar(20))", "ü€"),),
                note="the code page belongs to the collation; the server converts it",
            ),
        }
    )
    own_statements: ClassVar = MappingProxyType(
        {"IF @@TRANCOUNT > 0 ROLLBACK": "ends the transaction of a read, if an error has not ended it already"}
    )

    def trial(self) -> SourceTrial:
        ((found,),) = run("SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(60))")
        return SourceTrial(kind="sqlserver", product="SQL Server", version=str(found), by="mssql-python")

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return source_of(wish)

    def execute(self, directory: Path, *statements: str) -> None:
        run(*statements)

    def discard(self, directory: Path) -> None:
        for (name,) in run("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE'"):
            if str(name).startswith(_prefix(directory)):
                run(f"DROP TABLE {self.quote(str(name))}")

    def target(self, directory: Path) -> Target:
        found = parse(URL)
        return found.host, found.port or _PORT

    def table(self, directory: Path, name: str) -> TableName:
        return TableName(_prefix(directory) + name)

    def place(self, directory: Path, name: str) -> str:
        return self.quote(_prefix(directory) + name)

    def quote(self, name: str) -> str:
        return "[" + name.replace("]", "]]") + "]"

    def ddl(self, column: Column) -> str:
        kind = column.type
        if pa.types.is_decimal128(kind):
            return f"decimal({kind.precision},{kind.scale})"
        if pa.types.is_string(kind):
            return f"nvarchar({column.length or 'max'}) COLLATE Latin1_General_100_BIN2"
        named = {pa.bool_(): "bit", pa.int16(): "smallint", pa.int32(): "int", pa.int64(): "bigint"}
        named |= {pa.float64(): "float", pa.binary(): "varbinary(max)", pa.date32(): "date", TIME: "time(6)"}
        named |= {DATETIME: "datetime2(6)", TIMESTAMP: "datetimeoffset(6)"}
        return named[kind]

    def literal(self, column: Column, value: Any) -> str:
        match value:
            case None:
                return "NULL"
            case bool() | int():
                return str(int(value))
            case float():
                return f"CAST('{value!r}' AS float)"
            case bytes():
                return f"0x{value.hex()}"
            case Decimal():
                return f"{value:f}"
            case datetime():
                return f"'{value.isoformat(timespec='microseconds')}'"
            case date() | time():
                return f"'{value.isoformat()}'"
        pieces = str(value).split("\0")
        return " + NCHAR(0) + ".join("N'" + piece.replace("'", "''") + "'" for piece in pieces)

    def repeated(self, text: str, times: int) -> str:
        return f"REPLICATE(CONVERT(nvarchar(max), N'{text}'), {times})"

    def refusal(self, column: Column, value: Any) -> str:
        if isinstance(value, float) and value - value != 0:
            return "no float is infinite or no number"
        return ""

    def name_refusal(self, name: str) -> str:
        if not name or "\0" in name or name != name.rstrip(" "):
            return "no name is empty, holds a NUL, or ends in a blank"
        return "longer than 128 characters" if len(name.encode("utf-16-le")) // 2 > _LONGEST_NAME else ""

    def fill(self, directory: Path, name: str, rows: int) -> None:
        place = self.place(directory, name)
        digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"
        many = " CROSS JOIN ".join(f"{digits} AS d{place}(n)" for place in range(7))
        run(
            f"CREATE TABLE {place} ([Id] bigint NOT NULL PRIMARY KEY, [Name] nvarchar(40) NULL, "
            "[Amount] decimal(15,2) NULL, [Changed] datetime2(6) NULL)",
            f"INSERT INTO {place} SELECT s.i, CONCAT(N'name ', s.i), s.i / 100.0, "
            f"DATEADD(second, s.i, CONVERT(datetime2(6), '2024-01-01T00:00:00', 126)) FROM (SELECT TOP ({rows}) "
            f"ROW_NUMBER() OVER (ORDER BY (SELECT NULL)) AS i FROM {many}) AS s",
        )

    def sessions(self, directory: Path) -> int:
        """Those of this program on the database, but for the one that asks."""
        ((found,),) = run(
            "SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE program_name = "
            "(SELECT program_name FROM sys.dm_exec_sessions WHERE session_id = @@SPID) "
            "AND database_id = DB_ID() AND session_id <> @@SPID"
        )
        return int(found)

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        sent: list[str] = []
        yield source_of(Wish(), lambda text, seconds: _Spied(connect_alone(text, seconds), sent)), lambda: sent

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, Wish())

    def endless(self) -> str:
        digits = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"
        many = " CROSS JOIN ".join(f"{digits} AS d{place}(n)" for place in range(11))
        return f"SELECT COUNT_BIG(*) AS N FROM {many}"


def run(*statements: str) -> list[tuple[Any, ...]]:
    """Another program's statements; the rows of the last one."""
    found = parse(URL)
    connection: Any = connect_alone(found.connection_string(), found.connect_timeout)
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()


def source_of(wish: Wish, connect: Any = connect_alone) -> SqlServerSource:
    """A source that reads the database."""
    found = parse(URL)
    host, port = wish.through.address if wish.through is not None else (found.host, found.port)
    told = dict(found.driver_options)
    options = SqlServerOptions(
        host=host,
        port=port,
        database=found.database,
        user=found.user,
        password=SecretStr("wrong" if wish.wrong_password else found.password),
        encrypt="no" if told.get("Encrypt", "").lower() in ("no", "optional", "false") else "yes",
        trust_server_certificate=told.get("TrustServerCertificate", "").lower() in ("yes", "true"),
        query_timeout=wish.timeout or timedelta(minutes=1),
    )
    return SqlServerSource(
        name="Kit", options=options, time_zone=ZoneInfo(wish.time_zone), show_values=wish.show_values, connect=connect
    )


def _prefix(directory: Path) -> str:
    return f"K{zlib.crc32(str(directory).encode()):08X}_"


class _Spied:
    """A connection or cursor that tells its statements."""

    def __init__(self, real: Any, sent: list[str]) -> None:
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "_sent", sent)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)

    def cursor(self) -> "_Spied":
        return _Spied(self._real.cursor(), self._sent)

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._sent.append(sql)
        return self._real.execute(sql, *parameters)
