"""The budget of sessions: over threads, over processes, and after a process died."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.caches import postgres_server
from tests.sources.scripted import SELECT, ScriptedSource, batch

from afresh.caches.sqlite import SqliteCache
from afresh.core.errors import Cancelled, SourceUnavailable
from afresh.core.options import CacheConfig
from afresh.core.ports import Leases
from afresh.engine.instance import is_gone
from afresh.sources.budget import TTL, Budget
from afresh.sources.never import NEVER
from afresh.sources.sessions import Sessions
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).with_name("session_process.py")


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[Leases]:
    """Leases in a SQLite cache that a service is on."""
    with closing(SqliteCache(tmp_path / "cache.db", CacheConfig(url="sqlite:///cache.db"))) as cache:
        cache.leases.take("instance/some", "some", ManualClock().now(), TTL)
        yield cache.leases


def budget(leases: Leases, clock: ManualClock, most: int = 1, holder: str = "one") -> Budget:
    """A budget of a process of that name."""
    return Budget(source="S", most=most, leases=leases, holder=holder, clock=clock, gone=is_gone)


def polite(leases: Leases, source: ScriptedSource, most: int) -> Sessions:
    """The source with a budget."""
    return Sessions(source, name="S", budget=budget(leases, ManualClock(), most), patience=timedelta(seconds=0.3))


# ------------------------------------------------------------------------------------------ in one process


def test_reads_questions_and_the_clock_all_count(leases: Leases) -> None:
    """Twelve threads with everything a source can be asked never have more than three sessions open."""
    source = ScriptedSource([batch()] * 3)
    shared = Sessions(source, name="S", budget=budget(leases, ManualClock(), 3), patience=timedelta(minutes=1))

    def use() -> None:
        assert sum(found.num_rows for found in shared.read(SELECT, ManualCancellation(), 10)) == 9
        shared.clock()
        shared.catalogue.tables()
        shared.catalogue.account()

    threads = [threading.Thread(target=use) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert source.most_open <= 3
    assert (len(source.asked), source.questions, source.open) == (12, 36, 0)
    assert not leases.held("session/")


def test_who_waits_can_be_cancelled(leases: Leases) -> None:
    """Within a second, and leaves no ticket behind."""
    clock = ManualClock()
    other = budget(leases, clock, holder="other")
    source, cancel = ScriptedSource([batch()]), ManualCancellation()
    with other.session(NEVER.check):
        threading.Timer(0.1, cancel.request).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            next(polite(leases, source, 1).read(SELECT, cancel, 10))
        assert time.monotonic() - began < 2
    assert not leases.held("session/")


def test_a_question_does_not_wait_for_ever(leases: Leases) -> None:
    """Nobody could cancel it."""
    source = polite(leases, ScriptedSource([]), 1)
    with (
        budget(leases, ManualClock(), holder="other").session(NEVER.check),
        pytest.raises(SourceUnavailable, match="all of its 1 sessions were in use"),
    ):
        source.clock()


def test_closing_the_source_ends_all_waiting(leases: Leases) -> None:
    """A service that stops does not wait for a session of others."""
    source = Sessions(ScriptedSource([]), name="S", budget=budget(leases, ManualClock()), patience=timedelta(minutes=5))
    with budget(leases, ManualClock(), holder="other").session(NEVER.check):
        threading.Timer(0.1, source.close).start()
        with pytest.raises(SourceUnavailable, match="closed"):
            source.clock()


def test_who_came_first_goes_first(leases: Leases) -> None:
    """Also before a thread of the process that has just given a session back."""
    clock, order, waits = ManualClock(), list[str](), threading.Event()
    mine, other = budget(leases, clock, holder="one"), budget(leases, clock, holder="two")

    def wait(whose: Budget, name: str) -> None:
        waits.set()
        with whose.session(NEVER.check):
            order.append(name)

    held = mine.take(NEVER.check, least=1, most=1)
    threads = []
    for whose, name in ((other, "two"), (mine, "one")):
        clock.advance(timedelta(seconds=1))
        thread = threading.Thread(target=wait, args=(whose, name))
        thread.start()
        threads.append(thread)
        time.sleep(0.4)
    mine.give_back(held)
    for thread in threads:
        thread.join(10)
    assert order == ["two", "one"]


def test_parts_are_within_the_budget(leases: Leases) -> None:
    """Four parts with a budget of three: one session holds the snapshot, two read."""
    source = ScriptedSource([batch()])
    shared = polite(leases, source, 3)
    with shared.parts(SELECT, 4) as parts:
        readers = [
            threading.Thread(target=lambda part=part: list(shared.read(part, ManualCancellation(), 10)))
            for part in parts
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(10)
    assert len(source.asked) == len(parts) == 2
    assert source.most_open <= 3
    assert not leases.held("session/")


def test_a_budget_of_one_is_read_in_one_piece(leases: Leases) -> None:
    """The session that would hold the snapshot is the only one."""
    source = ScriptedSource([batch()])
    with polite(leases, source, 1).parts(SELECT, 4) as parts:
        assert list(parts) == [SELECT]
        assert source.open == 0


def test_looking_makes_no_cache(tmp_path: Path) -> None:
    """Where no service runs, sessions are counted in the process alone and nothing is written."""
    with closing(SqliteCache(tmp_path / "none.db", CacheConfig(url="sqlite:///none.db"))) as cache:
        source = ScriptedSource([])
        shared = polite(cache.leases, source, 1)
        threads = [threading.Thread(target=shared.clock) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert (source.questions, source.most_open) == (4, 1)
    assert not (tmp_path / "none.db").exists()


def test_two_partitioned_reads_cannot_block_each_other(leases: Leases) -> None:
    """Each needs two sessions at least, and takes none while it cannot have both."""
    shared = Sessions(
        ScriptedSource([batch()]), name="S", budget=budget(leases, ManualClock(), 3), patience=timedelta(minutes=1)
    )
    done: list[pa.RecordBatch] = []

    def use() -> None:
        with shared.parts(SELECT, 4) as parts:
            for part in parts:
                done.extend(shared.read(part, ManualCancellation(), 10))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) >= 6


def test_a_session_that_was_lost_ends_its_read(leases: Leases) -> None:
    """A process that slept through its leases does not read on beside the one that has them now."""
    clock = ManualClock()
    mine = budget(leases, clock)
    source = Sessions(ScriptedSource([batch()] * 3), name="S", budget=mine, patience=timedelta(minutes=1))
    batches = source.read(SELECT, ManualCancellation(), 10)
    next(batches)
    clock.advance(TTL * 2)
    assert leases.take("session/S/1", "two", clock.now(), TTL)
    mine.renew()
    with pytest.raises(SourceUnavailable, match="lost to another process"):
        next(batches)


# --------------------------------------------------------------------------------------- over processes


@pytest.fixture(params=["sqlite", "postgresql"])
def cache_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A cache that two processes can use."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'cache.db'}"
        return
    schema = postgres_server.make_schema()
    yield postgres_server.cache_url(schema)
    postgres_server.drop_schema(schema)


def start(url: str, most: int, rounds: int) -> "subprocess.Popen[str]":
    """A process that uses sessions."""
    return subprocess.Popen(
        [sys.executable, str(HERE), url, str(most), str(rounds)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )


def test_two_processes_never_exceed_the_budget(cache_url: str) -> None:
    """Eight threads of two processes with a budget of three: never four sessions, and everybody gets theirs."""
    processes = [start(cache_url, 3, 5) for _ in range(2)]
    lines = [process.communicate(timeout=55)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    events = sorted((float(at), word) for line in lines for word, at in (text.split() for text in line))
    standing, most = 0, 0
    for _at, word in events:
        standing += 1 if word == "+" else -1
        most = max(most, standing)
    assert len(events) == 2 * 2 * 4 * 5
    assert 1 < most <= 3


def test_the_sessions_of_a_killed_process_are_free(cache_url: str) -> None:
    """At once on the same machine, not when the lease expires."""
    holding = start(cache_url, 1, 0)
    assert holding.stdout is not None
    assert holding.stdout.readline().startswith("+")
    waiting = start(cache_url, 1, 1)
    time.sleep(0.5)
    assert waiting.poll() is None
    holding.send_signal(signal.SIGKILL)
    holding.wait(10)
    began = time.monotonic()
    assert waiting.communicate(timeout=30)[0].count("+") == 4
    assert time.monotonic() - began < TTL.total_seconds() / 2
    holding.stdout.close()
