"""What the kit for sources needs of MariaDB: a database for each test, read by an account that may only read."""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import SecretStr
from tests.sources.mariadb_server import PASSWORD, READER, server
from tests.sources.odbc_drivers import package_version

from afresh.core.ports import SourceSystem
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column
from afresh.core.select import TableName
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_mysql import MYSQL
from afresh.sources.odbc_options import MysqlOptions
from afresh.testing.clock import ManualClock
from afresh.testing.proxy import Target
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceRig, SourceTrial, SourceType, Wish

reading = datetime.fromisoformat
LONGEST_NAME = 64
UNSIGNED = 2**64 - 1

TYPES = (
    SourceType(declared="tinyint", arrives="int16", values=(("-128", -128), ("127", 127))),
    SourceType(
        declared="tinyint(1)", arrives="int16", values=(("1", 1), ("5", 5)), note="boolean: may be more than 0, 1"
    ),
    SourceType(declared="tinyint unsigned", arrives="int16", values=(("255", 255),)),
    SourceType(declared="smallint", arrives="int16", values=(("-32768", -32768),)),
    SourceType(declared="smallint unsigned", arrives="int32", values=(("65535", 65535),)),
    SourceType(declared="mediumint", arrives="int32", values=(("-8388608", -8388608),)),
    SourceType(declared="int", arrives="int32", values=(("-2147483648", -(2**31)),)),
    SourceType(declared="int unsigned", arrives="int64", values=(("4294967295", 2**32 - 1),)),
    SourceType(declared="bigint", arrives="int64", values=(("-9223372036854775808", -(2**63)),)),
    SourceType(
        declared="bigint unsigned",
        arrives="decimal(20,0)",
        values=((str(UNSIGNED), Decimal(UNSIGNED)), ("0", Decimal(0))),
    ),
    SourceType(
        declared="decimal(15,4)", arrives="decimal(15,4)", values=(("-99999999999.9999", Decimal("-99999999999.9999")),)
    ),
    SourceType(
        declared="decimal(38,10)",
        arrives="decimal(38,10)",
        values=(("1234567890123456789012345678.0123456789", Decimal("1234567890123456789012345678.0123456789")),),
    ),
    SourceType(
        declared="decimal(65,30)",
        arrives="text",
        values=(
            ("12345678901234567890123456789012345." + "1" * 30, "12345678901234567890123456789012345." + "1" * 30),
        ),
        note="more digits than a decimal has here",
    ),
    SourceType(
        declared="float", arrives="float", values=(("0.5", 0.5), ("0.1", 0.10000000149011612)), note="as stored"
    ),
    SourceType(
        declared="double", arrives="float", values=(("0.1", 0.1), ("-1.7976931348623157e308", -1.7976931348623157e308))
    ),
    SourceType(
        declared="date",
        arrives="date",
        values=(("'0001-01-01'", date.min), ("'9999-12-31'", date.max)),
        misfits=("'0000-00-00'", "'2024-00-00'"),
        note="a zero date is no null",
    ),
    SourceType(
        declared="datetime(6)",
        arrives="datetime",
        values=(
            ("'0001-01-01'", reading("0001-01-01")),
            ("'9999-12-31 23:59:59.999999'", reading("9999-12-31 23:59:59.999999")),
        ),
        misfits=("'0000-00-00 00:00:00'", "'2024-01-00 10:00:00'"),
    ),
    SourceType(
        declared="timestamp(6) NULL",
        arrives="timestamp",
        values=(
            ("'2024-05-01 10:30:00.5'", reading("2024-05-01 10:30:00.5Z")),
            ("'1970-01-01 00:00:01'", reading("1970-01-01 00:00:01Z")),
        ),
        misfits=("'0000-00-00 00:00:00'",),
        note="an instant; sessions of the reader are in UTC",
    ),
    SourceType(
        declared="time(6)",
        arrives="time",
        values=(("'23:59:59.999999'", time.max), ("'00:00:00'", time(0))),
        misfits=("'24:00:00'", "'838:59:59'", "'-00:00:01'"),
    ),
    SourceType(declared="year", arrives="int16", values=(("2024", 2024), ("1901", 1901))),
    SourceType(declared="bit(1)", arrives="bool", values=(("b'1'", True), ("b'0'", False))),
    SourceType(declared="bit(63)", arrives="int64", values=((f"b'{'1' * 63}'", 2**63 - 1),)),
    SourceType(declared="bit(64)", arrives="decimal(20,0)", values=((f"b'{'1' * 64}'", Decimal(UNSIGNED)),)),
    SourceType(declared="char(5)", arrives="text(5)", values=(("'ab'", "ab"),), note="MySQL takes the padding away"),
    SourceType(
        declared="varchar(20)", arrives="text(20)", values=(("'abc  '", "abc  "), ("repeat('🙂', 20)", "🙂" * 20))
    ),
    SourceType(
        declared="varchar(20) CHARACTER SET latin1",
        arrives="text(20)",
        values=(("'ü€'", "ü€"),),
        note="cp1252, in truth",
    ),
    SourceType(declared="text", arrives="text", values=(("''", ""), ("'🙂'", "🙂"))),
    SourceType(declared="longtext", arrives="text", values=(("repeat('ü', 9000)", "ü" * 9000),)),
    SourceType(declared="enum('a','b')", arrives="text", values=(("'b'", "b"), ("''", ""))),
    SourceType(declared="set('x','y')", arrives="text", values=(("'x,y'", "x,y"), ("''", ""))),
    SourceType(declared="json", arrives="text", values=(("""'{"a": 1}'""", '{"a": 1}'),)),
    SourceType(declared="binary(4)", arrives="bytes", values=(("x'01'", b"\1\0\0\0"),)),
    SourceType(declared="varbinary(20)", arrives="bytes", values=(("x'00ff'", b"\0\xff"), ("''", b""))),
    SourceType(declared="longblob", arrives="bytes", values=(("repeat(x'00ff', 50000)", b"\0\xff" * 50_000),)),
    SourceType(
        declared="uuid",
        arrives="text",
        values=(("'00112233-4455-6677-8899-aabbccddeeff'", "00112233-4455-6677-8899-aabbccddeeff"),),
    ),
)
_NAMED = {
    pa.bool_(): "bit(1)",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.binary(): "longblob",
    pa.date32(): "date",
    TIME: "time(6)",
    TIMESTAMP: "datetime(6)",
    DATETIME: "datetime(6)",
}
_DATABASES: dict[Path, str] = {}
ENTRY = re.compile(
    r"(?:\d{6} +\d{1,2}:\d\d:\d\d)?\t+ *(\d+) (Connect|Query|Execute|Prepare|Quit|Init DB|[A-Z][a-z]+ ?[a-z]*)\t?(.*)"
)
"""A line of the server's log with which an entry begins: session, command, argument."""


def source_of(*, zone: str = "UTC", show_values: bool = False, **settings: Any) -> OdbcSource:
    """The source that reads with those settings, called `Kit`."""
    known = {"host": "127.0.0.1", "user": READER, "password": PASSWORD, **settings}
    known["password"] = SecretStr(known["password"])
    return OdbcSource(
        name="Kit",
        kind="mysql",
        options=MysqlOptions(**known),
        profile=MYSQL,
        time_zone=ZoneInfo(zone),
        clock=ManualClock(),
        show_values=show_values,
    )


class MysqlSourceRig(SourceRig):
    """A database of its own for each test."""

    types = TYPES
    odd: ClassVar = MappingProxyType(
        {
            "bare NUMBER": SourceType(
                declared="decimal",
                arrives="int64",
                values=(("2", 2),),
                note="a decimal without digits is a decimal(10,0)",
            ),
            "9999-12-31 23:59:59.9999999": SourceType(
                declared="datetime(6)",
                arrives="datetime",
                values=(("'9999-12-31 23:59:59.9999999'", reading("9999-12-31 23:59:59.999999")),),
                note="MariaDB itself has cut it to microseconds when it was written",
            ),
            "CHAR padding": declared_as(TYPES, "char(5)"),
            "cp1252 bytes": SourceType(
                declared="varchar(20) CHARACTER SET latin1",
                arrives="text(20)",
                values=(("_latin1 x'FC80'", "ü€"), ("_latin1 x'81'", "\x81")),
                note="latin1 of MySQL's is cp1252; the server converts it",
            ),
        }
    )
    own_statements: ClassVar = MappingProxyType(
        {"START TRANSACTION": "the transaction in which all is read, READ ONLY", "KILL QUERY": "of our own statement"}
    )
    outside: ClassVar = MappingProxyType(
        {
            f"test_extremes[decimal(38,{scale})]": "a decimal of MySQL has at most 30 digits behind the point"
            for scale in range(31, 39)
        }
    )

    def trial(self) -> SourceTrial:
        ((found,),) = server().run("SELECT VERSION()")
        by = f"arrow-odbc {version('arrow-odbc')}, odbc-mariadb {package_version('odbc-mariadb')}"
        return SourceTrial(kind="mysql", product="MariaDB", version=found.partition("-")[0], by=by)

    def prepare(self, directory: Path) -> None:
        name = f"kit_{uuid.uuid4().hex}"
        _DATABASES[directory] = name
        server().run(f"CREATE DATABASE {name}", f"GRANT SELECT, SHOW VIEW ON {name}.* TO {READER}@'%'")

    def discard(self, directory: Path) -> None:
        server().run(f"DROP DATABASE {_DATABASES.pop(directory)}")

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        settings: dict[str, Any] = {"port": server().port, "database": _DATABASES[directory]}
        if wish.through is not None:
            settings["host"], settings["port"] = wish.through.address
        if wish.wrong_password:
            settings["password"] = "wrong"
        if wish.timeout is not None:
            settings.update(silence_timeout=wish.timeout, login_timeout=wish.timeout)
        return source_of(zone=wish.time_zone, show_values=wish.show_values, **settings)

    def target(self, directory: Path) -> Target:
        return ("127.0.0.1", server().port)

    def execute(self, directory: Path, *statements: str) -> None:
        server().run(
            "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'", *statements, database=_DATABASES[directory]
        )

    def table(self, directory: Path, name: str) -> TableName:
        return TableName(name, _DATABASES[directory])

    def place(self, directory: Path, name: str) -> str:
        return f"{self.quote(_DATABASES[directory])}.{self.quote(name)}"

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def ddl(self, column: Column) -> str:
        kind = column.type
        if pa.types.is_decimal128(kind):
            return f"decimal({kind.precision},{kind.scale})"
        if pa.types.is_string(kind):
            # By bytes, so that texts are compared as they are.
            name = f"varchar({column.length})" if column.length else "longtext"
            return f"{name} COLLATE utf8mb4_nopad_bin"
        return _NAMED[kind]

    def bound(self, column: Column) -> str:
        kind = column.type
        return ":minimum_dt" if pa.types.is_string(kind) else f"CAST(:minimum_dt AS {self.ddl(column)})"

    def literal(self, column: Column, value: Any) -> str:
        match value:
            case None:
                return "NULL"
            case bool():
                return f"b'{int(value)}'"
            case int() | Decimal():
                return f"{value:f}" if isinstance(value, Decimal) else str(value)
            case float():
                return repr(value)
            case bytes():
                return f"x'{value.hex()}'"
            case datetime():
                return f"'{value.replace(tzinfo=None).isoformat(' ')}'"
            case str():
                return f"CONVERT(x'{value.encode().hex()}' USING utf8mb4)"
            case _:
                return f"'{value}'"

    def refusal(self, column: Column, value: Any) -> str:
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            return "a DOUBLE of MySQL is always a number"
        if pa.types.is_decimal128(column.type) and column.type.scale > 30:
            return "a decimal has at most 30 digits behind the point"
        return ""

    def name_refusal(self, name: str) -> str:
        if len(name) > LONGEST_NAME:
            return "a name has at most 64 characters"
        if name.endswith(" "):
            return "a name does not end in a blank"
        return "a name has no characters beyond 16 bits" if any(ord(character) > 0xFFFF for character in name) else ""

    def fill(self, directory: Path, name: str, rows: int) -> None:
        self.execute(
            directory,
            f"CREATE TABLE {self.quote(name)} (`Id` bigint NOT NULL PRIMARY KEY, `Name` varchar(40), "
            "`Amount` decimal(15,2), `Changed` datetime(6))",
            f"INSERT INTO {self.quote(name)} SELECT seq, concat('name ', seq), seq / 100, "
            f"'2024-01-01' + INTERVAL seq SECOND FROM seq_1_to_{max(rows, 1)} WHERE {rows} > 0",
            f"ANALYZE TABLE {self.quote(name)}",
        )

    def sessions(self, directory: Path) -> int:
        ours = f"USER = '{READER}' AND DB = '{_DATABASES[directory]}'"
        return int(server().run(f"SELECT COUNT(*) FROM INFORMATION_SCHEMA.PROCESSLIST WHERE {ours}")[0][0])

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        """The server's general log, from here on."""
        log = server().directory / "general"
        server().run("SET GLOBAL general_log = ON")
        begin = log.stat().st_size if log.exists() else 0
        source = self.make_source(directory, Wish())
        own: set[str] = set()

        def sent() -> list[str]:
            found: list[str] = []
            mine = False
            with log.open("rb") as lines:
                lines.seek(begin)
                text = lines.read().decode(errors="replace")
            for line in text.splitlines():
                entry = ENTRY.match(line)
                if entry is None:
                    if mine and found:
                        found[-1] += f"\n{line}"
                    continue
                number, command, argument = entry.groups()
                if command == "Connect" and argument.startswith(READER):
                    own.add(number)
                mine = number in own and command in ("Query", "Execute")
                if mine:
                    found.append(argument)
            return found

        try:
            yield source, sent
        finally:
            server().run("SET GLOBAL general_log = OFF")

    def _sorts(self, sql: str) -> bool:
        """Tables are read in the order of their key; that the server sorts nothing for it, it says itself."""
        if " ORDER BY " not in sql or "INFORMATION_SCHEMA" in sql:
            return False
        return any("filesort" in " ".join(row) for row in server().run(f"EXPLAIN {sql}", database="mysql"))

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, port=server().port, database=_DATABASES[directory])

    def endless(self) -> str:
        return "SELECT SUM(a.seq * b.seq) AS N FROM seq_1_to_100000 a JOIN seq_1_to_100000 b"
