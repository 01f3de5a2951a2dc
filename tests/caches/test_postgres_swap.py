"""A swap in PostgreSQL leaves nothing behind and nothing out; where it would, rows are replaced instead."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pyarrow as pa
import pytest
from tests.caches import postgres_server as server
from tests.caches.postgres_rig import postgres_bench

from afresh.caches.postgres_cache import open_postgres
from afresh.core.model import MergeCounts, ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.core.schema import Column, TableSchema
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, Row, at

SWAP, TRUNCATE = ReloadStrategy
OLD: list[Row] = [(1, "a", at(0)), (2, "b", at(0)), (3, "c", at(0))]
NEW: list[Row] = [(2, "B", at(1)), (3, "c", at(0)), (4, "d", at(1))]
COUNTS = MergeCounts(inserted=1, updated=1, unchanged=1, deleted=1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with a table Item that holds OLD."""
    with postgres_bench() as bench:
        bench.merge(ITEMS, OLD)
        yield bench


def oid(bench: Bench) -> int:
    """Which relation the table is: another one after a swap."""
    ((found,),) = bench.execute("SELECT '\"Item\"'::regclass::oid::bigint")
    return int(found)


def schema_of(bench: Bench) -> str:
    """The schema that the cache lives in."""
    return (bench.directory / "schema").read_text()


def impatient(bench: Bench) -> None:
    """Makes the cache wait for others for less than a second."""
    url = (bench.directory / "cache.url").read_text()
    bench.cache = open_postgres(CacheConfig(url=url, lock_timeout=timedelta(seconds=0.5)))


@contextmanager
def role() -> Iterator[str]:
    """A database role that is gone afterwards."""
    name = f"reader_{time.monotonic_ns()}"
    server.run(f'CREATE ROLE "{name}"')
    try:
        yield name
    finally:
        server.run(f'DROP OWNED BY "{name}"')
        server.run(f'DROP ROLE "{name}"')


@contextmanager
def reader(bench: Bench, isolation: psycopg.IsolationLevel) -> Iterator[psycopg.Connection[Row]]:
    """Another program's transaction."""
    with server.connect(schema_of(bench)) as connection:
        connection.isolation_level = isolation
        with connection.transaction():
            yield connection


def test_swap_takes_the_place(bench: Bench) -> None:
    """Without anything in the way the shadow becomes the table."""
    before = oid(bench)
    assert bench.reload(ITEMS, SWAP, NEW) == COUNTS
    assert (oid(bench) != before, bench.rows()) == (True, NEW)


def test_truncate_stays_in_place(bench: Bench) -> None:
    """The other strategy replaces the rows of the table as it stands."""
    before = oid(bench)
    assert bench.reload(ITEMS, TRUNCATE, NEW) == COUNTS
    assert (oid(bench), bench.rows()) == (before, NEW)


def test_swap_keeps_definitions(bench: Bench) -> None:
    """Indexes, constraints, defaults, comments and grants are as they were, by name and definition, after two swaps."""
    with role() as name:
        for made in (
            'CREATE INDEX "by %s name" ON "Item" (lower("Name") DESC NULLS LAST) INCLUDE ("Changed") WHERE "Id" > 0',
            'CREATE UNIQUE INDEX once ON "Item" ("Name", "Id")',
            'CREATE INDEX brin ON "Item" USING brin ("Changed") WITH (pages_per_range = 8)',
            'ALTER TABLE "Item" ADD CONSTRAINT named UNIQUE ("Id", "Changed") DEFERRABLE',
            'ALTER TABLE "Item" ADD CONSTRAINT positive CHECK ("Id" >= 0)',
            'ALTER TABLE "Item" ALTER "Name" SET DEFAULT \'it\'\'s\', ALTER "Name" SET STORAGE EXTERNAL',
            'COMMENT ON TABLE "Item" IS \'whats \\ "it"\'',
            'COMMENT ON COLUMN "Item"."Name" IS \'of it\'',
            "COMMENT ON INDEX once IS 'only once'",
            "COMMENT ON CONSTRAINT named ON \"Item\" IS 'it has a name'",
            'COMMENT ON CONSTRAINT "Item_pkey" ON "Item" IS \'the key\'',
            f'GRANT SELECT ON "Item" TO PUBLIC, "{name}"',
            f'GRANT UPDATE ON "Item" TO "{name}" WITH GRANT OPTION',
            f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema_of(bench)}" GRANT DELETE ON TABLES TO "{name}"',
        ):
            bench.execute(made)
        before, details = bench.rig.described(bench.directory), comments(bench)
        first = oid(bench)
        bench.reload(ITEMS, SWAP, NEW)
        bench.reload(ITEMS, SWAP, OLD)
        assert oid(bench) != first
        assert grants_sorted(bench.rig.described(bench.directory)) == grants_sorted(before)
        assert comments(bench) == details


def comments(bench: Bench) -> list[Row]:
    """Every comment in the schema, and how columns are stored."""
    return bench.execute(
        "SELECT c.relname, d.objsubid, d.description FROM pg_description AS d JOIN pg_class AS c ON c.oid = d.objoid "
        "WHERE c.relnamespace = current_schema()::regnamespace "
        "UNION ALL SELECT k.conname, 0, d.description FROM pg_description AS d "
        "JOIN pg_constraint AS k ON k.oid = d.objoid WHERE k.connamespace = current_schema()::regnamespace "
        "UNION ALL SELECT a.attname, a.attnum, a.attstorage::text FROM pg_attribute AS a "
        "WHERE a.attrelid = '\"Item\"'::regclass AND a.attnum > 0 ORDER BY 1, 2, 3"
    )


def grants_sorted(described: object) -> list[Row]:
    """The description with each table's grants in an order of their own."""
    assert isinstance(described, list)
    return [
        tuple(
            "".join(sorted(part)) if place == 3 and part and row[0] == "r" else part for place, part in enumerate(row)
        )
        for row in described
    ]


OBSTACLES = {
    "a view": ['CREATE VIEW v AS SELECT "Name" FROM "Item"'],
    "a materialized view": ['CREATE MATERIALIZED VIEW v AS SELECT "Name" FROM "Item"'],
    "a function": [
        'CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM "Item"; END',
    ],
    "a use of its row type": ['CREATE TABLE other (item "Item")'],
    "a foreign key to it": ['CREATE TABLE other (id bigint REFERENCES "Item")', "INSERT INTO other VALUES (2), (3)"],
    "a foreign key of its own": [
        "CREATE TABLE other (name text PRIMARY KEY)",
        "INSERT INTO other VALUES ('a'), ('b'), ('B'), ('c'), ('d')",
        'ALTER TABLE "Item" ADD FOREIGN KEY ("Name") REFERENCES other',
    ],
    "row security": ['ALTER TABLE "Item" ENABLE ROW LEVEL SECURITY', 'CREATE POLICY p ON "Item" USING (true)'],
    "a publication": ['CREATE PUBLICATION "{schema}" FOR TABLE "Item"'],
    "a publication of the schema": ['CREATE PUBLICATION "{schema}" FOR TABLES IN SCHEMA "{schema}"'],
    "an identity column": ['ALTER TABLE "Item" ADD "Serial" bigint GENERATED ALWAYS AS IDENTITY'],
    "grants on a column": ['GRANT SELECT ("Name") ON "Item" TO PUBLIC'],
    "a fill factor": ['ALTER TABLE "Item" SET (fillfactor = 70)'],
    "settings of its long values": ['ALTER TABLE "Item" SET (toast.autovacuum_enabled = false)'],
    "a replica identity": ['ALTER TABLE "Item" REPLICA IDENTITY FULL'],
    "a clustered index": ['CLUSTER "Item" USING "Item_pkey"'],
    "statistics": ['CREATE STATISTICS st ON "Id", "Name" FROM "Item"'],
    "a column's statistics target": ['ALTER TABLE "Item" ALTER "Name" SET STATISTICS 7'],
    "a child": ['CREATE TABLE child () INHERITS ("Item")'],
    "a trigger": [
        "CREATE FUNCTION notice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        'CREATE TRIGGER notice BEFORE INSERT ON "Item" FOR EACH ROW EXECUTE FUNCTION notice()',
    ],
    "a check that was not made on all rows": ['ALTER TABLE "Item" ADD CHECK ("Id" > 0) NOT VALID'],
    "no log": ['ALTER TABLE "Item" SET UNLOGGED'],
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_obstacles(bench: Bench, obstacle: str) -> None:
    """What a new table could not take over keeps the old one in place, and its rows are replaced all the same."""
    for made in OBSTACLES[obstacle]:
        bench.execute(made.replace("{schema}", schema_of(bench)))
    before = oid(bench)
    described = bench.rig.described(bench.directory)
    if obstacle == "a foreign key to it":
        bench.execute("DELETE FROM other WHERE id = 1")
    assert bench.reload(ITEMS, SWAP, NEW) == COUNTS
    assert (oid(bench), bench.rows()) == (before, NEW)
    assert bench.rig.described(bench.directory) == described


def test_another_owner(bench: Bench) -> None:
    """A table of somebody else's stays that one's own."""
    with role() as name:
        bench.execute(f'ALTER TABLE "Item" OWNER TO "{name}"')
        before = oid(bench)
        assert bench.reload(ITEMS, SWAP, NEW) == COUNTS
        assert (oid(bench), bench.rows()) == (before, NEW)


def test_obstacle_made_meanwhile(bench: Bench) -> None:
    """A view that is made while the shadow fills keeps the table in place, and works."""
    before = oid(bench)
    operation = bench.start()
    with bench.stage(ITEMS, reload=True, operation_id=operation) as stage:
        bench.execute('CREATE VIEW v AS SELECT "Name" FROM "Item"')
        assert stage.reload(SWAP) == MergeCounts(deleted=3)
    assert oid(bench) == before
    assert bench.execute("SELECT * FROM v") == []


@pytest.mark.parametrize("strategy", list(ReloadStrategy), ids=str)
def test_older_snapshot(bench: Bench, strategy: ReloadStrategy) -> None:
    """A transaction that began before the reload, and has not looked yet, finds the old rows, not an empty table."""
    impatient(bench)
    with reader(bench, psycopg.IsolationLevel.REPEATABLE_READ) as other:
        other.execute('SELECT count(*) FROM "DataUpdate"').fetchall()
        assert bench.reload(ITEMS, strategy, NEW) == COUNTS
        assert other.execute('SELECT "Id", "Name", "Changed" FROM "Item" ORDER BY 1').fetchall() == OLD
    assert bench.rows() == NEW


def test_snapshot_that_ends(bench: Bench) -> None:
    """The swap waits a moment for a transaction with an older snapshot, and then takes place."""
    before = oid(bench)
    ended = threading.Event()
    with reader(bench, psycopg.IsolationLevel.REPEATABLE_READ) as other:
        other.execute('SELECT count(*) FROM "DataUpdate"').fetchall()

        def reload() -> None:
            assert bench.reload(ITEMS, SWAP, NEW) == COUNTS
            ended.set()

        thread = threading.Thread(target=reload)
        thread.start()
        assert not ended.wait(0.3)
    thread.join(20)
    assert ended.is_set()
    assert (oid(bench) != before, bench.rows()) == (True, NEW)


def test_long_reader(bench: Bench) -> None:
    """A reader that keeps the table open is waited for, other readers go on, and in the end the rows are replaced."""
    impatient(bench)
    before = oid(bench)
    slowest = 0.0
    done = threading.Event()
    with reader(bench, psycopg.IsolationLevel.READ_COMMITTED) as other:
        other.execute('SELECT count(*) FROM "Item"').fetchall()

        def reload() -> None:
            assert bench.reload(ITEMS, SWAP, NEW) == COUNTS
            done.set()

        thread = threading.Thread(target=reload)
        thread.start()
        while not done.wait(0.01):
            began = time.monotonic()
            assert len(bench.rows()) == 3
            slowest = max(slowest, time.monotonic() - began)
        thread.join(20)
    assert slowest < 1
    assert (oid(bench), bench.rows()) == (before, NEW)


@pytest.mark.parametrize("strategy", list(ReloadStrategy), ids=str)
def test_exchanged_unique_values(bench: Bench, strategy: ReloadStrategy) -> None:
    """Rows that exchange the values of a unique index are replaced, though not one by one."""
    bench.execute('CREATE UNIQUE INDEX names ON "Item" ("Name")')
    exchanged = [(1, "b", at(0)), (2, "a", at(0)), (3, "c", at(0)), (4, "d", at(0))]
    assert bench.reload(ITEMS, strategy, exchanged) == MergeCounts(inserted=1, updated=2, unchanged=1)
    assert bench.rows() == exchanged


def test_references_stay(bench: Bench) -> None:
    """Replaced rows that others refer to are not deleted for a moment: what would cascade does not."""
    bench.execute('CREATE TABLE other (id bigint REFERENCES "Item" ON DELETE CASCADE)')
    bench.execute("INSERT INTO other VALUES (1), (2), (3)")
    bench.reload(ITEMS, TRUNCATE, NEW)
    assert sorted(bench.execute("SELECT id FROM other")) == [(2,), (3,)]


def test_generated_columns(bench: Bench) -> None:
    """A column that the database computes goes along with merges and swaps."""
    bench.execute('ALTER TABLE "Item" ADD "Upper" text GENERATED ALWAYS AS (upper("Name")) STORED')
    before = oid(bench)
    bench.reload(ITEMS, SWAP, NEW)
    bench.merge(ITEMS, [(2, "bb", at(2))])
    assert oid(bench) != before
    assert bench.execute('SELECT "Upper" FROM "Item" ORDER BY "Id"') == [("BB",), ("C",), ("D",)]


def test_widest_table(bench: Bench) -> None:
    """The widest table there can be is merged and reloaded in both ways."""
    columns = tuple(Column(name=f"C{number}", type=pa.bool_()) for number in range(1_598))
    wide = TableSchema(columns=(Column(name="Id", type=pa.int64()), *columns), key=("Id",))
    rows: list[Row] = [(number, *[number % 2 == 0] * 1_598) for number in range(3)]
    assert bench.merge(wide, rows, table_name="Wide") == MergeCounts(inserted=3)
    for strategy in ReloadStrategy:
        rows[1] = (1, *[not value for value in rows[1][1:]])
        assert bench.reload(wide, strategy, rows, table_name="Wide") == MergeCounts(updated=1, unchanged=2)
    assert bench.rows(wide, "Wide") == rows


def test_reindex_waits_for_nobody(bench: Bench) -> None:
    """Readers go on while indexes are rebuilt, and what a rebuild that failed left behind is cleaned."""
    bench.execute('CREATE INDEX by_name ON "Item" ("Name")')
    impatient(bench)
    operation = bench.start()
    with (
        bench.stage(PLAIN, operation_id=operation) as stage,
        reader(bench, psycopg.IsolationLevel.REPEATABLE_READ) as other,
    ):
        other.execute('SELECT count(*) FROM "Item"').fetchall()
        with pytest.raises(Exception, match="lock timeout"):
            stage.rebuild_indexes()
    left = "SELECT relname FROM pg_class WHERE relname LIKE '%\\_cc%' AND relnamespace = current_schema()::regnamespace"
    names = {name for (name,) in bench.execute(left)}
    assert names
    assert set(bench.cache.clean(frozenset({operation}))) == names
    assert bench.execute(left) == []
