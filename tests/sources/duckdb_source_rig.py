"""What the kit for sources needs of a DuckDB file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from tests.sources.duckdb_spy import SpiedDuckdb

from afresh.core.ports import SourceSystem
from afresh.core.schema import TIME, TIMESTAMP, Column
from afresh.sources.duckdb import DuckdbSource
from afresh.sources.duckdb_session import Limits
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceBench, SourceRig, SourceTrial, SourceType, Wish

reading = datetime.fromisoformat
HUGE = 170141183460469231731687303715884105727

TYPES = (
    SourceType(declared="BOOLEAN", arrives="bool", values=(("true", True), ("false", False))),
    SourceType(declared="TINYINT", arrives="int16", values=(("-128", -128), ("127", 127))),
    SourceType(declared="UTINYINT", arrives="int16", values=(("0", 0), ("255", 255))),
    SourceType(declared="SMALLINT", arrives="int16", values=(("-32768", -32768), ("32767", 32767))),
    SourceType(declared="USMALLINT", arrives="int32", values=(("65535", 65535),)),
    SourceType(declared="INTEGER", arrives="int32", values=(("-2147483648", -(2**31)), ("2147483647", 2**31 - 1))),
    SourceType(declared="UINTEGER", arrives="int64", values=(("4294967295", 2**32 - 1),)),
    SourceType(declared="BIGINT", arrives="int64", values=((str(-(2**63)), -(2**63)), (str(2**63 - 1), 2**63 - 1))),
    SourceType(
        declared="UBIGINT", arrives="decimal(20,0)", values=((str(2**64 - 1), Decimal(2**64 - 1)), ("0", Decimal(0)))
    ),
    SourceType(
        declared="HUGEINT",
        arrives="decimal(38,0)",
        values=(("9" * 38, Decimal("9" * 38)), ("-" + "9" * 38, Decimal("-" + "9" * 38))),
        misfits=(str(HUGE), str(-HUGE)),
    ),
    SourceType(
        declared="UHUGEINT",
        arrives="decimal(38,0)",
        values=(("9" * 38, Decimal("9" * 38)),),
        misfits=(str(2 * HUGE + 1),),
    ),
    SourceType(
        declared="BIGNUM", arrives="text", values=(("'" + "9" * 60 + "'", "9" * 60),), note="no limit to its digits"
    ),
    SourceType(
        declared="DECIMAL(38,10)",
        arrives="decimal(38,10)",
        values=(("'" + "9" * 28 + "." + "9" * 10 + "'", Decimal("9" * 28 + "." + "9" * 10)),),
    ),
    SourceType(declared="DECIMAL(4,1)", arrives="decimal(4,1)", values=(("-999.9", Decimal("-999.9")),)),
    SourceType(declared="FLOAT", arrives="float", values=(("0.5", 0.5), ("'inf'", float("inf")))),
    SourceType(
        declared="DOUBLE", arrives="float", values=(("0.1", 0.1), ("1e308", 1e308), ("'-inf'", float("-inf")))
    ),
    SourceType(declared="VARCHAR", arrives="text", values=(("''", ""), ("'🙂'", "🙂"), ("'a' || chr(0)", "a\0"))),
    SourceType(
        declared="CHAR(5)", arrives="text", values=(("'ab'", "ab"), ("'ab   '", "ab   ")), note="a VARCHAR; not padded"
    ),
    SourceType(declared="BLOB", arrives="bytes", values=(("''", b""), (r"'\x00\xFF'", b"\0\xff"))),
    SourceType(declared="BIT", arrives="text", values=(("'0101'", "0101"),)),
    SourceType(
        declared="UUID",
        arrives="text",
        values=(("'00000000-0000-0000-0000-00000000000A'", "00000000-0000-0000-0000-00000000000a"),),
    ),
    SourceType(
        declared="DATE",
        arrives="date",
        values=(("'0001-01-01'", date.min), ("'9999-12-31'", date.max)),
        misfits=("'infinity'", "'-infinity'", "'0044-03-15 (BC)'", "'10000-01-01'"),
    ),
    SourceType(
        declared="TIME", arrives="time", values=(("'00:00'", time(0)), ("'23:59:59.999999'", time.max)),
        misfits=("'24:00:00'",),
    ),
    SourceType(
        declared="TIME_NS", arrives="time", values=(("'23:59:59.999999'", time.max),),
        misfits=("'23:59:59.999999999'",),
    ),
    SourceType(declared="TIME WITH TIME ZONE", arrives="text", values=(("'10:00:00+05:30'", "10:00:00+05:30"),)),
    SourceType(
        declared="TIMESTAMP",
        arrives="datetime",
        values=(
            ("'0001-01-01'", reading("0001-01-01")),
            ("'9999-12-31 23:59:59.999999'", reading("9999-12-31 23:59:59.999999")),
        ),
        misfits=("'infinity'", "'-infinity'", "'0001-01-01 (BC)'", "'10000-01-01'"),
    ),
    SourceType(
        declared="TIMESTAMP_S",
        arrives="datetime",
        values=(("'9999-12-31 23:59:59'", reading("9999-12-31 23:59:59")),),
    ),
    SourceType(
        declared="TIMESTAMP_MS",
        arrives="datetime",
        values=(("'0001-01-01 00:00:00.001'", reading("0001-01-01 00:00:00.001")),),
    ),
    SourceType(
        declared="TIMESTAMP_NS",
        arrives="datetime",
        values=(("'2024-05-01 10:00:00.123456'", reading("2024-05-01 10:00:00.123456")),),
        misfits=("'2024-05-01 10:00:00.123456789'",),
    ),
    SourceType(
        declared="TIMESTAMP WITH TIME ZONE",
        arrives="timestamp",
        values=(
            ("'2024-05-01 10:00:00+02'", reading("2024-05-01 08:00:00Z")),
            ("'9999-12-31 23:59:59.999999+00'", reading("9999-12-31 23:59:59.999999Z")),
        ),
        misfits=("'infinity'",),
    ),
    SourceType(declared="INTERVAL", arrives="text", values=(("INTERVAL 14 MONTH", "1 year 2 months"),)),
    SourceType(declared="ENUM('a', 'b')", arrives="text", values=(("'b'", "b"),)),
    SourceType(declared="JSON", arrives="text", values=(("'{\"a\": 1.10}'", '{"a": 1.10}'),)),
    SourceType(declared="INTEGER[]", arrives="text", values=(("[1, NULL]", "[1,null]"), ("[]", "[]"))),
    SourceType(declared="INTEGER[2]", arrives="text", values=(("[1, 2]", "[1,2]"),)),
    SourceType(
        declared="STRUCT(a DECIMAL(38,2), b VARCHAR)",
        arrives="text",
        values=(
            ("{'a': 12345678901234567890123.10, 'b': 'x\"'}", '{"a":12345678901234567890123.10,"b":"x\\""}'),
        ),
    ),
    SourceType(declared="MAP(VARCHAR, INTEGER)", arrives="text", values=(("MAP {'a': 1}", '{"a":1}'),)),
)  # fmt: skip


class DuckdbSourceRig(SourceRig):
    """A file of its own for each test."""

    types: ClassVar[Sequence[SourceType]] = TYPES
    odd: ClassVar[Mapping[str, SourceType | str]] = MappingProxyType(
        {
            "bare NUMBER": SourceType(
                declared="DECIMAL",
                arrives="decimal(18,3)",
                values=(("1.5", Decimal("1.500")),),
                note="a DECIMAL without digits is a DECIMAL(18,3)",
            ),
            "9999-12-31 23:59:59.9999999": SourceType(
                declared="TIMESTAMP",
                arrives="datetime",
                values=(("'9999-12-31 23:59:59.9999999'", reading("9999-12-31 23:59:59.999999")),),
                note="DuckDB itself has cut it to microseconds when it was written",
            ),
            "CHAR padding": declared_as(TYPES, "CHAR(5)"),
            "cp1252 bytes": "a text of DuckDB's is UTF-8; it takes no other bytes",
        }
    )
    outside: ClassVar = MappingProxyType(
        {"FaultKit": "a file is read without a connection; locks and damage are in test_source_duckdb.py"}
    )

    def trial(self) -> SourceTrial:
        return SourceTrial(kind="duckdb", product="DuckDB", version=duckdb.__version__, by="duckdb")

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return source_of(directory / "kit.duckdb", wish)

    def execute(self, directory: Path, *statements: str) -> None:
        with closing(duckdb.connect(directory / "kit.duckdb")) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in statements:
                connection.execute(statement)

    def prepare(self, directory: Path) -> None:
        self.execute(directory, "SELECT 1")

    def ddl(self, column: Column) -> str:
        return declared(column.type)

    def literal(self, column: Column, value: Any) -> str:
        if isinstance(value, bytes):
            return f"from_hex('{value.hex()}')"
        if isinstance(value, str) and "\0" in value:
            return f"decode(from_hex('{value.encode().hex()}'))"
        return super().literal(column, value)

    def fill(self, directory: Path, name: str, rows: int) -> None:
        self.execute(directory, *series(self.quote(name), rows))

    def sessions(self, directory: Path) -> int:
        return open_files(directory / "kit.duckdb")

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        spy = SpiedDuckdb()
        yield source_of(directory / "kit.duckdb", Wish(), connect=spy.connect), lambda: spy.statements

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, directory / "kit.duckdb", Wish(), limits=Limits(memory_limit="32MB"))

    def endless(self) -> str:
        return ENDLESS

    @contextmanager
    def writing(self, bench: SourceBench) -> Iterator[None]:
        """While a read has the file open, nobody can write it: that is how it sees one state."""
        del bench
        with pytest.raises(duckdb.Error, match="different configuration"):
            yield


ENDLESS = 'SELECT sum(a.i * b.i) AS "N" FROM range(1000000) a(i), range(100000000) b(i)'


def source_of(
    path: Path, wish: Wish, connect: Callable[..., Any] | None = None, limits: Limits | None = None
) -> DuckdbSource:
    """A source called Kit that reads the file."""
    return DuckdbSource(
        name="Kit",
        path=path,
        time_zone=ZoneInfo(wish.time_zone),
        clock=ManualClock(),
        busy_timeout=wish.timeout or timedelta(seconds=1),
        show_values=wish.show_values,
        connect=connect,
        limits=limits,
    )


def declared(kind: pa.DataType) -> str:
    """DuckDB's type for one of ours."""
    if pa.types.is_decimal128(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    named = {
        pa.bool_(): "BOOLEAN",
        pa.int16(): "SMALLINT",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.binary(): "BLOB",
        pa.date32(): "DATE",
        TIME: "TIME",
        TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
        pa.timestamp("us"): "TIMESTAMP",
    }
    return named.get(kind, "VARCHAR")


def series(place: str, rows: int) -> list[str]:
    """Statements that make a table of the kit's series."""
    return [
        f'CREATE TABLE {place} ("Id" BIGINT NOT NULL PRIMARY KEY, "Name" VARCHAR, "Amount" DECIMAL(15,2), '
        '"Changed" TIMESTAMP)',
        f"INSERT INTO {place} SELECT i, 'name ' || i, CAST(i AS DECIMAL(15,2)) / 100, "
        f"TIMESTAMP '2024-01-01' + to_seconds(i) FROM range(1, {rows + 1}) n(i)",
    ]


def open_files(path: Path) -> int:
    """How often this process has the file open. Told by the system's list of a process's files, where it has one."""
    here = Path("/proc/self/fd")
    links = [str(link.readlink()) for link in here.iterdir() if link.is_symlink()] if here.exists() else []
    return links.count(str(path))
