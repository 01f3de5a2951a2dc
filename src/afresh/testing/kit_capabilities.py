"""The kit: what a cache says of itself is so, field by field of `Capabilities`."""

from collections.abc import Callable
from dataclasses import asdict

import pyarrow as pa
import pytest

from afresh.core.errors import ConfigurationError
from afresh.core.model import MergeCounts, ReloadStrategy
from afresh.core.schema import Column, TableSchema
from afresh.testing.kit_rig import ITEMS, PLAIN, PROOFS, Bench, CacheRig, Row, at


class CapabilityKit(CacheRig):
    """No capability is only claimed."""

    def test_says(self, bench: Bench, record_property: Callable[[str, object], None]) -> None:
        """Every field of what the cache says of itself is one that the kit proves."""
        said = asdict(bench.cache.capabilities)
        assert said.keys() == PROOFS.keys()
        for name, value in said.items():
            told = sorted(value) if isinstance(value, frozenset) else [value]
            record_property(f"kit.says.{name}", ", ".join(map(str, told)))

    def test_ways_of_reloading(self, bench: Bench) -> None:
        """The cache has exactly the ways of reloading that it names; its test class says why it lacks the others."""
        there = bench.cache.capabilities.reload_strategies
        assert there, "a Mass that replaces needs one way at least"
        assert there == set(ReloadStrategy) - set(self.lacks)
        bench.merge(ITEMS, [(1, "a", at(0))])
        for strategy in set(ReloadStrategy) - there:
            with bench.stage(ITEMS, reload=True) as stage, pytest.raises(ConfigurationError):
                stage.reload(strategy)
            bench.end(bench.cache.log.history(open_only=True)[0].operation_id)
        assert bench.rows() == [(1, "a", at(0))]

    @pytest.mark.parametrize("character", ["x", "ü"])
    def test_longest_names(self, bench: Bench, character: str) -> None:
        """A table and a column with a name as long as it may be are kept apart; longer ones are refused."""
        limit = bench.cache.capabilities.identifier_length
        size = len(character.encode())
        length = (limit or 1_000) // size
        names = [character * (length - 1) + last for last in ("1", "2")]
        for number, name in enumerate(names):
            rows: list[Row] = [(number, f"{number}")]
            assert bench.merge(_named(name), rows, table_name=name) == MergeCounts(inserted=1)
        assert [bench.rows(_named(name), name) for name in names] == [[(0, "0")], [(1, "1")]]
        if limit is None:
            return
        longer = "x" * (limit + 1)
        for table_name, schema in ((longer, PLAIN), ("Item", _named(longer))):
            with pytest.raises(ConfigurationError, match=longer):
                bench.cache.create(table_name, schema)
        assert "Item" not in bench.tables()

    def test_reserved_names(self, bench: Bench) -> None:
        """The cache's own tables cannot be made as data tables, in whatever case."""
        schema = TableSchema(columns=(Column(name="Id", type=pa.int64()),), key=("Id",))
        for name in bench.cache.capabilities.reserved_names:
            for spelled in (name, name.upper(), name.capitalize()):
                with pytest.raises(ConfigurationError):
                    bench.cache.create(spelled, schema)

    def test_own_tables_are_reserved(self, bench: Bench) -> None:
        """Every table that the cache makes for itself is among the reserved names, which are in lower case."""
        bench.end(bench.start())
        assert bench.cache.leases.take("job", "kit", at(0), at(1) - at(0)) is not None
        reserved = bench.cache.capabilities.reserved_names
        assert bench.tables()
        assert {name.lower() for name in bench.tables()} <= reserved
        assert all(name == name.lower() for name in reserved)


def _named(name: str) -> TableSchema:
    return TableSchema(columns=(Column(name="Id", type=pa.int64()), Column(name=name, type=pa.string())), key=("Id",))
