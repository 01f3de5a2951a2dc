"""The kit for sources: every value arrives exactly, or by its column's policy, whatever its type and size."""

from contextlib import nullcontext, suppress
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from afresh.core.errors import BadValue
from afresh.core.schema import DATETIME, TIMESTAMP, Column
from afresh.core.select import Output, Policy, Select
from afresh.testing import strategies
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.odd_values import same
from afresh.testing.source_kit_reads import ID
from afresh.testing.source_kit_rig import Row, SourceBench, SourceRig, SourceType, rows_of
from afresh.testing.source_seen import TYPE, Record, Seen, arrow_of, became, pairs

reading = datetime.fromisoformat
MEGABYTE = 1024 * 1024

WALL: tuple[tuple[datetime, datetime], ...] = (
    (reading("2024-03-10 01:59:59.999999"), reading("2024-03-10 07:59:59.999999Z")),
    (reading("2024-03-10 02:30:00"), reading("2024-03-10 08:00:00Z")),
    (reading("2024-03-10 03:00:00"), reading("2024-03-10 08:00:00Z")),
    (reading("2024-11-03 00:59:59"), reading("2024-11-03 05:59:59Z")),
    (reading("2024-11-03 01:30:00"), reading("2024-11-03 06:30:00Z")),
    (reading("2024-11-03 02:00:00"), reading("2024-11-03 08:00:00Z")),
    (reading("2024-07-01 12:00:00"), reading("2024-07-01 17:00:00Z")),
    (reading("0001-01-01 00:00:00"), reading("0001-01-01 05:50:36Z")),
)
"""Readings of a clock in Chicago and the instants that they mean: before, in and after the hour that never was, and
the one that came twice."""


class TypeKit(SourceRig):
    """The types that travel, and those of the database."""

    @pytest.mark.parametrize("column", strategies.COLUMNS, ids=[column.type_name for column in strategies.COLUMNS])
    def test_extremes(self, bench: SourceBench, column: Column) -> None:
        """The least, greatest, odd and empty values of each of our types arrive as they are, and null as null."""
        values = [value for value in strategies.extremes(column) if not self.refusal(column, value)]
        assert values
        what = bench.create([ID, column], enumerate([*values, None]))
        found = [value for _, value in bench.rows(what)]
        assert [pair for pair in zip(found, [*values, None], strict=True) if not same(*pair)] == []

    def test_declared_types(self, bench: SourceBench, source_type: SourceType, record_property: Record) -> None:
        """A type of the database is described as the type that it arrives as, and each of its values arrives."""
        rows = [[str(number), sql] for number, (sql, _) in enumerate([*source_type.values, ("NULL", None)])]
        bench.create_declared({"Id": self.ddl(ID), "V": source_type.declared}, rows)
        info = bench.source().catalogue.describe(bench.table())
        assert info is not None
        assert info.columns[1].type_name.partition("(")[0] == source_type.arrives.partition("(")[0]
        if source_type.arrives and not source_type.arrives.startswith("text"):
            assert info.columns[1].type_name == source_type.arrives
        what = Select(bench.table(), (Output("Id", "Id", pa.int64()), Output("V", "V", source_type.wanted)))
        batches = bench.batches(bench.declared(what))
        seen = Seen(
            declared=source_type.declared,
            described=info.columns[1].type_name,
            read_as=source_type.read_as or source_type.arrives,
            arrow=arrow_of(batches),
            note=source_type.note,
            arrived=pairs([sql for sql, _ in source_type.values], batches),
        )
        record_property(TYPE, seen.written())
        found = [value for _, value in rows_of(batches)]
        wanted = [*(value for _, value in source_type.values), None]
        assert [pair for pair in zip(found, wanted, strict=True) if not same(*pair)] == []

    @pytest.mark.parametrize("policy", list(Policy), ids=str)
    def test_what_does_not_fit(
        self, bench: SourceBench, unfit: tuple[SourceType, str], policy: Policy, record_property: Record
    ) -> None:
        """A value that the wanted type cannot hold stops the read, or follows the policy and is reported: it is left
        out, brought near, set aside with its row, or comes as text."""
        kind, sql = unfit
        bench.create_declared({"Id": self.ddl(ID), "V": kind.declared}, [["1", sql], ["2", "NULL"]])
        wanted = pa.string() if policy is Policy.TEXT else kind.wanted
        outputs = (Output("Id", "Id", pa.int64()), Output("V", "V", wanted, "", policy))
        what, watched = bench.declared(Select(bench.table(), outputs)), ManualCancellation()
        told, _ = became(policy, lambda watching: bench.batches(what, reading=watching))
        record_property(TYPE, Seen(declared=kind.declared, misfits={sql: {str(policy): told}}).written())
        if policy is Policy.STOP:
            with pytest.raises(BadValue, match=r"V.*Id=1\b"):
                bench.rows(what, reading=watched)
            return
        with suppress(BadValue) if policy is Policy.CLAMP else nullcontext():  # there may be no value that is near
            self._follows(policy, bench.rows(what, reading=watched), watched)

    def _follows(self, policy: Policy, found: list[Row], watched: ManualCancellation) -> None:
        if policy is Policy.TEXT:
            assert [row[0] for row in found] == [1, 2]
            assert isinstance(found[0][1], str)
            return
        assert [row[0] for row in found] == ([2] if policy is Policy.QUARANTINE else [1, 2])
        assert (found[0][1] is None) == (policy is not Policy.CLAMP)
        assert [(misfit.column, misfit.policy, misfit.rows) for misfit in watched.misfits] == [("V", policy, 1)]

    def test_empty_text_is_no_null(self, bench: SourceBench) -> None:
        """An empty text, blanks and null stay three different things."""
        column = Column(name="V", type=pa.string(), length=10)
        values = [value for value in ("", " ", "  ", None) if not self.refusal(column, value)]
        assert [value for _, value in bench.rows(bench.create([ID, column], enumerate(values)))] == values

    def test_not_a_number(self, bench: SourceBench) -> None:
        """What is not a number arrives as such and never as null; as a decimal it is refused."""
        column = Column(name="V", type=pa.float64())
        if reason := self.refusal(column, float("nan")):
            pytest.xfail(reason)
        bench.create([ID, column], [(1, float("nan"))])
        ((_, found),) = bench.rows(bench.select([ID, column]))
        assert found != found
        with pytest.raises(BadValue):
            bench.rows(bench.select([ID, Column(name="V", type=pa.decimal128(10, 2))]))

    @pytest.mark.parametrize("character", ["x", "ü"])
    def test_large_texts(self, bench: SourceBench, character: str) -> None:
        """A text of 16 million characters arrives whole, next to small ones."""
        column, length = Column(name="V", type=pa.string()), 16 * MEGABYTE
        rows = [["1", "'a'"], ["2", self.repeated(character, length)], ["3", "NULL"]]
        bench.create_declared({"Id": self.ddl(ID), "V": self.ddl(column)}, rows)
        found = bench.rows(bench.select([ID, column]))
        assert [row for row in found if row[0] != 2] == [(1, "a"), (3, None)]
        assert found[1][1] == character * length

    def test_clock_changes(self, bench: SourceBench) -> None:
        """Readings become the instants that they mean in the source's zone: the earlier of two in the hour that came
        twice, the change itself in the hour that never was."""
        column = Column(name="V", type=DATETIME)
        bench.create([ID, column], [(number, stamp) for number, (stamp, _) in enumerate(WALL)])
        what = bench.select([ID, Column(name="V", type=TIMESTAMP)])
        found = [value for _, value in bench.rows(what, bench.source(time_zone="America/Chicago"))]
        assert found == [instant.astimezone(UTC) for _, instant in WALL]


class PolicyKit(SourceRig):
    """Values that do not fit, in a type that every database has."""

    NUMBER = Column(name="V", type=pa.int32())
    NARROW = Column(name="V", type=pa.int16())
    ROWS = ((1, 5), (2, 70_000), (3, None), (4, -70_000), (5, -5))

    def test_stop(self, bench: SourceBench) -> None:
        """The read stops and names table, column, key and the value's shape, or the value if it may be shown."""
        bench.create([ID, self.NUMBER], self.ROWS)
        what = bench.select([ID, self.NARROW])
        with pytest.raises(BadValue, match=r"Item.*\bV\b.*Id=[24]\b.*9{5}.*int16") as raised:
            bench.rows(what)
        assert "70000" not in str(raised.value)
        with pytest.raises(BadValue, match="70000"):
            bench.rows(what, bench.source(show_values=True))

    @pytest.mark.parametrize(
        ("policy", "became"),
        [
            (Policy.NULL, [5, None, None, None, -5]),
            (Policy.CLAMP, [5, 2**15 - 1, None, -(2**15), -5]),
            (Policy.QUARANTINE, [5, None, -5]),
        ],
    )
    def test_policies(self, bench: SourceBench, policy: Policy, became: list[int | None]) -> None:
        """What does not fit is left out, brought near, or set aside, and each value is reported once."""
        bench.create([ID, self.NUMBER], self.ROWS)
        watched = ManualCancellation()
        found = bench.rows(bench.select([ID, self.NARROW], policy=policy), reading=watched, batch_rows=2)
        assert [value for _, value in found] == became
        assert sum(misfit.rows for misfit in watched.misfits) == 2
        if policy is Policy.QUARANTINE:
            assert {misfit.key for misfit in watched.misfits} == {"Id=2", "Id=4"}

    def test_text(self, bench: SourceBench) -> None:
        """With the policy `text` the column comes as text, each value of it."""
        bench.create([ID, self.NUMBER], self.ROWS)
        what = bench.select([ID, Column(name="V", type=pa.string())], policy=Policy.TEXT)
        assert [value for _, value in bench.rows(what)] == ["5", "70000", None, "-70000", "-5"]
