"""Decimal numbers of at most 15 digits by way of doubles: exact, for no two of them are the same double.

Half of the time of a parser of decimals, and nearly all numbers that a business keeps are as short.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

Array = Any
"""A `pyarrow.Array`, as in `values`."""
Numbers = Any
"""A `numpy.ndarray`."""

pc: Any = pyarrow.compute

_DIGITS = 15
_LENGTH = 16
"""A text so long has a sign, a point or, if the number is below 10**15, a zero in front beside its 15 digits."""
_PARSED_LENGTH, _PARSED_SCALE = 18, 20
"""Digits and places that never make more than 38 digits together, beyond which Arrow's parser overflows in silence."""
_EXACT_POWER = 22
"""The highest power of ten that is exact in a double."""


def of_texts(texts: Array, wanted: Any) -> Array | None:
    """The numbers that the texts spell; None if one of them is long, no number, or does not fit."""
    length = pc.max(pc.binary_length(texts)).as_py() or 0
    if length > _PARSED_LENGTH or _has_exponent(texts):
        return None
    try:
        found = of_doubles(texts.cast(pa.float64()), wanted) if length <= _LENGTH else None
        if found is None and wanted.scale <= _PARSED_SCALE:
            found = texts.cast(pa.decimal128(38, wanted.scale)).cast(wanted)
    except pa.ArrowInvalid:
        return None
    return found


def of_doubles(numbers: Array, wanted: Any) -> Array | None:
    """The decimals that are the doubles' shortest texts; None if one of them is longer, no number, or does not fit."""
    if wanted.scale > _EXACT_POWER:
        return None
    known = ~np.asarray(numbers.is_null()) if numbers.null_count else None
    doubles: Numbers = (numbers if known is None else numbers.fill_null(0.0)).to_numpy()
    unit = 10.0**wanted.scale
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(doubles * unit)
        sure = (np.abs(scaled) < 10 ** min(_DIGITS, wanted.precision)) & (scaled / unit == doubles)
    if not sure.all():
        return None
    wide = np.empty((len(scaled), 2), np.int64)  # the low half first
    wide[:, 0] = scaled
    np.right_shift(wide[:, 0], 63, out=wide[:, 1])
    valid = None if known is None else pa.array(known).buffers()[1]
    return pa.Array.from_buffers(wanted, len(scaled), [valid, pa.py_buffer(wide.data)])


def _has_exponent(texts: Array) -> bool:
    """Whether one may have one, with which a short text can be nearer to zero than any double."""
    found = used(texts)
    return b"e" in found or b"E" in found


def used(texts: Array) -> bytes:
    """The bytes of the texts, one after another."""
    _, offsets, data = texts.buffers()
    if data is None:
        return b""
    bounds = np.frombuffer(offsets, np.int32)
    return memoryview(data)[bounds[texts.offset] : bounds[texts.offset + len(texts)]].tobytes()
