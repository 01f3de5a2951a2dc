"""Reads in parts: everything once, flat, and what happens to one part ends all."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa
import pytest

from afresh.core.errors import Cancelled, QueryFailed
from afresh.core.model import Misfit, SourceInstant
from afresh.core.ports import Catalogue, Reading, SourceTraits
from afresh.core.select import Output, Policy, Query, Raw, Select, Statement, TableName
from afresh.sources.partitioned import PartitionedSource
from afresh.testing.cancellation import ManualCancellation

WHOLE = Select(TableName("T"), (Output("N", "N", pa.int64()),), None, 4)


class Scripted:
    """A fake source whose parts do what a test says; it counts the sessions that are open and the batches made."""

    def __init__(self, part: Callable[[str, Reading], Iterator[pa.RecordBatch]], parts: int = 4) -> None:
        self.part, self.count = part, parts
        self.open = self.most_open = self.made = 0
        self.cut_open = False
        self._lock = threading.Lock()

    @property
    def traits(self) -> SourceTraits:
        raise NotImplementedError

    @property
    def catalogue(self) -> Catalogue:
        raise NotImplementedError

    def statement(self, select: Select | Query) -> Statement:
        raise NotImplementedError

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        assert self.cut_open or isinstance(select, Query)
        with self._lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            where = select.where.sql if isinstance(select, Select) and isinstance(select.where, Raw) else ""
            for batch in self.part(where, reading):
                self.made += 1
                yield batch
        finally:
            with self._lock:
                self.open -= 1

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        assert select.partitions == 1
        self.cut_open = True
        try:
            yield tuple(replace(select, where=Raw(str(number))) for number in range(min(count, self.count)))
        finally:
            self.cut_open = False

    def clock(self) -> SourceInstant | None:
        return None

    def close(self) -> None:
        """Nothing to close."""


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"N": pa.array(numbers, pa.int64())})


def counting(where: str, reading: Reading) -> Iterator[pa.RecordBatch]:
    for number in range(50):
        reading.check()
        yield batch(int(where or 0) * 50 + number)


def waiting(where: str, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Yields one batch; then waits in a driver until it is interrupted."""
    yield batch(int(where))
    released = threading.Event()
    with reading.interrupts(released.set):
        released.wait(20)
    reading.check()
    raise AssertionError("nobody interrupted")


def read(source: Scripted, reading: Reading | None = None) -> Iterator[pa.RecordBatch]:
    return PartitionedSource(source).read(WHOLE, reading or ManualCancellation(), 10)


def test_all_parts_side_by_side() -> None:
    """The batches of all parts come, each once, from sessions of their own."""
    together = threading.Barrier(4, timeout=10)

    def part(where: str, reading: Reading) -> Iterator[pa.RecordBatch]:
        together.wait()
        yield from counting(where, reading)

    source = Scripted(part)
    rows: list[dict[str, int]] = [row for found in read(source) for row in found.to_pylist()]
    assert sorted(row["N"] for row in rows) == list(range(200))
    assert (source.open, source.most_open, source.cut_open) == (0, 4, False)


def test_one_part_is_read_without_threads() -> None:
    """A read that the source does not cut is passed on."""
    before = threading.active_count()
    found = read(Scripted(counting, parts=1))
    next(found)
    assert threading.active_count() == before
    assert len(list(found)) == 49


def test_queries_are_passed_on() -> None:
    """A query has no parts."""
    found = PartitionedSource(Scripted(counting)).read(Query("SELECT 1", None), ManualCancellation(), 10)
    assert len(list(found)) == 50


def test_parts_wait_for_the_reader() -> None:
    """However slow the caller is, no part runs more than a few batches ahead."""
    source = Scripted(counting)
    found = read(source)
    next(found)
    time.sleep(0.5)
    assert source.made <= 1 + 4 + 4
    found.close()  # type: ignore[attr-defined]
    assert source.open == 0


def test_an_error_of_one_part_ends_all() -> None:
    """The error is raised as it is, soon, and no session stays open."""

    def part(where: str, reading: Reading) -> Iterator[pa.RecordBatch]:
        if where == "2":
            raise QueryFailed("part 2 is broken")
        yield from waiting(where, reading)

    source = Scripted(part)
    began = time.monotonic()
    with pytest.raises(QueryFailed, match="part 2"):
        list(read(source))
    assert time.monotonic() - began < 5
    assert source.open == 0


def test_a_cancellation_ends_all() -> None:
    """A request to stop interrupts every part."""
    cancel, source = ManualCancellation(), Scripted(waiting)
    timer = threading.Timer(0.2, cancel.request)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        list(read(source, cancel))
    assert time.monotonic() - began < 5
    timer.join()
    assert source.open == 0


def test_closing_ends_all() -> None:
    """Whoever stops reading leaves nothing open."""
    source = Scripted(waiting)
    found = read(source)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert (source.open, source.cut_open) == (0, False)


def test_what_parts_report() -> None:
    """Values that do not fit are reported for the whole."""

    def part(where: str, reading: Reading) -> Iterator[pa.RecordBatch]:
        reading.report(Misfit(column="N", policy=Policy.NULL, rows=1, reason=where))
        yield batch(1)

    cancel = ManualCancellation()
    list(read(Scripted(part), cancel))
    assert sorted(misfit.reason for misfit in cancel.misfits) == ["0", "1", "2", "3"]
