"""A cache that an earlier version made is brought up to date by the first write, and can be read before."""

import pytest
from tests.caches.earlier import check_brought_up_to_date
from tests.caches.postgres_rig import PostgresRig, drop_made
from tests.caches.sqlite_rig import SqliteRig

from afresh.testing.kit_rig import at, on_bench

INDEXES = ("DataUpdateOfTableByStart", "DataUpdateOfOutcomeByStart")
WITHOUT_INDEXES = tuple(f'DROP INDEX "{name}"' for name in INDEXES)
SQLITE = (
    *WITHOUT_INDEXES,
    "DROP TABLE AfreshAction",
    "ALTER TABLE DataUpdate DROP COLUMN Details",
    "ALTER TABLE DataUpdate DROP COLUMN Cause",
)
POSTGRES = (
    *WITHOUT_INDEXES,
    'DROP TABLE "AfreshAction"',
    'DROP VIEW "LastDataUpdates"',
    'ALTER TABLE "DataUpdate" DROP COLUMN "Details", DROP COLUMN "Cause"',
    'CREATE VIEW "LastDataUpdates" AS SELECT * FROM "DataUpdate" WHERE "Id" IN ('
    'SELECT max("Id") FROM "DataUpdate" WHERE "WasSuccessful" GROUP BY "TableName", "UpdateType")',
)


def test_sqlite() -> None:
    """In SQLite."""
    with on_bench(SqliteRig()) as bench:
        check_brought_up_to_date(bench, *SQLITE)


@pytest.mark.parametrize(
    ("rig", "statements"), [(SqliteRig(), SQLITE), (PostgresRig(), POSTGRES)], ids=["sqlite", "postgres"]
)
def test_read_before(rig: SqliteRig | PostgresRig, statements: tuple[str, ...]) -> None:
    """Who only reads finds what is there."""
    with on_bench(rig) as bench:
        bench.end(bench.start(), rows=3)
        before = bench.cache.log.last_updates()
        for statement in statements:
            bench.execute(statement)
        assert bench.reopened().cache.log.last_updates() == before
        assert bench.reopened().cache.actions.latest() == []
    drop_made()


@pytest.mark.parametrize(
    ("rig", "named"),
    [
        (SqliteRig(), "SELECT name FROM sqlite_master WHERE type = 'index'"),
        (PostgresRig(), "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"),
    ],
    ids=["sqlite", "postgres"],
)
def test_indexes(rig: SqliteRig | PostgresRig, named: str) -> None:
    """A log that lacks the indexes by which a span of time is found gets them with the next write, and nothing else."""
    with on_bench(rig) as bench:
        bench.end(bench.start(), rows=3)
        before = list(bench.cache.log.history())
        for statement in WITHOUT_INDEXES:
            bench.execute(statement)
        later = bench.reopened()
        assert list(later.cache.log.history(since=at(0))) == before
        later.end(later.start("Later"))
        assert list(later.cache.log.history())[1:] == before
        assert set(INDEXES) <= {row[0] for row in bench.execute(named)}
    drop_made()


def test_postgres() -> None:
    """In PostgreSQL."""
    with on_bench(PostgresRig()) as bench:
        check_brought_up_to_date(bench, *POSTGRES)
    drop_made()
