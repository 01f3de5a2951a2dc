"""What the kit for sources needs of an Oracle database: an account of a test schema, as a URL.

AFRESH_TEST_ORACLE_URL is `oracle://user:password@host:1521/SERVICE`; the account needs CREATE SESSION and CREATE
TABLE, and a quota. Tables are named after the test's directory and dropped in the end.
"""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import SecretStr

from afresh.core.ports import SourceSystem
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column
from afresh.core.select import TableName
from afresh.sources.oracle import OracleSource
from afresh.sources.oracle_options import OracleOptions
from afresh.testing.proxy import Target
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceRig, SourceTrial, SourceType, Wish

VARIABLE = "AFRESH_TEST_ORACLE_URL"
URL = os.environ.get(VARIABLE, "")

reading = datetime.fromisoformat
_LONGEST_TEXT = 1000
_PIECE = 1000
_EMPTY_IS_NULL = "Oracle keeps '' as NULL"

TYPES = (
    SourceType(
        declared="NUMBER",
        arrives="decimal(38,10)",
        values=(("1.5", Decimal("1.5")), ("-12345678901234567890123456", Decimal(-12345678901234567890123456))),
        misfits=("1E30", "1E-11"),
        note="a bare NUMBER is what `bare_number` says",
    ),
    SourceType(declared="NUMBER(18)", arrives="int64", values=(("999999999999999999", 10**18 - 1), ("0", 0))),
    SourceType(
        declared="NUMBER(15,4)", arrives="decimal(15,4)", values=(("99999999999.9999", Decimal("99999999999.9999")),)
    ),
    SourceType(declared="NUMBER(38)", arrives="decimal(38,0)", values=(("9" * 38, Decimal(10**38 - 1)),)),
    SourceType(
        declared="BINARY_DOUBLE", arrives="float", values=(("0.1d", 0.1), ("BINARY_DOUBLE_INFINITY", float("inf")))
    ),
    SourceType(declared="VARCHAR2(20)", arrives="text(20)", values=(("'abc '", "abc "),)),
    SourceType(declared="CHAR(5)", arrives="text(5)", values=(("'ab'", "ab   "),), note="padded"),
    SourceType(declared="NCHAR(4)", arrives="text(4)", values=(("UNISTR('\\54C1')", "品   "),), note="padded"),
    SourceType(declared="NVARCHAR2(20)", arrives="text(20)", values=(("UNISTR('a\\D83D\\DE00')", "a🙂"),)),
    SourceType(declared="CLOB", arrives="text", values=(("'text'", "text"),)),
    SourceType(declared="RAW(16)", arrives="bytes", values=(("HEXTORAW('00FF')", b"\0\xff"),)),
    SourceType(declared="BLOB", arrives="bytes", values=(("HEXTORAW('00FF')", b"\0\xff"),)),
    SourceType(
        declared="DATE",
        arrives="datetime",
        values=(
            ("DATE '0001-01-01'", reading("0001-01-01")),
            ("TO_DATE('9999-12-31 23:59:59', 'YYYY-MM-DD HH24:MI:SS')", reading("9999-12-31 23:59:59")),
        ),
    ),
    SourceType(
        declared="TIMESTAMP(9)",
        arrives="datetime",
        values=(("TIMESTAMP '9999-12-31 23:59:59.999999000'", reading("9999-12-31 23:59:59.999999")),),
        misfits=("TIMESTAMP '9999-12-31 23:59:59.999999900'",),
    ),
    SourceType(
        declared="TIMESTAMP(6) WITH TIME ZONE",
        arrives="timestamp",
        values=(("TIMESTAMP '2024-05-01 10:30:00.5 +02:00'", reading("2024-05-01 08:30:00.5Z")),),
    ),
    SourceType(
        declared="INTERVAL DAY(2) TO SECOND(6)", arrives="text", values=(("INTERVAL '1' DAY", "+01 00:00:00.000000"),)
    ),
)


class OracleSourceRig(SourceRig):
    """A schema of the test account; each test's tables have a prefix of their own."""

    types = TYPES
    odd: ClassVar = MappingProxyType(
        {
            "bare NUMBER": declared_as(TYPES, "NUMBER"),
            "9999-12-31 23:59:59.9999999": declared_as(TYPES, "TIMESTAMP(9)"),
            "CHAR padding": declared_as(TYPES, "CHAR(5)"),
            "cp1252 bytes": "a text is of the database's character set, which the server converts",
            "16 MB text": "a CLOB of that size cannot be written by one expression of SQL",
        }
    )
    gaps: ClassVar = MappingProxyType({"test_empty_text_is_no_null": _EMPTY_IS_NULL})

    def trial(self) -> SourceTrial:
        with closing(connect()) as connection:
            return SourceTrial(kind="oracle", product="Oracle", version=str(connection.version), by="python-oracledb")

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return source_of(wish)

    def execute(self, directory: Path, *statements: str) -> None:
        with closing(connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def discard(self, directory: Path) -> None:
        with closing(connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT TABLE_NAME FROM USER_TABLES")
            for (name,) in cursor.fetchall():
                if name.startswith(_prefix(directory)):
                    cursor.execute(f"DROP TABLE {self.quote(name)} PURGE")

    def target(self, directory: Path) -> Target:
        found = urlsplit(URL)
        return found.hostname or "localhost", found.port or 1521

    def table(self, directory: Path, name: str) -> TableName:
        return TableName(_prefix(directory) + name)

    def place(self, directory: Path, name: str) -> str:
        return self.quote(_prefix(directory) + name)

    def ddl(self, column: Column) -> str:
        kind = column.type
        if pa.types.is_decimal128(kind):
            return f"NUMBER({kind.precision},{kind.scale})"
        if pa.types.is_integer(kind):
            return "NUMBER(19)" if kind == pa.int64() else "NUMBER(10)"
        if pa.types.is_string(kind):
            return f"NVARCHAR2({column.length or _LONGEST_TEXT})"
        named = {pa.bool_(): "NUMBER(1)", pa.float64(): "BINARY_DOUBLE", pa.binary(): "BLOB", pa.date32(): "DATE"}
        named |= {DATETIME: "TIMESTAMP(6)", TIMESTAMP: "TIMESTAMP(6) WITH TIME ZONE", TIME: "VARCHAR2(20)"}
        return named[kind]

    def literal(self, column: Column, value: Any) -> str:
        match value:
            case None:
                return "NULL"
            case bool() | int():
                return str(int(value))
            case float():
                words = {float("inf"): "BINARY_DOUBLE_INFINITY", float("-inf"): "-BINARY_DOUBLE_INFINITY"}
                return "BINARY_DOUBLE_NAN" if value != value else words.get(value, f"TO_BINARY_DOUBLE('{value!r}')")
            case bytes():
                return f"HEXTORAW('{value.hex()}')"
            case Decimal():
                return f"{value:f}"
            case datetime():
                zone = " +00:00" if value.tzinfo else ""
                return f"TIMESTAMP '{value.replace(tzinfo=None).isoformat(' ', 'microseconds')}{zone}'"
            case date():
                return f"DATE '{value.isoformat()}'"
        units = str(value).encode("utf-16-be").hex().upper()
        return "UNISTR('" + "".join(f"\\{units[at : at + 4]}" for at in range(0, len(units), 4)) + "')"

    def bound(self, column: Column) -> str:
        return ":minimum_dt"

    def repeated(self, text: str, times: int) -> str:
        """A CLOB of any length: RPAD makes 4000 bytes at most."""
        return f"TO_CLOB(RPAD('{text}', {min(times, _PIECE)}, '{text}'))"

    def refusal(self, column: Column, value: Any) -> str:
        if value == "" or value == b"":
            return _EMPTY_IS_NULL
        long = isinstance(value, str) and len(value) > (column.length or _LONGEST_TEXT)
        return "longer than the column" if long else ""

    def name_refusal(self, name: str) -> str:
        if '"' in name or "\0" in name:
            return "Oracle has no quotes in names"
        return "longer than 128 bytes" if len(name.encode()) > 100 else ""

    def fill(self, directory: Path, name: str, rows: int) -> None:
        self.execute(
            directory,
            f"CREATE TABLE {self.place(directory, name)} "
            '("Id" NUMBER(19) NOT NULL PRIMARY KEY, "Name" NVARCHAR2(40), "Amount" NUMBER(15,2), '
            '"Changed" TIMESTAMP(6))',
            f"INSERT INTO {self.place(directory, name)} SELECT i, 'name ' || i, i / 100, "
            "TIMESTAMP '2024-01-01 00:00:00' + NUMTODSINTERVAL(i, 'SECOND') FROM (SELECT ROWNUM AS i FROM "
            "(SELECT 1 FROM DUAL CONNECT BY LEVEL <= 10000) CROSS JOIN (SELECT 1 FROM DUAL CONNECT BY LEVEL <= 1000) "
            f"WHERE ROWNUM <= {rows})",
        )

    def sessions(self, directory: Path) -> int:
        """Counted by V$SESSION, which the test account has to see; without that right nothing is counted."""
        import oracledb

        with closing(connect()) as connection, connection.cursor() as cursor:
            try:
                cursor.execute("SELECT COUNT(*) FROM V$SESSION WHERE MODULE = 'afresh'")
            except oracledb.DatabaseError:
                return 0
            return int(cursor.fetchone()[0])

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        import oracledb

        spy = SpiedDriver(oracledb)
        yield source_of(Wish(), driver=spy), lambda: spy.statements

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, Wish())

    def endless(self) -> str:
        many = "(SELECT 1 FROM DUAL CONNECT BY LEVEL <= 100000)"
        return f'SELECT COUNT(*) AS "N" FROM {many} CROSS JOIN {many}'


def connect() -> Any:
    """Another program's connection."""
    import oracledb

    found = urlsplit(URL)
    return oracledb.connect(user=unquote(found.username or ""), password=unquote(found.password or ""), dsn=_dsn(None))


def source_of(wish: Wish, driver: Any = None) -> OracleSource:
    """A source that reads the test schema."""
    found = urlsplit(URL)
    password = "wrong" if wish.wrong_password else unquote(found.password or "")
    options = OracleOptions(
        dsn=_dsn(wish.through.address if wish.through is not None else None),
        user=unquote(found.username or ""),
        password=SecretStr(password),
        call_timeout=wish.timeout or timedelta(minutes=1),
    )
    return OracleSource(
        name="Kit", options=options, time_zone=ZoneInfo(wish.time_zone), show_values=wish.show_values, driver=driver
    )


def _dsn(through: Any) -> str:
    found = urlsplit(URL)
    host, port = through or (found.hostname, found.port or 1521)
    return f"{host}:{port}{found.path}"


def _prefix(directory: Path) -> str:
    return f"K{zlib.crc32(str(directory).encode()):08X}_"


@dataclass
class SpiedDriver:
    """python-oracledb, with every statement that its connections are given."""

    real: Any
    statements: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def connect(self, **arguments: Any) -> Any:
        return _Spied(self.real.connect(**arguments), self.statements)


class _Spied:
    """A connection or cursor that tells its statements."""

    def __init__(self, real: Any, statements: list[str]) -> None:
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "_statements", statements)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)

    def __enter__(self) -> "_Spied":
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def cursor(self) -> "_Spied":
        return _Spied(self._real.cursor(), self._statements)

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._statements.append(sql)
        return self._real.execute(sql, *parameters)

    def parse(self, sql: str) -> Any:
        self._statements.append(sql)
        return self._real.parse(sql)

    def fetch_df_batches(self, *, statement: str, **others: Any) -> Any:
        self._statements.append(statement)
        return self._real.fetch_df_batches(statement=statement, **others)
