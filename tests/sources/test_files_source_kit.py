"""Files pass the conformance kit for sources: Parquet, CSV and JSON lines."""

from tests.sources.files_source_rig import CsvRig, LinesRig, ParquetRig

from afresh.testing.source_kit import SourceKit


class TestParquetSource(ParquetRig, SourceKit):
    """The kit on Parquet files."""


class TestCsvSource(CsvRig, SourceKit):
    """The kit on CSV files."""


class TestLinesSource(LinesRig, SourceKit):
    """The kit on JSON lines."""
