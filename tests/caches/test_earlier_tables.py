"""A cache that an earlier version made is brought up to date by the first write, and can be read before."""

import pytest
from tests.caches.earlier import check_brought_up_to_date
from tests.caches.postgres_rig import PostgresRig, drop_made
from tests.caches.sqlite_rig import SqliteRig

from afresh.testing.kit_rig import on_bench

SQLITE = (
    "DROP TABLE AfreshAction",
    "ALTER TABLE DataUpdate DROP COLUMN Details",
    "ALTER TABLE DataUpdate DROP COLUMN Cause",
)
POSTGRES = (
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


def test_postgres() -> None:
    """In PostgreSQL."""
    with on_bench(PostgresRig()) as bench:
        check_brought_up_to_date(bench, *POSTGRES)
    drop_made()
