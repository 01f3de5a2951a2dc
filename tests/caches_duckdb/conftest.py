"""The kit's assertions explain themselves as those of test files do, and what DuckDB cannot do is marked."""

import pytest
from tests.caches_duckdb import duckdb_gaps

pytest.register_assert_rewrite("afresh.testing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expected failures, of the tests in this directory alone."""
    duckdb_gaps.mark([item for item in items if "caches_duckdb" in str(item.path)])
