"""Cuts a stream of record batches to the sizes of bulk copies and merges."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows to copy together. `ends_batch`: then merge what was copied; `last`: and nothing follows."""

    rows: pa.RecordBatch | None
    ends_batch: bool
    last: bool


def pieces(batches: Iterable[pa.RecordBatch], *, piece_rows: int, batch_rows: int) -> Iterator[Piece]:
    """Pieces of at most `piece_rows`, none of which crosses a multiple of `batch_rows`.

    The last piece is known as such, so that the last merge can carry the completion; an empty stream gives one
    piece without rows.
    """
    held: pa.RecordBatch | None = None
    in_batch = 0
    for rows in _cut(batches, piece_rows, batch_rows):
        if held is not None:
            in_batch += held.num_rows
            yield Piece(rows=held, ends_batch=in_batch % batch_rows == 0, last=False)
        held = rows
    yield Piece(rows=held, ends_batch=True, last=True)


def _cut(batches: Iterable[pa.RecordBatch], piece_rows: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    in_batch = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            size = min(piece_rows, batch.num_rows - start, batch_rows - in_batch)
            yield batch.slice(start, size)
            start += size
            in_batch = (in_batch + size) % batch_rows
