"""What may be said of a value in an error or a log: its kind and its shape, digits as 9 and letters as x."""

from datetime import date, datetime, time
from decimal import Decimal

_SHOWN = 40
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "integer"),
    (float, "float"),
    (Decimal, "decimal"),
    (str, "text"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
)


def mask(value: object) -> str:
    """The kind and the shape of a value."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    kind = next((name for known, name in _KINDS if isinstance(value, known)), "a value")
    return f"{kind} {shape(value)}"


def shape(value: object) -> str:
    """The shape of a value's text, in quotes, cut after 40 characters."""
    text = "".join("9" if c.isdigit() else "x" if c.isalpha() else c if c.isprintable() else "?" for c in str(value))
    return f"{text!r}" if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}... of {len(text)} characters"


def short(value: object) -> str:
    """The value itself, cut after 60 characters: for keys, which name a row."""
    text = f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
    text = text.encode("utf-8", "backslashreplace").decode()  # bytes that were no text
    return text if len(text) <= 60 else text[:60] + "..."
