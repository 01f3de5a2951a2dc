"""A source whose large reads are cut into parts, which are read side by side and put together."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from afresh.core.errors import Cancelled
from afresh.core.model import Misfit, SourceInstant
from afresh.core.ports import Catalogue, Reading, SourceSystem, SourceTraits
from afresh.core.select import Query, Select, Statement

_POLL_SECONDS = 0.1
_WAIT_SECONDS = 2.0
"""How long the threads of parts get to end; the source ends a read within a second."""


class PartitionedSource:
    """Any source, of which a select with `partitions` is read by that many sessions. All else is passed on."""

    def __init__(self, inner: SourceSystem) -> None:
        self._inner = inner

    @property
    def traits(self) -> SourceTraits:
        """The source's."""
        return self._inner.traits

    @property
    def catalogue(self) -> Catalogue:
        """The source's."""
        return self._inner.catalogue

    def statement(self, select: Select | Query) -> Statement:
        """The source's, of the read as a whole."""
        return self._inner.statement(select)

    def parts(self, select: Select, count: int) -> AbstractContextManager[Sequence[Select]]:
        """The source's."""
        return self._inner.parts(select, count)

    def clock(self) -> SourceInstant | None:
        """The source's."""
        return self._inner.clock()

    def close(self) -> None:
        """Closes the source."""
        self._inner.close()

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows of all parts as they come, at most one batch of each ahead of the caller.

        The first error of a part ends the others and is raised; so does a cancellation, and closing the iterator. In
        the end no part has a session any more.
        """
        if isinstance(select, Query) or select.partitions == 1:
            yield from self._inner.read(select, reading, batch_rows)
            return
        reading.check()
        with self.parts(replace(select, partitions=1), select.partitions) as parts:
            if len(parts) == 1:
                yield from self._inner.read(parts[0], reading, batch_rows)
                return
            yield from _together([self._reader(part, batch_rows) for part in parts], reading)

    def _reader(self, part: Select, batch_rows: int) -> "Read":
        return lambda reading: self._inner.read(part, reading, batch_rows)


Read = Callable[[Reading], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class _End:
    """A part has ended, by an error or without."""

    error: BaseException | None = None


def _together(reads: Sequence[Read], reading: Reading) -> Iterator[pa.RecordBatch]:
    batches: queue.Queue[pa.RecordBatch | _End] = queue.Queue(len(reads))
    stopping = _Stopping(reading)
    with reading.interrupts(stopping.interrupt):
        threads = [
            threading.Thread(target=_drain, args=(read, stopping, batches), name="afresh-part", daemon=True)
            for read in reads
        ]
        for thread in threads:
            thread.start()
        try:
            yield from _until_ended(batches, len(reads), reading)
        finally:
            stopping.stop()
            for thread in threads:
                thread.join(_WAIT_SECONDS)


def _until_ended(
    batches: "queue.Queue[pa.RecordBatch | _End]", parts: int, reading: Reading
) -> Iterator[pa.RecordBatch]:
    while parts:
        reading.check()
        try:
            found = batches.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if not isinstance(found, _End):
            yield found
            continue
        parts -= 1
        if found.error is not None:
            reading.check()
            raise found.error


def _drain(read: Read, stopping: "_Stopping", batches: "queue.Queue[pa.RecordBatch | _End]") -> None:
    """Reads a part to its end, in a thread of its own, which closes it too."""
    end = _End()
    try:
        stream = read(stopping)
        try:
            for batch in stream:
                if not _put(batches, batch, stopping):
                    return
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()
    except BaseException as error:  # noqa: BLE001 - carried to the thread that reads the whole, which raises it
        end = _End(error)
    _put(batches, end, stopping)


def _put(batches: "queue.Queue[pa.RecordBatch | _End]", item: pa.RecordBatch | _End, stopping: "_Stopping") -> bool:
    while not stopping.requested:
        try:
            batches.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False


class _Stopping:
    """The reading of the parts: what they report goes to that of the whole, and they are stopped with it or alone."""

    def __init__(self, whole: Reading) -> None:
        self._whole = whole
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        """Whether the whole or its parts are to stop."""
        return self._stopped.is_set() or self._whole.requested

    def check(self) -> None:
        """Raises `Cancelled` if so."""
        self._whole.check()
        if self._stopped.is_set():
            raise Cancelled("another part of the read has ended it")

    @contextmanager
    def interrupts(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While open, a stop calls `interrupt`; at once if it was asked for before."""
        with self._lock:
            self._interrupts.append(interrupt)
        if self.requested:
            interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    def report(self, misfit: Misfit) -> None:
        """Reports for the whole, one part at a time."""
        with self._lock:
            self._whole.report(misfit)

    def stop(self) -> None:
        """Ends all parts."""
        self._stopped.set()
        self.interrupt()

    def interrupt(self) -> None:
        """Breaks off what all parts are waiting for."""
        with self._lock:
            for interrupt in self._interrupts:
                interrupt()
