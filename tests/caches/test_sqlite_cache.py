"""SQLite passes the conformance kit."""

from tests.caches.sqlite_rig import SqliteRig

from afresh.testing.cache_kit import CacheKit


class TestSqliteCache(SqliteRig, CacheKit):
    """The kit on one file."""
