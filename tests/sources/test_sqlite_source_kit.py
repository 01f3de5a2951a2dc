"""SQLite passes the conformance kit for sources."""

from tests.sources.sqlite_source_rig import SqliteSourceRig

from afresh.testing.source_kit import SourceKit


class TestSqliteSource(SqliteSourceRig, SourceKit):
    """The kit on one file in WAL mode."""
