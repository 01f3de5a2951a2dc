"""The fake's languages: our T-SQL in SQLite's words, and values as SQLite keeps them."""

import re
import sqlite3
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

DEFAULT_COLLATION = "SQL_Latin1_General_CP1_CI_AS"
BINARY_COLLATIONS = ("Latin1_General_100_BIN2", "Latin1_General_BIN2")
NAME = r"(\[(?:[^\]]|\]\])*\])"
TYPE = re.compile(r"(\w+)(?:\((\w+)(?:,(\w+))?\))?")
_TOKEN = re.compile(r"N?'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|\w+|\s+|.", re.DOTALL)


class Misuse(SystemExit):
    """The adapter did what it must never do; no error handling of its own may hide that."""


class FakeError(Exception):
    """What the driver raises: the state in words, then the server's text."""


def require(kept: bool, otherwise: str) -> None:
    if not kept:
        raise Misuse(otherwise)


def translate(sql: str) -> str:
    """Our T-SQL in SQLite's words."""
    text = sql.replace(" WITH (UPDLOCK, HOLDLOCK)", "")
    update = re.fullmatch(
        r"UPDATE t SET\s+(.*)\nFROM (\[.*\]) AS t\nINNER JOIN (\[.*\]) AS s ON (.*)\nWHERE (.*)", text, re.DOTALL
    )
    if update:
        text = f"UPDATE {update[2]} AS t SET {update[1]} FROM {update[3]} AS s WHERE ({update[4]}) AND ({update[5]})"
    text = re.sub(r"^DELETE t FROM", "DELETE FROM", text)
    top = re.match(r"SELECT TOP \((\d+)\)", text)
    if top:
        text = f"SELECT{text[top.end() :]} LIMIT {top[1]}"
    text = text.replace("COUNT_BIG(", "COUNT(")
    text = re.sub(r"(TRY_)?CONVERT\((\w+(?:\([\w,]+\))?), ", lambda m: f"CONVERT_({bool(m[1]):d}, '{m[2]}', ", text)
    text = re.sub(r", 126\)", ")", text)
    return _names("".join(_token(token) for token in _TOKEN.findall(text)))


def bound(value: Any) -> Any:
    """A parameter as SQLite keeps it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        require(value.tzinfo is None, "a parameter with a zone, which would be shifted")
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _token(token: str) -> str:
    if token.startswith("N'"):
        return token[1:]
    return quoted(plain(token)) if token.startswith("[") else token


def _names(text: str) -> str:
    """`"dbo"."Item"` is one name in SQLite."""
    return re.sub(r'"((?:[^"]|"")*)"\."((?:[^"]|"")*)"', r'"\1.\2"', text)


def plain(quoted: str) -> str:
    return quoted[1:-1].replace("]]", "]")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def first(part: str) -> str:
    match = re.match(NAME, part)
    assert match is not None
    return plain(match[1])


def split(body: str) -> list[str]:
    """The parts between commas outside of brackets and texts."""
    parts, depth = [""], 0
    for token in _TOKEN.findall(body):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]


def _compare_exactly(left: str, right: str) -> int:
    return _compare(left.rstrip(" "), right.rstrip(" "))


def _compare_loosely(left: str, right: str) -> int:
    return _compare(left.rstrip(" ").casefold(), right.rstrip(" ").casefold())


def _compare(left: str, right: str) -> int:
    return (left > right) - (left < right)


def _data_length(value: Any) -> int | None:
    if isinstance(value, str):
        return len(value.encode("utf-16-le"))
    return len(value) if isinstance(value, bytes) else None if value is None else 8


def _convert(tries: int, declared: str, value: Any) -> Any:
    if value is None:
        return None
    base, first, second = TYPE.fullmatch(declared).groups()  # type: ignore[union-attr]  # the adapter's own types
    try:
        return _converted(base, first, second, value)
    except (ValueError, InvalidOperation):
        if tries:
            return None
        raise


def _converted(base: str, first: str, second: str, value: Any) -> Any:
    if base == "nvarchar":
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        return text if first == "max" else text[: int(first)]
    if base in ("varchar", "char"):
        return value.encode("cp1252", "replace").decode("cp1252")[: int(first)]
    if base == "datetime2":
        return datetime.fromisoformat(value).isoformat(sep=" ", timespec="microseconds")
    if base == "smalldatetime":
        return (
            datetime.fromisoformat(value).replace(second=0, microsecond=0).isoformat(sep=" ", timespec="microseconds")
        )
    if base in ("int", "bigint", "smallint"):
        return int(Decimal(str(value)))
    if base == "decimal":
        return f"{Decimal(str(value)).quantize(Decimal(1).scaleb(-int(second))):f}"
    if base == "uniqueidentifier":
        if not re.fullmatch(r"[0-9A-Fa-f-]{36}", value):
            raise ValueError(value)
        return value.upper()
    raise Misuse(f"CONVERT to {base} is not imitated")


def integrity(error: sqlite3.Error) -> str:
    if "UNIQUE" in str(error):
        return f"Integrity constraint violation: Cannot insert duplicate key in object ({error})"
    return f"Integrity constraint violation: {error}"


sqlite3.register_converter("datetime2", lambda raw: datetime.fromisoformat(raw.decode()))
sqlite3.register_converter("smalldatetime", lambda raw: datetime.fromisoformat(raw.decode()))
sqlite3.register_converter("date", lambda raw: date.fromisoformat(raw.decode()))
sqlite3.register_converter("time", lambda raw: time.fromisoformat(raw.decode()))
sqlite3.register_converter("text_decimal", lambda raw: Decimal(raw.decode()))


def equip(connection: sqlite3.Connection) -> None:
    """Gives a connection the collations and functions that the translation uses."""
    for name in BINARY_COLLATIONS:
        connection.create_collation(name, _compare_exactly)
    connection.create_collation(DEFAULT_COLLATION, _compare_loosely)
    connection.create_function("DATALENGTH", 1, _data_length, deterministic=True)
    connection.create_function("CONVERT_", 3, _convert, deterministic=True)
