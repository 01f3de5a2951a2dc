"""A fake, not Oracle: as much of python-oracledb as the adapter uses, around one table in memory.

It understands the few expressions that the adapter writes, ignores conditions, and does to numbers what the driver
was read to do: an integer loses its fraction, a decimal of a smaller scale keeps all its digits, more than 38 digits
are refused. Texts of the national character set come as UTF-16, if it is told so.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

NOW = datetime(2026, 11, 22, 12, 0, 0, 250_000)  # noqa: DTZ001 - Oracle tells UTC without saying so
_CASE = re.compile(r"CASE WHEN (\S+) <> TRUNC\(\1, (\d+)\) OR ABS\(\1\) >= 1E(\d+) THEN 1E60 ELSE \1 END")
_PLAIN = re.compile(r'(?:"T"|Q)\."([^"]+)"')


class Error(Exception):
    """The driver's error, with its code."""

    def __init__(self, message: str, *, recoverable: bool = False) -> None:
        code = message.partition(":")[0]
        super().__init__(SimpleNamespace(message=message, full_code=code, isrecoverable=recoverable))

    def __str__(self) -> str:
        return str(self.args[0].message)


@dataclass
class FakeColumn:
    """A column: its name, its type in the words of ALL_TAB_COLUMNS, and its values."""

    name: str
    data_type: str
    values: list[Any]
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    nullable: str = "Y"

    @property
    def dictionary_row(self) -> tuple[Any, ...]:
        return (self.name, self.data_type, self.length, self.precision, self.scale, self.nullable)


@dataclass
class FakeDriver:
    """The module `oracledb`."""

    columns: list[FakeColumn] = field(default_factory=list)
    key: tuple[str, ...] = ("ID",)
    utf16: bool = False
    fails: dict[str, Exception] = field(default_factory=dict)
    """What a statement that contains the text raises."""
    rowids: list[str] = field(default_factory=list)
    open_for: float | None = 90.0
    """Seconds since the oldest transaction began; None: V$TRANSACTION may not be seen."""
    statements: list[str] = field(default_factory=list)
    parameters: list[Sequence[object]] = field(default_factory=list)
    connections: list["FakeConnection"] = field(default_factory=list)
    arguments: list[dict[str, Any]] = field(default_factory=list)
    Error = Error

    def is_thin_mode(self) -> bool:
        return True

    def connect(self, **arguments: Any) -> "FakeConnection":
        self.arguments.append(arguments)
        self._raise("CONNECT")
        connection = FakeConnection(self)
        self.connections.append(connection)
        return connection

    def sent(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self.statements.append(sql)
        self.parameters.append(parameters)
        self._raise(sql)

    def _raise(self, sql: str) -> None:
        for text, error in self.fails.items():
            if text in sql:
                raise error

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if "V$TRANSACTION" in sql:
            if self.open_for is None:
                raise Error("ORA-00942: table or view does not exist")
            return [(NOW, Decimal(str(self.open_for)))] if "SYSTIMESTAMP" in sql else [(NOW,)]
        if "SAMPLE BLOCK" in sql:
            return [(rowid,) for rowid in self.rowids]
        known: list[tuple[str, list[tuple[Any, ...]]]] = [
            ("SELECT USER FROM DUAL", [("READER",)]),
            ("SELECT 1 FROM (SELECT COLUMN_NAME", [(1,)] if self.columns else []),
            ("SELECT COLUMN_NAME", [column.dictionary_row for column in self.columns]),
            ("SELECT C.CONSTRAINT_NAME", [("PK", "P", place, name) for place, name in enumerate(self.key, 1)]),
            ("SELECT NUM_ROWS", [(5000,)]),
            ("SELECT OWNER, TABLE_NAME", [("PRODDTA", "T", 5000, 81920)]),
            ("SELECT OWNER, VIEW_NAME", [("PRODDTA", "V")]),
            ("SELECT PRIVILEGE FROM SESSION_PRIVS", [("INSERT ANY TABLE",)]),
            ("SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP)", [(NOW,)]),
            ("SELECT DBMS_FLASHBACK", [(987654,)]),
        ]
        return next((found for beginning, found in known if sql.startswith(beginning)), [])


@dataclass
class FakeConnection:
    """One session."""

    driver: FakeDriver
    module: str = ""
    action: str = ""
    call_timeout: int = 0
    version: str = "19.21.0.0.0"
    closed: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True

    def close(self) -> None:
        self.closed = True

    @contextmanager
    def cursor(self) -> Iterator["FakeCursor"]:
        yield FakeCursor(self)

    def fetch_df_batches(
        self, *, statement: str, parameters: list[object], size: int, requested_schema: pa.Schema
    ) -> Iterator[pa.Table]:
        self.driver.sent(statement, parameters)
        if "UNISTR" in statement:
            text = "a\u00e9\u20ac\u54c1\U0001f600"
            yield pa.table([self._texts([text], pa.large_string())], names=["C0"])
            return
        expressions = _split(statement)
        rows = len(self.driver.columns[0].values)
        for start in range(0, rows, size):
            if self.cancelled:
                raise Error("ORA-01013: user requested cancel of current operation")
            arrays = [
                self._array(expression, requested_schema.field(place).type, slice(start, start + size))
                for place, expression in enumerate(expressions)
            ]
            yield pa.table(arrays, schema=requested_schema)

    def _array(self, expression: str, wanted: pa.DataType, rows: slice) -> Any:
        name = _PLAIN.search(expression)
        assert name is not None, expression
        column = next(column for column in self.driver.columns if column.name == name[1])
        values = column.values[rows]
        if case := _CASE.fullmatch(expression):
            scale, digits = int(case[2]), int(case[3])
            values = [_checked(value, scale, digits) for value in values]
        elif expression.startswith("TO_CHAR") and "TM9" in expression:
            values = [None if value is None else format(Decimal(str(value)), "f") for value in values]
        elif "FF9" in expression:
            values = [
                None if value is None else f"{value}+00:00" if "+00:00" in expression else value for value in values
            ]
        elif "SYS_EXTRACT_UTC" in expression:
            values = [None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in values]
        if column.data_type.startswith("N") and pa.types.is_large_string(wanted):
            return self._texts(values, wanted)
        if pa.types.is_decimal(wanted) or pa.types.is_integer(wanted):
            return pa.array([_as_driver(value, wanted) for value in values], wanted)
        return pa.array(values, wanted)

    def _texts(self, values: list[Any], wanted: pa.DataType) -> Any:
        if not self.driver.utf16:
            return pa.array(values, wanted)
        encoded = [None if value is None else value.encode("utf-16-be") for value in values]
        return pa.array(encoded, pa.large_binary()).view(wanted)


@dataclass
class FakeCursor:
    """One cursor."""

    connection: FakeConnection
    description: list[tuple[Any, ...]] | None = None
    found: list[tuple[Any, ...]] = field(default_factory=list)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self.connection.driver.sent(sql, parameters)
        self.found = self.connection.driver.rows(sql)

    def parse(self, sql: str) -> None:
        self.connection.driver.sent(sql)
        self.description = [
            (column.name, SimpleNamespace(name=f"DB_TYPE_{column.data_type}"), None, None, column.precision,
             column.scale if column.precision else -127, True)
            for column in self.connection.driver.columns
        ]  # fmt: skip

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.found


def _split(statement: str) -> list[str]:
    """The expressions between SELECT and FROM, cut at the commas outside of parentheses."""
    selected = re.split(r' FROM (?:\(|"|[A-Z])', statement.removeprefix("SELECT "), maxsplit=1)[0]
    parts, depth, text = [""], 0, False
    for letter in selected:
        text ^= letter == "'"
        depth += 0 if text else (letter == "(") - (letter == ")")
        if letter == "," and not depth and not text:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _checked(value: Any, scale: int, digits: int) -> Any:
    if value is None:
        return None
    number = Decimal(str(value))
    with localcontext(prec=100):
        fits = number == number.quantize(Decimal(1).scaleb(-scale), rounding="ROUND_DOWN") and abs(number) < 10**digits
    return number if fits else Decimal("1E60")


def _as_driver(value: Any, wanted: Any) -> Any:
    if value is None:
        return None
    number = Decimal(str(value))
    if pa.types.is_integer(wanted):
        return int(number)
    text = format(number, "f")
    whole, _, fraction = text.lstrip("-").partition(".")
    if len((whole + fraction).lstrip("0")) > 38:
        raise ValueError("Value cannot be represented as Arrow Decimal128")
    digits = whole + fraction.ljust(wanted.scale, "0")
    return Decimal((int(text.startswith("-")), tuple(int(digit) for digit in digits), -wanted.scale))
