"""What DuckDB cannot do of what the kit asks, each with its reason: strict expected failures."""

import pytest

GAPS = {
    "test_key_is_unique": "our tables have no unique constraint: DuckDB swaps no table with an index, and loses "
    "RETURNING rows of one; keys are kept unique by staging",
}


def mark(items: list[pytest.Item]) -> None:
    """Marks the tests of the kit that show a gap."""
    for item in items:
        if reason := GAPS.get(item.name):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
