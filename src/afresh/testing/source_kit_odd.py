"""The kit for sources: the odd values, each as the database holds it, if it can."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from afresh.core.errors import AfreshError, BadValue
from afresh.core.schema import type_name
from afresh.core.select import Output, Policy, Select
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.odd_values import ODD, ZONE, OddValue, same
from afresh.testing.source_kit_reads import ID
from afresh.testing.source_kit_rig import SourceBench, SourceRig, SourceType
from afresh.testing.source_seen import ODD as PROPERTY
from afresh.testing.source_seen import Record, Seen, arrow_of, became, pairs


def declared_as(types: Sequence[SourceType], declared: str) -> SourceType:
    """The type of a rig that is declared so."""
    return next(kind for kind in types if kind.declared == declared)


class OddKit(SourceRig):
    """Odd values arrive exactly, or stop the read and follow their column's policy; none becomes another unseen."""

    @pytest.mark.parametrize("odd", ODD, ids=[odd.name for odd in ODD])
    def test_odd_values(self, bench: SourceBench, odd: OddValue, record_property: Record) -> None:
        """Each odd value arrives as the rig says, next to a null, or is refused; a database that cannot hold it has a
        reason."""
        kind = self.odd_type(odd)
        if isinstance(kind, str):
            record_property(PROPERTY, Seen(odd=odd.name, cannot=kind).written())
            record_property("source.outside", kind)
            pytest.xfail(kind)
        if kind.values:
            self._arrives(bench, odd, kind, record_property)
        for number, sql in enumerate(kind.misfits):
            self._does_not_fit(bench, f"Odd{number}", odd, kind, sql, record_property)

    def odd_type(self, odd: OddValue) -> SourceType | str:
        """How the database holds the value, or why it cannot."""
        if odd.name in self.odd:
            return self.odd[odd.name]
        assert not odd.own, f"say in `odd` of the rig how the source holds {odd.name!r} ({odd.meaning}), or why not"
        column = odd.at_source
        written = odd.value if odd.written is None else odd.written
        if reason := self.refusal(column, written):
            return reason
        large = isinstance(written, str) and len(written) > 1_000
        literal = self.repeated(written[0], len(written)) if large else self.literal(column, written)
        return SourceType(
            declared=self.ddl(column),
            arrives=column.type_name,
            read_as=type_name(odd.type),
            values=((literal, odd.value),),
        )

    def _arrives(self, bench: SourceBench, odd: OddValue, kind: SourceType, record: Record) -> None:
        rows = [[str(number), sql] for number, (sql, _) in enumerate([*kind.values, ("NULL", None)])]
        bench.create_declared({"Id": self.ddl(ID), "V": kind.declared}, rows)
        what = self._select(bench, "Item", kind.wanted)
        batches = bench.batches(what, bench.source(time_zone=ZONE))
        arrived = pairs([sql for sql, _ in kind.values], batches)
        record(PROPERTY, self._seen(bench, "Item", odd, kind, arrow=arrow_of(batches), arrived=arrived).written())
        found = [value for _, value in bench.rows(what, bench.source(time_zone=ZONE))]
        wanted = [*(value for _, value in kind.values), None]
        assert [pair for pair in zip(found, wanted, strict=True) if not same(*pair)] == []

    def _does_not_fit(
        self, bench: SourceBench, name: str, odd: OddValue, kind: SourceType, sql: str, record: Record
    ) -> None:
        bench.create_declared({"Id": self.ddl(ID), "V": kind.declared}, [["1", sql], ["2", "NULL"]], name)
        told: dict[str, str] = {}
        stopped: AfreshError | None = None
        for policy in Policy:
            what = self._select(bench, name, pa.string() if policy is Policy.TEXT else kind.wanted, policy)

            def read(watched: ManualCancellation, what: Select = what) -> list[pa.RecordBatch]:
                return bench.batches(what, bench.source(time_zone=ZONE), reading=watched)

            told[policy], error = became(policy, read)
            stopped = error if policy is Policy.STOP else stopped
        record(PROPERTY, self._seen(bench, name, odd, kind, misfits={sql: told}).written())
        assert stopped is not None, f"{sql} has come as {told[Policy.STOP]}"
        if not isinstance(stopped, BadValue):
            assert kind.note, f"{stopped!r}: say in a note why no policy helps"
            return
        assert (told[Policy.NULL], told[Policy.QUARANTINE]) == ("null", "its row is set aside")
        # What is no text at all does not come as one either.
        assert told[Policy.TEXT][0] in "'\"" or pa.types.is_string(kind.wanted), told

    def _seen(self, bench: SourceBench, name: str, odd: OddValue, kind: SourceType, **facts: object) -> Seen:
        info = bench.source().catalogue.describe(bench.table(name))
        assert info is not None
        return Seen(
            odd=odd.name,
            declared=kind.declared,
            described=info.columns[1].type_name,
            read_as=kind.read_as or kind.arrives,
            note=kind.note,
            **facts,  # type: ignore[arg-type]
        )

    def _select(self, bench: SourceBench, name: str, wanted: pa.DataType, policy: Policy = Policy.STOP) -> Select:
        outputs = (Output("Id", "Id", pa.int64()), Output("V", "V", wanted, "", policy))
        return bench.declared(Select(bench.table(name), outputs))
