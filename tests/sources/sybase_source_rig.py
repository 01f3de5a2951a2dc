"""What the kit for sources needs of a Sybase ASE: a database for tests, as a URL.

AFRESH_TEST_SYBASE_URL is `sybase://user:password@host:5000/database`, read over FreeTDS. The account needs CREATE TABLE
there, and the database the option `select into/bulkcopy/pllsort`, without which ASE drops no column. Tables are named
after the test's directory and dropped in the end. ASE 15.7 or later, for names of more than 30 bytes and for bigtime
and bigdatetime. It was run on no server: what it sends is held by test_sybase_rig.py, as text.
"""

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import SecretStr
from tests.sources.odbc_drivers import package_version

from afresh.core.ports import SourceSystem
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column
from afresh.core.select import TableName
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_driver import Driver, Room
from afresh.sources.odbc_options import SybaseOptions, connection_string, profile_of
from afresh.testing.clock import ManualClock
from afresh.testing.proxy import Target
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceRig, SourceTrial, SourceType, Wish

VARIABLE = "AFRESH_TEST_SYBASE_URL"
URL = os.environ.get(VARIABLE, "")
_PORT = 5000
_LONGEST_NAME = 200
_LONGEST_LITERAL = 16_000
_LARGE = "no expression of ASE makes a text of more than a page: 16 MB are written in pieces"
_ROOM = Room(rows=1_000, text=16_384, memory=64 * 1024 * 1024)

reading = datetime.fromisoformat

TYPES = (
    SourceType(declared="bigint", arrives="int64", values=(("-9223372036854775807", -(2**63) + 1), ("0", 0))),
    SourceType(declared="tinyint", arrives="int16", values=(("255", 255),)),
    SourceType(declared="unsigned int", arrives="int64", values=(("4294967295", 2**32 - 1),)),
    SourceType(
        declared="unsigned bigint",
        arrives="decimal(20,0)",
        values=(("18446744073709551615", Decimal(2**64 - 1)),),
    ),
    SourceType(declared="numeric(18,0)", arrives="int64", values=(("999999999999999999", 10**18 - 1),)),
    SourceType(
        declared="numeric(38,4)", arrives="decimal(38,4)", values=(("-0.0001", Decimal("-0.0001")), ("1", Decimal(1)))
    ),
    SourceType(
        declared="money",
        arrives="decimal(19,4)",
        values=(("$922337203685477.5807", Decimal("922337203685477.5807")),),
    ),
    SourceType(declared="smallmoney", arrives="decimal(10,4)", values=(("-$214748.3648", Decimal("-214748.3648")),)),
    SourceType(declared="double precision", arrives="float", values=(("1e308", 1e308), ("0.1", 0.1))),
    SourceType(declared="real", arrives="float", values=(("0.5", 0.5),)),
    SourceType(declared="varchar(20)", arrives="text(20)", values=(("'abc'", "abc"), ("''", "")), note="blanks go"),
    SourceType(declared="char(5)", arrives="text(5)", values=(("'ab'", "ab"),), note="the padding is taken away"),
    SourceType(declared="univarchar(20)", arrives="text(20)", values=(("U&'a\\54C1'", "a品"),)),
    SourceType(declared="text", arrives="text", values=(("'text'", "text"),)),
    SourceType(declared="varbinary(20)", arrives="bytes", values=(("0x00FF", b"\0\xff"),)),
    SourceType(declared="image", arrives="bytes", values=(("0x00FF", b"\0\xff"),)),
    SourceType(
        declared="date", arrives="date", values=(("'00010101'", date(1, 1, 1)), ("'99991231'", date(9999, 12, 31)))
    ),
    SourceType(declared="time", arrives="time", values=(("'23:59:59.990'", time(23, 59, 59, 990_000)),)),
    SourceType(declared="bigtime", arrives="time", values=(("'23:59:59.999999'", time.max),)),
    SourceType(
        declared="datetime",
        arrives="datetime",
        values=(("'17530101'", reading("1753-01-01")), ("'20240501 10:30:00.120'", reading("2024-05-01 10:30:00.12"))),
    ),
    SourceType(
        declared="smalldatetime", arrives="datetime", values=(("'20240501 10:30'", reading("2024-05-01 10:30")),)
    ),
    SourceType(
        declared="bigdatetime",
        arrives="datetime",
        values=(
            ("'0001-01-01 00:00:00.000000'", reading("0001-01-01")),
            ("'9999-12-31 23:59:59.999999'", reading("9999-12-31 23:59:59.999999")),
        ),
    ),
)
_NAMED = {
    pa.bool_(): "bit",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.binary(): "image",
    pa.date32(): "date",
    TIME: "bigtime",
    DATETIME: "bigdatetime",
    TIMESTAMP: "bigdatetime",
}


class SybaseSourceRig(SourceRig):
    """The database of the URL; each test's tables, and the name of its sessions, have a prefix of their own."""

    types = TYPES
    odd: ClassVar = MappingProxyType(
        {
            "bare NUMBER": SourceType(
                declared="numeric",
                arrives="int64",
                values=(("2", 2),),
                note="a numeric without digits is a numeric(18,0)",
            ),
            "9999-12-31 23:59:59.9999999": declared_as(TYPES, "bigdatetime"),
            "CHAR padding": declared_as(TYPES, "char(5)"),
            "cp1252 bytes": "what a server makes of them depends on its character set; `decode_as` reads them",
            "16 MB text": _LARGE,
        }
    )
    own_statements: ClassVar = MappingProxyType({"set ": "how the session reads: size of texts, quotes, isolation"})
    outside: ClassVar = MappingProxyType({"test_large_texts": _LARGE})

    def trial(self) -> SourceTrial:
        ((found,),) = run("select @@version")
        by = f"arrow-odbc {version('arrow-odbc')}, tdsodbc {package_version('tdsodbc')}"
        return SourceTrial(kind="sybase", product="Sybase ASE", version=str(found).split("/")[1], by=by)

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return source_of(wish, prefix(directory))

    def execute(self, directory: Path, *statements: str) -> None:
        run(*statements)

    def discard(self, directory: Path) -> None:
        """There is no DROP TABLE IF EXISTS."""
        for (name,) in run("select name from sysobjects where type = 'U'"):
            if str(name).startswith(prefix(directory)):
                run(f"drop table {self.quote(str(name))}")

    def target(self, directory: Path) -> Target:
        found = urlsplit(URL)
        return found.hostname or "localhost", found.port or _PORT

    def table(self, directory: Path, name: str) -> TableName:
        return TableName(prefix(directory) + name)

    def place(self, directory: Path, name: str) -> str:
        return self.quote(prefix(directory) + name)

    def quote(self, name: str) -> str:
        return f"[{name}]"

    def ddl(self, column: Column) -> str:
        kind = column.type
        if pa.types.is_decimal128(kind):
            return f"numeric({kind.precision},{kind.scale})"
        if pa.types.is_string(kind):
            return f"univarchar({column.length})" if column.length else "unitext"
        return _NAMED[kind]

    def literal(self, column: Column, value: Any) -> str:
        match value:
            case None:
                return "null"
            case bool() | int():
                return str(int(value))
            case float():
                return f"convert(double precision, '{value!r}')"
            case bytes():
                return f"0x{value.hex()}"
            case Decimal():
                return f"{value:f}"
            case datetime():
                return f"'{value.replace(tzinfo=None).isoformat(' ', 'microseconds')}'"
            case date():
                return f"'{value.year:04}{value:%m%d}'"
            case time():
                return f"'{value.isoformat('microseconds')}'"
        return _text(str(value))

    def repeated(self, text: str, times: int) -> str:
        return f"replicate({_text(text)}, {min(times, _LONGEST_LITERAL)})"

    def refusal(self, column: Column, value: Any) -> str:
        if value is None and pa.types.is_boolean(column.type):
            return "a bit is never null"
        if isinstance(value, float) and value - value != 0:
            return "no float is infinite or no number"
        if isinstance(value, bytes) and (not value or len(value) > _LONGEST_LITERAL // 2):
            return "an image that is written as a literal has between one byte and half a page"
        if isinstance(value, str):
            if "\0" in value or value != value.rstrip(" "):
                return "a text has no NUL, and blanks at its end mean nothing"
            if len(_text(value)) > _LONGEST_LITERAL:
                return "a literal is no longer than a page"
        return ""

    def name_refusal(self, name: str) -> str:
        if not name or set(name) & set("[]\0") or name != name.strip(" "):
            return "no name in brackets is empty, has brackets or a NUL, or ends in a blank"
        if not name.isascii():
            return "which characters a name has depends on the server's character set"
        return "longer than 255 bytes, with the prefix" if len(name) > _LONGEST_NAME else ""

    def create_sql(self, directory: Path, name: str, columns: Mapping[str, str], key: Sequence[str]) -> str:
        """Whether a column may be null is said of each, because what it means unsaid is an option of the database; a
        bit never may. Rows are locked one by one, so that readers wait for nobody."""
        lines = [
            f"{self.quote(column)} {declared} {'not null' if column in key or declared == 'bit' else 'null'}"
            for column, declared in columns.items()
        ]
        if key:
            lines.append(f"primary key ({', '.join(map(self.quote, key))})")
        return f"create table {self.place(directory, name)} ({', '.join(lines)}) lock datarows"

    def alter_sql(self, directory: Path, name: str, change: str) -> Sequence[str]:
        place, text = self.place(directory, name), self.ddl(Column(name="W", type=pa.string(), length=40))
        return {
            "drop": [f"alter table {place} drop {self.quote('V')}"],
            "add": [f"alter table {place} add {self.quote('W')} {text} null"],
            "retype": [
                f"alter table {place} drop {self.quote('V')}",
                f"alter table {place} add {self.quote('V')} {text} null",
                f"update {place} set {self.quote('V')} = 'a text'",
            ],
        }[change]

    def fill(self, directory: Path, name: str, rows: int) -> None:
        self.execute(directory, *self.fill_sql(directory, name, rows))

    def fill_sql(self, directory: Path, name: str, rows: int) -> Sequence[str]:
        """As many digits are joined as the greatest Id has."""
        places = range(len(str(rows)))
        number = " + ".join(f"d{place}.n * {10**place}" for place in places)
        numbers = f"select {number} as i from {', '.join(f'{_DIGITS} d{place}' for place in places)}"
        columns = {"Id": "bigint", "Name": "univarchar(40)", "Amount": "numeric(15,2)", "Changed": "bigdatetime"}
        return [
            self.create_sql(directory, name, columns, ("Id",)),
            f"insert into {self.place(directory, name)} select s.i, 'name ' + convert(varchar(20), s.i), "
            "convert(numeric(15, 2), s.i) / 100, dateadd(ss, s.i, convert(bigdatetime, '2024-01-01 00:00:00.000000')) "
            f"from ({numbers}) s where s.i between 1 and {rows}",
        ]

    def sessions(self, directory: Path) -> int:
        ((found,),) = run(
            f"select count(*) from master..sysprocesses where program_name = '{prefix(directory)}' and spid <> @@spid"
        )
        return int(found)

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        sent: list[str] = []
        yield source_of(Wish(), prefix(directory), partial(_Spied, sent)), lambda: sent

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, Wish(), prefix(directory))

    def endless(self) -> str:
        digits = ", ".join(f"{_DIGITS} d{place}" for place in range(11))
        return f"select convert(bigint, sum(convert(numeric(38, 0), d0.n * d10.n))) as N from {digits}"


_DIGITS = "(" + " union all ".join(f"select {digit}{' as n' if not digit else ''}" for digit in range(10)) + ")"


def prefix(directory: Path) -> str:
    """With what the names of a test's tables begin; also what its sessions are called."""
    return f"K{zlib.crc32(str(directory).encode()):08X}_"


def options_of(wish: Wish, application: str) -> SybaseOptions:
    """The settings that the URL means."""
    found = urlsplit(URL)
    host, port = wish.through.address if wish.through is not None else (found.hostname, found.port or _PORT)
    password = "wrong" if wish.wrong_password else unquote(found.password or "")
    return SybaseOptions(
        host=host,
        port=port,
        database=found.path.strip("/"),
        user=unquote(found.username or ""),
        password=SecretStr(password),
        keywords={"APP": application},
        login_timeout=wish.timeout or timedelta(seconds=15),
        silence_timeout=wish.timeout or timedelta(minutes=5),
    )


def source_of(wish: Wish, application: str, driver: Callable[..., Driver] = Driver) -> OdbcSource:
    """The source that reads the database, called `Kit`."""
    options = options_of(wish, application)
    return OdbcSource(
        name="Kit",
        kind="sybase",
        options=options,
        profile=profile_of(options),
        time_zone=ZoneInfo(wish.time_zone),
        clock=ManualClock(),
        show_values=wish.show_values,
        driver=driver,
    )


def run(*statements: str) -> list[tuple[Any, ...]]:
    """Another program's statements, each in a transaction of its own; the rows of the last one if it is a SELECT."""
    options = options_of(Wish(), "afresh-kit")
    driver = Driver(
        connection_string(options, profile_of(options)),
        login_timeout=timedelta(seconds=30),
        autocommit=True,
        temporal=True,
    )
    driver.connect()
    with closing(driver):
        for statement in ("set quoted_identifier on", "set chained off", *statements[:-1]):
            driver.execute(statement)
        if not statements[-1].startswith("select"):
            driver.execute(statements[-1])
            return []
        driver.open(statements[-1], _ROOM)
        found: list[tuple[Any, ...]] = []
        while (batch := driver.fetch()) is not None:
            found += zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return found


def _text(value: str) -> str:
    """A literal of ASCII alone, so that no character set is in its way."""
    if value.isascii():
        return "'" + value.replace("'", "''") + "'"
    return "U&'" + "".join(map(_escaped, value)) + "'"


def _escaped(character: str) -> str:
    number = ord(character)
    if number > 0xFFFF:
        return f"\\+{number:06X}"
    if number > 0x7E or number < 0x20 or character == "\\":
        return f"\\{number:04X}"
    return "''" if character == "'" else character


class _Spied(Driver):
    """The driver, with every statement that it is given."""

    def __init__(self, sent: list[str], connection: str, **settings: Any) -> None:
        super().__init__(connection, **settings)
        self._sent = sent

    def execute(self, sql: str) -> None:
        self._sent.append(sql)
        super().execute(sql)

    def open(self, sql: str, room: Room) -> None:
        self._sent.append(sql)
        super().open(sql, room)

    def look(self, sql: str, room: Room) -> pa.Schema:
        self._sent.append(sql)
        return super().look(sql, room)
