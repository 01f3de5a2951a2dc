"""The rows that the caches are measured with: 25 columns as a ledger has them, made from nothing but row numbers."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from afresh.core.schema import TIMESTAMP, Column, TableSchema

PIECE = 10_000
"""Rows of a record batch: what fetchers deliver by default."""

FIRST_STAMP, STAMPS_APART = 1_700_000_000, 10**6
"""Seconds since 1970 of the first row's stamp, and between those of two versions: more than all rows of one take."""

NUMBERS = tuple(f"N{number}" for number in range(13))
DECIMAL = pa.decimal128(15, 4)

SCHEMA = TableSchema(
    columns=(
        Column(name="Id", type=pa.int64()),
        Column(name="Version", type=pa.int64()),
        *(Column(name=name, type=DECIMAL) for name in NUMBERS),
        *(Column(name=f"C{number}", type=pa.string(), length=12) for number in range(8)),
        Column(name="Description", type=pa.string()),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Id",),
    last_update="Changed",
)

Numbers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"


def batches(ids: Numbers, version: int) -> Iterator[pa.RecordBatch]:
    """These rows in their version, in batches of `PIECE`. Another version differs in a number and in the stamp."""
    for start in range(0, len(ids), PIECE):
        yield _batch(ids[start : start + PIECE], version)


def decimals(unscaled: Numbers) -> "pa.Array[Any]":
    """Whole numbers as decimals with four places, without a look at each."""
    words = np.empty(2 * len(unscaled), dtype=np.int64)
    words[0::2] = unscaled
    words[1::2] = unscaled >> 63
    return pa.Array.from_buffers(DECIMAL, len(unscaled), [None, pa.py_buffer(words.tobytes())])


def _batch(ids: Numbers, version: int) -> pa.RecordBatch:
    mixed = (ids * 2_654_435_761 + 12_345) % 1_000_003
    columns: list[Any] = [pa.array(ids), pa.array(np.full(len(ids), version))]
    columns += [decimals((mixed * (place + 7) + (version if place == 0 else 0)) % 10**9) for place in range(13)]
    columns += [pa.array(mixed * (place + 3) % 99_991).cast(pa.string()) for place in range(8)]
    columns.append(pa.array(np.char.add("A description of item ", mixed.astype(str))))
    columns.append(pa.array(FIRST_STAMP * 10**6 + ids * 1_000 + version * STAMPS_APART * 10**6).cast(TIMESTAMP))
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA.arrow())
