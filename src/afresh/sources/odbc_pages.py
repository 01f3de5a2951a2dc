"""Results in pages, as a driver that holds a whole result is read; and useful batches out of small ones."""

from collections import deque
from collections.abc import Callable, Iterator

import pyarrow as pa

from afresh.sources.odbc_driver import Room
from afresh.sources.odbc_session import Session

_COALESCED = 32 * 1024 * 1024
_HELD = 16 * 1024 * 1024


def in_pages(
    session: Session, sql: str, room: Room, most: int, following: Callable[[pa.RecordBatch], str]
) -> Iterator[pa.RecordBatch]:
    """The pages from that of `sql` on, until one has less than `most` rows; `following` writes the statement of the
    next one, given the last rows.

    A page is asked for as soon as the one before it has come, before its rows are handed on: the server makes it while
    they are looked at. Up to 16 MB of them wait for that.
    """
    rows = most
    coming = session.batches(sql, room)
    while rows >= most:
        held, size, rows = deque[pa.RecordBatch](), 0, 0
        for batch in coming:
            held.append(batch)
            rows += batch.num_rows
            size += batch.get_total_buffer_size()
            while size > _HELD and len(held) > 1:
                size -= held[0].get_total_buffer_size()
                yield held.popleft()
        if rows >= most:
            coming = session.batches(following(held[-1]), room)
        while held:
            yield held.popleft()


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
