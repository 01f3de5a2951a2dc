"""The kit for sources: reads that are stopped, tables that change, states, parts and memory."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from afresh.core.errors import Cancelled, SourceError
from afresh.core.schema import Column
from afresh.core.select import Compare, Output, Query, Select
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.source_kit_reads import ID, TEXT
from afresh.testing.source_kit_rig import SourceBench, SourceRig, rows_of

PROMPT = 1.0
"""Seconds within which a cancellation ends a read."""


class CancelKit(SourceRig):
    """A request to stop ends a read within a second, wherever it is, and leaves no session."""

    def test_before_it_begins(self, bench: SourceBench) -> None:
        """A read that was cancelled before delivers nothing."""
        what, cancel = bench.create([ID, TEXT], [(1, "a")]), ManualCancellation()
        cancel.request()
        with pytest.raises(Cancelled):
            bench.rows(what, reading=cancel)

    def test_between_batches(self, bench: SourceBench) -> None:
        """After a request no more than what was already there comes, and soon."""
        what, cancel, source = bench.fill(50_000), ManualCancellation(), bench.source()
        read = source.read(what, cancel, 100)
        assert next(read).num_rows == 100
        cancel.request()
        with prompt(), pytest.raises(Cancelled):
            list(read)
        assert bench.rows(Select(what.table, what.outputs, Compare(("Id",), "<=", 2)), source)[0][0] == 1

    def test_a_statement_under_way(self, bench: SourceBench) -> None:
        """A statement that has not given its first row is broken off."""
        bench.create([ID, TEXT], [(1, "a")])
        cancel, source = ManualCancellation(), bench.source()
        asked: list[float] = []

        def ask() -> None:
            asked.append(time.monotonic())
            cancel.request()

        timer = threading.Timer(0.5, ask)
        timer.start()
        try:
            with pytest.raises(Cancelled):
                bench.rows(Query(self.endless(), None, (Output("N", "N", pa.int64()),)), source, reading=cancel)
            assert time.monotonic() - asked[0] < PROMPT
        finally:
            timer.join()
        assert len(bench.rows(bench.select([ID, TEXT]), source)) == 1

    def test_by_another_thread_in_mid_stream(self, bench: SourceBench) -> None:
        """A request from another thread while rows are coming ends the read."""
        what, cancel, source = bench.fill(200_000), ManualCancellation(), bench.source()
        read = source.read(what, cancel, 10)
        next(read)
        timer = threading.Timer(0.05, cancel.request)
        timer.start()
        with prompt(), pytest.raises(Cancelled):
            self._drain(read)
        timer.join()

    @staticmethod
    def _drain(read: Iterator[pa.RecordBatch]) -> None:
        """Takes the rows slowly, so that they do not end before the request."""
        for _ in read:
            time.sleep(0.0005)


class ChangeKit(SourceRig):
    """Tables do not wait for us."""

    V = Column(name="V", type=pa.int32())

    @pytest.mark.parametrize("change", ["drop", "retype"])
    def test_a_column_changed_since_it_was_described(self, bench: SourceBench, change: str) -> None:
        """A column that was dropped, or has values of another type now, is an error that names it; nothing is made up
        in its place."""
        what = bench.create([ID, self.V], [(1, 10), (2, 20)])
        bench.execute(*self.alter_sql(bench.directory, "Item", change))
        with pytest.raises(SourceError, match=r"\bV\b"):
            bench.rows(what)

    def test_a_column_was_added_since(self, bench: SourceBench) -> None:
        """A column that is not asked for does not matter."""
        what = bench.create([ID, self.V], [(1, 10)])
        bench.execute(*self.alter_sql(bench.directory, "Item", "add"))
        assert bench.rows(what) == [(1, 10)]
        info = bench.source().catalogue.describe(bench.table())
        assert info is not None
        assert [column.name for column in info.columns] == ["Id", "V", "W"]

    def test_the_table_was_dropped_since(self, bench: SourceBench) -> None:
        """A table that has gone is an error that names it."""
        what = bench.create([ID, self.V], [(1, 10)])
        bench.execute(f"DROP TABLE {bench.place()}")
        with pytest.raises(SourceError, match=r"(?i)item"):
            bench.rows(what)

    def test_one_state(self, bench: SourceBench) -> None:
        """Rows that change while they are read come as they were when the read began, each once; where the source
        cannot see one state, its traits say so."""
        what, source = bench.fill(20_000), bench.source()
        if not source.traits.snapshot_reads:
            pytest.xfail("the source's traits say that a read may see several states")
        read = source.read(what, ManualCancellation(), 50)
        first = next(read)
        with self.writing(bench):
            place, name, number = bench.place(), self.quote("Name"), self.quote("Id")
            bench.execute(
                f"UPDATE {place} SET {name} = 'changed' WHERE {number} > 10",
                f"DELETE FROM {place} WHERE {number} > 19000",
                f"UPDATE {place} SET {number} = {number} + 100000 WHERE {number} BETWEEN 15000 AND 15999",
            )
        found = rows_of([first, *read])
        assert [row[:2] for row in found] == [(number, f"name {number}") for number in range(1, 20_001)]

    @contextmanager
    def writing(self, bench: SourceBench) -> Iterator[None]:
        """Around what another program writes while a read is open."""
        del bench
        yield


class PartKit(SourceRig):
    """A read cut into parts."""

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_parts_are_the_whole(self, bench: SourceBench, count: int) -> None:
        """The parts deliver together each row once, and are at most as many as asked for."""
        what, source = bench.fill(5_000), bench.source()
        with source.parts(what, count) as parts:
            assert 1 <= len(parts) <= count
            found = [row for part in parts for row in bench.rows(part, source)]
        assert sorted(row[0] for row in found) == list(range(1, 5_001))

    def test_parts_of_a_window(self, bench: SourceBench) -> None:
        """The condition of the read holds in its parts."""
        what, source = bench.fill(5_000), bench.source()
        with source.parts(Select(what.table, what.outputs, Compare(("Id",), "<=", 4_000)), 3) as parts:
            found = [row[0] for part in parts for row in bench.rows(part, source)]
        assert sorted(found) == list(range(1, 4_001))

    @pytest.mark.parametrize("rows", [0, 1, 2])
    def test_parts_of_little(self, bench: SourceBench, rows: int) -> None:
        """A table with no rows or few is cut without loss."""
        what, source = bench.fill(rows), bench.source()
        with source.parts(what, 4) as parts:
            assert sorted(row[0] for part in parts for row in bench.rows(part, source)) == list(range(1, rows + 1))

    def test_parts_of_uneven_keys(self, bench: SourceBench) -> None:
        """Keys that lie in clusters, with null, negative and greatest numbers beside, are cut without loss."""
        keys = [-(2**63), -7, 0, 1, 2, 3, 4, 10**12, 10**12 + 1, 2**63 - 1]
        what, source = bench.create([ID, TEXT], [(key, "v") for key in keys]), bench.source()
        by_key = Select(what.table, what.outputs, None, 4, "Id")
        for asked in (what, by_key):
            with source.parts(asked, 4) as parts:
                assert sorted(row[0] for part in parts for row in bench.rows(part, source)) == keys

    def test_parts_by_a_column_with_nulls(self, bench: SourceBench) -> None:
        """Rows whose column to cut by is null are in one of the parts."""
        column = Column(name="V", type=pa.int32())
        rows = [(number, None if number % 3 == 0 else number * 10) for number in range(60)]
        what, source = bench.create([ID, column], rows), bench.source()
        with source.parts(Select(what.table, what.outputs, None, 3, "V"), 3) as parts:
            found = [row for part in parts for row in bench.rows(part, source)]
        assert sorted(row[0] for row in found) == list(range(60))

    def test_parts_share_one_state(self, bench: SourceBench) -> None:
        """What is changed while the parts are open is seen by none of them, where the source's traits say so."""
        what, source = bench.fill(5_000), bench.source()
        if not source.traits.shared_snapshots:
            pytest.xfail("the source's traits say that the parts of a read may see several states")
        place, name = bench.place(), self.quote("Name")
        with source.parts(what, 3) as parts:
            found = bench.rows(parts[0], source)
            bench.execute(f"UPDATE {place} SET {name} = 'changed'", f"DELETE FROM {place} WHERE {self.quote('Id')} > 9")
            found += [row for part in parts[1:] for row in bench.rows(part, source)]
        assert sorted(row[0] for row in found) == list(range(1, 5_001))
        assert {row[1] for row in found} == {f"name {number}" for number in range(1, 5_001)}


@contextmanager
def prompt(seconds: float = PROMPT) -> Iterator[None]:
    """Fails if what is done takes longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds
