"""What the kit's tests on SQL Server have in common, on a real server and on the fake."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afresh.core.model import MergeCounts
from afresh.core.schema import TableSchema
from afresh.testing import strategies
from afresh.testing.kit_rig import CacheRig, Row, on_bench


class Limits(CacheRig):
    """Tests of the kit whose random values SQL Server cannot all hold, within what it can."""

    @pytest.mark.timeout(300)
    @settings(max_examples=25, deadline=None)
    @given(st.data())
    def test_any_table(self, data: st.DataObject) -> None:
        """A table of any types with any values that can be kept comes back exactly, merged or reloaded."""
        schema = data.draw(strategies.schemas())
        rows = data.draw(strategies.tables(schema).filter(lambda rows: all(_fits(schema, row) for row in rows)))
        with on_bench(self) as bench:
            assert bench.merge(schema, rows) == MergeCounts(inserted=len(rows))
            assert _sorted(bench.rows(schema)) == _sorted(rows)
            strategy = data.draw(st.sampled_from(sorted(bench.cache.capabilities.reload_strategies)))
            assert bench.reload(schema, strategy, rows) == MergeCounts(unchanged=len(rows))
            assert bench.merge(schema, rows) == MergeCounts(unchanged=len(rows))
            assert _sorted(bench.rows(schema)) == _sorted(rows)


def _fits(schema: TableSchema, row: Row) -> bool:
    """No infinity, and no key that ends in what a comparison ignores or is longer than a third of an index."""
    return all(
        _finite(column.type, value) and (column.name not in schema.key or _plain_key(value))
        for column, value in zip(schema.columns, row, strict=True)
    )


def _finite(kind: pa.DataType, value: Any) -> bool:
    return not pa.types.is_floating(kind) or value is None or abs(value) != float("inf")


def _plain_key(value: Any) -> bool:
    if isinstance(value, str):
        return value == value.rstrip(" ") and len(value) <= 100
    return not isinstance(value, bytes) or (not value.endswith(b"\0") and len(value) <= 200)


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=repr)
