"""Publishing: other processes read a copy, which is whole, consistent, and not older than it has to be."""

import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest
from tests.caches_duckdb import other_process
from tests.caches_duckdb.duckdb_rig import FILE, DuckdbRig, duckdb_bench

from afresh.caches.duckdb_address import parse_address
from afresh.caches.duckdb_cache import DuckdbCache
from afresh.core.errors import CacheError, CacheUnavailable
from afresh.core.model import Outcome, ReloadStrategy
from afresh.testing.kit_rig import ITEMS, Bench, Row, at, batch

COPY = "copy.duckdb"


class PublishingRig(DuckdbRig):
    """A cache that publishes, almost at once."""

    query = f"memory_limit=200MB&threads=2&publish={COPY}&publish_interval=20ms"


@contextmanager
def publishing(query: str | None = None) -> Iterator[Bench]:
    """A bench with a cache that publishes."""
    rig = PublishingRig()
    rig.query = query or rig.query
    with duckdb_bench(rig) as bench:
        yield bench


def published(bench: Bench) -> list[Row]:
    """What the copy holds, by key; nothing if there is no copy yet, or no table in it."""
    if not (bench.directory / COPY).exists():
        return []
    with duckdb.connect(str(bench.directory / COPY), read_only=True) as connection:
        if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'Item'").fetchall():
            return []
        return connection.execute('SELECT "Id", "Name" FROM "Item" ORDER BY 1').fetchall()


def wait_for(met: Callable[[], bool]) -> None:
    """Returns when it is so, within ten seconds."""
    give_up = time.monotonic() + 10
    while not met():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def _shows(bench: Bench, expected: list[Row]) -> bool:
    return published(bench) == expected


def generation(number: int, rows: int = 3_000) -> list[Row]:
    """The table as of one sync."""
    return [(row, f"{number}", at(number)) for row in range(rows)]


def test_published_after_a_sync() -> None:
    """What a sync brought can be read in the copy by other processes while the service goes on."""
    with publishing() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        wait_for(lambda: published(bench) == [(1, "a")])
        bench.merge(ITEMS, [(1, "b", at(1))])
        wait_for(lambda: published(bench) == [(1, "b")])
        assert other_process.opens(bench.directory / COPY, read_only=True)
        assert not other_process.opens(bench.directory / FILE)


def test_the_lock_stays_ours() -> None:
    """Copying does not give away our lock on the file, as reading it within the process would."""
    with publishing() as bench:
        for number in range(5):
            bench.merge(ITEMS, [(1, f"{number}", at(number))])
            expected = [(1, f"{number}")]
            wait_for(partial(_shows, bench, expected))
        assert not other_process.opens(bench.directory / FILE)


def test_reader_under_load() -> None:
    """A process that opens the copy every 10 ms sees whole generations in order, never an error or an empty table."""
    reader = """
        import sys, time, duckdb
        path, seen = sys.argv[1], []
        print("ready", flush=True)
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up:
            with duckdb.connect(path, read_only=True) as connection:
                found = connection.execute('SELECT "Name", count(*) FROM "Item" GROUP BY ALL').fetchall()
                done = connection.execute("SELECT count(*) FROM LastDataUpdates").fetchone()
            if not seen or seen[-1] != found:
                seen.append(found)
            assert done != (0,)
            if found == [("29", 3000)]:
                break
            time.sleep(0.01)
        print(seen)
    """
    with publishing() as bench:
        bench.merge(ITEMS, generation(0))
        wait_for(lambda: len(published(bench)) == 3_000)
        stop = threading.Event()
        noise = threading.Thread(target=_disturb, args=(bench, stop))
        noise.start()
        command = [sys.executable, "-c", textwrap.dedent(reader), str(bench.directory / COPY)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            for number in range(1, 30):
                if number % 3:
                    bench.merge(ITEMS, generation(number))
                else:
                    strategy = list(ReloadStrategy)[number % 2]
                    bench.reload(ITEMS, strategy, generation(number)[:700], generation(number)[700:])
            seen = [state for line in process.stdout for state in eval(line)]
        stop.set()
        noise.join()
    assert process.returncode == 0
    assert all(len(state) == 1 and state[0][1] == 3_000 for state in seen)
    numbers = [int(state[0][0]) for state in seen]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 29
    assert len(numbers) > 2


def _disturb(bench: Bench, stop: threading.Event) -> None:
    """Another table is written all the time."""
    other = Bench(rig=bench.rig, directory=bench.directory, cache=bench.cache, started=10_000)
    while not stop.is_set():
        other.merge(ITEMS, generation(other.started, 500), table_name="Other")


def test_not_more_often_than_the_interval() -> None:
    """Within the interval nothing is published again; at the end the last state is."""
    with publishing(f"publish={COPY}&publish_interval=1h") as bench:
        bench.merge(ITEMS, [(1, "first", at(0))])
        wait_for((bench.directory / COPY).exists)
        bench.merge(ITEMS, [(1, "second", at(1))])
        inode = (bench.directory / COPY).stat().st_ino
        time.sleep(0.2)
        assert (bench.directory / COPY).stat().st_ino == inode
        bench.cache.close()
        assert published(bench) == [(1, "second")]


def test_leases_are_not_published() -> None:
    """A heartbeat alone is no reason to copy a file."""
    with publishing() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        wait_for(lambda: published(bench) == [(1, "a")])
        time.sleep(0.2)
        inode = (bench.directory / COPY).stat().st_ino
        for minute in range(5):
            assert bench.cache.leases.take("a", "a", at(minute), timedelta(minutes=1)) is not None
            time.sleep(0.03)
        assert (bench.directory / COPY).stat().st_ino == inode


def test_other_process_asks_the_copy(tmp_path: Path) -> None:
    """While the service has the file, the log's questions are answered by the copy, and it says so."""
    code = """
        import sys
        from pathlib import Path
        from tests.caches_duckdb.test_duckdb_publish import PublishingRig
        from afresh.testing.kit_rig import ITEMS, Bench, at

        directory = Path(sys.argv[1])
        bench = Bench(rig=PublishingRig(), directory=directory, cache=PublishingRig().make_cache(directory))
        bench.start("Running")
        print("ready", flush=True)
        sys.stdin.readline()
        bench.end(bench.start("Ended"))
        sys.stdin.read()
        bench.cache.close()
    """
    asking = DuckdbCache(parse_address(f"duckdb:///{FILE}?publish={COPY}", tmp_path), timedelta(seconds=1))
    with other_process.started(code, tmp_path) as service:
        wait_for((tmp_path / COPY).exists)
        wait_for(lambda: [update.table_name for update in asking.log.history(open_only=True)] == ["Running"])
        assert asking.served_from == tmp_path / COPY
        assert service.stdin is not None
        service.stdin.write("\n")
        service.stdin.flush()
        wait_for(lambda: [update.table_name for update in asking.log.last_updates()] == ["Ended"])
        assert asking.log.failures() == {}
        assert asking.describe("Item", ITEMS) is None
    assert [update.outcome for update in asking.log.history(table_name="Ended")] == [Outcome.SUCCEEDED]
    assert asking.served_from == tmp_path / FILE


def test_no_copy_yet(tmp_path: Path) -> None:
    """Before the first copy, the error says that there is none and who has the file."""
    DuckdbRig().make_cache(tmp_path).leases.take("a", "a", at(0), timedelta(minutes=1))
    code = """
        import sys, duckdb
        connection = duckdb.connect(sys.argv[1])
        print("ready", flush=True)
        sys.stdin.read()
    """
    other = tmp_path / "other"
    other.mkdir()
    with other_process.started(code, other / FILE) as holder:
        asking = DuckdbCache(parse_address(f"duckdb:///{FILE}?publish={COPY}", other), timedelta(seconds=1))
        with pytest.raises(CacheUnavailable, match="no published copy") as refused:
            asking.log.history()
        assert f"PID {holder.pid}" in refused.value.message


def test_publishing_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Where no copy can be made the syncs go on, the log says why, and so does closing; later it is made up for."""
    with publishing(f"publish=nowhere/{COPY}&publish_interval=20ms") as bench, caplog.at_level(logging.WARNING):
        bench.merge(ITEMS, [(1, "a", at(0))])
        wait_for(lambda: "was not published" in caplog.text)
        bench.merge(ITEMS, [(2, "b", at(0))])
        assert len(bench.rows()) == 2
        with pytest.raises(CacheError, match="copy"):
            bench.cache.close()
        assert other_process.opens(bench.directory / FILE)
        bench.merge(ITEMS, [(3, "c", at(0))])
        (bench.directory / "nowhere").mkdir()
        wait_for((bench.directory / "nowhere" / COPY).exists)


def test_cut_off_copy_is_not_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy without its last blocks never gets to readers: the one before it stays until one is whole."""
    short = tmp_path / "cp"
    short.write_text('#!/bin/sh\n/bin/cp "$@" && truncate -s "${CUT:-+0}" "$3"\n')
    short.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with publishing() as bench, caplog.at_level(logging.WARNING):
        bench.merge(ITEMS, [(1, "a", at(0))])
        wait_for(lambda: published(bench) == [(1, "a")])
        monkeypatch.setenv("CUT", f"-{2 * 2**18}")
        bench.merge(ITEMS, generation(1))
        wait_for(lambda: "the copy is not whole" in caplog.text)
        assert published(bench) == [(1, "a")]
        monkeypatch.delenv("CUT")
        wait_for(lambda: len(published(bench)) == 3_000)


def test_waits_for_no_long_writer() -> None:
    """A publication waits for a write under way, and neither disturbs it nor shows half of it."""
    with publishing() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        wait_for(lambda: published(bench) == [(1, "a")])
        operation = bench.start()
        with bench.stage(ITEMS, operation_id=operation) as stage:
            stage.append(batch(ITEMS, [(1, "b", at(1)), (2, "b", at(1))]))

            def slow(_session: object) -> None:
                time.sleep(0.3)
                assert published(bench) == [(1, "a")]

            assert isinstance(bench.cache, DuckdbCache)
            bench.cache._database.transact(slow)
            stage.merge(trust_source=True)
        wait_for(lambda: published(bench) == [(1, "b"), (2, "b")])


def test_leftovers_and_stale_copies() -> None:
    """What a killed process left half copied is removed, and a copy that lacks its last syncs is made again."""
    with publishing() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        bench.cache.close()
        left = bench.directory / f".{COPY}.1.{'0' * 32}"
        left.write_bytes(b"half")
        keep = bench.directory / f".{COPY}.notes"
        keep.write_bytes(b"somebody's")
        (bench.directory / COPY).unlink()
        assert bench.cache.leases.take("a", "a", at(0), timedelta(minutes=1)) is not None
        wait_for(lambda: published(bench) == [(1, "a")])
        assert not left.exists()
        assert keep.exists()


def test_copy_is_read_only() -> None:
    """The copy is not to be written: a log of changes beside it would not go with the next one."""
    with publishing() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        bench.cache.close()
        assert (bench.directory / COPY).stat().st_mode & 0o222 == 0
        assert {path.name for path in bench.directory.iterdir()} == {FILE, COPY}
