"""Scenarios of one sync that no other test shows as they are written."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.rig import HOUR, ITEMS, MASS, item, make_rig, table_config

from afresh.caches.sqlite import SqliteCache
from afresh.caches.sqlite_stage import stage_names
from afresh.core.events import BatchMerged, RowsStaged, SyncEnded, SyncEvent, SyncStarted, TableCreated, TimeSpent
from afresh.core.model import DataUpdate, MergeCounts, Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSyncOptions, ScheduleConfig
from afresh.core.plan import check_shrink
from afresh.engine.cancellation import CancelToken
from afresh.testing.clock import START
from afresh.testing.kit_rig import batch


def rows(directory: Path, statement: str) -> list[tuple[Any, ...]]:
    """What another program reads in the cache."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return connection.execute(statement).fetchall()


def test_the_life_of_a_sync_is_a_stream_of_events(tmp_path: Path) -> None:
    """Start, the table made, pieces staged, each batch merged, end; each with the task it belongs to."""
    rig = make_rig(tmp_path, rows=[item(number) for number in range(5)], batch_size=4, bulk_copy_batch_size=2)
    rig.sync()
    life = [event for event in rig.events if isinstance(event, SyncEvent)]
    assert [type(event) for event in life] == [
        SyncStarted,
        TableCreated,
        RowsStaged,
        RowsStaged,
        BatchMerged,
        RowsStaged,
        BatchMerged,
        TimeSpent,
        SyncEnded,
    ]
    assert {event.task.operation_id for event in life} == {rig.history()[0].operation_id}
    assert [event.total_rows for event in life if isinstance(event, RowsStaged)] == [2, 4, 5]


@pytest.mark.parametrize("prepurge", [False, True])
def test_the_second_time_changes_nothing(tmp_path: Path, prepurge: bool) -> None:
    """The same sync again writes no row of the table, merged or reloaded, and counts all as unchanged."""
    schedule = ScheduleConfig(interval=HOUR, prepurge_data=prepurge)
    rig = make_rig(tmp_path, [table_config(mass=schedule)], rows=[item(number) for number in range(30)], batch_size=8)
    rig.sync(MASS)
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        connection.execute("CREATE TABLE Written (Id)")
        for change in ("INSERT", "UPDATE"):
            connection.execute(
                f"CREATE TRIGGER on_{change} AFTER {change} ON Item BEGIN INSERT INTO Written VALUES (new.Id); END"
            )
        connection.execute(
            "CREATE TRIGGER on_DELETE AFTER DELETE ON Item BEGIN INSERT INTO Written VALUES (old.Id); END"
        )
        connection.commit()
    ended = rig.sync(MASS)
    assert ended.counts == MergeCounts(unchanged=30)
    assert rows(tmp_path, "SELECT count(*) FROM Written") == [(0,)]
    assert rows(tmp_path, "SELECT count(*) FROM Item") == [(30,)]


def test_the_first_load_may_have_any_size(tmp_path: Path) -> None:
    """An empty table is replaced by whatever comes, a single row or none; a full one is not."""
    for loaded in (0, 1):
        check_shrink("Item", existing=0, loaded=loaded, retained_ratio=1.0, allowed=False)
    replaces = ScheduleConfig(interval=HOUR, prepurge_data=True)
    rig = make_rig(tmp_path, [table_config(mass=replaces, minimum_retained_ratio=1.0)])
    assert rig.sync().outcome is Outcome.SUCCEEDED
    rig.source.table.put(item(1))
    assert rig.sync().counts == MergeCounts(inserted=1)
    rig.source.table.clear()
    assert rig.sync().outcome is Outcome.FAILED


@pytest.mark.parametrize("reload", [False, True])
def test_staging_names_are_unique(tmp_path: Path, reload: bool) -> None:
    """Two syncs of one table, open at the same time, stage under names with their operation, and apart."""
    cache = make_rig(tmp_path).cache
    cache.create("Item", ITEMS)
    operations = ("1" * 32, "2" * 32)
    for operation in operations:
        assert f"StagingItem_{operation}" in stage_names("Item", operation).staging
        cache.log.start(_open(f"Item of {operation}", operation))
    with ExitStack() as open_stages:
        stages = [
            open_stages.enter_context(cache.stage("Item", ITEMS, operation, CancelToken(), reload=reload))
            for operation in operations
        ]
        for number, stage in enumerate(stages):
            stage.append(batch(ITEMS, [tuple(item(number).values())]))
        assert [stage.merge(trust_source=True).inserted for stage in stages] == [1, 1]
        made = {name for (name,) in rows(tmp_path, "SELECT name FROM sqlite_master WHERE name LIKE 'Shadow%'")}
        assert made == ({f"ShadowItem_{operation}" for operation in operations} if reload else set())
    assert rows(tmp_path, "SELECT count(*) FROM Item") == [(0 if reload else 2,)]


def test_indexes_are_rebuilt_while_the_update_is_open(tmp_path: Path) -> None:
    """With `re_index_data` the rows are in and the update is still open when the indexes are rebuilt."""
    found: list[tuple[int, int]] = []

    class Noting(SqliteCache):
        @contextmanager
        def stage(self, *arguments: Any, **keywords: Any) -> Iterator[Any]:
            with super().stage(*arguments, **keywords) as stage:
                rebuild = stage.rebuild_indexes

                def noted() -> None:
                    (records,) = rows(tmp_path, "SELECT NumberRecords FROM DataUpdate")[0]
                    found.append((rows(tmp_path, "SELECT count(*) FROM Item")[0][0], records))
                    rebuild()

                stage.rebuild_indexes = noted  # type: ignore[method-assign]  # to see when it is called
                yield stage

    mass = ScheduleConfig(interval=HOUR, re_index_data=True)
    cache = Noting(tmp_path / "cache.db", CacheConfig(url="sqlite:///cache.db"))
    rig = make_rig(tmp_path, [table_config(mass=mass)], rows=[item(1), item(2)], cache=cache)
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert found == [(2, -2)]
    assert rig.history()[0].number_records == 2


def test_defaults_are_those_of_the_specification() -> None:
    """What is not set is as it was specified: batches of a million rows, a lookback of three intervals."""
    options = DataSyncOptions(cache=CacheConfig(url="sqlite:///cache.db"))
    assert options.batch_size == 1_000_000
    assert options.lookback_multiplier == 3
    assert options.purge_retention_days > 0
    assert options.strict_schedules is False


def _open(table_name: str, operation: str) -> DataUpdate:
    return DataUpdate(
        table_name=table_name,
        source_system="ERP",
        update_type=UpdateType.MASS,
        operation_id=operation,
        instance_id="test",
        start_dt=START,
    )
