"""What the kit for sources needs of a SQLite file."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pyarrow as pa
from tests.sources.sqlite_files import SpiedConnections, source_of

from afresh.core.ports import SourceSystem
from afresh.core.schema import TIME, Column
from afresh.sources.sqlite import SqliteSource
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceRig, SourceTrial, SourceType, Wish

reading = datetime.fromisoformat

TYPES = (
    SourceType(
        declared="INTEGER",
        arrives="int64",
        values=(("-9223372036854775808", -(2**63)), ("9223372036854775807", 2**63 - 1), ("0", 0), ("5.0", 5)),
        misfits=("1e300", "0.5", "'abc'"),
    ),
    SourceType(declared="BOOLEAN", arrives="bool", values=(("0", False), ("1", True)), misfits=("2",)),
    SourceType(
        declared="NUMERIC(15,4)",
        arrives="decimal(15,4)",
        values=(("0.1", Decimal("0.1")), ("-99999999999", Decimal(-99999999999)), ("2.5000", Decimal("2.5"))),
        misfits=("0.00001", "1e15"),
    ),
    SourceType(declared="NUMERIC(9,0)", arrives="int64", values=(("123456789", 123456789),)),
    SourceType(
        declared="DECIMAL",
        arrives="decimal(38,10)",
        values=(("1", Decimal(1)), ("0.0000000001", Decimal("1e-10")), ("x'' || '7'", Decimal(7))),
        misfits=("'seven'",),
        note="a bare DECIMAL is taken for decimal(38,10)",
    ),
    SourceType(
        declared="REAL",
        arrives="float",
        values=(("0.1", 0.1), ("1e308", 1e308), ("9e999", float("inf")), ("-9e999", float("-inf")), ("7", 7.0)),
        misfits=("'abc'",),
    ),
    SourceType(
        declared="TEXT",
        arrives="text",
        values=(("''", ""), ("'a' || char(0) || 'b'", "a\0b"), ("'🙂'", "🙂"), ("' padded '", " padded ")),
    ),
    SourceType(declared="VARCHAR(20)", arrives="text(20)", values=(("'abc'", "abc"),)),
    SourceType(declared="CHAR(5)", arrives="text(5)", values=(("'ab'", "ab"), ("'ab   '", "ab   ")), note="not padded"),
    SourceType(
        declared="BLOB", arrives="bytes", values=(("x''", b""), ("x'00ff'", b"\0\xff")), misfits=("'a text'", "1")
    ),
    SourceType(
        declared="DATE",
        arrives="date",
        values=(("'0001-01-01'", date.min), ("'9999-12-31'", date.max), ("'2024-02-29 00:00:00'", date(2024, 2, 29))),
        misfits=("'2024-02-30'", "'0000-00-00'", "'2024-01-01 10:00:00'", "''"),
    ),
    SourceType(
        declared="TIME",
        arrives="time",
        values=(("'00:00'", time(0)), ("'23:59:59.999999'", time.max)),
        misfits=("'24:00:01'", "'10:00:00.0000001'"),
    ),
    SourceType(
        declared="DATETIME",
        arrives="datetime",
        values=(
            ("'0001-01-01'", reading("0001-01-01")),
            ("'2024-05-01T10:30'", reading("2024-05-01 10:30")),
            ("'9999-12-31 23:59:59.9999990'", reading("9999-12-31 23:59:59.999999")),
        ),
        misfits=("'9999-12-31 23:59:59.9999999'", "'soon'", "20240501"),
    ),
    SourceType(
        declared="TIMESTAMP",
        arrives="datetime",
        read_as="timestamp",
        values=(
            ("'2024-05-01 10:30:00'", reading("2024-05-01 10:30Z")),
            ("'2024-05-01T10:30:00Z'", reading("2024-05-01 10:30Z")),
            ("'2024-05-01 10:30:00.5+02:00'", reading("2024-05-01 08:30:00.5Z")),
        ),
        misfits=("'2024-05-01 25:00:00'",),
        note="texts; with an offset or Z they are instants, else readings in the source's zone",
    ),
    SourceType(declared="", arrives="text", values=(("141805", "141805"), ("'abc'", "abc")), note="no declared type"),
)


_DOUBLE_DIGITS = 15
_SPIES: dict[Path, SpiedConnections] = {}


class SqliteSourceRig(SourceRig):
    """A file of its own for each test."""

    types = TYPES
    odd: ClassVar[Mapping[str, SourceType | str]] = MappingProxyType(
        {
            "bare NUMBER": declared_as(TYPES, "DECIMAL"),
            "9999-12-31 23:59:59.9999999": SourceType(
                declared="DATETIME", arrives="datetime", values=(), misfits=("'9999-12-31 23:59:59.9999999'",)
            ),
            "CHAR padding": declared_as(TYPES, "CHAR(5)"),
            "cp1252 bytes": SourceType(declared="TEXT", arrives="text", values=(), misfits=("CAST(x'FC80' AS TEXT)",)),
            "NaN": "SQLite keeps null for what is not a number: there is nothing to arrive",
        }
    )
    outside: ClassVar = MappingProxyType(
        {"FaultKit": "a file is read without a connection; locks and damage are in test_source_sqlite.py"}
    )
    gaps: ClassVar = MappingProxyType(
        {"test_not_a_number": "SQLite keeps null for what is not a number: there is nothing to arrive"}
    )

    own_statements: ClassVar = MappingProxyType(
        {"CREATE TEMP VIEW": "a view of the session's own, which tells the declared types of a query's columns"}
    )

    def trial(self) -> SourceTrial:
        return SourceTrial(kind="sqlite", product="SQLite", version=sqlite3.sqlite_version, by="sqlite3")

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return SqliteSource(
            name="Kit",
            path=directory / "kit.db",
            time_zone=ZoneInfo(wish.time_zone),
            clock=ManualClock(),
            show_values=wish.show_values,
            connect=self._spy(directory),
        )

    def execute(self, directory: Path, *statements: str) -> None:
        with closing(sqlite3.connect(directory / "kit.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def prepare(self, directory: Path) -> None:
        self.execute(directory, "PRAGMA journal_mode = WAL")

    def ddl(self, column: Column) -> str:
        kind = column.type
        if pa.types.is_decimal128(kind):
            return f"NUMERIC({kind.precision},{kind.scale})" if kind.precision <= _DOUBLE_DIGITS else "TEXT"
        if pa.types.is_integer(kind):
            return "INTEGER"
        if pa.types.is_string(kind):
            return f"VARCHAR({column.length})" if column.length else "TEXT"
        named = {pa.bool_(): "BOOLEAN", pa.float64(): "REAL", pa.binary(): "BLOB", pa.date32(): "DATE", TIME: "TIME"}
        return named.get(kind, "DATETIME")

    def literal(self, column: Column, value: Any) -> str:
        match value:
            case None:
                return "NULL"
            case bool() | int():
                return str(int(value))
            case float():
                return repr(value).replace("inf", "9e999")
            case bytes():
                return f"x'{value.hex()}'"
            case Decimal():
                return f"'{value:f}'"
            case datetime():
                return f"'{value.replace(tzinfo=None).isoformat(' ')}'"
            case str() if "\0" in value:
                return f"CAST(x'{value.encode().hex()}' AS TEXT)"
            case _:
                text = str(value).replace("'", "''")
                return f"'{text}'"

    def bound(self, column: Column) -> str:
        return ":minimum_dt"

    def repeated(self, text: str, times: int) -> str:
        return f"replace(hex(zeroblob({times})), '00', '{text}')"

    def fill(self, directory: Path, name: str, rows: int) -> None:
        self.execute(
            directory,
            f"CREATE TABLE {self.quote(name)} "
            '("Id" INTEGER NOT NULL PRIMARY KEY, "Name" VARCHAR(40), "Amount" NUMERIC, "Changed" DATETIME)',
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
            f"{rows}) INSERT INTO {self.quote(name)} "
            "SELECT i, 'name ' || i, i / 100.0, datetime('2024-01-01', '+' || i || ' seconds') FROM n "
            f"WHERE {rows} > 0",
        )

    def sessions(self, directory: Path) -> int:
        return self._spy(directory).still_open()

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        spy = self._spy(directory)
        spy.statements.clear()
        # What SQLite does by itself for a statement is reported as a comment.
        yield (
            self.make_source(directory, Wish()),
            lambda: [statement for statement in spy.statements if not statement.startswith("-- ")],
        )

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, directory / "kit.db")

    def endless(self) -> str:
        return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) AS N FROM n"

    def _spy(self, directory: Path) -> SpiedConnections:
        return _SPIES.setdefault(directory, SpiedConnections())

    def discard(self, directory: Path) -> None:
        _SPIES.pop(directory, None)
