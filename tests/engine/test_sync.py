"""One sync, from a task to its row in the log."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.engine.rig import DAILY, HOUR, HOURLY, ITEMS, MASS, Rig, in_thread, item, make_rig, table_config, wait_for

from afresh.core.errors import AfreshError, SourceUnavailable
from afresh.core.events import BatchMerged, ColumnsAdded, RowsStaged, SyncStarted, TableCreated, TableReloaded
from afresh.core.model import MergeCounts, Outcome, ReloadStrategy, SourceInstant
from afresh.core.options import ScheduleConfig
from afresh.core.ports import Cancellation
from afresh.core.schema import Column, TableSchema
from afresh.testing.clock import START
from afresh.testing.failpoints import Failing, Failpoint
from afresh.testing.source import MemoryFetcher, MemoryTable

PREPURGE = ScheduleConfig(interval=168 * HOUR, prepurge_data=True)


def stored(directory: Path, table_name: str = "Item") -> list[tuple[Any, ...]]:
    """Number and name of each row of the cache table."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return connection.execute(f"SELECT Id, Name FROM {table_name} ORDER BY Id").fetchall()


def tables(directory: Path) -> set[str]:
    """The names of all tables in the cache."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_first_mass(directory: Path) -> None:
    """The first sync makes the table, reads everything in pieces, merges by batches, and completes with the last."""
    rig = make_rig(directory, rows=[item(number) for number in range(25)], batch_size=10, bulk_copy_batch_size=4)
    ended = rig.sync()
    assert (ended.outcome, ended.rows, ended.counts) == (Outcome.SUCCEEDED, 25, MergeCounts(inserted=25))
    assert stored(directory) == [(number, "a") for number in range(25)]
    (update,) = rig.history()
    assert (update.was_successful, update.number_records, update.counts) == (True, 25, MergeCounts(inserted=25))
    assert (update.minimum_dt, update.source_dt, update.start_dt) == (None, START, START)
    assert [event.columns for event in rig.of(TableCreated)] == [3]
    assert [event.expected_rows for event in rig.of(SyncStarted)] == [25]
    assert max(event.rows for event in rig.of(RowsStaged)) == 4
    assert [event.counts.inserted for event in rig.of(BatchMerged)] == [10, 10, 5]


def test_window(directory: Path) -> None:
    """An Hourly reads from three hours before the last Daily or Mass, and what is not in its window stays."""
    rig = make_rig(directory, rows=[item(1, minutes=-600), item(2)])
    rig.sync(MASS)
    rig.clock.advance(HOUR)
    rig.source.table.change(2, Name="b", Changed=rig.clock.now())
    ended = rig.sync(HOURLY)
    assert rig.source.reads[-1] == START - 3 * HOUR
    assert ended.counts == MergeCounts(updated=1)
    assert stored(directory) == [(1, "a"), (2, "b")]
    assert rig.history()[0].minimum_dt == START - 3 * HOUR


def test_empty_source(directory: Path) -> None:
    """A read without rows is a success of 0 records."""
    rig = make_rig(directory)
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert rig.history()[0].number_records == 0


def test_source_clock_is_the_anchor(directory: Path) -> None:
    """The next window reaches back from the source's clock, as it was before the read."""
    rig = make_rig(directory, rows=[item(1)])
    behind = START - timedelta(minutes=20)
    rig.source.clock = lambda: SourceInstant(now=behind)  # type: ignore[method-assign] # a source whose clock is late
    rig.sync(MASS)
    rig.sync(DAILY)
    assert rig.source.reads == [None, behind - 72 * HOUR]


@pytest.mark.parametrize("strategy", ReloadStrategy)
def test_prepurge(directory: Path, strategy: ReloadStrategy) -> None:
    """A Mass with prepurge leaves what the source holds, and its counts say what went."""
    rig = make_rig(
        directory,
        [table_config(mass=PREPURGE, reload_strategy=strategy)],
        rows=[item(number) for number in range(30)],
        batch_size=8,
    )
    rig.sync()
    rig.source.table.delete(3)
    rig.source.table.change(4, Name="b")
    ended = rig.sync()
    assert ended.counts == MergeCounts(updated=1, unchanged=28, deleted=1)
    assert len(stored(directory)) == 29
    assert [event.strategy for event in rig.of(TableReloaded)] == [strategy, strategy]
    assert rig.history()[0].counts == ended.counts
    assert not [name for name in tables(directory) if name.startswith(("Shadow", "Staging"))]


@pytest.mark.parametrize(("left", "outcome"), [(0, Outcome.FAILED), (4, Outcome.FAILED), (5, Outcome.SUCCEEDED)])
def test_shrink_guard(directory: Path, left: int, outcome: Outcome) -> None:
    """An extract of less than half the table's rows does not replace it, unless that is allowed once."""
    rig = make_rig(directory, [table_config(mass=PREPURGE)], rows=[item(number) for number in range(10)])
    rig.sync()
    for number in range(left, 10):
        rig.source.table.delete(number)
    ended = rig.sync()
    assert ended.outcome is outcome
    assert len(stored(directory)) == (10 if outcome is Outcome.FAILED else left)
    if outcome is Outcome.FAILED:
        assert "--allow-shrink" in (ended.hint or "")
        assert rig.history()[0].number_records == -1
        assert rig.sync(allow_shrink=True).counts.deleted == 10 - left
        assert len(stored(directory)) == left


@pytest.mark.parametrize("prepurge", [False, True])
def test_read_breaks_off(directory: Path, prepurge: bool) -> None:
    """A read that fails fails the sync, replaces and deletes nothing, and what is merged by then is simply true."""
    mass = ScheduleConfig(interval=168 * HOUR, prepurge_data=prepurge)
    rig = make_rig(directory, [table_config(mass=mass)], rows=[item(number) for number in range(40)], batch_size=10)
    rig.sync()
    for number in range(40):
        rig.source.table.change(number, Name="b")
    rig.source.fail_after = (35, SourceUnavailable("the line dropped"))
    ended = rig.sync()
    assert (ended.outcome, ended.error, ended.transient) == (Outcome.FAILED, "the line dropped", True)
    update = rig.history()[0]
    assert (update.was_successful, update.number_records, update.error_message) == (False, -1, "the line dropped")
    names = [name for _id, name in stored(directory)]
    assert names.count("b") == (0 if prepurge else 30)
    assert not [name for name in tables(directory) if name.startswith(("Shadow", "Staging"))]
    rig.source.fail_after = None
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert {name for _id, name in stored(directory)} == {"b"}


def test_error_of_a_fetcher_is_recorded(directory: Path) -> None:
    """An exception that is none of ours ends the sync as failed, with its type in the log."""
    rig = make_rig(directory, rows=[item(1)])
    rig.source.fail_after = (0, ZeroDivisionError("in the fetcher"))
    assert rig.sync().outcome is Outcome.FAILED
    assert rig.history()[0].error_message == "ZeroDivisionError: in the fetcher"


def test_fetcher_that_breaks_its_schema(directory: Path) -> None:
    """Other columns than the fetcher's schema says stop the sync, and the message names the first difference."""
    other = TableSchema(
        columns=(*ITEMS.columns[:1], Column(name="Name", type=pa.int64()), ITEMS.columns[2]), key=("Id",)
    )

    class Lying(MemoryFetcher):
        def fetch(self, minimum_dt: datetime | None, cancel: Cancellation) -> Iterator[pa.RecordBatch]:
            yield pa.RecordBatch.from_pylist([item(1) | {"Name": 1}], schema=other.arrow())

    rig = make_rig(directory)
    _use(rig, Lying(MemoryTable(ITEMS)))
    ended = rig.sync()
    assert ended.outcome is Outcome.FAILED
    assert "Name is int64, not string" in (ended.error or "")


def test_null_in_a_key(directory: Path) -> None:
    """A null in a key column stops the sync, and the message counts the rows."""
    rig = make_rig(directory)
    nullable = TableSchema(columns=ITEMS.columns, key=("Id",))

    class Keyless(MemoryFetcher):
        def fetch(self, minimum_dt: datetime | None, cancel: Cancellation) -> Iterator[pa.RecordBatch]:
            arrow = pa.schema([pa.field(column.name, column.type) for column in nullable.columns])
            yield pa.RecordBatch.from_pylist([item(1) | {"Id": None}, item(2)], schema=arrow)

    _use(rig, Keyless(MemoryTable(ITEMS)))
    ended = rig.sync()
    assert ended.outcome is Outcome.FAILED
    assert "Item.Id: a key column is null in 1 rows" in (ended.error or "")


def test_columns_are_added(directory: Path) -> None:
    """A new nullable column of the fetcher is added to the cache table; anything else stops the sync."""
    rig = make_rig(directory, rows=[item(1)])
    rig.sync()
    wider = TableSchema(columns=(*ITEMS.columns, Column(name="Price", type=pa.decimal128(9, 2))), key=("Id",))
    _use(rig, MemoryFetcher(MemoryTable(wider, [item(1) | {"Price": None}])))
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert [event.columns for event in rig.of(ColumnsAdded)] == [("Price",)]
    _use(rig, MemoryFetcher(MemoryTable(ITEMS, [item(1)])))
    ended = rig.sync()
    assert "Price: the table has it, the fetcher does not" in (ended.error or "")
    assert stored(directory) == [(1, "a")]


class Follower:
    """A post-processor that notes what it finds, and fails if it is told to."""

    def __init__(self, directory: Path, error: Exception | None = None) -> None:
        self.directory = directory
        self.error = error
        self.found: list[tuple[int, int]] = []

    def process(self, table_name: str, cancel: Cancellation) -> None:
        with closing(sqlite3.connect(self.directory / "cache.db")) as connection:
            (records,) = connection.execute("SELECT NumberRecords FROM DataUpdate ORDER BY Id DESC").fetchone()
        self.found.append((len(stored(self.directory, table_name)), records))
        if self.error is not None:
            raise self.error


def test_post_processor(directory: Path) -> None:
    """It runs when the data is in and the update is still open; then the update is completed."""
    follower = Follower(directory)
    rig = make_rig(directory, rows=[item(1), item(2)], post_processor=follower)
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert follower.found == [(2, -2)]
    assert rig.history()[0].number_records == 2


def test_post_processor_fails(directory: Path) -> None:
    """If it fails the sync failed, though the data is in; the next sync runs it again."""
    follower = Follower(directory, ZeroDivisionError("follow"))
    rig = make_rig(directory, rows=[item(1)], post_processor=follower)
    ended = rig.sync()
    assert ended.outcome is Outcome.FAILED
    assert "the post-processor failed: ZeroDivisionError: follow" in (ended.error or "")
    assert (stored(directory), rig.history()[0].number_records) == ([(1, "a")], -1)
    follower.error = None
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert len(follower.found) == 2


def test_re_index(directory: Path) -> None:
    """A Mass with re-indexing keeps the rows and completes after it."""
    rig = make_rig(
        directory,
        [table_config(mass=ScheduleConfig(interval=HOUR, re_index_data=True))],
        rows=[item(1)],
    )
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert stored(directory) == [(1, "a")]


@pytest.mark.parametrize(("moment", "merged"), [("after append", 0), ("after merge", 20)])
@pytest.mark.parametrize("prepurge", [False, True])
def test_update_lost(directory: Path, moment: str, merged: int, prepurge: bool) -> None:
    """Once another instance has closed our update, nothing more is written, and the sync says that it lost it."""
    mass = ScheduleConfig(interval=168 * HOUR, prepurge_data=prepurge)
    rig = make_rig(directory, [table_config(mass=mass)], rows=[item(number) for number in range(30)], batch_size=20)
    other = make_rig(directory)
    _use_cache(rig, Failing(rig.cache, Failpoint(moment, lambda: _close(other))))
    ended = rig.sync()
    assert ended.outcome is Outcome.FAILED
    assert "another instance closed it" in (ended.error or "")
    assert rig.history()[0].outcome is Outcome.INTERRUPTED
    assert len(stored(directory)) == (0 if prepurge else merged)
    assert not [name for name in tables(directory) if name.startswith("Shadow")]


def test_already_running(directory: Path) -> None:
    """A second service on the same cache does not sync a table that the first one syncs."""
    first, second = make_rig(directory, rows=[item(1)]), make_rig(directory, rows=[item(1)])
    first.source.hold = threading.Event()
    thread = in_thread(first.sync)
    assert first.source.reading.wait(5)
    ended = second.sync()
    assert ended.outcome is Outcome.FAILED
    assert "has not ended" in (ended.error or "")
    assert ended.transient
    first.source.hold.set()
    thread.join()
    assert [update.outcome for update in first.history()] == [Outcome.SUCCEEDED]


@pytest.mark.parametrize("prepurge", [False, True])
def test_cancelled_while_the_source_hangs(directory: Path, prepurge: bool) -> None:
    """A cancelled sync ends within a second even if its source does not answer, and is recorded as cancelled."""
    mass = ScheduleConfig(interval=168 * HOUR, prepurge_data=prepurge)
    rig = make_rig(directory, [table_config(mass=mass)], rows=[item(number) for number in range(30)], batch_size=1_000)
    rig.source.hold = threading.Event()
    ended: list[Any] = []
    thread = in_thread(lambda: ended.append(rig.sync()))
    assert rig.source.reading.wait(5)
    began = time.monotonic()
    rig.token.request("enough")
    thread.join()
    assert time.monotonic() - began < 1.5
    rig.source.hold.set()
    assert (ended[0].outcome, ended[0].error) == (Outcome.CANCELLED, "enough")
    update = rig.history()[0]
    assert (update.outcome, update.number_records) == (Outcome.CANCELLED, -1)
    assert stored(directory) == []
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "afresh-read"])


def test_cancelled_in_a_long_merge(directory: Path) -> None:
    """A cancellation in the middle of a large batch's merge takes effect within a second; the table is as it was."""
    rig = make_rig(directory, rows=[item(1)], batch_size=1_000_000, bulk_copy_batch_size=100_000)
    rig.sync()
    rows = [item(number, "b") for number in range(100_000)]
    _use(rig, MemoryFetcher(MemoryTable(ITEMS, rows), batch_rows=100_000))
    times: list[float] = []

    def request() -> None:
        times.append(time.monotonic())
        rig.token.request()

    _use_cache(rig, Failing(rig.cache, Failpoint("before merge", threading.Timer(0.02, request).start)))
    ended = rig.sync()
    assert ended.outcome is Outcome.CANCELLED
    assert time.monotonic() - times[0] < 1
    assert stored(directory) == [(1, "a")]
    assert rig.history()[0].outcome is Outcome.CANCELLED


def test_cancelled_after_success(directory: Path) -> None:
    """A cancellation that comes when the last data is in does not undo the success, in the log or in the event."""
    rig = make_rig(directory, rows=[item(1)])
    _use_cache(rig, Failing(rig.cache, Failpoint("in merge", lambda: threading.Timer(0, rig.token.request).start())))
    ended = rig.sync()
    update = rig.history()[0]
    assert ended.outcome is update.outcome


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 20, 30])
def test_success_is_in_the_last_transaction(directory: Path, rows: int) -> None:
    """Whatever the number of rows, success is written with the last batch, never on its own."""
    rig = make_rig(directory, rows=[item(number) for number in range(rows)], batch_size=10)
    alone: list[str] = []
    _use_cache(rig, Failing(rig.cache, Failpoint("before complete", lambda: alone.append("alone"))))
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert alone == []
    assert rig.history()[0].number_records == rows


def test_cache_that_cannot_be_told(directory: Path) -> None:
    """If the failure cannot be recorded either, the row stays open and the sync's own error is what is reported."""

    def refuse() -> None:
        raise AfreshError("the disk is gone")

    rig = make_rig(directory, rows=[item(1)])
    rig.source.fail_after = (0, SourceUnavailable("the line dropped"))
    _use_cache(rig, Failing(rig.cache, Failpoint("before complete", refuse)))
    assert rig.sync().error == "the line dropped"
    assert rig.history()[0].number_records == -2
    rig.service.tick()
    assert rig.history()[-1].outcome is Outcome.FAILED


def _close(rig: Rig) -> None:
    rig.cache.log.close_open(frozenset(), START)


def _use(rig: Rig, fetcher: MemoryFetcher) -> None:
    """Gives the table another fetcher."""
    table = rig.service.tables["Item"]
    rig.service.tables = {"Item": type(table)(config=table.config, fetcher=fetcher)}
    rig.sources["Item"] = fetcher


def _use_cache(rig: Rig, cache: Any) -> None:
    """Puts a wrapper around the service's cache."""
    place = rig.service.workplace
    rig.service.workplace = type(place)(
        cache=cache,
        clock=place.clock,
        emit=place.emit,
        instance_id=place.instance_id,
        batch_size=place.batch_size,
        bulk_copy_batch_size=place.bulk_copy_batch_size,
    )
