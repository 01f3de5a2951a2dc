"""SQLite files read through their ODBC driver pass the conformance kit for sources."""

from tests.sources.odbc_drivers import without
from tests.sources.sqlite_odbc_rig import SqliteOdbcRig

from afresh.testing.source_kit import SourceKit


@without("SQLite3")
class TestSqliteOdbc(SqliteOdbcRig, SourceKit):
    """The kit on one file in WAL mode."""
