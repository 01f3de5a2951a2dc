"""What is SQLite's own: files, other people's tables, locks, and the spy that sees every statement."""

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.caches.sqlite_rig import FILE, SqliteRig

from afresh.caches import sqlite_sql as sql
from afresh.caches.sqlite import SqliteCache, build
from afresh.core import drift
from afresh.core.errors import (
    CacheError,
    CacheFull,
    CacheLocked,
    CacheUnavailable,
    Cancelled,
    ConfigurationError,
    SchemaDiffers,
)
from afresh.core.model import MergeCounts, ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.core.schema import Column, TableSchema
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, at, batch, on_bench
from afresh.testing.strategies import WEIRD_NAMES


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with a SQLite cache."""
    with on_bench(SqliteRig()) as found:
        yield found


def url(text: str) -> CacheConfig:
    """The configuration of a cache."""
    return CacheConfig(url=text, lock_timeout=timedelta(seconds=0.3))


# ------------------------------------------------------------------------------------------------- files


def test_build(tmp_path: Path) -> None:
    """A relative path is relative to the configuration's directory; the file is made by the first write."""
    cache = build(url("sqlite:///sub/cache.db"), tmp_path)
    with pytest.raises(CacheUnavailable, match="the directory does not exist"):
        cache.create("Item", PLAIN)
    (tmp_path / "sub").mkdir()
    assert cache.describe("Item", PLAIN) is None
    assert not list((tmp_path / "sub").iterdir())
    cache.create("Item", PLAIN)
    assert (tmp_path / "sub" / "cache.db").exists()
    elsewhere = build(url(f"sqlite:///{tmp_path}/sub/cache.db"), Path("/nowhere"))
    assert elsewhere.describe("Item", PLAIN) is not None


@pytest.mark.parametrize("text", ["sqlite://cache.db", "sqlite:///", "sqlite:///:memory:", "cache.db"])
def test_build_refuses(text: str, tmp_path: Path) -> None:
    """A URL of another form is refused with an example."""
    with pytest.raises(ConfigurationError, match="is not of the form") as caught:
        build(url(text), tmp_path)
    assert "sqlite:///cache.db" in caught.value.hint


def test_not_a_database(tmp_path: Path) -> None:
    """A file that is no database is named, with what to do."""
    (tmp_path / FILE).write_text("this is not a database" * 1_000)
    with pytest.raises(CacheError, match=FILE) as caught:
        SqliteCache(tmp_path / FILE, url("x")).describe("Item", PLAIN)
    assert "move it away" in caught.value.hint


def test_weird_paths(tmp_path: Path) -> None:
    """Names of files and directories may hold what URIs and SQL treat specially."""
    directory = tmp_path / "a b%20?c#d;é'"
    directory.mkdir()
    cache = SqliteCache(directory / "ca?che#1.db", url("x"))
    cache.create("Item", PLAIN)
    assert [path.name for path in directory.iterdir()] == ["ca?che#1.db"]


def test_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is no space the error says so, and what was there is unchanged."""
    bench.merge(PLAIN, [(1, "a")])
    connect = sqlite3.connect

    class Small(sqlite3.Connection):
        def execute(self, statement: str, /, *parameters: Any) -> sqlite3.Cursor:
            if statement.startswith("PRAGMA synchronous"):
                super().execute("PRAGMA max_page_count = 20")
            return super().execute(statement, *parameters)

    def small(*args: Any, **settings: Any) -> Small:
        return connect(*args, factory=Small, **settings)

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(CacheFull) as caught:
        bench.merge(PLAIN, [(number, "x" * 1_000) for number in range(200)])
    assert "Free some space" in caught.value.hint
    monkeypatch.undo()
    assert bench.rows(PLAIN) == [(1, "a")]


# ------------------------------------------------------------------------------------------------- locks


def test_other_writer(bench: Bench) -> None:
    """A writer that another program holds off gives up at the lock timeout, and changes nothing."""
    bench.merge(PLAIN, [(1, "a")])
    impatient = SqliteCache(bench.directory / FILE, url("x"))
    with closing(sqlite3.connect(bench.directory / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(CacheLocked, match="another writer"):
            impatient.create("Other", PLAIN)
        assert 0.2 < time.monotonic() - began < 5
        assert bench.rows(PLAIN) == [(1, "a")]
        other.execute("ROLLBACK")
    impatient.create("Other", PLAIN)


def test_waiting_is_cancelled(bench: Bench) -> None:
    """A merge that waits for another writer is cancelled within a second."""
    bench.merge(PLAIN, [(1, "a")])
    cancel = ManualCancellation()

    def merge() -> None:
        with bench.stage(PLAIN, cancel=cancel) as stage, closing(_locked(bench.directory)):
            stage.append(batch(PLAIN, [(2, "b")]))
            threading.Timer(0.05, cancel.request).start()
            stage.merge(trust_source=True)

    began = time.monotonic()
    with pytest.raises(Cancelled):
        merge()
    assert time.monotonic() - began < 1.2


def test_staging_takes_no_lock(bench: Bench) -> None:
    """While rows are staged other programs may write the cache."""
    with bench.stage(PLAIN) as stage:
        stage.append(batch(PLAIN, [(1, "a")]))
        bench.execute("CREATE TABLE theirs (x INTEGER)")
        stage.append(batch(PLAIN, [(2, "b")]))
        assert stage.merge(trust_source=False) == MergeCounts(inserted=2)


def test_other_readers_from_the_start(bench: Bench) -> None:
    """The file is in WAL mode, so that readers and the writer never wait for each other."""
    bench.merge(PLAIN, [(1, "a")])
    assert bench.execute("PRAGMA journal_mode") == [("wal",)]


# -------------------------------------------------------------------------------------- other people's tables


def test_table_made_by_hand(bench: Bench) -> None:
    """A table made by others is taken as it is; where SQLite cannot tell types apart, as the fetcher has them."""
    bench.execute(
        "CREATE TABLE Item (Id INT PRIMARY KEY, Name VARCHAR(9) DEFAULT '?', Changed TEXT,"
        " CHECK (Id > 0), UNIQUE (Name))"
    )
    assert bench.merge(ITEMS, [(1, "a", at(0))]) == MergeCounts(inserted=1)
    before = bench.execute("SELECT sql FROM sqlite_master WHERE name = 'Item'")
    for strategy in ReloadStrategy:
        bench.reload(ITEMS, strategy, [(1, str(strategy), at(0)), (2, "b", None)])
        assert bench.rows() == [(1, str(strategy), at(0)), (2, "b", None)]
    assert bench.execute("SELECT sql FROM sqlite_master WHERE name = 'Item'") == before
    with pytest.raises(CacheError, match="CHECK"):
        bench.merge(ITEMS, [(-1, "c", None)])


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("(Id INT, Name TEXT)", "no primary key"),
        ("(Id INT PRIMARY KEY, Name NUMERIC)", "turns exact numbers"),
        ("(Id INT PRIMARY KEY, Name DECIMAL(9,2))", "Name"),
        ("(Id REAL PRIMARY KEY, Name TEXT)", "Id: the table has float"),
        ("(Id INT PRIMARY KEY, Name BOOLEAN)", "Name"),
    ],
)
def test_table_that_cannot_hold_our_values(bench: Bench, definition: str, message: str) -> None:
    """A table without a key, or with a column that would change our values, is refused with the reason."""
    bench.execute(f"CREATE TABLE Item {definition}")

    def check() -> None:
        existing = bench.cache.describe("Item", PLAIN)
        assert existing is not None
        drift.check("Item", existing, PLAIN)

    with pytest.raises(SchemaDiffers, match=message):
        check()


def test_table_made_again_by_hand(bench: Bench) -> None:
    """What was recorded of a table that is gone does not count for another of its name."""
    priced = TableSchema(columns=(PLAIN.columns[0], Column(name="Name", type=pa.decimal128(9, 2))), key=("Id",))
    bench.cache.create("Item", priced)
    bench.execute("DROP TABLE Item")
    bench.execute("CREATE TABLE Item (Id INTEGER PRIMARY KEY, Name REAL)")
    found = bench.cache.describe("Item", priced)
    assert found is not None
    assert found.column("Name").type == pa.float64()
    bench.execute("DROP TABLE Item")
    bench.cache.create("Item", PLAIN)
    found = bench.cache.describe("Item", PLAIN)
    assert found is not None
    assert [column.type for column in found.columns] == [column.type for column in PLAIN.columns]


def test_foreign_keys_do_not_stop_a_swap(bench: Bench) -> None:
    """A table of others that refers to ours is as it was after a swap."""
    bench.merge(PLAIN, [(1, "a"), (2, "b")])
    bench.execute("CREATE TABLE theirs (Id INTEGER REFERENCES Item (Id) ON DELETE CASCADE)")
    bench.execute("INSERT INTO theirs VALUES (1)")
    bench.reload(PLAIN, ReloadStrategy.SWAP, [(1, "A"), (2, "b")])
    assert bench.execute("SELECT * FROM theirs") == [(1,)]
    ((definition,),) = bench.execute("SELECT sql FROM sqlite_master WHERE name = 'theirs'")
    assert "REFERENCES Item" in definition


# ---------------------------------------------------------------------------------------------- cleaning


def test_clean(bench: Bench) -> None:
    """Shadows of dead operations are dropped, those of live ones and all other tables stay."""
    live, begun, dead = bench.start("Live"), bench.start("Begun"), "d" * 32
    for name in (
        f"ShadowItem_{live}",
        f"ShadowItem_{begun}",
        f'ShadowIt"em_x_{dead}',
        f"StagingItem_{dead}",
        "Shadow_x",
    ):
        bench.execute(f"CREATE TABLE {bench.rig.quote(name)} (x)")
    assert sorted(bench.cache.clean(frozenset({live}))) == sorted([f'ShadowIt"em_x_{dead}', f"StagingItem_{dead}"])
    assert {f"ShadowItem_{live}", f"ShadowItem_{begun}", "Shadow_x"} <= bench.tables()


# ----------------------------------------------------------------------------------------------- the spy


def test_no_name_or_value_becomes_sql(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement that is sent with weird names is the one for plain names, but for what stands within quotes."""
    sent: list[str] = []
    connect = sqlite3.connect

    def spied(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)
        connection.set_trace_callback(sent.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", spied)

    def statements(table: str, column: str) -> list[str]:
        sent.clear()
        schema = TableSchema(
            columns=(Column(name="Id", type=pa.int64()), Column(name=column, type=pa.string())),
            key=("Id",),
            last_update=column,
        )
        bench.merge(schema, [(1, "x"), (1, "y")], table_name=table)
        bench.reload(schema, ReloadStrategy.SWAP, [(1, "x"), (2, "y")], table_name=table)
        bench.reload(schema, ReloadStrategy.TRUNCATE, [(1, "z"), (3, "y")], table_name=table)
        return [_without_literals(statement) for statement in sent]

    bench.merge(PLAIN, [(0, "")], table_name="first")
    plain = statements("plain", "plain column")
    assert len(plain) > 50
    for name in WEIRD_NAMES:
        if name != "rowid":
            assert statements(f"T{name}", name) == plain


def _without_literals(statement: str) -> str:
    """The statement with everything within quotes, names and values alike, blanked out."""
    return re.sub(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'", "?", statement)


def _locked(directory: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(directory / FILE, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


@pytest.mark.parametrize(
    ("definition", "plain"),
    [
        ('CREATE TABLE "T" ("Id" INTEGER NOT NULL, "Default" TEXT, PRIMARY KEY ("Id")) STRICT', True),
        ('CREATE TABLE "T" ("Id" INTEGER NOT NULL, "a""check" TEXT, PRIMARY KEY ("Id")) STRICT, ', True),
        ('CREATE TABLE T ("Id" INTEGER NOT NULL CHECK (Id > 0), PRIMARY KEY ("Id")) STRICT', False),
        ("CREATE TABLE T (Id INTEGER PRIMARY KEY, Name TEXT default 'x') STRICT", False),
        ('CREATE TABLE "T" ("Id" INTEGER PRIMARY KEY, "Other" INTEGER REFERENCES "U") STRICT', False),
    ],
)
def test_a_definition_with_more_than_ours_is_seen(definition: str, plain: bool) -> None:
    """A table that somebody made again with constraints of his own is not swapped, so that it keeps them."""
    assert sql.is_plain(definition) is plain
