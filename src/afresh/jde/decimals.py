"""Integers with implied decimals as exact decimals, whole columns at once."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from afresh.jde.dates import Flags

PRECISION = 18
"""Digits of every decimal: what 64 bits hold for sure. The data dictionary's own limit is 15."""
_LIMIT = 10**PRECISION


def number_type(scale: int) -> pa.DataType:
    """The type of numbers with that many implied decimals; whole numbers are int64."""
    return pa.decimal128(PRECISION, scale) if scale else pa.int64()


def too_long(stored: "pa.Array[Any]") -> Flags | None:
    """Where int64 numbers have more digits than a decimal holds; None if nowhere."""
    extremes = pc.min_max(stored)
    low, high = extremes["min"].as_py(), extremes["max"].as_py()
    if low is None or (low > -_LIMIT and high < _LIMIT):
        return None
    numbers = stored.fill_null(0).to_numpy(zero_copy_only=False)
    wrong: Flags = (numbers >= _LIMIT) | (numbers <= -_LIMIT)
    return wrong


def scaled(stored: "pa.Array[Any]", scale: int) -> "pa.Array[Any]":
    """The decimals that int64 numbers stand for: 12345 with scale 2 is 123.45. None of them may be too long."""
    numbers = stored.fill_null(0).to_numpy(zero_copy_only=False)
    words = np.empty((len(numbers), 2), dtype=np.int64)
    words[:, 0] = numbers
    np.right_shift(numbers, 63, out=words[:, 1])
    validity = stored.is_valid().buffers()[1] if stored.null_count else None
    buffers = [validity, pa.py_buffer(words.data)]
    return pa.Array.from_buffers(number_type(scale), len(stored), buffers, stored.null_count)
