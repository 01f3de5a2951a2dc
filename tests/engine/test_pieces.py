"""Batches of any sizes are cut into pieces of the right ones."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh.engine.pieces import pieces


def _batches(*sizes: int) -> list[pa.RecordBatch]:
    start, found = 0, []
    for size in sizes:
        found.append(pa.RecordBatch.from_arrays([pa.array(range(start, start + size), pa.int64())], ["Id"]))
        start += size
    return found


def _shape(sizes: list[int], piece_rows: int, batch_rows: int) -> list[tuple[int, bool, bool]]:
    found = pieces(_batches(*sizes), piece_rows=piece_rows, batch_rows=batch_rows)
    return [(piece.rows.num_rows if piece.rows else 0, piece.ends_batch, piece.last) for piece in found]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], [(0, True, True)]),
        ([0, 0], [(0, True, True)]),
        ([3], [(3, True, True)]),
        ([4], [(4, True, True)]),
        ([5], [(4, False, False), (1, True, True)]),
        ([10], [(4, False, False), (4, False, False), (2, True, True)]),
        ([11], [(4, False, False), (4, False, False), (2, True, False), (1, True, True)]),
        ([3, 0, 3, 4], [(3, False, False), (3, False, False), (4, True, True)]),
        ([9, 3], [(4, False, False), (4, False, False), (1, False, False), (1, True, False), (2, True, True)]),
    ],
)
def test_cuts(sizes: list[int], expected: list[tuple[int, bool, bool]]) -> None:
    """Pieces hold 4 rows at most and end with every 10th row; the last one says so, even without rows."""
    assert _shape(sizes, 4, 10) == expected


@given(st.lists(st.integers(0, 30)), st.integers(1, 12), st.integers(1, 20))
def test_any_cut(sizes: list[int], piece_rows: int, batch_rows: int) -> None:
    """Every row comes once and in order, no piece is too large or crosses a batch, and only the last is the last."""
    found = list(pieces(_batches(*sizes), piece_rows=piece_rows, batch_rows=batch_rows))
    ids = [value for piece in found if piece.rows for value in piece.rows.column(0).to_pylist()]
    assert ids == list(range(sum(sizes)))
    assert [piece.last for piece in found] == [False] * (len(found) - 1) + [True]
    assert found[-1].ends_batch
    read = 0
    for piece in found:
        rows = piece.rows.num_rows if piece.rows else 0
        assert rows <= piece_rows
        assert rows > 0 or sum(sizes) == 0
        assert read // batch_rows == (read + max(rows, 1) - 1) // batch_rows
        read += rows
        assert piece.ends_batch == (read % batch_rows == 0 or piece.last)
