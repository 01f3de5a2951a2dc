"""Blank padded text without its padding, whole columns at once."""

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_BLANK = " "
_NOTHING = pa.scalar("")
_NULL = pa.scalar(None, pa.string())


def trimmed(stored: "pa.Array[Any]", *, both_sides: bool) -> "pa.Array[Any]":
    """Text without the blanks that fill it up: behind it, and in front of it where it is right-justified.

    Only blanks go: a byte of another character is never a blank, so this is right for any UTF-8.
    """
    if both_sides:
        return pc.ascii_trim(stored, characters=_BLANK)
    return pc.ascii_rtrim(stored, characters=_BLANK)


def blank_as_null(text: "pa.Array[Any]") -> "pa.Array[Any]":
    """Trimmed text with null for what was nothing but blanks."""
    blank = pc.equal(text, _NOTHING)
    return pc.if_else(blank, _NULL, text) if pc.any(blank).as_py() else text


def null_as_blank(text: "pa.Array[Any]") -> "pa.Array[Any]":
    """Text with nothing for null, for key columns: a source that has no empty text stores null for it."""
    return text.fill_null("") if text.null_count else text


def masked(value: str) -> str:
    """The shape of a value, without the value: each digit as 9."""
    return re.sub(r"\d", "9", value)
