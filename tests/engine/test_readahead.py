"""Reading ahead of the writer."""

import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest
from tests.engine.rig import wait_for

from afresh.core.errors import Cancelled, SourceUnavailable
from afresh.engine.cancellation import CancelToken
from afresh.engine.readahead import read_ahead

BATCH = pa.RecordBatch.from_arrays([pa.array([1])], ["Id"])


def _readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "afresh-read"]


def test_delivers_all_in_order() -> None:
    """All batches come, in order, and the reading thread has ended by then."""
    batches = [pa.RecordBatch.from_arrays([pa.array([number])], ["Id"]) for number in range(20)]
    found = list(read_ahead(lambda _token: iter(batches), CancelToken()))
    assert found == batches
    wait_for(lambda: not _readers())


def test_reads_at_most_two_ahead() -> None:
    """A slow writer holds the reader up: it is never more than the queue and one batch ahead."""
    read = 0

    def fetch(_token: CancelToken) -> Iterator[pa.RecordBatch]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield BATCH

    for taken, _batch in enumerate(read_ahead(fetch, CancelToken()), 1):
        time.sleep(0.01)
        assert read <= taken + 4
    assert read == 10


def test_error_comes_after_the_batches_before_it() -> None:
    """An error of the fetch is raised here as it was, after what was read before it."""
    error = SourceUnavailable("the line dropped")

    def fetch(_token: CancelToken) -> Iterator[pa.RecordBatch]:
        yield BATCH
        yield BATCH
        raise error

    stream = read_ahead(fetch, CancelToken())
    assert [next(stream), next(stream)] == [BATCH, BATCH]
    with pytest.raises(SourceUnavailable) as caught:
        next(stream)
    assert caught.value is error


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), SystemExit(3), KeyboardInterrupt()])
def test_any_error_is_carried(error: BaseException) -> None:
    """Whatever a fetch raises, even when it is opened, ends here and not in its thread."""

    def fetch(_token: CancelToken) -> Iterator[pa.RecordBatch]:
        raise error

    with pytest.raises(type(error)):
        list(read_ahead(fetch, CancelToken()))


def test_caller_that_stops_ends_the_fetch() -> None:
    """When the writer gives up, the fetch is cancelled and closed in its own thread."""
    closed: list[str] = []

    def fetch(token: CancelToken) -> Iterator[pa.RecordBatch]:
        try:
            while True:
                token.check()
                yield BATCH
        finally:
            closed.append(threading.current_thread().name)

    stream = read_ahead(fetch, CancelToken())
    next(stream)
    close = stream.close  # type: ignore[attr-defined] # it is a generator
    close()
    wait_for(lambda: closed == ["afresh-read"])
    wait_for(lambda: not _readers())


def test_cancel_while_the_fetch_hangs() -> None:
    """A cancellation is obeyed within a second though the fetch does not answer, and interrupts its driver."""
    release, interrupted, cancel = threading.Event(), threading.Event(), CancelToken()

    def fetch(token: CancelToken) -> Iterator[pa.RecordBatch]:
        yield BATCH
        with token.interrupts(interrupted.set):
            release.wait(20)

    stream = read_ahead(fetch, cancel)
    next(stream)
    began = time.monotonic()
    threading.Timer(0.05, cancel.request).start()
    with pytest.raises(Cancelled):
        next(stream)
    assert time.monotonic() - began < 1
    assert interrupted.is_set()
    release.set()
    wait_for(lambda: not _readers())


def test_cancelled_before_it_began() -> None:
    """With a request made before, nothing is delivered."""
    cancel = CancelToken()
    cancel.request()
    with pytest.raises(Cancelled):
        next(read_ahead(lambda _token: iter([BATCH]), cancel))
