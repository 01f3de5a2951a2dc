"""Rows without any source, for trying things out: the same for everybody who asks at the same hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pydantic import Field

from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Clock, Explanation, Reading
from afresh.core.schema import TIMESTAMP, Column, TableSchema

_START = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR = 3600
_KEEP_HOURS = 24 * 365
_WORDS = ("bolt", "bracket", "Gehäuse", "washer", "seal", "ベアリング", "shaft", "Überwurf", "gasket", "")

_CENT = pa.scalar(Decimal("0.01"))

pc: Any = pyarrow.compute

Integers = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOptions:
    """How many rows there are, and how many of them change."""

    rows: Annotated[int, Field(ge=0, le=100_000_000, description="Rows of the table.")] = 1_000
    seed: Annotated[int, Field(ge=0, lt=2**32, description="Another seed makes other rows.")] = 1
    changed_ratio: Annotated[float, Field(ge=0, le=1, description="Share of the rows that changes in each hour.")] = (
        0.01
    )


SCHEMA = TableSchema(
    columns=(
        Column(name="Id", type=pa.int64()),
        Column(name="Name", type=pa.string(), length=30),
        Column(name="Price", type=pa.decimal128(15, 2)),
        Column(name="Quantity", type=pa.int32()),
        Column(name="Weight", type=pa.float64()),
        Column(name="Active", type=pa.bool_()),
        Column(name="Due", type=pa.date32()),
        Column(name="LastUpdateDT", type=TIMESTAMP),
    ),
    key=("Id",),
    last_update="LastUpdateDT",
)


class SampleFetcher:
    """Makes its rows. Of each row the last change is a whole hour of the clock; the values follow from it."""

    def __init__(self, *, options: SampleOptions, batch_rows: int, clock: Clock) -> None:
        self._options = options
        self._batch_rows = batch_rows
        self._clock = clock

    def schema(self) -> TableSchema:
        """Always the same columns."""
        return SCHEMA

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """The rows whose last change is at or after the instant."""
        hour = (self._clock.now() - _START) // timedelta(hours=1)
        for first in range(0, self._options.rows, self._batch_rows):
            cancel.check()
            ids = np.arange(first, min(first + self._batch_rows, self._options.rows), dtype=np.uint64)
            changed = self._changed(ids, hour)
            if minimum_dt is not None:
                wanted = changed * _HOUR >= (minimum_dt - _START).total_seconds()
                ids, changed = ids[wanted], changed[wanted]
            if len(ids):
                yield self._batch(ids, changed)

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """There is no statement; the number of rows is known."""
        share = "no row changes" if not self._options.changed_ratio else f"{self._options.changed_ratio:.1%} of them"
        note = f"Rows are made up: {self._options.rows:,}, of which {share} change in each hour."
        expected = self._options.rows if minimum_dt is None else None
        return Explanation(notes=(note,), expected_rows=expected)

    def misses(self) -> str | None:
        """No change: windows bring them all."""
        return None

    def clock(self) -> SourceInstant:
        """The service's own clock."""
        return SourceInstant(now=self._clock.now())

    def forget(self) -> None:
        """There is nothing to forget."""

    def _changed(self, ids: Integers, hour: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The hour of each row's last change, in hours since the start.

        Every row changes regularly, with its own phase: after `1 / changed_ratio` hours, at most a year.
        """
        if not self._options.changed_ratio:
            return np.zeros(len(ids), np.int64)
        period = min(max(round(1 / self._options.changed_ratio), 1), _KEEP_HOURS)
        phase = (_mixed(ids, self._options.seed, 0) % np.uint64(period)).astype(np.int64)
        return np.maximum(hour - (hour - phase) % period, 0)

    def _batch(self, ids: Integers, changed: np.ndarray[Any, np.dtype[np.int64]]) -> pa.RecordBatch:
        def draw(number: int, below: int) -> np.ndarray[Any, np.dtype[np.int64]]:
            mixed = _mixed(ids * np.uint64(1_000_003) + changed.astype(np.uint64), self._options.seed, number)
            return (mixed % np.uint64(below)).astype(np.int64)

        words = pa.array(_WORDS).take(pa.array(draw(1, len(_WORDS))))
        due = pa.array(draw(5, 3650) + 18_262, pa.int32()).cast(pa.date32())
        columns: list[Any] = [
            pa.array(ids.astype(np.int64)),
            words,
            pc.multiply(pa.array(draw(2, 10_000_000)).cast(pa.decimal128(19, 0)), _CENT).cast(pa.decimal128(15, 2)),
            pa.array(draw(3, 1_000).astype(np.int32)),
            pa.array(draw(4, 1_000_000) / 1000.0),
            pa.array(draw(6, 2) == 1),
            pc.if_else(pa.array(draw(7, 10) == 0), pa.scalar(None, pa.date32()), due),
            pa.array((changed * _HOUR + int(_START.timestamp())) * 1_000_000).cast(TIMESTAMP),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA.arrow())


def _mixed(numbers: Integers, seed: int, stream: int) -> Integers:
    """Numbers that look drawn at random and depend on nothing but the arguments (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = numbers + np.uint64((seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def build(context: FetcherContext) -> SampleFetcher:
    """The fetcher; it needs no source system."""
    return SampleFetcher(options=context.options, batch_rows=context.batch_rows, clock=context.clock)


SAMPLE = FetcherKind(options=SampleOptions, build=build, needs_source=False)
