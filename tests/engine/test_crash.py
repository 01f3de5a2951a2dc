"""A service whose process is killed, and the one that starts after it."""

import multiprocessing
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.engine.rig import HOUR, MASS, Rig, item, make_rig, table_config

from afresh.core.events import SyncEnded, UpdatesClosed
from afresh.core.model import Outcome, ReloadStrategy
from afresh.core.options import DataSourceConfig, ScheduleConfig
from afresh.testing.failpoints import Failing, Failpoint, die

OLD = [item(number, "old") for number in range(60)]
NEW = [item(number, "new", 1) for number in range(20, 90)]

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.engine.rig", "afresh.testing.failpoints"])


def config(strategy: ReloadStrategy | None) -> DataSourceConfig:
    """A table whose Mass merges, or reloads in that way."""
    mass = ScheduleConfig(interval=168 * HOUR, prepurge_data=strategy is not None)
    return table_config(mass=mass, reload_strategy=strategy or ReloadStrategy.SWAP)


def sync_and_die(directory: Path, strategy: ReloadStrategy | None, moment: str, at: int) -> None:
    """In a process of its own: recovers, syncs, and is killed at that moment."""
    rig = make_rig(directory, [config(strategy)], rows=NEW, batch_size=25)
    place = rig.service.workplace
    rig.service.workplace = type(place)(
        cache=Failing(place.cache, Failpoint(moment, die, at)),
        clock=place.clock,
        emit=place.emit,
        instance_id=place.instance_id,
        batch_size=place.batch_size,
        bulk_copy_batch_size=place.bulk_copy_batch_size,
    )
    rig.service.recover()
    rig.sync(MASS)


def stored(directory: Path) -> list[tuple[Any, ...]]:
    """Number and name of each row of the cache table."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return connection.execute("SELECT Id, Name FROM Item ORDER BY Id").fetchall()


def pairs(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The same of the source's rows."""
    return [(row["Id"], row["Name"]) for row in rows]


def merged(batches: int) -> list[tuple[Any, ...]]:
    """The old rows after so many batches of the new ones."""
    return sorted((dict(pairs(OLD)) | dict(pairs(NEW[: 25 * batches]))).items())


@pytest.mark.parametrize(
    ("strategy", "moment", "at", "succeeded"),
    [
        (None, "after start", 1, False),
        (None, "after append", 4, False),
        (None, "after merge", 2, False),
        (None, "in merge", 1, False),
        (None, "after merge", 3, True),
        (ReloadStrategy.SWAP, "before reload", 1, False),
        (ReloadStrategy.SWAP, "in reload", 1, False),
        (ReloadStrategy.SWAP, "after reload", 1, True),
        (ReloadStrategy.TRUNCATE, "in reload", 1, False),
        (ReloadStrategy.TRUNCATE, "after reload", 1, True),
    ],
)
def test_killed_and_started_again(
    directory: Path, strategy: ReloadStrategy | None, moment: str, at: int, succeeded: bool
) -> None:
    """Success is in the log exactly if all the data is in; the next start closes what was left and syncs again."""
    first = make_rig(directory, [config(strategy)], rows=OLD)
    first.sync(MASS)
    process = _PROCESSES.Process(target=sync_and_die, args=(directory, strategy, moment, at))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL

    expected = [pairs(NEW)] if strategy is not None else [merged(3)]
    partly = [pairs(OLD)] if strategy is not None else [merged(batches) for batches in range(3)]
    assert stored(directory) in (expected if succeeded else partly)

    rig = make_rig(directory, [config(strategy)], rows=NEW)
    rig.service.recover()
    outcomes = [update.outcome for update in rig.history()]
    assert outcomes == [Outcome.SUCCEEDED if succeeded else Outcome.INTERRUPTED, Outcome.SUCCEEDED]
    assert [event.tables for event in rig.of(UpdatesClosed)] == ([] if succeeded else [("Item",)])
    assert rig.sync(MASS).outcome is Outcome.SUCCEEDED
    assert stored(directory) in expected
    assert _tables(directory) == {"Item", "DataUpdate", "AfreshLease", "AfreshColumn", "AfreshAction"}


def test_dead_at_once_though_its_lease_lives(directory: Path) -> None:
    """A killed service's updates are closed by the next start at once, not when its lease expires."""
    process = _PROCESSES.Process(target=sync_and_die, args=(directory, None, "after start", 1))
    process.start()
    process.join(30)
    rig = make_rig(directory, [config(None)], rows=NEW)
    (lease,) = rig.cache.leases.held("instance/")
    assert lease.expires > rig.clock.now()
    rig.service.tick()
    assert len(rig.of(UpdatesClosed)) == 1
    rig.clock.advance(HOUR)
    rig.service.tick()
    assert [event.outcome for event in rig.of(SyncEnded)] == [Outcome.SUCCEEDED]


def test_killed_in_follow_up(directory: Path) -> None:
    """Where something follows the data, dying between the two leaves the data in and the update interrupted."""
    process = _PROCESSES.Process(target=follow_and_die, args=(directory,))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert stored(directory) == pairs(NEW)
    rig = make_rig(directory, [config(None)], rows=NEW)
    rig.service.recover()
    assert [update.outcome for update in rig.history()] == [Outcome.INTERRUPTED]
    assert rig.sync(MASS).counts.unchanged == len(NEW)


class Deadly:
    """A post-processor that ends its process."""

    def process(self, table_name: str, cancel: object) -> None:
        die()


def follow_and_die(directory: Path) -> None:
    """In a process of its own: a sync whose post-processor ends it."""
    rig: Rig = make_rig(directory, [config(None)], rows=NEW, post_processor=Deadly())
    rig.service.recover()
    rig.sync(MASS)


def _tables(directory: Path) -> set[str]:
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {name for (name,) in found}
