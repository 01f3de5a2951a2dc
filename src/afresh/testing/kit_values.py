"""The kit: every value comes back exactly, whatever its type and size, and whatever the names are."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afresh.core.errors import AfreshError, ConfigurationError
from afresh.core.model import MergeCounts, Outcome, ReloadStrategy
from afresh.core.schema import Column, TableSchema
from afresh.testing import strategies
from afresh.testing.kit_rig import PLAIN, Bench, CacheRig, Row, batch
from afresh.testing.odd_values import ODD, OddValue, same, shown

MEGABYTE = 1024 * 1024


class ValueKit(CacheRig):
    """What goes in comes out."""

    @pytest.mark.parametrize("kind", strategies.COLUMNS, ids=lambda column: column.type_name)
    def test_types(self, bench: Bench, kind: Column, record_property: Callable[[str, object], None]) -> None:
        """The least, greatest, odd and empty values of each type come back as they were, and null as null.

        A value that the database cannot hold stops the sync, which names the column and changes nothing.
        """
        schema = TableSchema(columns=(Column(name="Id", type=pa.int64()), kind), key=("Id",))
        rows: list[Row] = list(enumerate([*self._kept(kind), None]))
        assert bench.merge(schema, rows) == MergeCounts(inserted=len(rows))
        assert bench.rows(schema) == rows
        assert bench.merge(schema, rows) == MergeCounts(unchanged=len(rows))
        for value in strategies.extremes(kind):
            if reason := self.refusal(kind, value):
                record_property("kit.refusal", f"{kind.type_name}: {reason}")
                self._is_refused(bench, schema, value)
                assert bench.rows(schema) == rows

    @pytest.mark.parametrize("kind", strategies.COLUMNS, ids=lambda column: column.type_name)
    def test_types_as_keys(self, bench: Bench, kind: Column) -> None:
        """Each of these values identifies its row."""
        schema = TableSchema(columns=(kind, Column(name="Number", type=pa.int64())), key=(kind.name,))
        rows: list[Row] = [(value, number) for number, value in enumerate(self._kept(kind))]
        assert bench.merge(schema, rows) == MergeCounts(inserted=len(rows))
        changed: list[Row] = [(value, number + 1) for value, number in rows]
        assert bench.merge(schema, changed) == MergeCounts(updated=len(rows))
        assert bench.rows(schema) == sorted(changed)

    @pytest.mark.timeout(300)
    def test_any_table(self, bench: Bench) -> None:
        """A table of any types with any values comes back exactly, merged or reloaded, and again is unchanged."""
        numbers = count()
        ways = sorted(bench.cache.capabilities.reload_strategies)

        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.data())
        def comes_back(data: st.DataObject) -> None:
            number = next(numbers)
            name, strategy = f"T{number}", ways[number % len(ways)]
            schema = data.draw(strategies.schemas())
            rows = [row for row in data.draw(strategies.tables(schema)) if self.takes(schema, row)]
            assert bench.merge(schema, rows, table_name=name) == MergeCounts(inserted=len(rows))
            assert _sorted(bench.rows(schema, name)) == _sorted(rows)
            assert bench.reload(schema, strategy, rows, table_name=name) == MergeCounts(unchanged=len(rows))
            assert bench.merge(schema, rows, table_name=name) == MergeCounts(unchanged=len(rows))
            assert _sorted(bench.rows(schema, name)) == _sorted(rows)

        comes_back()

    def _kept(self, kind: Column) -> list[Any]:
        return [value for value in strategies.extremes(kind) if not self.refusal(kind, value)]

    def _is_refused(self, bench: Bench, schema: TableSchema, value: Any) -> None:
        operation = bench.start()

        def deliver() -> None:
            with bench.stage(schema, operation_id=operation) as stage:
                stage.append(batch(schema, [(99, value)]))
                stage.merge(trust_source=False)

        with pytest.raises(AfreshError, match=schema.names[-1]):
            deliver()
        bench.end(operation, Outcome.FAILED)

    def test_nan_is_exact_or_refused(self, bench: Bench) -> None:
        """Not-a-number comes back as such, or stops the sync; it never becomes null."""
        schema = TableSchema(
            columns=(Column(name="Id", type=pa.int64()), Column(name="V", type=pa.float64())), key=("Id",)
        )
        refused = ""
        try:
            bench.merge(schema, [(1, float("nan"))])
        except AfreshError as error:
            refused = str(error)
        found = bench.rows(schema)
        assert ("V" in refused and found == []) if refused else (len(found) == 1 and found[0][1] != found[0][1])

    @pytest.mark.parametrize("odd", ODD, ids=[odd.name for odd in ODD])
    def test_odd_values(self, bench: Bench, odd: OddValue, record_property: Callable[[str, object], None]) -> None:
        """Each odd value is kept exactly, next to a null, or stops the sync, which names the column."""
        schema = TableSchema(columns=(Column(name="Id", type=pa.int64()), odd.column), key=("Id",))
        stopped: AfreshError | None = None
        try:
            bench.merge(schema, [(1, odd.value), (2, None)])
        except AfreshError as error:
            stopped = error
        if stopped is not None:
            assert "V" in str(stopped)
            assert bench.rows(schema) == []
            record_property(f"kit.odd.{odd.name}", f"stops the sync ({type(stopped).__name__})")
            return
        found = [value for _, value in bench.rows(schema)]
        assert [pair for pair in zip(found, [odd.value, None], strict=True) if not same(*pair)] == []
        ((kept,),) = bench.execute("SELECT {1} FROM {2} WHERE {0} = 1".format(*map(self.quote, ("Id", "V", "Item"))))
        record_property(f"kit.odd.{odd.name}", f"exactly; another program reads {shown(kept)}")

    @pytest.mark.parametrize("megabytes", [16])
    def test_large_values(self, bench: Bench, megabytes: int) -> None:
        """Texts and bytes of many megabytes come back whole."""
        schema = TableSchema(
            columns=(
                Column(name="Id", type=pa.int64()),
                Column(name="T", type=pa.string()),
                Column(name="B", type=pa.binary()),
            ),
            key=("Id",),
        )
        rows: list[Row] = [(1, "ü" * (megabytes * MEGABYTE // 2), bytes(range(256)) * (megabytes * MEGABYTE // 256))]
        bench.merge(schema, rows)
        assert bench.rows(schema) == rows

    @pytest.mark.parametrize("columns", [1, 2, 1_000])
    def test_widths(self, bench: Bench, columns: int, strategy: ReloadStrategy) -> None:
        """Tables of one column and of a thousand are merged and reloaded."""
        names = [f"C{number}" for number in range(columns)]
        schema = TableSchema(
            columns=tuple(Column(name=name, type=pa.int64()) for name in names),
            key=(names[0],),
            last_update=names[-1],
        )
        rows: list[Row] = [tuple(range(row, row + columns)) for row in range(20)]
        assert bench.merge(schema, rows) == MergeCounts(inserted=20)
        rows[7] = (*rows[7][:-1], rows[7][-1] + 1) if columns > 1 else rows[7]
        changed = int(columns > 1)
        assert bench.merge(schema, rows) == MergeCounts(updated=changed, unchanged=20 - changed)
        rows[8] = (*rows[8][:-1], rows[8][-1] + 1) if columns > 1 else rows[8]
        assert bench.reload(schema, strategy, rows) == MergeCounts(updated=changed, unchanged=20 - changed)
        assert bench.rows(schema) == rows


class NameKit(CacheRig):
    """Names are names: they work, or are refused with a reason, and never become SQL."""

    @pytest.mark.parametrize("name", strategies.WEIRD_NAMES)
    def test_weird_names(self, bench: Bench, name: str) -> None:
        """A table and a column of any name can be made, merged, reloaded and read, or the name is refused."""
        schema = TableSchema(
            columns=(
                Column(name="Id", type=pa.int64()),
                Column(name=name, type=pa.string()),
                Column(name=f"{name} 2", type=pa.int64()),
            ),
            key=("Id", f"{name} 2"),
            last_update=name,
        )
        bench.merge(PLAIN, [(1, "bystander")], table_name="Item")
        refused = ""
        try:
            bench.merge(schema, [(1, "a", 1), (2, "b", 2), (2, "a", 2)], table_name=name)
        except ConfigurationError as error:
            refused = str(error)
        if refused:
            assert name in refused
        else:
            for strategy in sorted(bench.cache.capabilities.reload_strategies):
                bench.reload(schema, strategy, [(1, "a", 1), (2, "b", 2), (3, "c", 3), (3, "d", 3)], table_name=name)
                assert bench.merge(schema, [(3, "e", 3)], table_name=name) == MergeCounts(updated=1)
            assert bench.rows(schema, name) == [(1, "a", 1), (2, "b", 2), (3, "e", 3)]
            assert bench.cache.log.history(limit=1)[0].table_name == name
        assert bench.rows(PLAIN) == [(1, "bystander")]

    @pytest.mark.parametrize("name", ["", "a\0b"])
    def test_impossible_names(self, bench: Bench, name: str) -> None:
        """A name that no database can have is refused with a reason."""
        schema = TableSchema(
            columns=(Column(name="Id", type=pa.int64()), Column(name="V", type=pa.int64())), key=("Id",)
        )
        with pytest.raises(ConfigurationError):
            bench.cache.create(name, schema)
        columns = TableSchema(
            columns=(Column(name="Id", type=pa.int64()), Column(name=name, type=pa.int64())), key=("Id",)
        )
        with pytest.raises(ConfigurationError):
            bench.cache.create("Item", columns)
        assert "Item" not in bench.tables()

    def test_values_never_become_sql(self, bench: Bench) -> None:
        """Texts that look like SQL are texts, in data and in the log."""
        schema = TableSchema(
            columns=(Column(name="Id", type=pa.string()), Column(name="V", type=pa.string())), key=("Id",)
        )
        text = '\'); DROP TABLE "Item"; --'
        bench.merge(schema, [(text, text)])
        operation = bench.start(text)
        bench.end(operation)
        assert bench.rows(schema) == [(text, text)]
        assert bench.cache.log.history(table_name=text)[0].table_name == text


def _sorted(rows: list[Row]) -> list[Row]:
    """In any order that depends on the values alone, not on how they are written."""
    return sorted(rows, key=lambda row: repr([_written(value) for value in row]))


def _written(value: Any) -> Any:
    """0.0 and -0.0 are one value, and so are 0 and 0.00."""
    if isinstance(value, Decimal):
        return value.as_integer_ratio()
    return value + 0.0 if isinstance(value, float) else value
