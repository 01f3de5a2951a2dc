"""PostgreSQL passes the conformance kit for sources."""

from tests.sources.postgres_source_rig import PostgresSourceRig

from afresh.testing.source_kit import SourceKit


class TestPostgresSource(PostgresSourceRig, SourceKit):
    """The kit on a server from a wheel, or on that of AFRESH_TEST_POSTGRES_URL, as an account that may only read."""
