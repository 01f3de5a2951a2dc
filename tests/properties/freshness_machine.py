"""A source that is edited at random, a service that syncs it, and what must be true of the cache at every quiet point.

The oracle knows nothing of windows and merges. It knows which versions of each row were ever committed, which rows
only a Mass can bring (their stamp went back), and which deletions only a Mass with prepurge can bring.
"""

import sqlite3
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from afresh.caches.sqlite import SqliteCache
from afresh.core.errors import SourceUnavailable
from afresh.core.events import Event, SyncEnded
from afresh.core.model import MergeCounts, Outcome, ReloadStrategy, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.engine.cancellation import CancelToken
from afresh.engine.instance import new_instance_id
from afresh.engine.service import Service
from afresh.engine.sync import Table, Workplace
from afresh.testing.clock import START, ManualClock
from afresh.testing.executor import InlineExecutor
from afresh.testing.scratch import scratch
from afresh.testing.source import MemoryFetcher, MemoryTable

HOUR = timedelta(hours=1)
NAME = "Stock"

COLUMNS = (
    Column(name="Branch", type=pa.string()),
    Column(name="Item", type=pa.int64()),
    Column(name="Text", type=pa.string()),
    Column(name="Quantity", type=pa.decimal128(15, 4)),
    Column(name="Changed", type=TIMESTAMP),
)

Key = tuple[Any, ...]
Row = tuple[Any, ...]

KEYS = st.tuples(st.sampled_from(["", "M30", "m30", "M30 "]), st.integers(0, 2))
CONTENTS = st.tuples(
    st.none() | st.sampled_from(["a", "A", "", "ä", "🙂"]),
    st.none() | st.sampled_from([Decimal("0.0000"), Decimal("-1.5000"), Decimal("99999999999.9999")]),
)


class LateCommits(RuleBasedStateMachine):
    """Transactions that commit some time after they took their stamp, and syncs of any type in between."""

    lookback: ClassVar[float] = 3.0

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.clock = ManualClock(START + timedelta(seconds=0.5))
        self.directory = self.resources.enter_context(scratch())
        self.events: list[Event] = []
        self.uncommitted: list[tuple[datetime, Row]] = []
        self.versions: dict[Key, set[Row]] = {}
        self.newest: dict[Key, datetime] = {}
        self.went_back: set[Key] = set()
        self.ghosts: set[Key] = set()

    @initialize(
        prepurge=st.booleans(),
        strategy=st.sampled_from(ReloadStrategy),
        batch_size=st.sampled_from([1, 3, 1_000]),
        has_stamp=st.sampled_from([True, True, True, False]),
    )
    def configure(self, *, prepurge: bool, strategy: ReloadStrategy, batch_size: int, has_stamp: bool) -> None:
        schema = TableSchema(columns=COLUMNS, key=("Branch", "Item"), last_update="Changed" if has_stamp else None)
        self.prepurge, self.batch_size = prepurge, batch_size
        self.table = MemoryTable(schema)
        self.fetcher = MemoryFetcher(self.table, clock=self.clock, batch_rows=2)
        self.source = DataSourceConfig(
            table_name=NAME,
            source_system="ERP",
            fetcher="memory",
            mass=ScheduleConfig(interval=168 * HOUR, prepurge_data=prepurge),
            daily=ScheduleConfig(interval=24 * HOUR),
            hourly=ScheduleConfig(interval=HOUR),
            reload_strategy=strategy,
            minimum_retained_ratio=0.0,
        )
        self.start_service()

    def teardown(self) -> None:
        if hasattr(self, "service"):
            self.service.release()
        self.resources.close()

    # ------------------------------------------------------------------------------------------- the source

    @rule(key=KEYS, content=CONTENTS, minutes=st.sampled_from([0, 61, 179]))
    def write(self, key: Key, content: tuple[Any, Any], minutes: int) -> None:
        """A transaction takes its stamp, the second, now, and commits at once or later, out of order with others.

        It never takes longer than the lookback of the shortest schedule.
        """
        commit_at = self.clock.now() + timedelta(minutes=minutes)
        self.uncommitted.append((commit_at, (*key, *content, self.clock.now().replace(microsecond=0))))
        self.commit_what_is_due()

    # ------------------------------------------------------------------------------------------ the service

    @rule(minutes=st.sampled_from([1, 30, 59, 60, 61, 600, 1_440]), seconds=st.sampled_from([0, 0.5, 1]))
    def pass_time(self, minutes: int, seconds: float) -> None:
        """Time passes, and transactions commit in it."""
        end = self.clock.now() + timedelta(minutes=minutes, seconds=seconds)
        for commit_at in sorted(commit_at for commit_at, _row in self.uncommitted if commit_at <= end):
            self.clock.set(commit_at)
            self.commit_what_is_due()
        self.clock.set(end)

    @rule(update_type=st.sampled_from(UpdateType))
    def sync(self, update_type: UpdateType) -> None:
        """Somebody asks for a sync; a second one at the same moment writes nothing."""
        self.forget_echoes_of_deleted()
        self.synced(self.sync_now(update_type))
        again = self.sync_now(update_type)
        self.synced(again)
        assert (again.counts.inserted, again.counts.updated, again.counts.deleted) == (0, 0, 0)

    # ------------------------------------------------------------------------------------------- the oracle

    @invariant()
    def holds_only_what_was_true(self) -> None:
        """Every row of the cache is a version that was once committed, and no key is there twice."""
        if not hasattr(self, "service"):
            return
        for key, row in self.in_cache().items():
            assert row in self.versions[key]

    def synced(self, ended: SyncEnded) -> None:
        """A success means: every row of the source is there as it is, but for what only a Mass can bring."""
        mass = ended.task.update_type is UpdateType.MASS
        if mass and self.prepurge and not self.table.rows() and not ended.task.allow_shrink and self.in_cache():
            assert ended.outcome is Outcome.FAILED
            return
        assert ended.outcome is Outcome.SUCCEEDED, ended.error
        full = ended.task.minimum_dt is None
        if mass:
            self.went_back.clear()
            if self.prepurge:
                self.ghosts.clear()
        source, cache = self.in_source(), self.in_cache()
        for key, row in source.items():
            assert key in cache, f"{row} is lost"
            assert cache[key] == row or key in self.went_back, f"{row} is still {cache[key]} in the cache"
        assert set(cache) - set(source) <= self.ghosts
        if mass and self.prepurge:
            assert cache == source
        self.check_counts(ended, len(source), full=full)

    def check_counts(self, ended: SyncEnded, in_source: int, *, full: bool) -> None:
        """What the event says is what the log says, and it adds up."""
        logged = self.service.workplace.cache.log.history(limit=1)[0]
        counts: MergeCounts = ended.counts
        assert (logged.operation_id, logged.number_records, logged.counts) == (
            ended.task.operation_id,
            ended.rows,
            counts,
        )
        assert ended.rows == counts.inserted + counts.updated + counts.unchanged + counts.duplicates
        assert ended.rows >= in_source or not full

    # -------------------------------------------------------------------------------------------- the means

    def start_service(self) -> None:
        options = DataSyncOptions(
            cache=CacheConfig(url="sqlite:///cache.db"),
            data_sources=(self.source,),
            lookback_multiplier=self.lookback,
        )
        workplace = Workplace(
            cache=SqliteCache(self.directory / "cache.db", options.cache),
            clock=self.clock,
            emit=self.events.append,
            instance_id=new_instance_id(),
            batch_size=self.batch_size,
            bulk_copy_batch_size=2,
        )
        tables = {NAME: Table(config=self.source, fetcher=self.fetcher)}
        self.service = Service(options, tables, workplace, InlineExecutor())
        self.service.recover()

    def sync_now(self, update_type: UpdateType) -> SyncEnded:
        return self.service.sync_now(NAME, update_type, CancelToken(), allow_shrink=True)

    def commit_what_is_due(self) -> None:
        due = [begun for begun in self.uncommitted if begun[0] <= self.clock.now()]
        for begun in due:
            self.uncommitted.remove(begun)
            self.commit(begun[1])

    def commit(self, row: Row) -> None:
        """Makes a version of a row visible."""
        key, stamp = row[:2], row[-1]
        self.table.put(dict(zip(self.table.schema.names, row, strict=True)))
        self.versions.setdefault(key, set()).add(row)
        newest = self.newest.get(key)
        if self.table.schema.last_update is not None and newest is not None and (stamp is None or stamp < newest):
            self.went_back.add(key)
        else:
            self.went_back.discard(key)
        if stamp is not None:
            self.newest[key] = max(stamp, newest or stamp)

    def forget_echoes_of_deleted(self) -> None:
        """A row that is gone is not met by a read."""
        there = self.in_source()
        for row in self.table.take_echoes():
            if (row["Branch"], row["Item"]) in there:
                self.table.echo(row)

    def in_source(self) -> dict[Key, Row]:
        """The source's rows by key."""
        return {(row["Branch"], row["Item"]): tuple(row.values()) for row in self.table.rows()}

    def in_cache(self) -> dict[Key, Row]:
        """The cache's rows by key, read and decoded by hand."""
        path = self.directory / "cache.db"
        if not path.exists():
            return {}
        with closing(sqlite3.connect(path)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (NAME,)).fetchone():
                return {}
            rows = connection.execute(f"SELECT Branch, Item, Text, Quantity, Changed FROM {NAME}").fetchall()
        found = {(row[0], row[1]): (*row[:3], _decimal(row[3]), _instant(row[4])) for row in rows}
        assert len(found) == len(rows)
        return found


class Freshness(LateCommits):
    """All that sources do to their rows, checks, failures and restarts besides."""

    @rule(key=KEYS, content=CONTENTS)
    def write_without_stamp(self, key: Key, content: tuple[Any, Any]) -> None:
        """A tool writes a row and leaves its stamp null."""
        self.commit((*key, *content, None))

    @precondition(lambda self: self.table.rows())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A row is deleted without a trace."""
        key = data.draw(st.sampled_from(sorted(self.in_source())))
        self.table.delete(*key)
        self.ghosts.add(key)

    @precondition(lambda self: self.table.rows())
    @rule(data=st.data())
    def deliver_twice(self, data: st.DataObject) -> None:
        """The next read meets a row twice: as it is, or first in an earlier version."""
        key = data.draw(st.sampled_from(sorted(self.in_source())))
        version = data.draw(st.sampled_from(sorted(self.versions[key], key=repr)))
        self.table.echo(dict(zip(self.table.schema.names, version, strict=True)))

    @rule()
    def check(self) -> None:
        """The service looks at its schedules and does what is due."""
        self.forget_echoes_of_deleted()
        before = len(self.events)
        self.service.check()
        for event in self.events[before:]:
            if isinstance(event, SyncEnded):
                self.synced(event)

    @rule(update_type=st.sampled_from(UpdateType), rows=st.integers(0, 6))
    def fail(self, update_type: UpdateType, rows: int) -> None:
        """A read breaks off in the middle."""
        self.forget_echoes_of_deleted()
        self.fetcher.fail_after = (rows, SourceUnavailable("the line dropped"))
        try:
            ended = self.sync_now(update_type)
        finally:
            self.fetcher.fail_after = None
        assert ended.outcome is Outcome.FAILED
        assert self.service.workplace.cache.log.history(limit=1)[0].number_records == -1

    @rule()
    def restart(self) -> None:
        """The service ends and another one starts."""
        self.service.release()
        self.start_service()


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
