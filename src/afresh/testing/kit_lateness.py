"""The kit: of what is staged, those rows are told that come late."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pytest

from afresh.core.model import Late, MergeCounts
from afresh.core.schema import DATETIME, TIMESTAMP, Column, TableSchema
from afresh.testing.kit_rig import ITEMS, Bench, CacheRig, Row, at, batch

PAIRED = TableSchema(
    columns=(Column(name="Site", type=pa.string(), length=10), *ITEMS.columns),
    key=("Site", "Id"),
    last_update="Changed",
)

Timed = tuple[int, str, float | None]


class LatenessKit(CacheRig):
    """Measuring how late rows come."""

    @pytest.mark.parametrize("kind", [TIMESTAMP, DATETIME], ids=["instants", "readings"])
    def test_late_rows(self, bench: Bench, kind: pa.DataType) -> None:
        """Late is what is new, or newer than the table has it, and stamped before the instant; equal stamps, older
        ones and null are not, and neither is the instant itself."""
        schema = stamped(kind)
        bench.merge(schema, rows(kind, [(1, "a", 0), (2, "b", 10), (3, "c", None), (4, "d", 10), (5, "e", 7)]))
        given: list[Timed] = [
            *[(1, "a", 0), (2, "older", 9), (3, "was null", 8), (4, "equal", 10), (5, "newer", 9.5)],
            *[(6, "new", 12), (7, "new", 20), (8, "new", None), (9, "new", 19.99)],
        ]
        with bench.stage(schema) as stage:
            stage.append(batch(schema, rows(kind, given)))
            assert stage.late(at(20)) == Late(rows=4, oldest=at(8))
            assert stage.late(at(9)) == Late(rows=1, oldest=at(8))
            assert stage.late(at(8)) == Late()

    def test_changes_nothing(self, bench: Bench) -> None:
        """Batch after batch can be looked at, with or without rows; merging goes on as if nobody had looked."""
        bench.merge(ITEMS, [(1, "a", at(0)), (2, "b", at(0))])
        with bench.stage(ITEMS) as stage:
            stage.append(batch(ITEMS, [(1, "A", at(5))]))
            assert stage.late(at(9)) == Late(rows=1, oldest=at(5))
            assert stage.merge(trust_source=False) == MergeCounts(updated=1)
            assert stage.late(at(9)) == Late()
            stage.append(batch(ITEMS, [(1, "A", at(5)), (3, "c", at(4))]))
            assert stage.late(at(9)) == Late(rows=1, oldest=at(4))
            stage.append(batch(ITEMS, [(3, "C", at(6)), (4, "d", at(6))]))
            assert stage.merge(trust_source=False) == MergeCounts(inserted=2, unchanged=1, duplicates=1)
        assert bench.rows() == [(1, "A", at(5)), (2, "b", at(0)), (3, "C", at(6)), (4, "d", at(6))]

    def test_empty_table(self, bench: Bench) -> None:
        """Nothing is late in a table that has no rows yet."""
        with bench.stage(ITEMS) as stage:
            stage.append(batch(ITEMS, [(1, "a", at(0))]))
            assert stage.late(at(9)) == Late()

    def test_keys_of_several_columns(self, bench: Bench) -> None:
        """A row is new if its whole key is."""
        bench.merge(PAIRED, [("a", 1, "x", at(0)), ("b", 1, "x", at(0))])
        with bench.stage(PAIRED) as stage:
            stage.append(batch(PAIRED, [("a", 1, "x", at(0)), ("A", 1, "x", at(1)), ("b", 2, "x", at(2))]))
            assert stage.late(at(5)) == Late(rows=2, oldest=at(1))

    @pytest.mark.parametrize("kind", [TIMESTAMP, DATETIME], ids=["instants", "readings"])
    def test_late_in_reload(self, bench: Bench, kind: pa.DataType) -> None:
        """Of a reload, the rows of the shadow are looked at, all of its batches."""
        schema = stamped(kind)
        bench.merge(schema, rows(kind, [(1, "a", 0), (2, "b", 0), (3, "gone", 0)]))
        with bench.stage(schema, reload=True) as stage:
            assert stage.late(at(9)) == Late()
            for some in ([(1, "A", 3), (2, "B", -1)], [(4, "new", 2), (5, "new", 11)]):
                stage.append(batch(schema, rows(kind, some)))
                stage.merge(trust_source=True)
            assert stage.late(at(9)) == Late(rows=2, oldest=at(2))
        assert len(bench.rows(schema)) == 3


def stamped(kind: pa.DataType) -> TableSchema:
    """A table with stamps of that type."""
    columns = (*ITEMS.columns[:2], Column(name="Changed", type=kind))
    return TableSchema(columns=columns, key=ITEMS.key, last_update="Changed")


def rows(kind: pa.DataType, given: Sequence[Timed]) -> list[Row]:
    """Rows with their stamps, which are given in minutes."""
    return [(number, name, _stamp(minutes, kind)) for number, name, minutes in given]


def _stamp(minutes: float | None, kind: pa.DataType) -> datetime | None:
    stamp = None if minutes is None else at(minutes)
    return stamp.replace(tzinfo=None) if stamp is not None and kind == DATETIME else stamp
