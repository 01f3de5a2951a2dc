"""A DuckDB file that an earlier version made is brought up to date by the first write."""

from tests.caches.earlier import check_brought_up_to_date
from tests.caches_duckdb.duckdb_rig import duckdb_bench


def test_earlier_tables() -> None:
    """Details, causes and actions find room, and what was recorded before stays."""
    with duckdb_bench() as bench:
        check_brought_up_to_date(
            bench,
            "DROP TABLE AfreshAction",
            "DROP SEQUENCE AfreshActionId",
            "DROP VIEW LastDataUpdates",
            "ALTER TABLE DataUpdate DROP COLUMN Details",
            "ALTER TABLE DataUpdate DROP COLUMN Cause",
            "CREATE VIEW LastDataUpdates AS SELECT * FROM DataUpdate WHERE Id IN ("
            "SELECT max(Id) FROM DataUpdate WHERE WasSuccessful GROUP BY TableName, UpdateType)",
        )
