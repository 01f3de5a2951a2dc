"""The fake server behind the wire front: statements that came over the wire, carried out on SQLite.

Still a fake. What it adds to the calls is the driver itself: what it sends, and how it takes what comes back.
"""

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from tests.caches_sqlserver.tsql_batch import Batch
from tests.caches_sqlserver.tsql_fake import FakeServer
from tests.caches_sqlserver.tsql_words import FakeError, bound, plain, quoted
from tests.tds_front import types
from tests.tds_front.server import Login, Parameter, Result, ServerError
from tests.tds_front.tokens import Column
from tests.tds_front.types import Type

PASSWORD = "s3cret;{}=@/é"

_NAMED = re.compile(r"@P\d+|'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]", re.IGNORECASE)
_TABLES = re.compile(r"(?:FROM|JOIN)\s+(\[(?:[^\]]|\]\])*\])\.(\[(?:[^\]]|\]\])*\])")
_OBJECT = re.compile(r"OBJECT_ID\(N'(.*?)'\)")
_COUNTS = re.compile(r"(INSERT|UPDATE|DELETE)\b")
_INT, _BIGINT = Type(code=types.INTN, length=4), Type(code=types.INTN, length=8)
_NVARCHAR, _LONG_NVARCHAR = Type(code=types.NVARCHAR, length=8000), Type(code=types.NVARCHAR, length=0xFFFF)
_BY_BASE = {
    "bit": Type(code=types.BITN, length=1),
    "smallint": Type(code=types.INTN, length=2),
    "int": _INT,
    "bigint": _BIGINT,
    "float": Type(code=types.FLTN, length=8),
    "date": Type(code=types.DATEN),
    "time": Type(code=types.TIMEN, scale=7),
    "datetime2": Type(code=types.DATETIME2N, scale=7),
    "smalldatetime": Type(code=types.DATETIMN, length=4),
    "datetime": Type(code=types.DATETIMN, length=8),
    "uniqueidentifier": Type(code=types.GUID, length=16),
}
_TEXTS = {
    "nvarchar": (types.NVARCHAR, 2),
    "nchar": (types.NCHAR, 2),
    "varchar": (types.VARCHAR, 1),
    "char": (types.CHAR, 1),
    "varbinary": (types.VARBINARY, 1),
    "binary": (types.BINARY, 1),
}
_NUMBERS = (
    ("cannot insert duplicate key", 2627, 14),
    ("already an object named", 2714, 16),
    ("deadlock", 1205, 13),
    ("lock request time out", 1222, 16),
    ("database is locked", 1222, 16),
    ("no such table", 208, 16),
    ("interrupted", 3617, 16),
)
_TEXTS_OF = {1222: "Lock request time out period exceeded."}


class FrontEngine:
    """One connection with the fake server."""

    def __init__(self, server: FakeServer, login: Login) -> None:
        if login.password != PASSWORD:
            raise ServerError(18456, f"Login failed for user '{login.user}'.", severity=14)
        self._server = server
        self._file = server.open_file()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        return self._file.in_transaction

    def execute(self, sql: str, parameters: Sequence[Parameter]) -> Iterator[Result]:
        """One batch of the shapes that the adapter and the driver send."""
        if "sp_tablecollations_100" in sql:
            yield from self._metadata(sql)
            return
        places: list[str] = []
        text = _NAMED.sub(lambda match: _marked(match[0], places), sql)
        # One of the driver's libraries names them, the other counts on their order.
        by_name = {(each.name or f"@p{place}").lower(): each.value for place, each in enumerate(parameters, 1)}
        values = [by_name.get(place.lower()) for place in places]
        try:
            self._server.check(text)
            batch = Batch(self._file, tuple(bound(value) for value in values))
            rows = batch.run(text)
        except BaseException as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise _refused(error) from error
        if rows is not None:
            found = [tuple(row) for row in rows]
            width = len(found[0]) if found else 1
            yield Result(columns=self._columns(text, batch.names(width), found), rows=found)
        elif _COUNTS.match(text.lstrip()):
            yield Result()

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Bulk load, committed at its end."""
        names = ", ".join(quoted(plain(name)) for name in columns)
        marks = ", ".join("?" * len(columns))
        target = quoted(".".join(plain(part) for part in re.findall(r"\[(?:[^\]]|\]\])*\]", table)))
        try:
            self._server.check(f"BULK ARROW {table}")
            self._file.execute("BEGIN IMMEDIATE")
            copied = self._file.executemany(
                f"INSERT INTO {target} ({names}) VALUES ({marks})",
                (tuple(bound(value) for value in row) for row in rows),
            ).rowcount
            self._file.execute("COMMIT")
        except BaseException as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise _refused(error) from error
        return copied

    def reset(self) -> None:
        """As when a pooled connection is used again."""
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")

    def interrupt(self) -> None:
        """From another thread."""
        with self._lock:
            if not self._closed:
                self._file.interrupt()

    def close(self) -> None:
        """What is open is undone."""
        with self._lock:
            self._closed = True
            self._file.close()

    def transact(self, word: str) -> None:
        """The driver's own transactions; the adapter begins its by statements."""
        if self._file.in_transaction != (word == "BEGIN"):
            self._file.execute(word)

    def _metadata(self, sql: str) -> Iterator[Result]:
        """What bulk copy asks of the table before it begins."""
        match = _OBJECT.search(sql)
        assert match is not None
        owner = ".".join(plain(part) for part in re.findall(r"\[(?:[^\]]|\]\])*\]", match[1]))
        found = self._declared(owner)
        if not found:
            raise ServerError(208, f"Invalid object name '{match[1]}'.")
        yield Result(columns=[Column(name="", type=_INT)], rows=[(0,)])
        yield Result(columns=[Column(name=name, type=kind) for name, kind in found.items()])
        columns = (
            Column(name="colid", type=_INT),
            Column(name="name", type=_NVARCHAR),
            Column(name="tds_collation", type=Type(code=types.BINARY, length=5)),
            Column(name="collation", type=_NVARCHAR),
        )
        rows = [
            (place, name, types.COLLATION, "Latin1_General_CI_AS")
            if kind.code in (types.NVARCHAR, types.VARCHAR)
            else (place, name, None, None)
            for place, (name, kind) in enumerate(found.items(), 1)
        ]
        yield Result(columns=columns, rows=rows)

    def _declared(self, owner: str) -> dict[str, Type]:
        rows = self._file.execute(
            "SELECT name, base, length, precision, scale, fraction FROM _column WHERE object = ? ORDER BY place",
            (owner,),
        )
        return {row[0]: _type(*row[1:]) for row in rows}

    def _columns(self, sql: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[Column]:
        declared: dict[str, Type] = {}
        for schema, table in _TABLES.findall(sql):
            declared |= self._declared(f"{plain(schema)}.{plain(table)}")
        return [
            Column(name=name, type=declared.get(name) or _seen([row[place] for row in rows]))
            for place, name in enumerate(names)
        ]


def _marked(found: str, places: list[str]) -> str:
    if not found.startswith("@"):
        return found
    places.append(found)
    return "?"


def _type(base: str, length: int | None, precision: int | None, scale: int | None, fraction: int | None) -> Type:
    if base in _TEXTS:
        code, width = _TEXTS[base]
        return Type(code=code, length=0xFFFF if length == -1 else width * (length or 1))
    if base in ("decimal", "numeric"):
        return Type(code=types.DECIMALN, length=17, precision=precision or 38, scale=scale or 0)
    if base in ("datetime2", "time"):
        return Type(code=_BY_BASE[base].code, scale=7 if fraction is None else fraction)
    return _BY_BASE[base]


def _seen(values: Sequence[Any]) -> Type:
    """The type of a column that no table declares, by what is in it."""
    present = [value for value in values if value is not None]
    if not present or isinstance(present[0], str):
        return _LONG_NVARCHAR if any(len(value) > 2000 for value in present) else _NVARCHAR
    first = present[0]
    if isinstance(first, int):
        return _BIGINT
    if isinstance(first, Decimal):
        return Type(
            code=types.DECIMALN, length=17, precision=38, scale=max(-value.as_tuple().exponent for value in present)
        )
    for kind, base in ((float, "float"), (datetime, "datetime2"), (date, "date"), (time, "time")):
        if isinstance(first, kind):
            return _BY_BASE[base]
    return Type(code=types.VARBINARY, length=0xFFFF)


def _refused(error: BaseException) -> BaseException:
    if isinstance(error, ServerError) or not isinstance(error, (FakeError, sqlite3.Error)):
        return error
    text = f"{error}"
    for words, number, severity in _NUMBERS:
        if words in text.lower():
            return ServerError(number, _TEXTS_OF.get(number, text), severity=severity)
    if "UNIQUE" in text:
        return ServerError(2627, f"Violation of PRIMARY KEY constraint. Cannot insert duplicate key in object. {text}")
    return ServerError(102, text, severity=15)
