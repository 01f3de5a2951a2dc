"""Random workloads for caches, what they have to come to, and how a cache performs them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from afresh.core.model import Completion, MergeCounts, Outcome, ReloadStrategy
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.testing.kit_rig import Bench, Row, at, batch, completion

COLUMNS = (
    Column(name="Name", type=pa.string()),
    Column(name="Number", type=pa.int64()),
    Column(name="Code", type=pa.string(), length=20),
    Column(name="Price", type=pa.decimal128(15, 4)),
    Column(name="Changed", type=TIMESTAMP),
)
LATER = (
    Column(name="Day", type=pa.date32()),
    Column(name="Share", type=pa.float64()),
    Column(name="Picture", type=pa.binary()),
    Column(name="Flag", type=pa.bool_()),
)
"""Columns that are added while the table is in use."""

SCHEMAS = (
    TableSchema(columns=COLUMNS, key=("Number", "Code"), last_update="Changed"),
    TableSchema(columns=COLUMNS, key=("Number",), last_update="Changed"),
    TableSchema(columns=COLUMNS, key=("Code",)),
    TableSchema(columns=COLUMNS[:3], key=("Name", "Number", "Code")),
)
"""With a stamp and a composite key, with a stamp, without one, and nothing but a key."""

VALUES: dict[str, Sequence[Any]] = {
    "Name": ("", "a", "A", "ä", "a\u0308", "it's", "x" * 300),
    "Number": (0, 1, -1, 2**63 - 1),
    "Code": ("a", "A", "é", "🙂", "00"),
    "Price": (Decimal("0.0000"), Decimal("1.5000"), Decimal("-99999999999.9999")),
    "Changed": tuple(at(minutes) for minutes in (0, 1, 1.5, 2)),
    "Day": (date.min, date(2026, 3, 2)),
    "Share": (0.1, -1e300),
    "Picture": (b"", b"\0\xff"),
    "Flag": (True, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync of a table: its batches, and whether it reloads, trusts the source, or fails with the last batch.

    Rows have a value for every column, those that are added later included.
    """

    batches: tuple[tuple[Row, ...], ...]
    reload: ReloadStrategy | None = None
    trusted: bool = False
    fails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Widen:
    """The next column is added."""


Step = Sync | Widen


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What happens to one table."""

    schema: TableSchema
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How things stand after a step: its counts, None for a sync that failed, and the rows by key."""

    counts: MergeCounts | None
    rows: tuple[Row, ...]


def workloads() -> st.SearchStrategy[Workload]:
    """Windows, a Mass by merge, reloads, failures and new columns, on a table of some kind."""
    return st.sampled_from(SCHEMAS).flatmap(
        lambda schema: st.lists(_steps(schema), min_size=3, max_size=9).map(
            lambda steps: Workload(schema=schema, steps=tuple(steps))
        )
    )


def _steps(schema: TableSchema) -> st.SearchStrategy[Step]:
    columns = (*schema.columns, *LATER)
    row = st.tuples(
        *(
            st.sampled_from(VALUES[column.name])
            if column.name in schema.key
            else st.none() | st.sampled_from(VALUES[column.name])
            for column in columns
        )
    )
    rows = st.lists(row, max_size=8).map(tuple)
    sync = st.builds(
        Sync,
        batches=st.lists(rows, min_size=1, max_size=3).map(tuple),
        reload=st.sampled_from([None, None, *ReloadStrategy]),
        trusted=st.booleans(),
        fails=st.sampled_from([False, False, False, True]),
    )
    return st.one_of(sync, sync, sync, st.builds(Widen))


# ------------------------------------------------------------------------------------------------ what is expected


def expected(workload: Workload) -> list[Found]:
    """What each step has to come to, by the specification alone."""
    schema, found = workload.schema, list[Found]()
    table: dict[Row, Row] = {}
    for step in workload.steps:
        counts: MergeCounts | None = MergeCounts()
        if isinstance(step, Widen):
            schema, added = _wider(schema)
            table = {key: (*row, *[None] * added) for key, row in table.items()}
        elif step.reload is not None:
            new, _ = _newest(schema, [row for rows in step.batches for row in _cut(schema, rows)])
            counts = None if step.fails else _compared(table, new)
            table = table if step.fails else new
        else:
            counts, table = _merged(schema, table, step)
        found.append(Found(counts=counts, rows=tuple(table[key] for key in sorted(table, key=repr))))
    return found


def _merged(schema: TableSchema, table: dict[Row, Row], step: Sync) -> tuple[MergeCounts | None, dict[Row, Row]]:
    table, counts = dict(table), MergeCounts()
    for number, rows in enumerate(step.batches, 1):
        if step.fails and number == len(step.batches):
            return None, table
        new, duplicates = _newest(schema, _cut(schema, rows))
        counts += MergeCounts(duplicates=duplicates)
        for key, row in new.items():
            if key not in table:
                counts += MergeCounts(inserted=1)
                table[key] = row
            elif row != table[key] and (step.trusted or _age(schema, row) >= _age(schema, table[key])):
                counts += MergeCounts(updated=1)
                table[key] = row
            else:
                counts += MergeCounts(unchanged=1)
    return counts, table


def _newest(schema: TableSchema, rows: Sequence[Row]) -> tuple[dict[Row, Row], int]:
    """Of each key the row with the newest stamp, of these the last; and how many others there were."""
    found: dict[Row, Row] = {}
    for row in rows:
        key = _key(schema, row)
        if key not in found or _age(schema, row) >= _age(schema, found[key]):
            found[key] = row
    return found, len(rows) - len(found)


def _compared(old: dict[Row, Row], new: dict[Row, Row]) -> MergeCounts:
    same = sum(1 for key, row in new.items() if old.get(key) == row)
    both = len(old.keys() & new.keys())
    return MergeCounts(
        inserted=len(new) - both, updated=both - same, unchanged=same, deleted=len(old.keys() - new.keys())
    )


def _age(schema: TableSchema, row: Row) -> tuple[bool, Any]:
    """What rows of one key are ordered by; null is the oldest."""
    stamp = row[schema.names.index(schema.last_update)] if schema.last_update else None
    return stamp is not None, stamp


def _key(schema: TableSchema, row: Row) -> Row:
    return tuple(row[schema.names.index(name)] for name in schema.key)


def _cut(schema: TableSchema, rows: Sequence[Row]) -> list[Row]:
    """The rows as far as the table has columns by now."""
    return [row[: len(schema.columns)] for row in rows]


def _wider(schema: TableSchema) -> tuple[TableSchema, int]:
    there = [column for column in schema.columns if column in LATER]
    added = LATER[len(there) : len(there) + 1]
    return replace(schema, columns=(*schema.columns, *added)), len(added)


# ------------------------------------------------------------------------------------------------ what is performed


def performed(bench: Bench, workload: Workload, table_name: str) -> list[Found]:
    """What each step comes to on a cache."""
    schema, found = workload.schema, []
    for step in workload.steps:
        counts: MergeCounts | None = MergeCounts()
        if isinstance(step, Widen):
            wider, added = _wider(schema)
            if added and bench.cache.describe(table_name, schema) is not None:
                bench.cache.add_columns(table_name, wider.columns[-added:])
            schema = wider
        else:
            counts = _sync(bench, schema, step, table_name)
        there = bench.cache.describe(table_name, schema) is not None
        rows = bench.rows(schema, table_name) if there else []
        found.append(Found(counts=counts, rows=tuple(sorted(rows, key=lambda row: repr(_key(schema, row))))))
    return found


def _sync(bench: Bench, schema: TableSchema, step: Sync, table_name: str) -> MergeCounts | None:
    operation = bench.start(table_name)
    counts = MergeCounts()

    def complete(counts: MergeCounts) -> Completion:
        if step.fails:
            raise ZeroDivisionError
        return completion(operation, counts=counts)

    with (
        suppress(ZeroDivisionError),
        bench.stage(schema, table_name, reload=step.reload is not None, operation_id=operation) as stage,
    ):
        for number, rows in enumerate(step.batches, 1):
            if rows:
                stage.append(batch(schema, _cut(schema, rows)))
            completes = step.reload is None and number == len(step.batches)
            merged = stage.merge(
                trust_source=step.trusted or step.reload is not None, complete=complete if completes else None
            )
            counts += merged
        return counts if step.reload is None else stage.reload(step.reload, complete)
    bench.end(operation, Outcome.FAILED)
    return None
