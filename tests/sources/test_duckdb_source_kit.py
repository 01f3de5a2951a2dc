"""DuckDB passes the conformance kit for sources."""

from tests.sources.duckdb_source_rig import DuckdbSourceRig

from afresh.testing.source_kit import SourceKit


class TestDuckdbSource(DuckdbSourceRig, SourceKit):
    """The kit on one file."""
