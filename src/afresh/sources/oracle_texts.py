"""Texts of the national character set (NCHAR, NVARCHAR2, NCLOB), which the driver may deliver as the bytes of UTF-16.

Whether it does depends on its release and on the database, so a session finds out once, by a text that it knows.
"""

from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa

from afresh.core.errors import QueryFailed

PROBE_TEXT = "a\u00e9\u20ac\u54c1\U0001f600"
PROBE_SQL = "SELECT UNISTR('a\\00E9\\20AC\\54C1\\D83D\\DE00') FROM DUAL"


class National(StrEnum):
    """What the driver makes of national texts."""

    UTF8 = "utf8"
    """Texts, as they are."""
    UTF16 = "utf16"
    """The bytes of UTF-16, high byte first."""


def national(probed: bytes) -> National:
    """What the bytes that came for the known text say; QueryFailed where characters were lost on the way."""
    if probed == PROBE_TEXT.encode():
        return National.UTF8
    if probed == PROBE_TEXT.encode("utf-16-be"):
        return National.UTF16
    raise QueryFailed(
        "the database loses characters of its national character set on the way to this client",
        hint="Use thick mode, or read such columns by a `query` as UTL_I18N.STRING_TO_RAW(..., 'AL32UTF8').",
    )


def from_utf16(stored: Any) -> Any:
    """The texts whose UTF-16 bytes are the array's values, as an Arrow string array."""
    plain = stored.cast(pa.large_binary())
    offsets = np.frombuffer(plain.buffers()[1], np.int64)[plain.offset : plain.offset + len(plain) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = plain.buffers()[2]
    units = np.frombuffer(b"" if data is None else memoryview(data)[first:last], ">u2")
    text = units.tobytes().decode("utf-16-be", "strict").encode()
    sizes = 1 + (units >= 0x80).astype(np.int64) + (units >= 0x800)
    surrogate = (units >= 0xD800) & (units < 0xE000)
    sizes[surrogate] = 2  # a pair of them becomes four bytes
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])[(offsets - first) // 2]
    valid = pa.array(~np.asarray(plain.is_null())).buffers()[1]
    made = pa.Array.from_buffers(
        pa.large_string(), len(plain), [valid, pa.py_buffer(ends.tobytes()), pa.py_buffer(text)]
    )
    return made.cast(pa.string())
