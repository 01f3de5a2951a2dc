"""What the kit for sources writes down of a value: as what it arrived, or what became of one that does not fit.

A report (`afresh.testing.source_report`) gets it as properties of the tests, each a JSON text.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from afresh.core.errors import AfreshError
from afresh.core.select import Policy
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.odd_values import cut, shown

TYPE, ODD = "source.type", "source.odd"
"""Names of the properties: of a type of the database, and of an odd value."""

Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One type of a database as a run showed it.

    `declared` is the type as the database has it, `described` what the catalogue made of it, `read_as` the type that
    it was read as, `arrow` the Arrow type of the batches. `arrived` are pairs of what was written and what came;
    `misfits` say for each value that does not fit what became of it under each policy. `odd` is the name of an odd
    value, if it was about that, and `cannot` the reason why the database cannot hold it.
    """

    declared: str = ""
    described: str = ""
    read_as: str = ""
    arrow: str = ""
    note: str = ""
    arrived: tuple[tuple[str, str], ...] = ()
    misfits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    odd: str = ""
    cannot: str = ""

    def written(self) -> str:
        """As a property."""
        return json.dumps(asdict(self), ensure_ascii=False)


def seen(text: str) -> Seen:
    """What a property says."""
    told = json.loads(text)
    return Seen(**{**told, "arrived": tuple((written, came) for written, came in told["arrived"])})


def together(found: Iterable[Seen]) -> list[Seen]:
    """One for each type (or odd value), in their order; what became of misfits is told value by value."""
    merged: dict[tuple[str, str], Seen] = {}
    for one in found:
        known = merged.get((one.odd, one.declared))
        merged[(one.odd, one.declared)] = one if known is None else _merged(known, one)
    return list(merged.values())


def _merged(first: Seen, second: Seen) -> Seen:
    misfits = {name: dict(became) for name, became in first.misfits.items()}
    for name, became in second.misfits.items():
        misfits.setdefault(name, {}).update(became)
    facts = {name: getattr(first, name) or getattr(second, name) for name in Seen.__dataclass_fields__}
    return Seen(**{**facts, "misfits": misfits})


def pairs(written: Iterable[str], batches: list[pa.RecordBatch]) -> tuple[tuple[str, str], ...]:
    """What was written and what came, row by row; the batches have the columns Id and V."""
    rows = sorted((row["Id"], row["V"]) for row in _rows(batches, "Id", "V"))
    return tuple((cut(sql), shown(value)) for sql, (_, value) in zip(written, rows, strict=False))


def arrow_of(batches: list[pa.RecordBatch]) -> str:
    """The Arrow type of the column V."""
    return str(batches[0].schema.field("V").type) if batches else ""


def became(
    policy: Policy, read: Callable[[ManualCancellation], list[pa.RecordBatch]]
) -> tuple[str, AfreshError | None]:
    """What became of the value in the row whose Id is 1, under its column's policy; with the error that stopped it."""
    watched = ManualCancellation()
    try:
        found = {row["Id"]: row["V"] for row in _rows(read(watched), "Id", "V")}
    except AfreshError as error:
        return f"stops ({type(error).__name__})", error
    if 1 not in found:
        return "its row is set aside", None
    counted = sum(misfit.rows for misfit in watched.misfits)
    return shown(found[1]) + ("" if counted or policy in (Policy.STOP, Policy.TEXT) else " (not counted)"), None


def _rows(batches: list[pa.RecordBatch], *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row.values(), strict=True)) for batch in batches for row in batch.to_pylist()]
