"""The kit for sources: what a read delivers, whatever the names are, and what is sent for it."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from afresh.core.errors import QueryFailed
from afresh.core.schema import Column
from afresh.core.select import Compare, Output, Query, Select
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.source_kit_rig import SourceBench, SourceRig, rows_of
from afresh.testing.strategies import WEIRD_NAMES

ID = Column(name="Id", type=pa.int64(), nullable=False)
TEXT = Column(name="V", type=pa.string(), length=40)

SESSION_WORDS = {"SELECT", "SET", "COMMIT", "ROLLBACK", "BEGIN", "START", "SHOW", "PRAGMA", "COPY", "DECLARE", "FETCH"}
"""First words of statements that change nothing: of reads, and of a session's own settings and transaction."""


class ReadKit(SourceRig):
    """All rows, each once, as they were asked for."""

    @pytest.mark.parametrize("batch_rows", [1, 7, 1000])
    def test_all_rows_in_batches(self, bench: SourceBench, batch_rows: int) -> None:
        """Every row comes once, in batches of at most as many rows as asked for, each with exactly the columns."""
        what = bench.create([ID, TEXT], [(number, f"text {number}") for number in range(23)])
        batches = bench.batches(what, batch_rows=batch_rows)
        assert rows_of(batches) == [(number, f"text {number}") for number in range(23)]
        assert all(batch.schema.names == ["Id", "V"] for batch in batches)
        assert all(batch.schema.types == [pa.int64(), pa.string()] for batch in batches)
        assert max(batch.num_rows for batch in batches) <= batch_rows
        assert all(batch.num_rows for batch in batches)

    def test_many_rows(self, bench: SourceBench) -> None:
        """A table of many batches arrives whole."""
        what = bench.fill(30_000)
        found = pa.Table.from_batches(bench.batches(what, batch_rows=1_000)).sort_by("Id").to_pylist()
        assert [row["Id"] for row in found] == list(range(1, 30_001))
        assert [row["Name"] for row in found] == [f"name {number}" for number in range(1, 30_001)]
        assert [int(row["Amount"] * 100) for row in found] == list(range(1, 30_001))
        assert len({row["Changed"] for row in found}) == 30_000

    def test_an_empty_table(self, bench: SourceBench) -> None:
        """A table without rows delivers none, and is no error."""
        assert bench.rows(bench.create([ID, TEXT])) == []

    def test_outputs_have_their_own_order_and_names(self, bench: SourceBench) -> None:
        """Columns come in the order and under the names of the outputs; one may come twice."""
        bench.create([ID, TEXT], [(1, "a")])
        outputs = [Output("V", "Last", pa.string()), Output("Id", "First", pa.int64()), Output("V", "V", pa.string())]
        (batch,) = bench.batches(bench.declared(Select(bench.table(), tuple(outputs))))
        assert batch.schema.names == ["Last", "First", "V"]
        assert batch.to_pylist() == [{"Last": "a", "First": 1, "V": "a"}]

    def test_a_wide_table(self, bench: SourceBench) -> None:
        """Two hundred columns come each with its own values."""
        columns = [ID, *(Column(name=f"C{number}", type=pa.int32()) for number in range(200))]
        rows = [(1, *range(200)), (2, *([None] * 200))]
        assert bench.rows(bench.create(columns, rows)) == rows

    def test_only_nulls(self, bench: SourceBench) -> None:
        """A column that is null in every row is null, with its type."""
        what = bench.create([ID, TEXT], [(number, None) for number in range(5)])
        assert bench.rows(what, batch_rows=2) == [(number, None) for number in range(5)]

    def test_reads_side_by_side(self, bench: SourceBench) -> None:
        """One source serves several threads at once, each with all rows."""
        what, source = bench.fill(5_000), bench.source()
        with ThreadPoolExecutor(4) as executor:
            found = list(executor.map(lambda _: len(bench.rows(what, source)), range(8)))
        assert found == [5_000] * 8

    def test_a_read_that_is_given_up_leaves_no_session(self, bench: SourceBench) -> None:
        """Closing the iterator closes what it had open; the source goes on to work."""
        what, source = bench.fill(20_000), bench.source()
        read = source.read(what, ManualCancellation(), 100)
        assert next(read).num_rows == 100
        read.close()  # type: ignore[attr-defined]
        assert len(bench.rows(what, source)) == 20_000

    def test_nothing_opens_before_the_first_row_is_asked_for(self, bench: SourceBench) -> None:
        """A read that nobody starts opens no session."""
        source = bench.source()
        source.read(bench.create([ID, TEXT], [(1, "a")]), ManualCancellation(), 100)
        bench.no_session_is_left()

    def test_close_twice(self, bench: SourceBench) -> None:
        """Closing a second time is harmless."""
        what, source = bench.create([ID, TEXT], [(1, "a")]), bench.source()
        assert bench.rows(what, source) == [(1, "a")]
        source.close()
        source.close()

    def test_a_missing_table(self, bench: SourceBench) -> None:
        """A table that is not there is an error that says its name, not an empty read."""
        what = Select(bench.table("Absent"), (Output("Id", "Id", pa.int64()),))
        with pytest.raises(QueryFailed, match=r"(?i)absent"):
            bench.rows(what)
        assert bench.source().catalogue.describe(bench.table("Absent")) is None

    def test_a_missing_column(self, bench: SourceBench) -> None:
        """A column that is not there is an error that says its name."""
        bench.create([ID, TEXT], [(1, "a")])
        with pytest.raises(QueryFailed, match=r"(?i)nowhere"):
            bench.rows(Select(bench.table(), (Output("Nowhere", "Nowhere", pa.string()),)))


class NameKit(SourceRig):
    """Names are only names."""

    @pytest.mark.parametrize("name", WEIRD_NAMES, ids=ascii)
    def test_names(self, bench: SourceBench, name: str) -> None:
        """Any name that the database takes works for a table, for a column that is read, and in a window; it is
        described as it is."""
        if reason := self.name_refusal(name):
            pytest.xfail(reason)
        column = Column(name=name, type=pa.string(), length=40)
        what = bench.create([ID, column], [(1, "x"), (2, None)], name=name)
        assert bench.rows(what) == [(1, "x"), (2, None)]
        assert bench.rows(Select(what.table, what.outputs, Compare((name,), "=", "x"))) == [(1, "x")]
        info = bench.source().catalogue.describe(bench.table(name))
        assert info is not None
        assert [found.name for found in info.columns] == ["Id", name]
        assert bench.table(name) in [summary.table for summary in bench.source().catalogue.tables(what.table.schema)]


class SpyKit(SourceRig):
    """What the database gets to see."""

    def test_only_reads_are_sent(self, bench: SourceBench) -> None:
        """Whatever is asked of a source, it sends reads and words of its session only, and nothing that sorts."""
        what = bench.fill(1_000)
        window = Select(what.table, what.outputs, Compare(("Id",), ">", 990))
        with self.spied(bench.directory) as (source, sent):
            assert len(bench.rows(what, source)) == 1_000
            assert len(bench.rows(window, source)) == 10
            bench.rows(self._query(bench), source)
            source.catalogue.describe(what.table)
            source.catalogue.describe_query(self._query(bench))
            source.catalogue.tables(what.table.schema)
            source.catalogue.account()
            source.clock()
            with source.parts(what, 3) as parts:
                assert sum(len(bench.rows(part, source)) for part in parts) == 1_000
            source.close()
            statements = list(sent())
        assert statements
        assert [sql for sql in statements if not self._reads_only(sql)] == []
        reads = [sql for sql in statements if bench.table().name in sql]
        assert reads
        assert not [sql for sql in reads if self._sorts(sql)]

    def test_the_statement_is_what_is_sent(self, bench: SourceBench) -> None:
        """`statement` shows the text that `read` sends."""
        what = bench.fill(10)
        with self.spied(bench.directory) as (source, sent):
            shown = source.statement(what).sql
            bench.rows(what, source)
            statements = list(sent())
        assert any(_plain(shown) in _plain(sql) for sql in statements), (shown, statements)

    def _reads_only(self, sql: str) -> bool:
        return first_word(sql) in SESSION_WORDS or any(sql.startswith(begin) for begin in self.own_statements)

    def _query(self, bench: SourceBench) -> Query:
        return Query(f"SELECT {self.quote('Id')} FROM {bench.place()}", None, (Output("Id", "Id", pa.int64()),))

    def _sorts(self, sql: str) -> bool:
        """Whether the database is made to sort rows of the table (a catalogue's own few rows it may)."""
        return f"{self.quote('Amount')}" in sql and any(
            tree.find(exp.Order) is not None for tree in sqlglot.parse(sql) if tree is not None
        )


def first_word(sql: str) -> str:
    """The word with which a statement begins, in upper case, comments and parentheses left out."""
    tokens = sqlglot.tokenize(sql)
    return next((token.text.upper() for token in tokens if token.text not in {"(", ";"}), "")


def _plain(sql: str) -> str:
    """Without what drivers change: white space and the form of parameters."""
    return " ".join(sql.split())
