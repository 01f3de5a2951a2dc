"""The kit: tables are made and checked, batches are staged, deduplicated and merged."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from afresh.core.errors import AfreshError, UpdateLost
from afresh.core.model import Completion, MergeCounts, Outcome
from afresh.core.ports import Stage
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, CacheRig, Row, at, batch, completion

PAIRS = TableSchema(columns=(Column(name="A", type=pa.int64()), Column(name="B", type=pa.string())), key=("A", "B"))

FOLDED = TableSchema(
    columns=ITEMS.columns, key=ITEMS.key, last_update="Changed", folds=((at(100), at(160)), (at(500), at(560)))
)


class TableKit(CacheRig):
    """Tables are made as the schema says and described as they are."""

    def test_describe_missing(self, bench: Bench) -> None:
        """A table that is not there is described as None, and looking makes nothing."""
        assert bench.cache.describe("Item", ITEMS) is None
        assert bench.tables() == set()

    def test_describe_created(self, bench: Bench) -> None:
        """A created table is described by its columns, types, lengths, nullability and key."""
        schema = TableSchema(
            columns=(
                Column(name="B", type=pa.string(), length=12),
                Column(name="A", type=pa.decimal128(15, 4)),
                Column(name="C", type=pa.bool_(), nullable=False),
                Column(name="D", type=pa.int16()),
                Column(name="E", type=pa.timestamp("us")),
                Column(name="F", type=TIMESTAMP),
            ),
            key=("A", "B"),
        )
        bench.cache.create("Item", schema)
        found = bench.cache.describe("Item", schema)
        assert found is not None
        assert found.key == ("A", "B")
        assert {column.name: column.type_name for column in found.columns} == {
            "A": "decimal(15,4)",
            "B": "text(12)",
            "C": "bool",
            "D": "int16",
            "E": "datetime",
            "F": "timestamp",
        }
        assert {column.name for column in found.columns if not column.nullable} >= {"C"}

    def test_key_is_unique(self, bench: Bench) -> None:
        """The database itself refuses a second row of a key, and a null in it."""
        bench.cache.create("Item", PAIRS)
        insert = 'INSERT INTO "Item" ("A", "B") VALUES ({})'
        bench.execute(insert.format("1, 'a'"))
        for refused in ("1, 'a'", "NULL, 'a'", "1, NULL"):
            with pytest.raises(self.database_error):
                bench.execute(insert.format(refused))

    def test_add_columns(self, bench: Bench) -> None:
        """Added columns are null in the rows that are there and described with their types."""
        bench.merge(PLAIN, [(1, "a")])
        added = (Column(name="Price", type=pa.decimal128(9, 2)), Column(name="Changed", type=TIMESTAMP))
        bench.cache.add_columns("Item", added)
        wider = TableSchema(columns=(*PLAIN.columns, *added), key=("Id",))
        found = bench.cache.describe("Item", wider)
        assert found is not None
        assert {column.name: column.type for column in found.columns} == {
            column.name: column.type for column in wider.columns
        }
        assert bench.rows(wider) == [(1, "a", None, None)]

    def test_add_columns_all_or_none(self, bench: Bench) -> None:
        """If one column cannot be added, none is."""
        bench.merge(PLAIN, [(1, "a")])
        with pytest.raises(AfreshError):
            bench.cache.add_columns(
                "Item", (Column(name="New", type=pa.string()), Column(name="Name", type=pa.string()))
            )
        found = bench.cache.describe("Item", PLAIN)
        assert found is not None
        assert set(found.names) == {"Id", "Name"}


class MergeKit(CacheRig):
    """Batches are staged, deduplicated and merged with exact counts."""

    def test_insert(self, bench: Bench) -> None:
        """New rows are inserted and counted."""
        assert bench.merge(ITEMS, [(1, "a", at(0)), (2, None, None)]) == MergeCounts(inserted=2)
        assert bench.rows() == [(1, "a", at(0)), (2, None, None)]

    def test_update(self, bench: Bench) -> None:
        """Rows that differ are updated, others are unchanged, and rows that were not delivered stay."""
        bench.merge(ITEMS, [(1, "a", at(0)), (2, "b", at(0)), (3, "c", at(0))])
        counts = bench.merge(ITEMS, [(1, "A", at(1)), (2, "b", at(0)), (4, "d", at(1))])
        assert counts == MergeCounts(inserted=1, updated=1, unchanged=1)
        assert bench.rows() == [(1, "A", at(1)), (2, "b", at(0)), (3, "c", at(0)), (4, "d", at(1))]

    @pytest.mark.parametrize("trust_source", [False, True])
    def test_unchanged_writes_nothing(self, bench: Bench, trust_source: bool) -> None:
        """Rows that are as they were are not written again."""
        rows: list[Row] = [(number, f"n{number}" if number % 3 else None, at(number)) for number in range(100)]
        bench.merge(ITEMS, rows)
        self.watch_writes(bench.directory, "Item")
        assert bench.merge(ITEMS, rows, trust_source=trust_source) == MergeCounts(unchanged=100)
        assert self.writes(bench.directory, "Item") == 0

    def test_empty_batch(self, bench: Bench) -> None:
        """A sync without rows changes nothing and is completed all the same."""
        bench.merge(ITEMS, [(1, "a", at(0))])
        assert bench.merge(ITEMS, []) == MergeCounts()
        assert bench.rows() == [(1, "a", at(0))]
        assert bench.cache.log.history(open_only=True) == []

    def test_null_differs(self, bench: Bench) -> None:
        """A value that becomes null, and a null that becomes a value, are updates; null and null are equal."""
        bench.merge(PLAIN, [(1, None), (2, "b"), (3, None)])
        counts = bench.merge(PLAIN, [(1, "a"), (2, None), (3, None)])
        assert counts == MergeCounts(updated=2, unchanged=1)
        assert bench.rows(PLAIN) == [(1, "a"), (2, None), (3, None)]

    @pytest.mark.parametrize(
        ("there", "incoming", "wins"),
        [
            pytest.param(at(5), at(6), True, id="newer"),
            pytest.param(at(5), at(5), True, id="same second"),
            pytest.param(at(5), at(4), False, id="older"),
            pytest.param(None, at(1), True, id="stamp after null"),
            pytest.param(at(1), None, False, id="null after stamp"),
            pytest.param(None, None, True, id="null after null"),
        ],
    )
    def test_stamps(self, bench: Bench, there: datetime | None, incoming: datetime | None, wins: bool) -> None:
        """A row replaces another if its stamp is not older, where null is older than any stamp."""
        bench.merge(ITEMS, [(1, "there", there)])
        counts = bench.merge(ITEMS, [(1, "incoming", incoming)])
        assert counts == (MergeCounts(updated=1) if wins else MergeCounts(unchanged=1))
        assert bench.rows() == [(1, "incoming", incoming) if wins else (1, "there", there)]

    @pytest.mark.parametrize("incoming", [at(4), None])
    def test_trusted_source(self, bench: Bench, incoming: datetime | None) -> None:
        """A trusted source replaces rows even where the stamp went back."""
        bench.merge(ITEMS, [(1, "there", at(5))])
        assert bench.merge(ITEMS, [(1, "incoming", incoming)], trust_source=True) == MergeCounts(updated=1)
        assert bench.rows() == [(1, "incoming", incoming)]

    def test_stamps_differ_by_a_microsecond(self, bench: Bench) -> None:
        """The order of stamps is exact to the microsecond."""
        later = at(5) + timedelta(microseconds=1)
        bench.merge(ITEMS, [(1, "later", later), (2, "sooner", at(5))])
        bench.merge(ITEMS, [(1, "sooner", at(5)), (2, "later", later)])
        assert bench.rows() == [(1, "later", later), (2, "later", later)]

    def test_duplicates_by_stamp(self, bench: Bench) -> None:
        """Of a key delivered more than once the newest stamp wins, null is the oldest, and the others are counted."""
        rows = [(1, "old", at(1)), (1, "new", at(3)), (1, "mid", at(2)), (2, "some", at(1)), (2, "none", None)]
        assert bench.merge(ITEMS, rows) == MergeCounts(inserted=2, duplicates=3)
        assert bench.rows() == [(1, "new", at(3)), (2, "some", at(1))]

    def test_duplicates_by_arrival(self, bench: Bench) -> None:
        """Where stamps are the same the last to arrive wins, over all that was appended since the last merge."""
        with bench.stage(ITEMS) as stage:
            stage.append(batch(ITEMS, [(1, "first", at(1)), (2, "first", None)]))
            stage.append(batch(ITEMS, [(1, "last", at(1)), (2, "last", None)]))
            assert stage.merge(trust_source=False) == MergeCounts(inserted=2, duplicates=2)
        assert bench.rows() == [(1, "last", at(1)), (2, "last", None)]

    def test_duplicates_without_stamp(self, bench: Bench) -> None:
        """In a table without a stamp the last to arrive wins."""
        assert bench.merge(PLAIN, [(1, "c"), (1, "a"), (1, "b")]) == MergeCounts(inserted=1, duplicates=2)
        assert bench.rows(PLAIN) == [(1, "b")]

    def test_duplicates_over_two_batches(self, bench: Bench) -> None:
        """A key that comes in two batches ends as its newest version, whichever batch that was in."""
        counts = bench.merge(ITEMS, [(1, "new", at(2)), (2, "old", at(1))], [(1, "old", at(1)), (2, "new", at(2))])
        assert counts == MergeCounts(inserted=2, updated=1, unchanged=1)
        assert bench.rows() == [(1, "new", at(2)), (2, "new", at(2))]

    def test_fold(self, bench: Bench) -> None:
        """Within one fold the last to arrive wins, whatever its stamp; between folds the stamp decides."""
        bench.merge(FOLDED, [(1, "first", at(150)), (2, "first", at(150)), (3, "first", at(550))])
        bench.merge(FOLDED, [(1, "second", at(110)), (2, "before", at(99)), (3, "other fold", at(150))])
        assert bench.rows() == [(1, "second", at(110)), (2, "first", at(150)), (3, "first", at(550))]

    def test_fold_in_one_batch(self, bench: Bench) -> None:
        """Within one fold the last to arrive wins among rows staged together, too."""
        rows = [(1, "first", at(150)), (1, "second", at(110)), (2, "after", at(160)), (2, "fold", at(159))]
        bench.merge(FOLDED, rows)
        assert bench.rows() == [(1, "second", at(110)), (2, "after", at(160))]

    def test_key_only_table(self, bench: Bench) -> None:
        """A table of nothing but key columns takes what is new and leaves the rest."""
        assert bench.merge(PAIRS, [(1, "a"), (1, "b"), (1, "b")]) == MergeCounts(inserted=2, duplicates=1)
        assert bench.merge(PAIRS, [(1, "b"), (2, "a")]) == MergeCounts(inserted=1, unchanged=1)
        assert bench.rows(PAIRS) == [(1, "a"), (1, "b"), (2, "a")]

    def test_composite_key(self, bench: Bench) -> None:
        """A key of several columns, wherever they stand, is equal only if all of them are."""
        schema = TableSchema(
            columns=(
                Column(name="Value", type=pa.string()),
                Column(name="Day", type=pa.date32()),
                Column(name="Price", type=pa.decimal128(9, 2)),
                Column(name="Code", type=pa.string()),
                Column(name="Number", type=pa.int32()),
            ),
            key=("Code", "Number", "Day"),
        )
        days = (date(2026, 3, 2), date(2026, 3, 3))
        rows: list[Row] = [
            (f"{code}{number}{day}", day, Decimal(number), code, number)
            for code in ("1", "11", "A")
            for number in (1, 11)
            for day in days
        ]
        assert bench.merge(schema, rows) == MergeCounts(inserted=12)
        changed = [("changed", *rows[5][1:]), *rows[6:9], ("new", days[0], None, "B", 1), rows[6]]
        assert bench.merge(schema, changed) == MergeCounts(inserted=1, updated=1, unchanged=3, duplicates=1)
        expected = [*rows[:5], changed[0], *rows[6:], changed[4]]
        assert bench.rows(schema) == sorted(expected, key=lambda row: (row[3], row[4], row[1]))

    def test_key_with_stamp(self, bench: Bench) -> None:
        """Where the stamp is part of the key, every change is a new row."""
        schema = TableSchema(columns=ITEMS.columns, key=("Id", "Changed"), last_update="Changed")
        bench.merge(schema, [(1, "a", at(1))])
        assert bench.merge(schema, [(1, "b", at(2)), (1, "A", at(1))]) == MergeCounts(inserted=1, updated=1)
        assert bench.rows(schema) == [(1, "A", at(1)), (1, "b", at(2))]

    def test_text_keys_are_exact(self, bench: Bench) -> None:
        """Text keys that differ by blanks, case, accents or code points alone are different rows."""
        schema = TableSchema(
            columns=(Column(name="K", type=pa.string()), Column(name="V", type=pa.int64())), key=("K",)
        )
        keys = [
            "",
            " ",
            "a",
            "A",
            "a ",
            " a",
            "ä",
            "a\u0308",
            "é",
            "e",
            "ß",
            "ss",
            "🙂",
            "🙂\ufe0f",
            "00",
            "0",
            "1e1",
            "10",
        ]
        rows: list[Row] = [(key, number) for number, key in enumerate(keys)]
        assert bench.merge(schema, rows) == MergeCounts(inserted=len(keys))
        assert bench.merge(schema, rows) == MergeCounts(unchanged=len(keys))
        assert bench.rows(schema) == sorted(rows)

    def test_batches(self, bench: Bench) -> None:
        """Each merge applies what was appended since the last one, and the stage starts again empty."""
        with bench.stage(PLAIN) as stage:
            for start in (0, 10, 20):
                for number in range(start, start + 10):
                    stage.append(batch(PLAIN, [(number, "x")]))
                assert stage.merge(trust_source=False) == MergeCounts(inserted=10)
        assert len(bench.rows(PLAIN)) == 30

    def test_staging_is_unseen(self, bench: Bench) -> None:
        """What is only staged is in no table that another program reads, and is gone afterwards."""
        bench.merge(PLAIN, [(1, "a")])
        before = bench.tables()
        with bench.stage(PLAIN) as stage:
            stage.append(batch(PLAIN, [(1, "b"), (2, "c")]))
            assert bench.rows(PLAIN) == [(1, "a")]
        assert bench.rows(PLAIN) == [(1, "a")]
        assert bench.tables() == before

    def test_completes_with_data(self, bench: Bench) -> None:
        """The data and the row that says success come in one transaction, with the counts of that merge."""
        operation = bench.start()
        given: list[MergeCounts] = []
        with bench.stage(PLAIN, operation_id=operation) as stage:
            stage.append(batch(PLAIN, [(1, "a"), (1, "b")]))

            def complete(counts: MergeCounts) -> Completion:
                given.append(counts)
                assert bench.rows(PLAIN) == []
                assert bench.cache.log.last_updates() == []
                return completion(operation, rows=2, counts=counts)

            stage.merge(trust_source=False, complete=complete)
        assert given == [MergeCounts(inserted=1, duplicates=1)]
        (update,) = bench.cache.log.last_updates()
        assert (update.outcome, update.number_records, update.counts) == (Outcome.SUCCEEDED, 2, given[0])

    def test_fails_with_completion(self, bench: Bench) -> None:
        """If the update cannot be completed, nothing of that merge stays."""
        operation = bench.start()
        with bench.stage(PLAIN, operation_id=operation) as stage:
            stage.append(batch(PLAIN, [(1, "a")]))
            with pytest.raises(ZeroDivisionError):
                stage.merge(trust_source=False, complete=lambda counts: completion(operation, rows=1 // 0))
        assert bench.rows(PLAIN) == []
        assert len(bench.cache.log.history(open_only=True)) == 1

    @pytest.mark.parametrize("reload", [False, True])
    def test_lost_update_writes_nothing(self, bench: Bench, reload: bool) -> None:
        """Once somebody else has ended our update, nothing more is written under it."""
        bench.merge(PLAIN, [(1, "a")])
        operation = bench.start()

        def write(stage: Stage) -> None:
            stage.append(batch(PLAIN, [(1, "b")]))
            stage.merge(trust_source=True)

        with bench.stage(PLAIN, operation_id=operation, reload=reload) as stage:
            bench.end(operation, Outcome.INTERRUPTED)
            with pytest.raises(UpdateLost):
                write(stage)
        assert bench.rows(PLAIN) == [(1, "a")]
        assert bench.tables() >= {"Item"}
