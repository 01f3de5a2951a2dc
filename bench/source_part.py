"""What the parts of sources have in common: one read of a whole table, in batches of 10,000 rows, typed as the bench's.

The bare side is the driver with the statement and the casts written by hand for this one table; it has no look for what
does not fit, no translation of errors and no cancellation.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pyarrow as pa

from afresh.core.ports import SourceSystem
from afresh.core.select import Output, Select, TableName
from afresh.sources.never import NEVER
from bench import rows
from bench.part import Case, Job, Part, Work, WrongWork

TABLE = "source_rows"


class SourcePart(Part):
    """A source beside its driver."""

    sizes = (1_000_000,)
    rounds: tuple[tuple[Case, ...], ...] = ((Case(name="read", limit=1.15),),)

    @abstractmethod
    def source(self, job: Job) -> SourceSystem:
        """Our source."""

    @abstractmethod
    def by_hand(self, job: Job) -> Iterator[pa.RecordBatch]:
        """All rows by the driver, in any batches."""

    def table(self, job: Job) -> TableName:
        """The table as the source names it."""
        return TableName(TABLE)

    def prepare(self, job: Job) -> None:
        """Nothing: reads leave nothing behind."""

    def bare(self, job: Job) -> Work:
        return Work(rows=_counted(self.by_hand(job)))

    def afresh(self, job: Job) -> Work:
        return Work(rows=_counted(self.by_source(job)))

    def by_source(self, job: Job) -> Iterator[pa.RecordBatch]:
        """All rows by our source."""
        with closing(self.source(job)) as source:
            described = source.catalogue.describe(self.table(job))
            assert described is not None
            outputs = tuple(
                Output(ours.name, ours.name, ours.type, declared=its.declared)
                for ours, its in zip(rows.SCHEMA.columns, described.columns, strict=True)
            )
            yield from source.read(Select(self.table(job), outputs), NEVER, rows.PIECE)

    def check(self, job: Job, before: object, work: Work) -> None:
        if work.rows != job.rows:
            raise WrongWork(f"{job}: read {work.rows:,} rows of {job.rows:,}")


def made(count: int) -> Iterator[pa.RecordBatch]:
    """The rows that all sources hold."""
    return rows.batches(np.arange(count), 0)


def typed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with each column cast to its type."""
    wanted = rows.SCHEMA.arrow()
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, wanted, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _counted(batches: Iterator[pa.RecordBatch]) -> int:
    found, wanted = 0, rows.SCHEMA.arrow()
    for batch in batches:
        if batch.schema.types != wanted.types:
            raise WrongWork(f"the rows came as {batch.schema}")
        found += batch.num_rows
    return found
