"""One process owns the file: what it means for others, and for what goes wrong with it."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.caches_duckdb import other_process
from tests.caches_duckdb.duckdb_rig import FILE, DuckdbRig, duckdb_bench

from afresh.caches.duckdb_address import parse_address
from afresh.caches.duckdb_cache import DuckdbCache
from afresh.core.errors import AfreshError, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.testing.kit_rig import ITEMS, Bench, at

HOLDER = """
    import sys, duckdb
    connection = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2)
    connection.execute("SELECT 1")
    print("ready", flush=True)
    sys.stdin.read()
"""


def cache_at(directory: Path, parameters: str = "", lock_timeout: float = 0.3) -> DuckdbCache:
    """A cache that is not patient."""
    return DuckdbCache(parse_address(f"duckdb:///{FILE}?{parameters}", directory), timedelta(seconds=lock_timeout))


def filled(directory: Path, rows: int = 3) -> None:
    """Makes a cache with some rows, and closes it."""
    bench = Bench(rig=DuckdbRig(), directory=directory, cache=DuckdbRig().make_cache(directory))
    bench.merge(ITEMS, [(number, "a", at(0)) for number in range(rows)])
    bench.cache.close()


def test_held_until_closed() -> None:
    """From the first write until it is closed the file is ours alone; then everybody can have it."""
    with duckdb_bench() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        path = bench.directory / FILE
        assert not other_process.opens(path)
        assert not other_process.opens(path, read_only=True)
        bench.cache.close()
        assert other_process.opens(path)
        bench.merge(ITEMS, [(1, "b", at(1))])
        assert bench.rows() == [(1, "b", at(1))]
        assert not other_process.opens(path)


def test_reading_does_not_hold(tmp_path: Path) -> None:
    """A cache that is only read leaves the file to others, without a log of changes beside it."""
    filled(tmp_path)
    cache = cache_at(tmp_path)
    assert len(cache.log.last_updates()) == 1
    assert cache.describe("Item", ITEMS) is not None
    assert other_process.opens(tmp_path / FILE)
    assert cache.served_from == tmp_path / FILE
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("closing", [False, True])
def test_file_stops_growing(closing: bool) -> None:
    """Many small syncs leave the file at the size that few of them brought it to, by a service or one process each."""
    with duckdb_bench() as bench:
        sizes = []
        for number in range(110):
            bench.merge(ITEMS, [(1, f"{number}", at(number))])
            if closing:
                bench.cache.close()
            sizes.append((bench.directory / FILE).stat().st_size)
        assert sizes[10] < sizes[30]
        assert max(sizes) <= 1.2 * max(sizes[:40])


def test_two_caches_of_one_process() -> None:
    """Two caches of a process share the file, and it is held until both are closed."""
    with duckdb_bench() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        second = bench.reopened()
        second.merge(ITEMS, [(2, "b", at(0))])
        bench.cache.close()
        assert not other_process.opens(bench.directory / FILE)
        second.cache.close()
        assert other_process.opens(bench.directory / FILE)


def test_two_settings_of_one_process(tmp_path: Path) -> None:
    """A second cache of a process with other settings is refused, with what to do."""
    first, second = cache_at(tmp_path, "threads=1"), cache_at(tmp_path, "threads=2")
    assert first.leases.take("a", "a", at(0), timedelta(minutes=1)) is not None
    with pytest.raises(CacheError, match="other settings"):
        second.leases.take("b", "b", at(0), timedelta(minutes=1))
    first.close()
    assert second.leases.take("b", "b", at(0), timedelta(minutes=1)) is not None
    second.close()


def test_written_by_another_process(tmp_path: Path) -> None:
    """While another process writes the file, writing is CacheLocked and reading CacheUnavailable; both name it."""
    filled(tmp_path)
    cache = cache_at(tmp_path)
    with other_process.started(HOLDER, tmp_path / FILE) as holder:
        with pytest.raises(CacheLocked, match=f"PID {holder.pid}"):
            cache.leases.take("a", "a", at(0), timedelta(minutes=1))
        with pytest.raises(CacheUnavailable, match=f"PID {holder.pid}") as refused:
            cache.log.history()
        assert "publish=" in refused.value.hint
        assert refused.value.transient
    assert len(cache.log.history()) == 1


def test_read_by_another_process(tmp_path: Path) -> None:
    """A process that reads the file hinders no other reader; a writer waits for it until the lock timeout."""
    filled(tmp_path)
    cache = cache_at(tmp_path)
    with other_process.started(HOLDER, tmp_path / FILE, "read only"):
        assert len(cache.log.history()) == 1
        with pytest.raises(CacheLocked):
            cache.leases.take("a", "a", at(0), timedelta(minutes=1))
    assert cache.leases.take("a", "a", at(0), timedelta(minutes=1)) is not None
    cache.close()


@pytest.mark.parametrize("content", [b"", b"no database" * 1000], ids=["empty", "junk"])
def test_no_database(tmp_path: Path, content: bytes) -> None:
    """A file that is no DuckDB database is left as it is, and the error says what to do."""
    (tmp_path / FILE).write_bytes(content)
    cache = cache_at(tmp_path)
    for use in (cache.log.history, lambda: cache.leases.take("a", "a", at(0), timedelta(minutes=1))):
        with pytest.raises(CacheError) as refused:
            use()
        assert "Move the file away" in refused.value.hint
    assert (tmp_path / FILE).read_bytes() == content


def test_damaged(tmp_path: Path) -> None:
    """A file with a damaged header is an error that says so."""
    filled(tmp_path)
    whole = bytearray((tmp_path / FILE).read_bytes())
    whole[40] ^= 0xFF
    (tmp_path / FILE).write_bytes(whole)
    with pytest.raises(CacheError, match="Corrupt"):
        cache_at(tmp_path).log.history()


def test_no_directory(tmp_path: Path) -> None:
    """A directory that is not there is not made."""
    cache = DuckdbCache(parse_address(f"duckdb:///nowhere/{FILE}", tmp_path), timedelta(seconds=1))
    assert cache.log.history() == []
    with pytest.raises(CacheUnavailable, match="directory"):
        cache.leases.take("a", "a", at(0), timedelta(minutes=1))
    assert list(tmp_path.iterdir()) == []


def test_directory_is_not_ours(tmp_path: Path) -> None:
    """Where no file can be made, the error is one of ours."""
    if os.geteuid() == 0:
        target = Path("/proc")
    else:
        target = tmp_path / "locked"
        target.mkdir(mode=0o500)
    cache = DuckdbCache(parse_address(f"duckdb:///{target}/{FILE}", tmp_path), timedelta(seconds=1))
    with pytest.raises(AfreshError):
        cache.leases.take("a", "a", at(0), timedelta(minutes=1))


def test_out_of_memory() -> None:
    """What does not fit the memory and may not go to disk is CacheFull, and says how to give more."""
    with duckdb_bench() as bench:
        bench.merge(ITEMS, [(1, "a", at(0))])
        cache = bench.cache
        assert isinstance(cache, DuckdbCache)
        with pytest.raises(CacheFull) as refused, cache._database.session() as session:
            session.run("SELECT list(range) FROM range(200_000_000)")
        assert "memory_limit" in refused.value.hint
        bench.merge(ITEMS, [(1, "b", at(1))])
        assert bench.rows() == [(1, "b", at(1))]


def test_disk_is_full(tmp_path: Path) -> None:
    """When the file cannot grow the sync fails as CacheFull or CacheUnavailable; what was there is there afterwards."""
    filled(tmp_path)
    said = other_process.run(
        """
        import resource, signal, sys
        from pathlib import Path
        from afresh.core.errors import CacheFull, CacheUnavailable
        from afresh.testing.kit_rig import ITEMS, Bench, at
        from tests.caches_duckdb.duckdb_rig import DuckdbRig

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        directory = Path(sys.argv[1])
        bench = Bench(rig=DuckdbRig(), directory=directory, cache=DuckdbRig().make_cache(directory), started=100)
        limit = 3_000_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            bench.merge(ITEMS, [(number, f"{number:x}" * 20, at(number)) for number in range(150_000)])
        except (CacheFull, CacheUnavailable) as error:
            print(type(error).__name__)
        """,
        tmp_path,
    )
    assert said in ("CacheFull", "CacheUnavailable")
    after = Bench(rig=DuckdbRig(), directory=tmp_path, cache=DuckdbRig().make_cache(tmp_path), started=200)
    assert after.rows() == [(number, "a", at(0)) for number in range(3)]
    after.cache.log.close_open(frozenset(), at(500))
    after.merge(ITEMS, [(1, "b", at(1))])
    assert after.rows()[1] == (1, "b", at(1))
    after.cache.close()


def test_killed_while_making_the_file(tmp_path: Path) -> None:
    """Whenever the process dies, the file is not there yet or it is whole."""
    code = """
        import itertools, sys
        from datetime import timedelta
        from pathlib import Path
        from afresh.testing.kit_rig import at
        from tests.caches_duckdb.test_duckdb_file import cache_at

        print("ready", flush=True)
        for number in itertools.count():
            directory = Path(sys.argv[1], str(number))
            directory.mkdir()
            cache_at(directory).leases.take("a", "a", at(0), timedelta(minutes=1))
    """
    for turn in range(3):
        place = tmp_path / str(turn)
        place.mkdir()
        with other_process.started(code, place) as process:
            give_up = time.monotonic() + 30
            while not list(place.glob(f"*/{FILE}")) and time.monotonic() < give_up:
                time.sleep(0.01)
            time.sleep(0.07 * turn)
            process.kill()
        made = list(place.glob(f"*/{FILE}"))
        assert made
        assert all(cache_at(path.parent).log.history() == [] for path in made)
