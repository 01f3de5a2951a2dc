"""Results in pages, as a driver that holds a whole result is read; and useful batches out of small ones."""

from collections import deque
from collections.abc import Callable, Iterator

import pyarrow as pa

from afresh.sources.odbc_driver import Room
from afresh.sources.odbc_session import Session

_COALESCED = 32 * 1024 * 1024
_HELD = 16 * 1024 * 1024
_SMALLEST, _LARGEST = 4, 3


def in_pages(
    session: Session, room: Room, first: int, page: Callable[[pa.RecordBatch | None, int], str]
) -> Iterator[pa.RecordBatch]:
    """Pages of rows, the first of at most `first`, until one has less than was asked for. `page` writes the statement
    of the one behind the last rows, with so many at most; that of the first one behind None.

    A page is asked for as soon as the one before it has come, before its rows are handed on: the server makes it while
    they are looked at. Up to 16 MB of them wait for that, and each page is about as large, by the rows before it: on a
    small one the server and the driver wait for each other most of the time.
    """
    most = first
    coming = session.batches(page(None, most), room)
    while True:
        held, size, rows, came = deque[pa.RecordBatch](), 0, 0, 0
        for batch in coming:
            held.append(batch)
            rows += batch.num_rows
            more = batch.get_total_buffer_size()
            size, came = size + more, came + more
            while size > _HELD and len(held) > 1:
                size -= held[0].get_total_buffer_size()
                yield held.popleft()
        ended = rows < most
        if not ended:
            most = next_rows(first, came // rows, larger=room.ahead)
            coming = session.batches(page(held[-1], most), room)
        while held:
            yield held.popleft()
        if ended:
            return


def next_rows(first: int, row_bytes: int, *, larger: bool) -> int:
    """Rows of a page of about 16 MB: a fourth of the first page's at least, and three times as many at most, for the
    rows to come may be larger; or as many, where values can be so large that the first page was cut to that."""
    most = first * _LARGEST if larger else first
    return max(first // _SMALLEST, 1, min(most, _HELD // max(row_bytes, 1)))


def coalesced(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Batches of about that many rows out of smaller ones, or of 32 MB; never of more rows. None waits for one more
    that would not fit, if all are alike."""
    waiting: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        more = batch.get_total_buffer_size()
        if waiting and not _fits(count + batch.num_rows, size + more, rows):
            yield _joined(waiting)
            waiting, count, size = [], 0, 0
        waiting.append(batch)
        count, size = count + batch.num_rows, size + more
        if not _fits(count + batch.num_rows, size + more, rows):
            yield _joined(waiting)
            waiting, count, size = [], 0, 0
    if waiting:
        yield _joined(waiting)


def _fits(count: int, size: int, rows: int) -> bool:
    return count <= rows and size <= _COALESCED


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
