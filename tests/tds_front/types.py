"""The data types of TDS 7.4: how they are described, and how their values are written. Part of the wire front."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from functools import partial
from typing import Any
from uuid import UUID

from tests.tds_front.octets import Reader

COLLATION = bytes.fromhex("0904d00034")
"""Latin1_General_CI_AS, as a server describes it."""

NULL, GUID, INTN, BITN, DECIMALN, NUMERICN, FLTN, MONEYN, DATETIMN = (
    0x1F,
    0x24,
    0x26,
    0x68,
    0x6A,
    0x6C,
    0x6D,
    0x6E,
    0x6F,
)
DATEN, TIMEN, DATETIME2N, OFFSETN = 0x28, 0x29, 0x2A, 0x2B
VARBINARY, VARCHAR, BINARY, CHAR, NVARCHAR, NCHAR, XML = 0xA5, 0xA7, 0xAD, 0xAF, 0xE7, 0xEF, 0xF1

_FIXED = {0x30: (INTN, 1), 0x32: (BITN, 1), 0x34: (INTN, 2), 0x38: (INTN, 4), 0x7F: (INTN, 8), 0x3B: (FLTN, 4)} | {
    0x3E: (FLTN, 8),
    0x3C: (MONEYN, 8),
    0x7A: (MONEYN, 4),
    0x3D: (DATETIMN, 8),
    0x3A: (DATETIMN, 4),
}
_SIZED = (VARBINARY, VARCHAR, BINARY, CHAR, NVARCHAR, NCHAR)
_COLLATED = (VARCHAR, CHAR, NVARCHAR, NCHAR)
_SCALED = (TIMEN, DATETIME2N, OFFSETN)
_INTEGERS = {1: "B", 2: "h", 4: "i", 8: "q"}
_MAX = 0xFFFF
_NO_VALUE, _UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFE
_FIRST, _DAY_ONE, _EPOCH = date(1, 1, 1), datetime(1, 1, 1), datetime(1900, 1, 1)  # noqa: DTZ001  # without a zone
_ONE_PART = struct.Struct("<QI")
_TIME_BYTES = ((2, 3), (4, 4), (7, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """One type. `length` is in bytes, 65,535 for `max`; `plain` says that it is one that has no null."""

    code: int
    length: int = 0
    precision: int = 0
    scale: int = 0
    plain: bool = False


def read_type(reader: Reader) -> Type:
    """The TYPE_INFO that comes next."""
    code = reader.number("B")
    if code in _FIXED:
        nullable, length = _FIXED[code]
        return Type(code=nullable, length=length, plain=True)
    if code in (DATEN, NULL):
        return Type(code=code)
    if code in _SCALED:
        return Type(code=code, scale=reader.number("B"))
    if code in _SIZED:
        length = reader.number("H")
        if code in _COLLATED:
            reader.take(5)
        return Type(code=code, length=length)
    if code in (DECIMALN, NUMERICN):
        return Type(code=code, length=reader.number("B"), precision=reader.number("B"), scale=reader.number("B"))
    if code in (GUID, INTN, BITN, FLTN, MONEYN, DATETIMN):
        return Type(code=code, length=reader.number("B"))
    raise ValueError(f"type 0x{code:02X} is not imitated")


_CONVERTERS: dict[tuple[int, int], Callable[[bytes], Any]] = {
    (INTN, 4): lambda raw: int.from_bytes(raw, "little", signed=True),
    (INTN, 8): lambda raw: int.from_bytes(raw, "little", signed=True),
    (BITN, 1): lambda raw: raw != b"\0",
}


def type_info(kind: Type) -> bytes:
    """How a type is described."""
    head = bytes([kind.code])
    if kind.code == DATEN:
        return head
    if kind.code in _SCALED:
        return head + bytes([kind.scale])
    if kind.code == XML:
        return head + b"\0"
    if kind.code in _SIZED:
        return head + struct.pack("<H", kind.length) + (COLLATION if kind.code in _COLLATED else b"")
    if kind.code in (DECIMALN, NUMERICN):
        return head + bytes([kind.length, kind.precision, kind.scale])
    return head + bytes([kind.length])


def read_value(reader: Reader, kind: Type) -> Any:
    """The value that comes next; None for null."""
    if kind.code == NULL:
        return None
    if kind.code in _SIZED:
        return _read_sized(reader, kind)
    length = kind.length if kind.plain else reader.number("B")
    return None if length == 0 else _plain(reader.take(length), kind)


def decoder(kind: Type) -> Callable[[bytes, int], tuple[Any, int]]:
    """What reads a value of that type at a place, and says where the next one begins; for many rows."""
    if kind.code == NVARCHAR and kind.length == _MAX:
        return _text_at
    if kind.code in _SIZED or kind.plain or kind.code == NULL:
        return lambda data, place: _read_at(data, place, kind)
    convert = _CONVERTERS.get((kind.code, kind.length)) or partial(_plain, kind=kind)

    def counted(data: bytes, place: int) -> tuple[Any, int]:
        start, length = place + 1, data[place]
        return (None if length == 0 else convert(data[start : start + length])), start + length

    return counted


def _text_at(data: bytes, place: int) -> tuple[Any, int]:
    """The text of an nvarchar(max), which mostly comes in one part."""
    length, part = _ONE_PART.unpack_from(data, place) if place + 12 <= len(data) else (_NO_VALUE, 0)
    end = place + 12 + part
    if length in (_NO_VALUE, 0) or part == 0 or data[end : end + 4] != b"\0\0\0\0":
        return _read_at(data, place, Type(code=NVARCHAR, length=_MAX))
    return data[place + 12 : end].decode("utf-16-le"), end + 4


def _read_at(data: bytes, place: int, kind: Type) -> tuple[Any, int]:
    reader = Reader(data)
    reader.place = place
    return read_value(reader, kind), reader.place


def write_value(value: Any, kind: Type) -> bytes:
    """A value as a row holds it."""
    if kind.code in (*_SIZED, XML):
        return _sized(value, kind)
    if value is None:
        return b"\0"
    raw = _raw(value, kind)
    return bytes([len(raw)]) + raw


def _read_sized(reader: Reader, kind: Type) -> Any:
    if kind.length == _MAX:
        raw = _read_parts(reader)
    else:
        length = reader.number("H")
        raw = None if length == _MAX else reader.take(length)
    if raw is None or kind.code in (VARBINARY, BINARY):
        return raw
    return raw.decode("utf-16-le" if kind.code in (NVARCHAR, NCHAR) else "cp1252")


def _read_parts(reader: Reader) -> bytes | None:
    if reader.number("Q") == _NO_VALUE:
        return None
    parts = []
    while length := reader.number("I"):
        parts.append(reader.take(length))
    return b"".join(parts)


def _sized(value: Any, kind: Type) -> bytes:
    parted = kind.length == _MAX or kind.code == XML
    if value is None:
        return struct.pack("<Q", _NO_VALUE) if parted else struct.pack("<H", _MAX)
    if isinstance(value, str):
        raw = value.encode("cp1252" if kind.code in (VARCHAR, CHAR) else "utf-16-le")
    else:
        raw = bytes(value)
    if parted:
        body = struct.pack("<I", len(raw)) + raw if raw else b""
        return struct.pack("<Q", len(raw)) + body + struct.pack("<I", 0)
    return struct.pack("<H", len(raw)) + raw


def _plain(raw: bytes, kind: Type) -> Any:
    if kind.code == INTN:
        return struct.unpack(f"<{_INTEGERS[len(raw)]}", raw)[0]
    if kind.code == BITN:
        return raw != b"\0"
    if kind.code == FLTN:
        return struct.unpack("<d" if len(raw) == 8 else "<f", raw)[0]
    if kind.code in (DECIMALN, NUMERICN):
        number = int.from_bytes(raw[1:], "little") * (1 if raw[0] else -1)
        return _scaled(number, kind.scale)
    if kind.code == MONEYN:
        high, low = struct.unpack("<iI", raw) if len(raw) == 8 else (0, 0)
        return _scaled((high << 32) | low if len(raw) == 8 else struct.unpack("<i", raw)[0], 4)
    if kind.code == GUID:
        return str(UUID(bytes_le=raw)).upper()
    return _moment(raw, kind)


def _scaled(number: int, scale: int) -> Decimal:
    with localcontext(prec=60):
        return Decimal(number).scaleb(-scale)


def _moment(raw: bytes, kind: Type) -> Any:
    if kind.code == DATEN:
        return _FIRST + timedelta(days=int.from_bytes(raw, "little"))
    if kind.code == DATETIMN:
        days, ticks = struct.unpack("<iI", raw) if len(raw) == 8 else struct.unpack("<HH", raw)
        return _EPOCH + timedelta(days=days, milliseconds=ticks * 10 / 3 if len(raw) == 8 else ticks * 60_000)
    size = _time_bytes(kind.scale)
    micros = int.from_bytes(raw[:size], "little") * 1_000_000 // 10**kind.scale
    if kind.code == DATETIME2N:
        return _DAY_ONE + timedelta(days=int.from_bytes(raw[size:], "little"), microseconds=micros)
    if kind.code == TIMEN:
        return (_EPOCH + timedelta(microseconds=micros)).time()
    day = _FIRST + timedelta(days=int.from_bytes(raw[size : size + 3], "little"))
    found = datetime.combine(day, time()) + timedelta(microseconds=micros)
    (minutes,) = struct.unpack("<h", raw[size + 3 :])
    return found.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))


def _raw(value: Any, kind: Type) -> bytes:
    if kind.code == INTN:
        return struct.pack(f"<{_INTEGERS[kind.length]}", int(value))
    if kind.code == BITN:
        return bytes([int(bool(value))])
    if kind.code == FLTN:
        return struct.pack("<d" if kind.length == 8 else "<f", value)
    if kind.code in (DECIMALN, NUMERICN):
        return _raw_decimal(Decimal(value), kind.scale, kind.length - 1)
    if kind.code == MONEYN:
        number = _unscaled(Decimal(value), 4)
        return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF) if kind.length == 8 else struct.pack("<i", number)
    if kind.code == GUID:
        return UUID(value).bytes_le
    return _raw_moment(value, kind)


def _unscaled(value: Decimal, scale: int) -> int:
    with localcontext(prec=60):
        return int(value.scaleb(scale))


def _raw_decimal(value: Decimal, scale: int, size: int) -> bytes:
    number = _unscaled(value, scale)
    return bytes([int(number >= 0)]) + abs(number).to_bytes(size, "little")


def _raw_moment(value: Any, kind: Type) -> bytes:
    if kind.code == DATEN:
        return _days(value)
    if kind.code == DATETIMN:
        since = value - _EPOCH
        if kind.length == 8:
            return struct.pack("<iI", since.days, round((since.seconds + since.microseconds / 1e6) * 300))
        return struct.pack("<HH", since.days, since.seconds // 60)
    if kind.code == TIMEN:
        return _raw_time(value, kind.scale)
    local = value.astimezone(UTC) if kind.code == OFFSETN else value
    raw = _raw_time(local.time(), kind.scale) + _days(local.date())
    if kind.code == OFFSETN:
        raw += struct.pack("<h", int(value.utcoffset().total_seconds()) // 60)
    return raw


def _raw_time(value: time, scale: int) -> bytes:
    micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    ticks: int = micros * 10**scale // 1_000_000
    return ticks.to_bytes(_time_bytes(scale), "little")


def _days(value: date) -> bytes:
    return (value - _FIRST).days.to_bytes(3, "little")


def _time_bytes(scale: int) -> int:
    return next(size for most, size in _TIME_BYTES if scale <= most)
