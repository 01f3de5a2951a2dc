"""The kit's assertions explain themselves as those of test files do, and what SQL Server cannot do is marked."""

import pytest
from tests.caches_sqlserver import sqlserver_gaps

pytest.register_assert_rewrite("afresh.testing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expected failures, of the tests in this directory alone."""
    sqlserver_gaps.mark([item for item in items if "caches_sqlserver" in str(item.path)])
