"""The tokens of a server's answers, and the rows of a client's bulk load. Part of the wire front."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.tds_front.octets import Reader, long_text, short_text
from tests.tds_front.types import Type, decoder, read_type, type_info, write_value

ERROR, INFO, LOGIN_ACK, ROW, SHORT_ROW, COLUMNS, ORDER = 0xAA, 0xAB, 0xAD, 0xD1, 0xD2, 0x81, 0xA9
DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF
MORE, FAILED, IN_TRANSACTION, COUNTED, ATTENTION = 0x01, 0x02, 0x04, 0x10, 0x20
_SELECT = 0xC1
_NULLABLE, _UPDATEABLE = 0x01, 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a result."""

    name: str
    type: Type
    nullable: bool = True


def columns(found: Sequence[Column]) -> bytes:
    """COLMETADATA."""
    parts = [struct.pack("<BH", COLUMNS, len(found))]
    for column in found:
        flags = (_NULLABLE if column.nullable else 0) | _UPDATEABLE
        parts.append(struct.pack("<IH", 0, flags) + type_info(column.type) + short_text(column.name))
    return b"".join(parts)


def row(found: Sequence[Column], values: Sequence[Any]) -> bytes:
    """ROW."""
    cells = [write_value(value, column.type) for column, value in zip(found, values, strict=True)]
    return bytes([ROW]) + b"".join(cells)


def done(*, kind: int = DONE, status: int = 0, rows: int | None = None, select: bool = False) -> bytes:
    """DONE, DONEPROC or DONEINPROC."""
    flags = status | (COUNTED if rows is not None else 0)
    return struct.pack("<BHHQ", kind, flags, _SELECT if select else 0, rows or 0)


def message(kind: int, number: int, severity: int, state: int, text: str) -> bytes:
    """ERROR or INFO."""
    body = struct.pack("<IBB", number, state, severity) + long_text(text) + short_text("front") + short_text("")
    return _counted(kind, body + struct.pack("<I", 1))


def changed(kind: int, new: bytes, old: bytes) -> bytes:
    """ENVCHANGE with two texts or values, each with its length before it."""
    return _counted(0xE3, bytes([kind]) + new + old)


def login_ack(name: str, version: int) -> bytes:
    """LOGINACK of TDS 7.4."""
    return _counted(LOGIN_ACK, struct.pack(">BI", 1, 0x74000004) + short_text(name) + bytes([version, 0, 0x10, 0]))


def return_status(status: int) -> bytes:
    """RETURNSTATUS."""
    return struct.pack("<Bi", 0x79, status)


def return_value(ordinal: int, name: str, kind: Type, value: Any) -> bytes:
    """RETURNVALUE of an output parameter."""
    head = struct.pack("<BH", 0xAC, ordinal) + short_text(name) + struct.pack("<BIH", 1, 0, 0)
    return head + type_info(kind) + write_value(value, kind)


def loaded(reader: Reader) -> Iterator[tuple[Any, ...]]:
    """The rows of a bulk load."""
    if reader.number("B") != COLUMNS:
        raise ValueError("a bulk load does not begin with its columns")
    kinds = []
    for _ in range(reader.number("H")):
        reader.take(6)
        kinds.append(read_type(reader))
        reader.short_text()
    data, place, decoders = reader.data, reader.place, [decoder(kind) for kind in kinds]
    while place < len(data) and data[place] not in (DONE, DONE_PROC):
        token, place = data[place], place + 1
        nulls = b""
        if token == SHORT_ROW:
            nulls, place = data[place : place + (len(kinds) + 7) // 8], place + (len(kinds) + 7) // 8
        elif token != ROW:
            raise ValueError(f"token 0x{token:02X} in a bulk load")
        values = list[Any]()
        for number, decode in enumerate(decoders):
            if nulls and nulls[number // 8] >> number % 8 & 1:
                values.append(None)
            else:
                value, place = decode(data, place)
                values.append(value)
        yield tuple(values)


def _counted(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body
