"""The kit for sources: conditions of every kind, and queries of the user's own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from afresh.core.errors import ConfigurationError, QueryFailed
from afresh.core.schema import DATETIME, TIMESTAMP, Column
from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Output, Predicate, Query, Value
from afresh.testing.source_kit_reads import ID, TEXT
from afresh.testing.source_kit_rig import SourceBench, SourceRig

reading = datetime.fromisoformat

ORDERED: tuple[tuple[str, pa.DataType, tuple[Any, ...]], ...] = (
    ("whole numbers", pa.int64(), (-5, 0, 7, 2**40)),
    ("decimals", pa.decimal128(15, 2), (Decimal("-0.01"), Decimal("0.10"), Decimal("7.00"), Decimal("99999999999.99"))),
    ("texts", pa.string(), ("A", "B", "BB", "C")),
    ("dates", pa.date32(), (date(1999, 12, 31), date(2024, 2, 29), date(2024, 3, 1), date(9999, 12, 31))),
    (
        "readings",
        DATETIME,
        tuple(map(reading, ("1999-12-31 23:59:59", "2024-02-29", "2024-02-29 12:00:00.000001", "9999-12-31 23:59:59"))),
    ),
    (
        "instants",
        TIMESTAMP,
        tuple(
            map(
                reading,
                ("1999-12-31 23:59:59Z", "2024-02-29 00:00:00Z", "2024-02-29 12:00:00.000001Z", "2999-12-31 00:00:00Z"),
            )
        ),
    ),
)
"""Values that a window may be cut by, in ascending order."""

OPERATORS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("=", lambda value, bound: value == bound),
    ("<>", lambda value, bound: value != bound),
    ("<", lambda value, bound: value < bound),
    ("<=", lambda value, bound: value <= bound),
    (">", lambda value, bound: value > bound),
    (">=", lambda value, bound: value >= bound),
)
FLOORS = {">", ">="}
"""The operators whose bound may reach lower than it says, never higher."""

SLACK = timedelta(days=1)


class WindowKit(SourceRig):
    """A window brings the rows that it says; where a source has to be careful, more, and never fewer."""

    @pytest.mark.parametrize(("name", "kind", "values"), ORDERED, ids=[name for name, _, _ in ORDERED])
    def test_comparisons(self, bench: SourceBench, name: str, kind: pa.DataType, values: tuple[Any, ...]) -> None:
        """Every comparison with every kind of value; null is in none of them."""
        del name
        column = Column(name="V", type=kind, length=40 if kind == pa.string() else None)
        bench.create([ID, column], enumerate([*values, None]))
        source, everything = bench.source(), bench.select([ID, column])
        for operator, holds in OPERATORS:
            for bound in values:
                what = replace(everything, where=Compare(("V",), operator, bound))  # type: ignore[arg-type]
                found = {value for _, value in bench.rows(what, source)}
                wanted = {value for value in values if holds(value, bound)}
                assert wanted <= found, (operator, bound)
                assert all(_near(value, bound) for value in found - wanted), (operator, bound)
                assert operator in FLOORS or found == wanted, (operator, bound)

    def test_null_and_combinations(self, bench: SourceBench) -> None:
        """Null stamps, alternatives, and conditions that hold together."""
        bench.create([ID, TEXT], [(1, "a"), (2, None), (3, "c")])
        later, unknown = Compare(("V",), ">=", "b"), IsNull(("V",))
        cases: list[tuple[Predicate, list[int]]] = [
            (unknown, [2]),
            (AnyOf((later, unknown)), [2, 3]),
            (AllOf((AnyOf((later, unknown)), Compare(("Id",), "<", 3))), [2]),
            (AllOf(()), [1, 2, 3]),
            (AnyOf(()), []),
            (IsNull(("Id", "V")), []),
        ]
        source, everything = bench.source(), bench.select([ID, TEXT])
        for where, wanted in cases:
            assert [number for number, _ in bench.rows(replace(everything, where=where), source)] == wanted, where

    def test_the_first_stamp_that_is_known(self, bench: SourceBench) -> None:
        """A window over several columns goes by the first that is not null."""
        columns = [ID, Column(name="Changed", type=DATETIME), Column(name="Made", type=DATETIME)]
        early, late = reading("2024-01-01"), reading("2024-06-01")
        bench.create(columns, [(1, early, late), (2, None, late), (3, None, early), (4, None, None), (5, late, None)])
        stamps = ("Changed", "Made")
        where = AnyOf((Compare(stamps, ">=", reading("2024-05-01")), IsNull(stamps)))
        assert [row[0] for row in bench.rows(bench.select(columns, where=where))] == [2, 4, 5]

    def test_values_are_never_sql(self, bench: SourceBench) -> None:
        """A text that looks like SQL is compared as a text."""
        odd = ["' OR '1'='1", "'; DROP TABLE Item; --", '"', "%", "\\", "a\\'b", ":minimum_dt", "?", "{}", "ü🙂"]
        odd = [text for text in odd if not self.refusal(TEXT, text)]
        bench.create([ID, TEXT], enumerate(odd))
        source, everything = bench.source(), bench.select([ID, TEXT])
        for number, text in enumerate(odd):
            assert bench.rows(replace(everything, where=Compare(("V",), "=", text)), source) == [(number, text)]


class QueryKit(SourceRig):
    """A SELECT of the user's."""

    @pytest.mark.parametrize("minimum", [None, reading("2024-05-01")], ids=["everything", "a window"])
    def test_minimum_dt(self, bench: SourceBench, minimum: Value | None) -> None:
        """`:minimum_dt` is bound wherever it stands outside of texts and comments; null for everything."""
        columns = [ID, Column(name="Changed", type=DATETIME)]
        bench.create(columns, [(1, reading("2024-01-01")), (2, reading("2024-05-01")), (3, reading("2024-06-01"))])
        changed, number = self.quote("Changed"), self.quote("Id")
        bound, stamp = self.bound(columns[1]), self.compared(columns[1])
        sql = (
            f"SELECT {number}, {changed} FROM {bench.place()} -- ':minimum_dt' stays\n"
            f"WHERE ({bound} IS NULL OR {stamp} >= {bound}) AND ':minimum_dt' <> 'x'"
        )
        found = bench.rows(Query(sql, minimum, _outputs(columns)))
        assert [row[0] for row in found] == ([1, 2, 3] if minimum is None else [2, 3])
        assert [type(row[1]) for row in found] == [datetime] * len(found)

    def test_outputs_by_name(self, bench: SourceBench) -> None:
        """Result columns are found by name, whatever their order, and get the names and types of the outputs."""
        bench.create([ID, TEXT], [(1, "a"), (2, "b")])
        sql = f"SELECT {self.quote('V')}, {self.quote('Id')} FROM {bench.place()}"
        outputs = (Output("Id", "Key", pa.int64()), Output("V", "Name", pa.string()))
        (batch,) = bench.batches(Query(sql, None, outputs))
        assert (batch.schema.names, batch.schema.types) == (["Key", "Name"], [pa.int64(), pa.string()])
        assert sorted(zip(*batch.to_pydict().values(), strict=True)) == [(1, "a"), (2, "b")]

    def test_a_query_is_described(self, bench: SourceBench) -> None:
        """Names and types of its columns, as its outputs name them, without a row being read."""
        bench.create([ID, TEXT], [(1, "a")])
        sql = f"SELECT {self.quote('Id')}, {self.quote('V')} FROM {bench.place()}"
        plain = bench.source().catalogue.describe_query(Query(sql, None))
        assert [column.name for column in plain] == ["Id", "V"]
        assert plain[1].type == pa.string()
        given = (Output("Id", "Key", pa.int64()), Output("V", "V", pa.string()))
        named = bench.source().catalogue.describe_query(Query(sql, None, given))
        assert [(column.name, column.type) for column in named] == [("Key", pa.int64()), ("V", pa.string())]

    def test_a_query_without_outputs(self, bench: SourceBench) -> None:
        """A query that was given no types comes as the source describes it."""
        bench.create([ID, TEXT], [(1, "a")])
        sql = f"SELECT {self.quote('Id')}, {self.quote('V')} FROM {bench.place()}"
        ((number, text),) = bench.rows(Query(sql, None))
        assert (int(number), text) == (1, "a")

    def test_a_query_with_another_column(self, bench: SourceBench) -> None:
        """An output that the query does not have is an error that names it."""
        bench.create([ID, TEXT], [(1, "a")])
        sql = f"SELECT {self.quote('Id')} FROM {bench.place()}"
        with pytest.raises(QueryFailed, match="Nowhere"):
            bench.rows(Query(sql, None, (Output("Nowhere", "Nowhere", pa.string()),)))

    def test_a_query_that_is_no_sql(self, bench: SourceBench) -> None:
        """What the database does not understand is an error of the query, not of the connection."""
        bench.create([ID, TEXT], [(1, "a")])
        for sql in ("SELECT FROM WHERE", f"SELECT 1 FROM {self.quote('Absent')}", "SELECT 'open"):
            with pytest.raises((QueryFailed, ConfigurationError)) as raised:
                bench.rows(Query(sql, None, (Output("Id", "Id", pa.int64()),)))
            assert not raised.value.transient

    def compared(self, column: Column) -> str:
        """How SQL has to write a column of that type to compare it; a file of texts needs a cast."""
        return self.quote(column.name)

    def bound(self, column: Column) -> str:
        """How SQL has to write `:minimum_dt` for a column of that type; some databases need a cast."""
        return f"CAST(:minimum_dt AS {self.ddl(column)})"


class CatalogueKit(SourceRig):
    """What a source tells of its tables."""

    def test_a_table_is_described(self, bench: SourceBench) -> None:
        """Columns in order with their types, the key in its order, which columns may be null."""
        columns = [Column(name="V", type=pa.string(), length=40), ID, Column(name="Part", type=pa.int32())]
        bench.create(columns, [("a", 1, 2)], key=("Part", "Id"))
        info = bench.source().catalogue.describe(bench.table())
        assert info is not None
        assert [column.name for column in info.columns] == ["V", "Id", "Part"]
        assert info.columns[0].type == pa.string()
        assert all(column.declared for column in info.columns)
        assert info.key == ("Part", "Id")
        assert [column.nullable for column in info.columns] == [True, False, False]

    def test_rows_are_estimated(self, bench: SourceBench) -> None:
        """The number of rows is near the truth, or not told."""
        bench.fill(2_000)
        info = bench.source().catalogue.describe(bench.table())
        assert info is not None
        assert info.rows is None or 500 <= info.rows <= 8_000

    def test_tables_are_listed(self, bench: SourceBench) -> None:
        """Each table and view is in the list, under the name by which it can be read."""
        bench.create([ID, TEXT], [(1, "a")])
        bench.fill(3_000, "Large")
        listed = bench.source().catalogue.tables(bench.table().schema)
        names = [summary.table for summary in listed]
        assert {bench.table(), bench.table("Large")} <= set(names)
        assert not any(summary.is_view for summary in listed if summary.table in {bench.table(), bench.table("Large")})

    def test_a_view_is_a_table(self, bench: SourceBench) -> None:
        """A view is described, listed as what it is, and read."""
        bench.create([ID, TEXT], [(1, "a")])
        bench.execute(f"CREATE VIEW {bench.place('Shown')} AS SELECT * FROM {bench.place()}")
        info = bench.source().catalogue.describe(bench.table("Shown"))
        assert info is not None
        assert [column.name for column in info.columns] == ["Id", "V"]
        assert info.key == ()
        listed = bench.source().catalogue.tables(bench.table().schema)
        assert [summary.is_view for summary in listed if summary.table == bench.table("Shown")] == [True]
        assert bench.rows(bench.select([ID, TEXT], "Shown")) == [(1, "a")]

    def test_the_account(self, bench: SourceBench) -> None:
        """Who we are and what the source is."""
        account = bench.source().catalogue.account()
        assert account.user
        assert account.version

    def test_the_clock(self, bench: SourceBench) -> None:
        """The clock shows an instant in UTC, and nothing open is later than it."""
        told = bench.source().clock()
        assert told is None or told.now.tzinfo is UTC
        assert told is None or told.oldest_open is None or told.oldest_open.tzinfo is not None

    def test_the_traits(self, bench: SourceBench) -> None:
        """The source says its kind and the zone that it was given."""
        source = bench.source(time_zone="America/Chicago")
        assert source.traits.kind == self.trial().kind
        assert source.traits.time_zone.key == "America/Chicago"


def _outputs(columns: list[Column]) -> tuple[Output, ...]:
    return tuple(Output(column.name, column.name, column.type) for column in columns)


def _near(value: Any, bound: Any) -> bool:
    """Whether a value that a careful window brings besides is just below its bound."""
    if isinstance(value, datetime):
        return bool(bound - value <= SLACK)
    return False
