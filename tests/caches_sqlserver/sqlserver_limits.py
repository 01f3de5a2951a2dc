"""What the kit's tests on SQL Server have in common, on a real server and on the fake."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afresh.core.model import MergeCounts
from afresh.core.schema import TableSchema
from afresh.testing import strategies
from afresh.testing.kit_rig import CacheRig, Row, on_bench


class Limits(CacheRig):
    """Tests of the kit whose random values SQL Server cannot all hold, within what it can."""

    def refuses(self, value: Any) -> bool:
        """No float can be infinite."""
        return isinstance(value, float) and not math.isfinite(value)

    @pytest.mark.timeout(300)
    @settings(max_examples=10, deadline=None)
    @given(st.data())
    def test_any_table(self, data: st.DataObject) -> None:
        """A table of any types with any values that can be kept comes back exactly, merged or reloaded."""
        schema = data.draw(strategies.schemas())
        rows = [row for row in data.draw(strategies.tables(schema)) if self.fits(schema, row)]
        with on_bench(self) as bench:
            assert bench.merge(schema, rows) == MergeCounts(inserted=len(rows))
            assert _sorted(bench.rows(schema)) == _sorted(rows)
            strategy = data.draw(st.sampled_from(sorted(bench.cache.capabilities.reload_strategies)))
            assert bench.reload(schema, strategy, rows) == MergeCounts(unchanged=len(rows))
            assert bench.merge(schema, rows) == MergeCounts(unchanged=len(rows))
            assert _sorted(bench.rows(schema)) == _sorted(rows)

    def fits(self, schema: TableSchema, row: Row) -> bool:
        """Whether every value can be held and read again, and no key is too long or ends in what `=` ignores."""
        keys = [row[schema.names.index(name)] for name in schema.key]
        marked = any(isinstance(value, str) and value.startswith("\ufeff") for value in row)
        return not marked and not any(map(self.refuses, row)) and all(map(_plain_key, keys))


def _plain_key(value: Any) -> bool:
    if isinstance(value, str):
        return value == value.rstrip(" ") and len(value) <= 100
    return not isinstance(value, bytes) or (not value.endswith(b"\0") and len(value) <= 200)


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=repr)
