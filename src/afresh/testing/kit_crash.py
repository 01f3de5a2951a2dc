"""The kit: a process is killed in the middle of a sync, and the next one finds everything in order."""

import multiprocessing
import random
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from afresh.core.model import Outcome, ReloadStrategy, UpdateType
from afresh.testing.failpoints import Failing, Failpoint
from afresh.testing.kit_rig import ITEMS, Bench, CacheRig, Row, at, batch, completion

OLD: list[Row] = [(number, "old", at(0)) for number in range(3_000)]
NEW: list[Row] = [(number, "new", at(1)) for number in range(500, 3_500)]
BATCHES = (NEW[:1_000], NEW[1_000:2_000], NEW[2_000:])

MERGED: list[Row] = [*OLD[:500], *NEW]

POINTS = (
    ("before start", 1),
    ("after start", 1),
    ("before stage", 1),
    ("after append", 1),
    ("before merge", 1),
    ("after merge", 1),
    ("after append", 2),
    ("in merge", 1),
    ("after merge", 3),
)
RELOAD_POINTS = (("after append", 1), ("after merge", 2), ("before reload", 1), ("in reload", 1), ("after reload", 1))


class CrashKit(CacheRig):
    """Killed with SIGKILL, at named moments and at random ones."""

    @pytest.mark.parametrize(("moment", "count"), POINTS)
    def test_killed_while_merging(self, bench: Bench, moment: str, count: int) -> None:
        """Each batch is in the table whole or not at all, success is recorded only with the last, and it can go on."""
        bench.merge(ITEMS, OLD)
        self.kill(bench, None, moment, count)
        after = self.recovered(bench)
        states = [OLD, _merged(1), _merged(2), MERGED]
        assert after.rows() in states
        succeeded = len(after.cache.log.history()) > 1 and after.cache.log.history()[0].was_successful is True
        assert succeeded == (after.rows() == MERGED)
        after.merge(ITEMS, *BATCHES)
        assert after.rows() == MERGED

    @pytest.mark.parametrize(("moment", "count"), RELOAD_POINTS)
    def test_killed_while_reloading(self, bench: Bench, strategy: ReloadStrategy, moment: str, count: int) -> None:
        """The table is the old or the new one as the log says, with its indexes, and nothing is left beside it."""
        bench.merge(ITEMS, OLD)
        bench.execute('CREATE INDEX by_name ON "Item" ("Name")')
        before, described = bench.tables(), self.described(bench.directory)
        self.kill(bench, strategy, moment, count)
        after = self.recovered(bench)
        latest = after.cache.log.history()[0]
        assert after.rows() == (NEW if latest.was_successful and latest.update_type is UpdateType.MASS else OLD)
        assert (after.tables(), self.described(bench.directory)) == (before, described)
        after.reload(ITEMS, strategy, *BATCHES)
        assert after.rows() == NEW
        assert (after.tables(), self.described(bench.directory)) == (before, described)

    @pytest.mark.parametrize(("moment", "count"), [("after append", 2), ("in reload", 1), ("after reload", 1)])
    def test_killed_first_mass(self, bench: Bench, strategy: ReloadStrategy, moment: str, count: int) -> None:
        """A table that was never filled is empty or whole after its first Mass was killed; the next one fills it."""
        bench.cache.create("Item", ITEMS)
        bench.end(bench.start(), Outcome.FAILED)
        before = bench.tables()
        self.kill(bench, strategy, moment, count)
        after = self.recovered(bench)
        succeeded = bool(after.cache.log.last_updates())
        assert succeeded == (moment == "after reload")
        assert after.rows() == (NEW if succeeded else [])
        assert after.tables() == before
        after.reload(ITEMS, strategy, *BATCHES)
        assert after.rows() == NEW

    def test_leftovers(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """What a dead sync left is dropped, and named; what belongs to one that lives is not touched."""
        bench.merge(ITEMS, OLD)
        before = bench.tables()
        self.kill(bench, strategy, "after merge", 2)
        bench.cache.close()
        after = bench.reopened()
        left = after.tables()
        (dead,) = after.cache.log.history(open_only=True)
        assert after.cache.clean(frozenset({dead.operation_id})) == []
        assert after.tables() == left
        after.cache.log.close_open(frozenset(), at(10_000))
        with after.stage(ITEMS, "Other", reload=True) as stage:
            stage.append(batch(ITEMS, OLD))
            stage.merge(trust_source=True)
            (alive,) = after.cache.log.history(open_only=True)
            dropped = after.cache.clean(frozenset({alive.operation_id}))
            assert len(dropped) == len(set(dropped))
            assert set(dropped) >= left - before
            stage.reload(strategy, lambda counts: completion(alive.operation_id, counts=counts))
        assert after.rows(table_name="Other") == after.rows() == OLD
        assert after.tables() == before | {"Other"}
        assert after.cache.clean(frozenset()) == []

    def test_killed_while_creating(self, bench: Bench) -> None:
        """A table that was just made is there for the next sync."""
        self.kill(bench, None, "after create", 1)
        after = self.recovered(bench)
        after.merge(ITEMS, OLD)
        assert after.rows() == OLD

    def test_killed_at_random(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Whenever the process dies, the table is one of the states that syncs leave, and the next start mends it."""
        bench.need(strategy)
        bench.merge(ITEMS, OLD)
        before = bench.tables()
        dice = random.Random(20260302)  # noqa: S311 - a fixed seed, for a test
        for _ in range(4):
            self.kill_after(bench, strategy, dice.uniform(0.0, 0.15))
            bench = self.recovered(bench)
            assert bench.rows() in (OLD, NEW)
            assert bench.tables() == before

    def kill(self, bench: Bench, strategy: ReloadStrategy | None, moment: str, count: int) -> None:
        """Runs a sync in a process of its own, which kills itself at that moment."""
        process = _PROCESSES.Process(
            target=_sync_and_die, args=(type(self), bench.directory, bench.started, strategy, moment, count)
        )
        process.start()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL

    def kill_after(self, bench: Bench, strategy: ReloadStrategy, seconds: float) -> None:
        """Runs syncs in a process of its own, and kills it after so much time."""
        begun = _PROCESSES.Event()
        process = _PROCESSES.Process(
            target=_sync_for_ever, args=(type(self), bench.directory, bench.started, strategy, begun)
        )
        process.start()
        assert begun.wait(30)
        time.sleep(seconds)
        process.kill()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL

    def recovered(self, bench: Bench) -> Bench:
        """The cache as the next start leaves it: open updates closed, leftovers dropped."""
        bench.cache.close()
        after = bench.reopened()
        after.cache.log.close_open(frozenset(), at(10_000))
        after.cache.clean(frozenset())
        assert after.cache.log.history(open_only=True) == []
        return after


def _merged(batches: int) -> list[Row]:
    """The old rows with so many batches merged into them."""
    found = {row[0]: row for row in OLD}
    for rows in BATCHES[:batches]:
        found.update({row[0]: row for row in rows})
    return [found[key] for key in sorted(found)]


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


def _sync_and_die(
    kit: type[CacheRig],
    directory: Path,
    started: int,
    strategy: ReloadStrategy | None,
    moment: str,
    count: int,
) -> None:
    rig = kit()
    bench = Bench(
        rig=rig,
        directory=directory,
        cache=Failing(rig.make_cache(directory), Failpoint(moment, at=count)),
        instance_id="killed",
        started=started,
    )
    if strategy is None:
        bench.merge(ITEMS, *BATCHES)
    else:
        bench.reload(ITEMS, strategy, *BATCHES)


def _sync_for_ever(kit: type[CacheRig], directory: Path, started: int, strategy: ReloadStrategy, begun: Event) -> None:
    rig = kit()
    bench = Bench(rig=rig, directory=directory, cache=rig.make_cache(directory), instance_id="killed", started=started)
    begun.set()
    while True:
        bench.reload(ITEMS, strategy, *BATCHES)
        bench.reload(ITEMS, strategy, OLD)
