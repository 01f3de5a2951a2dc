"""The kit: others read and write at the same time, and a sync can be stopped at any moment."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise

import pytest

from afresh.core.errors import Cancelled
from afresh.core.model import Completion, MergeCounts, Outcome, ReloadStrategy
from afresh.core.ports import Stage
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, CacheRig, Row, at, batch, completion

ROWS = 2_000
BIG = 120_000
SOON, LATE = 0.3, 20.0


def generation(number: int, rows: int = ROWS) -> list[Row]:
    """The table as of one sync: every row says which."""
    return [(row, f"{number}", at(number)) for row in range(rows)]


class ReaderKit(CacheRig):
    """What others see while syncs run."""

    def test_reader_of_merges(self, bench: Bench) -> None:
        """A program that reads all the time sees each batch whole or not at all, in order, and never an error."""
        bench.merge(ITEMS, generation(0))
        with self.reader(bench) as seen:
            for number in range(1, 8):
                bench.merge(ITEMS, generation(number))
        assert all(states == [(f"{count}", ROWS)] for count, states in _settled(seen))

    def test_reader_of_reloads(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """A program that reads all the time sees the old table or the new one, never an empty or a mixed one."""
        bench.merge(ITEMS, generation(0))
        with self.reader(bench) as seen:
            for number in range(1, 8):
                bench.reload(ITEMS, strategy, generation(number)[:700], generation(number)[700:])
        assert all(states == [(f"{count}", ROWS)] for count, states in _settled(seen))

    def test_two_tables_at_once(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Syncs of two tables run at the same time without disturbing each other."""

        def merges() -> list[MergeCounts]:
            return [bench.merge(ITEMS, generation(number), table_name="Merged") for number in range(5)]

        def reloads() -> list[MergeCounts]:
            return [bench.reload(ITEMS, strategy, generation(number), table_name="Reloaded") for number in range(5)]

        with ThreadPoolExecutor(2) as executor:
            found = [future.result() for future in [executor.submit(merges), executor.submit(reloads)]]
        expected = [MergeCounts(inserted=ROWS), *[MergeCounts(updated=ROWS)] * 4]
        assert found == [expected, expected]
        assert bench.rows(table_name="Merged") == bench.rows(table_name="Reloaded") == generation(4)
        assert len(bench.cache.log.last_updates()) == 2

    def test_concurrent_writers(self, bench: Bench) -> None:
        """While one sync is in its transaction, another is applied beside it, or else waits for its turn."""
        for name in ("First", "Second"):
            bench.cache.create(name, PLAIN)
        operation, beside = bench.start("First"), bench.start("Second")
        concurrent = bench.cache.capabilities.concurrent_writers
        others: list[Future[MergeCounts]] = []

        def merge_other() -> MergeCounts:
            with bench.stage(PLAIN, "Second", operation_id=beside) as stage:
                stage.append(batch(PLAIN, [(1, "b")]))
                return stage.merge(trust_source=True, complete=lambda counts: completion(beside, counts=counts))

        with ThreadPoolExecutor(1) as executor, bench.stage(PLAIN, "First", operation_id=operation) as stage:
            stage.append(batch(PLAIN, [(1, "a")]))

            def complete(counts: MergeCounts) -> Completion:
                others.append(executor.submit(merge_other))
                done, _ = wait(others, timeout=LATE if concurrent else SOON)
                assert bool(done) == concurrent
                return completion(operation, counts=counts)

            stage.merge(trust_source=True, complete=complete)
            assert others[0].result(LATE) == MergeCounts(inserted=1)
        assert bench.rows(PLAIN, "First") == [(1, "a")]
        assert bench.rows(PLAIN, "Second") == [(1, "b")]
        assert bench.cache.log.history(open_only=True) == []

    def test_merge_cancelled_within_a_second(self, bench: Bench) -> None:
        """A cancellation breaks off a long merge within a second, and the table is as it was."""
        self._cancelled(bench, None)

    def test_reload_cancelled_within_a_second(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """A cancellation breaks off a long reload within a second, and the table is as it was."""
        bench.need(strategy)
        self._cancelled(bench, strategy)

    def _cancelled(self, bench: Bench, strategy: ReloadStrategy | None) -> None:
        bench.merge(ITEMS, generation(0))
        before = bench.tables()
        cancel = ManualCancellation()
        timing: list[float] = []

        def request() -> None:
            timing.append(time.monotonic())
            cancel.request()

        def work(stage: Stage) -> None:
            stage.append(batch(ITEMS, generation(1, BIG)))
            timer = threading.Timer(0.02, request)
            timer.start()
            try:
                stage.merge(trust_source=True)
                if strategy is not None:
                    stage.reload(strategy)
                while not cancel.requested:
                    time.sleep(0.001)
                stage.merge(trust_source=True)
                cancel.check()
            finally:
                timer.join()

        operation = bench.start()

        def sync() -> None:
            with bench.stage(ITEMS, operation_id=operation, cancel=cancel, reload=strategy is not None) as stage:
                work(stage)

        with pytest.raises(Cancelled):
            sync()
        assert time.monotonic() - timing[0] < 1
        bench.end(operation, Outcome.CANCELLED)
        assert bench.rows() == generation(0)
        assert bench.tables() == before

    def test_cancelled_before_a_statement(self, bench: Bench) -> None:
        """A request made between two calls stops the next one."""
        bench.merge(ITEMS, generation(0))
        cancel = ManualCancellation()

        def sync() -> None:
            with bench.stage(ITEMS, cancel=cancel) as stage:
                stage.append(batch(ITEMS, generation(1, BIG)))
                cancel.request()
                stage.merge(trust_source=True)

        with pytest.raises(Cancelled):
            sync()
        assert bench.rows() == generation(0)

    def test_cancelled_after_success(self, bench: Bench) -> None:
        """A request that comes when the data and its success are in changes nothing any more."""
        cancel = ManualCancellation()
        operation = bench.start()
        with bench.stage(ITEMS, operation_id=operation, cancel=cancel) as stage:
            stage.append(batch(ITEMS, generation(1)))

            stage.merge(trust_source=True, complete=lambda counts: completion(operation, counts=counts))
            cancel.request()
        assert bench.rows() == generation(1)
        assert bench.cache.log.last_updates()[0].counts == MergeCounts(inserted=ROWS)

    @contextmanager
    def reader(self, bench: Bench) -> Iterator[list[list[Row]]]:
        """Another program that reads the table every few milliseconds; what it saw, each state once."""
        seen: list[list[Row]] = []
        done = threading.Event()
        names = 'SELECT "Name", count(*) FROM "Item" GROUP BY "Name"'

        def poll() -> None:
            while not done.wait(0.002):
                state = self.execute(bench.directory, names)
                if not seen or state != seen[-1]:
                    seen.append(state)

        with ThreadPoolExecutor(1) as executor:
            polled = executor.submit(poll)
            try:
                yield seen
                _wait_for(lambda: polled.done() or (bool(seen) and seen[-1] == self.execute(bench.directory, names)))
            finally:
                done.set()
            polled.result()


def _settled(seen: list[list[Row]]) -> list[tuple[int, list[Row]]]:
    """What was seen, with the generation that it must be all of; generations only grow."""
    numbers = [int(state[0][0]) for state in seen if state]
    assert len(numbers) == len(seen), "the table was seen empty"
    assert all(before < after for before, after in pairwise(numbers))
    assert len(numbers) > 1
    return list(zip(numbers, seen, strict=True))


def _wait_for(met: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not met():
        assert time.monotonic() < give_up
        time.sleep(0.002)
