"""What is DuckDB's own in merging and reloading: other people's tables, conflicts, and how much is written."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tests.caches_duckdb import other_process
from tests.caches_duckdb.duckdb_rig import duckdb_bench

from afresh.caches.duckdb_cache import DuckdbCache
from afresh.caches.duckdb_session import Session
from afresh.core.errors import CacheError, CacheLocked, SchemaDiffers
from afresh.core.model import MergeCounts, ReloadStrategy
from afresh.core.schema import Column, TableSchema
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, Row, at

SWAP, TRUNCATE = ReloadStrategy
GROUP = 122_880
"""Rows of a row group."""


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with a DuckDB cache."""
    with duckdb_bench() as found:
        yield found


def many(rows: int, name: str = "a", start: int = 0) -> list[Row]:
    """So many rows."""
    return [(number, name, at(0)) for number in range(start, start + rows)]


def oid(bench: Bench) -> int:
    """The identity of the table."""
    ((found,),) = bench.execute("SELECT table_oid FROM duckdb_tables() WHERE table_name = 'Item'")
    return int(found)


def test_whole_row_groups_after_nothing(bench: Bench) -> None:
    """New rows by the row group come in whole after a look that found nothing changed: DuckDB 2.0.0 may lose them."""
    bench.merge(ITEMS, many(10))
    assert bench.merge(ITEMS, many(3 * GROUP, start=5)) == MergeCounts(inserted=3 * GROUP - 5, unchanged=5)
    assert bench.execute('SELECT count(*), count(DISTINCT hash("Id")) FROM "Item"') == [(3 * GROUP + 5,) * 2]


@pytest.mark.parametrize(("staged", "expected"), [(range(10, 30), False), (range(9, 30), True)])
def test_values_are_compared_only_where_keys_are_known(
    bench: Bench, staged: range, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of new rows alone, as the next one of a load is, reads the table's keys and nothing else of it."""
    bench.merge(ITEMS, many(10))
    said: list[str] = []
    rows = Session.rows

    def heard(session: Session, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        said.append(statement)
        return rows(session, statement, parameters)

    monkeypatch.setattr(Session, "rows", heard)
    new = len(staged) - expected
    assert bench.merge(ITEMS, many(len(staged), start=staged.start)) == MergeCounts(inserted=new, unchanged=expected)
    assert any('t."Name"' in statement for statement in said) == expected


def test_deleted_rows_leave_the_file_when_they_are_many(bench: Bench) -> None:
    """Windows that change a quarter of each row group do not rewrite them all, and what they leave is bounded."""
    bench.merge(ITEMS, many(4 * GROUP))
    stored = []
    for turn in range(5):
        bench.merge(ITEMS, many(4 * GROUP, name=str(turn))[turn % 4 :: 4])
        ((rows,),) = bench.execute("SELECT estimated_size FROM duckdb_tables() WHERE table_name = 'Item'")
        stored.append(rows)
    assert stored[0] == 5 * GROUP
    assert max(stored) <= 6 * GROUP
    assert bench.execute('SELECT count(*), count(DISTINCT "Id") FROM "Item"') == [(4 * GROUP, 4 * GROUP)]


def test_the_defect_of_the_driver() -> None:
    """The defect that this is about is in DuckDB: if this fails, it is mended and `note` in duckdb_sql can go."""
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f"CREATE TABLE source AS SELECT range AS i FROM range({3 * GROUP}); CREATE TABLE t (i BIGINT)"
        )
        connection.execute("BEGIN; INSERT INTO t SELECT i FROM source WHERE i < 0; INSERT INTO t SELECT i FROM source")
        connection.execute("COMMIT")
        found = connection.execute("SELECT count(*), sum(i) FROM t").fetchone()
    assert found == (0, None)


def test_key_is_not_null(bench: Bench) -> None:
    """The database itself refuses a null in the key."""
    bench.cache.create("Item", PLAIN)
    with pytest.raises(duckdb.ConstraintException):
        bench.execute("INSERT INTO \"Item\" VALUES (NULL, 'a')")


@pytest.mark.parametrize("reload", [False, True])
def test_key_twice_in_the_table(bench: Bench, reload: bool) -> None:
    """A key that somebody wrote twice into the table stops the merge that would change it; a reload mends it."""
    bench.merge(ITEMS, many(3))
    bench.execute('INSERT INTO "Item" SELECT * FROM "Item" WHERE "Id" = 1')
    if reload:
        bench.reload(ITEMS, SWAP, many(3, "b"))
        assert bench.rows() == many(3, "b")
        return
    before = bench.rows()
    with pytest.raises(CacheError) as refused:
        bench.merge(ITEMS, [(1, "b", at(1))])
    assert "(Id)" in refused.value.hint
    assert bench.rows() == before


def test_swap_keeps_comments_and_order(bench: Bench) -> None:
    """A swap keeps the order of the columns and the comments on table and columns, and is a swap."""
    bench.merge(PLAIN, [(1, "a")])
    bench.cache.add_columns("Item", [Column(name="Zero", type=pa.int64())])
    bench.execute("COMMENT ON TABLE \"Item\" IS 'it''s ours'")
    bench.execute('COMMENT ON COLUMN "Item"."Name" IS \'a name\'')
    columns = (PLAIN.columns[0], Column(name="Zero", type=pa.int64()), PLAIN.columns[1])
    before, table = bench.rig.described(bench.directory), oid(bench)
    bench.reload(TableSchema(columns=columns, key=("Id",)), SWAP, [(1, 5, "b")])
    assert bench.rig.described(bench.directory) == before
    assert oid(bench) != table
    assert bench.execute('SELECT * FROM "Item"') == [(1, "b", 5)]


@pytest.mark.parametrize(
    "made",
    [
        'CREATE INDEX by_name ON "Item" ("Name")',
        'CREATE TRIGGER noted AFTER DELETE ON "Item" FOR EACH STATEMENT INSERT INTO note VALUES (1)',
        'ALTER TABLE "Item" ALTER COLUMN "Name" SET DEFAULT \'x\'',
    ],
)
def test_dependants_prevent_a_swap(bench: Bench, made: str) -> None:
    """A table that somebody made more of is filled anew in place, by the same statement's transaction."""
    bench.merge(ITEMS, many(3))
    bench.execute("CREATE TABLE note (n INTEGER)")
    bench.execute(made)
    before, table = bench.rig.described(bench.directory), oid(bench)
    assert bench.reload(ITEMS, SWAP, many(3, "b")) == MergeCounts(updated=3)
    assert (bench.rig.described(bench.directory), oid(bench)) == (before, table)
    assert bench.merge(ITEMS, many(2, "c")) == MergeCounts(updated=2)
    assert bench.rows() == [*many(2, "c"), (2, "b", at(0))]


def test_triggers_see_updates(bench: Bench) -> None:
    """Where somebody has a trigger a changed row is updated, not deleted and inserted."""
    bench.merge(ITEMS, many(3))
    bench.execute("CREATE TABLE note (what VARCHAR)")
    for what in ("INSERT", "UPDATE", "DELETE"):
        bench.execute(
            f"CREATE TRIGGER on_{what} AFTER {what} ON \"Item\" FOR EACH STATEMENT INSERT INTO note VALUES ('{what}')"
        )
    bench.merge(ITEMS, [(1, "b", at(1))])
    assert bench.execute("SELECT * FROM note") == [("UPDATE",)]


def test_table_of_others(bench: Bench) -> None:
    """A table that somebody else made is used if it has a primary key, and keeps its definition."""
    bench.execute(
        'CREATE TABLE "Item" ("Name" VARCHAR, "Id" BIGINT PRIMARY KEY, "Changed" TIMESTAMPTZ, CHECK ("Id" < 99))'
    )
    found = bench.cache.describe("Item", ITEMS)
    assert found is not None
    assert found.key == ("Id",)
    described = bench.execute("SELECT sql FROM duckdb_tables() WHERE table_name = 'Item'")
    assert bench.merge(ITEMS, many(5)) == MergeCounts(inserted=5)
    assert bench.merge(ITEMS, many(5, "b", start=3)) == MergeCounts(inserted=3, updated=2)
    assert bench.reload(ITEMS, SWAP, many(4, "b")) == MergeCounts(updated=3, unchanged=1, deleted=4)
    assert bench.rows() == many(4, "b")
    assert bench.execute("SELECT sql FROM duckdb_tables() WHERE table_name = 'Item'") == described
    with pytest.raises(CacheError):
        bench.merge(ITEMS, many(1, start=99))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ('CREATE TABLE "Item" ("Id" BIGINT, "Name" VARCHAR)', "no primary key"),
        ('CREATE VIEW "Item" AS SELECT 1 AS "Id"', "a view"),
        ('CREATE TABLE "Item" ("Id" BIGINT PRIMARY KEY, "Name" VARCHAR COLLATE NOCASE)', "collation"),
        ('CREATE TABLE "Item" ("Id" HUGEINT PRIMARY KEY, "Name" VARCHAR)', "HUGEINT"),
        ('CREATE TABLE "Item" ("Id" BIGINT PRIMARY KEY, "Name" FLOAT)', "FLOAT"),
        ('CREATE TABLE "Item" ("Id" BIGINT PRIMARY KEY, "Name" AS ("Id" || \'\'))', "computes"),
    ],
)
def test_unfit_tables_of_others(bench: Bench, made: str, said: str) -> None:
    """What cannot hold our rows exactly is refused with the reason."""
    bench.execute(made)
    with pytest.raises(SchemaDiffers, match=said):
        bench.cache.describe("Item", PLAIN)


def test_made_again_by_others(bench: Bench) -> None:
    """What was recorded of a table does not count for another one that somebody made in its place."""
    bench.merge(PLAIN, [(1, "a")])
    bench.execute('DROP TABLE "Item"')
    bench.execute('CREATE TABLE "Item" ("Id" BIGINT, "Name" VARCHAR)')
    with pytest.raises(SchemaDiffers, match="no primary key"):
        bench.cache.describe("Item", PLAIN)


def test_name_in_other_case(bench: Bench) -> None:
    """Names differ for DuckDB by more than case: the table is found however it is written."""
    bench.merge(PLAIN, [(1, "a")])
    found = bench.cache.describe("ITEM", PLAIN)
    assert found is not None
    assert found.key == ("Id",)
    assert bench.merge(PLAIN, [(1, "b")], table_name="iTEM") == MergeCounts(updated=1)


def test_conflicts_are_tried_again(bench: Bench) -> None:
    """Eight threads that change one row all the time all succeed, each change once."""
    cache = bench.cache
    assert isinstance(cache, DuckdbCache)
    bench.execute("CREATE TABLE counter AS SELECT 0 AS n")
    together = threading.Barrier(8)

    def add(session: Session) -> None:
        found = session.one("SELECT n FROM counter")
        session.run("UPDATE counter SET n = ?", (found + 1,))

    def work() -> None:
        together.wait()
        for _ in range(10):
            cache._database.transact(add)

    with ThreadPoolExecutor(8) as executor:
        for future in [executor.submit(work) for _ in range(8)]:
            future.result()
    assert bench.execute("SELECT n FROM counter") == [(80,)]


def test_conflict_without_end() -> None:
    """A row that somebody keeps locked is CacheLocked after the lock timeout, and nothing stays."""
    with duckdb_bench() as bench:
        bench.execute("CREATE TABLE counter AS SELECT 0 AS n")
        cache = bench.cache
        assert isinstance(cache, DuckdbCache)
        cache._database._lock_timeout = 0.2
        with cache._database.session() as session:
            session.run("BEGIN TRANSACTION")
            session.run("UPDATE counter SET n = 1")
            with pytest.raises(CacheLocked):
                cache._database.transact(lambda other: other.run("UPDATE counter SET n = 2"))
        assert bench.execute("SELECT n FROM counter") == [(0,)]


def test_many_tables_at_once(bench: Bench) -> None:
    """Eight tables are started, merged and completed at the same time."""

    def work(number: int) -> list[MergeCounts]:
        own = Bench(rig=bench.rig, directory=bench.directory, cache=bench.cache, started=number * 100)
        return [own.merge(ITEMS, many(500, f"{turn}"), table_name=f"T{number}") for turn in range(3)]

    with ThreadPoolExecutor(8) as executor:
        found = list(executor.map(work, range(8)))
    assert found == [[MergeCounts(inserted=500), *[MergeCounts(updated=500)] * 2]] * 8
    assert len(bench.cache.log.last_updates()) == 8


def test_wide_rows_and_parts(bench: Bench) -> None:
    """A batch that is compared part by part has the counts of one that is not."""
    rows = [(number, f"{number}" + "x" * 2_000, at(0)) for number in range(70_000)]
    assert bench.merge(ITEMS, rows) == MergeCounts(inserted=70_000)
    changed = [(number, name + "!" if number % 7 == 0 else name, at(0)) for number, name, _at in rows]
    assert bench.merge(ITEMS, changed[1_000:]) == MergeCounts(updated=9_857, unchanged=59_143)
    assert bench.reload(ITEMS, SWAP, rows) == MergeCounts(updated=9_857, unchanged=60_143)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is told by Linux alone")
@pytest.mark.parametrize("strategy", list(ReloadStrategy))
def test_memory_is_bounded(strategy: ReloadStrategy) -> None:
    """A Mass of two million rows over two million takes no more memory than one of half a million, or little."""
    peaks = [int(other_process.run(MASS, rows, str(strategy))) for rows in (500_000, 2_000_000)]
    assert peaks[1] < 400
    assert peaks[1] < peaks[0] + 100


MASS = """
    import re, sys
    from pathlib import Path
    import numpy as np, pyarrow as pa
    from tests.caches_duckdb.duckdb_rig import duckdb_bench
    from afresh.core.model import MergeCounts, ReloadStrategy
    from afresh.testing.kit_rig import ITEMS, completion

    rows, strategy = int(sys.argv[1]), ReloadStrategy(sys.argv[2])
    with duckdb_bench() as bench:
        for turn in range(2):
            operation = bench.start()
            with bench.stage(ITEMS, reload=True, operation_id=operation) as stage:
                for start in range(0, rows, 10_000):
                    ids = np.arange(start, start + 10_000)
                    names = pa.array(np.char.add(f"the name of {turn * (ids[0] % 3)} ", ids.astype(str)))
                    columns = [pa.array(ids), names, pa.array(ids * 1_000).cast(ITEMS.arrow().types[2])]
                    stage.append(pa.RecordBatch.from_arrays(columns, schema=ITEMS.arrow()))
                    if start % 250_000 == 240_000:
                        stage.merge(trust_source=True)
                counts = stage.reload(strategy, lambda counts: completion(operation, counts=counts))
        assert counts.updated > 0 and counts.updated + counts.unchanged == rows
    # Not getrusage: that counts what the parent had when it forked.
    print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""
