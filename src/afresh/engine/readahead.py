"""Reading and writing at the same time: a thread reads, the caller writes, a short queue lies between."""

import queue
import threading
from collections.abc import Callable, Iterator

import pyarrow as pa

from afresh.engine.cancellation import CancelToken

_QUEUED_BATCHES = 2
_POLL_SECONDS = 0.1
_ABANDON_SECONDS = 0.5
"""A fetch that does not end by then when asked to is left to itself: it can no longer reach the cache."""


class _End:
    """The last thing in the queue: the read ended, by an error or without."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(
    fetch: Callable[[CancelToken], Iterator[pa.RecordBatch]], cancel: CancelToken
) -> Iterator[pa.RecordBatch]:
    """The batches of `fetch`, read in a thread of their own, at most two ahead of the caller.

    The fetch is opened, drained and closed in that thread. An error of it is raised here, after the batches before
    it. When the caller stops early the fetch is cancelled, and its thread given a moment to end.
    """
    with cancel.linked() as token:
        batches: queue.Queue[pa.RecordBatch | _End] = queue.Queue(_QUEUED_BATCHES)
        thread = threading.Thread(target=_read, args=(fetch, token, batches), name="afresh-read", daemon=True)
        thread.start()
        try:
            while not isinstance(item := _get(batches, cancel), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            token.request("the write side ended")
            thread.join(_ABANDON_SECONDS)


def _read(
    fetch: Callable[[CancelToken], Iterator[pa.RecordBatch]],
    token: CancelToken,
    batches: "queue.Queue[pa.RecordBatch | _End]",
) -> None:
    end = _End()
    try:
        stream = fetch(token)
        try:
            for batch in stream:
                if not _put(batches, batch, token):
                    break
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()
    except BaseException as error:  # noqa: BLE001 - carried to the caller's thread, which raises it
        end = _End(error)
    _put(batches, end, token)


def _get(batches: "queue.Queue[pa.RecordBatch | _End]", cancel: CancelToken) -> pa.RecordBatch | _End:
    while True:
        cancel.check()
        try:
            return batches.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue


def _put(batches: "queue.Queue[pa.RecordBatch | _End]", item: pa.RecordBatch | _End, token: CancelToken) -> bool:
    while not token.requested:
        try:
            batches.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
