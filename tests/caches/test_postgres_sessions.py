"""Several sessions on one PostgreSQL cache: what lives is left alone, what is dead is cleaned."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from tests.caches import postgres_server as server
from tests.caches.postgres_rig import PostgresRig, postgres_bench

from afresh.caches.postgres_cache import open_postgres
from afresh.core.errors import Cancelled
from afresh.core.model import Completion, MergeCounts, Outcome, ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, Row, at, batch, completion


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with an empty cache."""
    with postgres_bench() as bench:
        yield bench


def url_of(bench: Bench) -> str:
    """The URL of the bench's cache."""
    return (bench.directory / "cache.url").read_text()


def test_live_staging_stays(bench: Bench) -> None:
    """Another instance's cleaning, which knows nothing of a sync that has just begun, does not touch its staging."""
    with bench.stage(PLAIN, reload=True) as stage:
        stage.append(batch(PLAIN, [(1, "a")]))
        other = open_postgres(CacheConfig(url=url_of(bench), lock_timeout=timedelta(seconds=0.3)))
        assert other.clean(frozenset()) == []
        other.close()
        stage.merge(trust_source=True)
        assert stage.reload(ReloadStrategy.SWAP) == MergeCounts(inserted=1)


def test_leftovers_go(bench: Bench) -> None:
    """Tables that are named as staging and shadows are dropped if their operation is dead, and no others."""
    dead, live = "d" * 32, "1" * 32
    for name in (f"StagingItem_{dead}", f"ShadowItem_{dead}", f"StagingItem_{live}", "StagingItem", f"Item_{dead}"):
        bench.execute(f'CREATE TABLE "{name}" (id bigint)')
    assert sorted(bench.cache.clean(frozenset({live}))) == [f"ShadowItem_{dead}", f"StagingItem_{dead}"]
    assert bench.tables() == {f"StagingItem_{live}", "StagingItem", f"Item_{dead}"}
    assert bench.cache.clean(frozenset({live})) == []


def test_dump_in_the_way(bench: Bench) -> None:
    """A dump of the whole database, which holds every table for hours, stops neither the cleaning nor a sync."""
    bench.merge(PLAIN, [(1, "a")])
    left = f"StagingItem_{'d' * 32}"
    bench.execute(f'CREATE TABLE "{left}" (id bigint)')
    schema = (bench.directory / "schema").read_text()
    with ExitStack() as opened:
        dump = opened.enter_context(server.connect(schema))
        opened.enter_context(dump.transaction())
        with bench.stage(PLAIN) as stage:
            stage.append(batch(PLAIN, [(2, "b")]))
            for name in bench.tables():
                dump.execute(f'LOCK TABLE "{name}" IN ACCESS SHARE MODE'.encode())
            assert stage.merge(trust_source=False) == MergeCounts(inserted=1)
        assert bench.cache.clean(frozenset()) == []
    assert left in bench.cache.clean(frozenset())
    assert not any(name.startswith("Staging") for name in bench.tables())


def test_close_open_waits_for_success(bench: Bench) -> None:
    """An update that is completing when another instance takes its owner for dead stays a success."""
    operation = bench.start()
    closed: list[object] = []

    def close() -> None:
        closed.extend(bench.reopened().cache.log.close_open(frozenset(), at(30)))

    thread = threading.Thread(target=close)
    with bench.stage(PLAIN, operation_id=operation) as stage:
        stage.append(batch(PLAIN, [(1, "a")]))

        def complete(counts: MergeCounts) -> Completion:
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()
            return completion(operation, counts=counts)

        stage.merge(trust_source=False, complete=complete)
    thread.join(10)
    assert closed == []
    assert bench.cache.log.history()[0].outcome is Outcome.SUCCEEDED


def test_cancelled_while_waiting_for_a_lock(bench: Bench) -> None:
    """A sync that waits for another program's lock stops within a second when it is asked to."""
    bench.merge(PLAIN, [(1, "a")])
    cancel = ManualCancellation()
    schema = (bench.directory / "schema").read_text()
    asked: list[float] = []

    def request() -> None:
        asked.append(time.monotonic())
        cancel.request()

    def sync() -> None:
        with bench.stage(PLAIN, cancel=cancel) as stage:
            stage.append(batch(PLAIN, [(1, "b")]))
            threading.Timer(0.2, request).start()
            stage.merge(trust_source=False)

    with server.connect(schema) as other, other.transaction():
        other.execute('LOCK TABLE "Item" IN EXCLUSIVE MODE')
        with pytest.raises(Cancelled):
            sync()
        assert time.monotonic() - asked[0] < 1
    assert bench.rows(PLAIN) == [(1, "a")]


def test_cancelled_while_copying(bench: Bench) -> None:
    """A copy of rows into staging that takes long stops within a second, too."""
    cancel = ManualCancellation()
    rows: list[Row] = [(number, "x" * 400, at(0)) for number in range(30_000)]
    many = batch(ITEMS, rows)
    asked: list[float] = []

    def request() -> None:
        asked.append(time.monotonic())
        cancel.request()

    def sync() -> None:
        with bench.stage(ITEMS, cancel=cancel) as stage:
            stage.append(batch(ITEMS, rows[:1]))
            threading.Timer(0.05, request).start()
            while True:
                stage.append(many)

    with pytest.raises(Cancelled):
        sync()
    assert time.monotonic() - asked[0] < 1
    assert bench.rows() == []


def test_two_processes(bench: Bench) -> None:
    """Two processes that find no tables yet make them, and sync two tables at the same time."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=_sync, args=(bench.directory, name, barrier)) for name in ("A", "B")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(50)
    assert [process.exitcode for process in processes] == [0, 0]
    assert bench.rows(PLAIN, "A") == bench.rows(PLAIN, "B") == [(number, "4") for number in range(200)]
    assert {update.table_name for update in bench.cache.log.last_updates()} == {"A", "B"}
    assert len(bench.cache.log.history()) == 10


def _sync(directory: Path, table_name: str, barrier: Barrier) -> None:
    rig = PostgresRig()
    bench = Bench(rig=rig, directory=directory, cache=rig.make_cache(directory), instance_id=table_name)
    barrier.wait(40)
    for number in range(5):
        rows: list[Row] = [(row, str(number)) for row in range(200)]
        if number % 2:
            bench.reload(PLAIN, ReloadStrategy.SWAP, rows, table_name=table_name)
        else:
            bench.merge(PLAIN, rows, table_name=table_name)
    bench.cache.close()
