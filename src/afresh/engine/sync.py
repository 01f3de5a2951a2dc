"""The life of one sync: from a task that is due to a completed row in the log."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

import pyarrow as pa

from afresh.core import drift, events
from afresh.core.errors import AfreshError, BadValue, Cancelled, FetcherError, PostProcessorFailed, UpdateLost
from afresh.core.model import (
    FAILED_RECORDS,
    Completion,
    DataUpdate,
    DataUpdateTask,
    MergeCounts,
    Misfit,
    Outcome,
)
from afresh.core.options import DataSourceConfig
from afresh.core.plan import SyncPlan, check_shrink, plan_sync
from afresh.core.ports import Cache, Clock, Emit, Fetcher, PostProcessor, Stage
from afresh.core.schema import TableSchema
from afresh.core.select import Policy
from afresh.engine import quarantine
from afresh.engine.cancellation import CancelToken
from afresh.engine.pieces import Piece, pieces
from afresh.engine.readahead import read_ahead
from afresh.engine.reading import SyncReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table to keep: its configuration, and what reads and follows it."""

    config: DataSourceConfig
    fetcher: Fetcher[Any]
    post_processor: PostProcessor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What all syncs of an instance share."""

    cache: Cache
    clock: Clock
    emit: Emit
    instance_id: str
    batch_size: int
    bulk_copy_batch_size: int


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a sync has come. The one thing here that changes, and only its own sync changes it."""

    started: datetime
    source_dt: datetime | None = None
    rows: int = 0
    batches: int = 0
    counts: MergeCounts = field(default_factory=MergeCounts)
    recorded: bool = False
    misfits: SimpleQueue[Misfit] = field(default_factory=SimpleQueue)
    """What the read reported and nobody has dealt with yet."""
    adjusted: Counter[Policy] = field(default_factory=Counter)
    """Values that were changed or rows that were left out, by policy."""

    def success(self, task: DataUpdateTask, clock: Clock, counts: MergeCounts | None = None) -> Completion:
        """What the log says if nothing goes wrong any more; `counts` are those not yet added."""
        return Completion(
            operation_id=task.operation_id,
            end_dt=clock.now(),
            outcome=Outcome.SUCCEEDED,
            number_records=self.rows,
            counts=self.counts + counts if counts is not None else self.counts,
            source_dt=self.source_dt,
        )


def sync(task: DataUpdateTask, table: Table, at: Workplace, cancel: CancelToken) -> Progress:
    """Reads what the task asks for and applies it to the cache table; returns what was done, raises what went wrong.

    The DataUpdate row is open while it runs and ended on every way out. Either all rows are in and the row says
    success, or it does not say success; what was merged before a failure is true and is simply merged again.
    """
    plan = _plan(task, table)
    with _recorded(task, table, at) as done:
        schema = _fit(task, table, at)
        reloads = plan.reload is not None
        with at.cache.stage(task.table_name, schema, task.operation_id, cancel, reload=reloads) as stage:
            for piece in _read(task, table, at, schema, done, cancel):
                _keep_misfits(task, at, done, cancel)
                _apply(piece, stage, plan, task, at, done)
            if plan.reload is not None:
                _replace(stage, plan, task, table, at, done)
            if not plan.completes_with_data:
                _follow(stage, plan, task, table, cancel)
                at.cache.log.complete(done.success(task, at.clock))
                done.recorded = True
    return done


def _plan(task: DataUpdateTask, table: Table) -> SyncPlan:
    """The plan of the task; a post-processor follows even if the configuration does not name it."""
    plan = plan_sync(task, table.config)
    return plan if table.post_processor is None else replace(plan, completes_with_data=False)


@contextmanager
def _recorded(task: DataUpdateTask, table: Table, at: Workplace) -> Iterator[Progress]:
    """Keeps the DataUpdate row: open from here, ended as failed or cancelled if the sync does not complete it."""
    done = Progress(started=at.clock.now())
    at.cache.log.start(
        DataUpdate(
            table_name=task.table_name,
            source_system=task.source_system,
            update_type=task.update_type,
            operation_id=task.operation_id,
            instance_id=at.instance_id,
            start_dt=done.started,
            minimum_dt=task.minimum_dt,
            reason=task.reason,
        )
    )
    try:
        told = table.fetcher.clock()
        done.source_dt = told.anchor if told is not None else None
        expected = table.fetcher.explain(task.minimum_dt).expected_rows
        at.emit(
            events.SyncStarted(
                at=done.started,
                task=task,
                source_dt=done.source_dt,
                skew=told.now - at.clock.now() if told is not None else None,
                expected_rows=expected,
            )
        )
        yield done
    except UpdateLost:
        raise
    except BaseException as error:
        if not done.recorded:
            # If this cannot be written either, the row stays open; the service ends it at a later check.
            with suppress(AfreshError):
                at.cache.log.complete(failure(task, error, at.clock.now(), done.source_dt))
        raise


def failure(task: DataUpdateTask, error: BaseException, at: datetime, source_dt: datetime | None = None) -> Completion:
    """What the log says of a sync that ended by an error."""
    return Completion(
        operation_id=task.operation_id,
        end_dt=at,
        outcome=Outcome.CANCELLED if isinstance(error, Cancelled) else Outcome.FAILED,
        number_records=FAILED_RECORDS,
        source_dt=source_dt,
        error_message=str(error) if isinstance(error, AfreshError) else f"{type(error).__name__}: {error}",
    )


def _fit(task: DataUpdateTask, table: Table, at: Workplace) -> TableSchema:
    """Makes the cache table, or adds nullable columns to it, or raises `SchemaDiffers`."""
    schema = table.fetcher.schema()
    existing = at.cache.describe(task.table_name, schema)
    if existing is None:
        at.cache.create(task.table_name, schema)
        at.emit(events.TableCreated(at=at.clock.now(), task=task, columns=len(schema.columns)))
    elif added := drift.check(task.table_name, existing, schema):
        at.cache.add_columns(task.table_name, added)
        names = tuple(column.name for column in added)
        at.emit(events.ColumnsAdded(at=at.clock.now(), task=task, columns=names))
    return schema


def _read(
    task: DataUpdateTask, table: Table, at: Workplace, schema: TableSchema, done: Progress, cancel: CancelToken
) -> Iterator[Piece]:
    batches = read_ahead(
        lambda token: table.fetcher.fetch(task.minimum_dt, SyncReading(token, done.misfits.put)), cancel
    )
    for piece in pieces(batches, piece_rows=at.bulk_copy_batch_size, batch_rows=at.batch_size):
        cancel.check()
        if piece.rows is not None:
            _check_rows(task.table_name, schema, piece.rows)
        yield piece


def _keep_misfits(task: DataUpdateTask, at: Workplace, done: Progress, cancel: CancelToken) -> None:
    """Counts what a column's policy changed or left out, says so, and puts rows that were left out aside."""
    found: list[Misfit] = []
    with suppress(Empty):
        while True:
            found.append(done.misfits.get_nowait())
    left_out = [misfit for misfit in found if misfit.policy == Policy.QUARANTINE]
    quarantine.keep(left_out, task, at.cache, at.clock.now(), cancel)
    for misfit in found:
        done.adjusted[Policy(misfit.policy)] += misfit.rows
    for column, policy in dict.fromkeys((misfit.column, misfit.policy) for misfit in found):
        same = [misfit for misfit in found if (misfit.column, misfit.policy) == (column, policy)]
        rows = sum(misfit.rows for misfit in same)
        at.emit(
            events.ValuesMisfit(
                at=at.clock.now(), task=task, column=column, policy=policy, rows=rows, reason=same[0].reason
            )
        )


def _check_rows(table_name: str, schema: TableSchema, rows: pa.RecordBatch) -> None:
    """Holds a fetcher to its schema: names, order, types, and keys that are not null."""
    wanted = schema.arrow()
    if rows.schema.names != wanted.names or rows.schema.types != wanted.types:
        raise FetcherError(
            f"{table_name}: the fetcher yielded other columns than its schema says: {_difference(rows.schema, wanted)}"
        )
    for name in schema.key:
        if rows.column(name).null_count:
            raise BadValue(
                f"{table_name}.{name}: a key column is null in {rows.column(name).null_count} rows",
                hint="Exclude such rows with `where`, or choose another key.",
            )


def _difference(got: pa.Schema, wanted: pa.Schema) -> str:
    for name in wanted.names:
        if name not in got.names:
            return f"{name} is missing"
        if got.field(name).type != wanted.field(name).type:
            return f"{name} is {got.field(name).type}, not {wanted.field(name).type}"
    extra = [name for name in got.names if name not in wanted.names]
    return f"{', '.join(extra)} not expected" if extra else "the order of the columns"


def _apply(piece: Piece, stage: Stage, plan: SyncPlan, task: DataUpdateTask, at: Workplace, done: Progress) -> None:
    """Stages a piece; merges when it ends a batch, and with the last batch says success in the same transaction."""
    if piece.rows is not None:
        stage.append(piece.rows)
        done.rows += piece.rows.num_rows
        at.emit(events.RowsStaged(at=at.clock.now(), task=task, rows=piece.rows.num_rows, total_rows=done.rows))
    if not piece.ends_batch:
        return
    began = at.clock.now()
    completes = piece.last and plan.completes_with_data and plan.reload is None
    counts = stage.merge(
        trust_source=plan.trust_source,
        complete=(lambda counts: done.success(task, at.clock, counts)) if completes else None,
    )
    done.recorded = completes
    done.batches += 1
    done.counts += counts
    ended = at.clock.now()
    at.emit(
        events.BatchMerged(
            at=ended, task=task, batch=done.batches, rows=done.rows, counts=counts, duration=ended - began
        )
    )


def _replace(stage: Stage, plan: SyncPlan, task: DataUpdateTask, table: Table, at: Workplace, done: Progress) -> None:
    """Puts what was read in the table's place, if it is not suspiciously little."""
    if plan.reload is None:
        return
    existing, loaded = stage.sizes()
    check_shrink(
        task.table_name,
        existing=existing,
        loaded=loaded,
        retained_ratio=table.config.minimum_retained_ratio,
        allowed=task.allow_shrink,
    )
    began = at.clock.now()
    done.counts = MergeCounts(duplicates=done.rows - loaded)
    completes = plan.completes_with_data
    counts = stage.reload(plan.reload, (lambda counts: done.success(task, at.clock, counts)) if completes else None)
    done.recorded = completes
    done.counts += counts
    ended = at.clock.now()
    at.emit(
        events.TableReloaded(at=ended, task=task, strategy=str(plan.reload), counts=done.counts, duration=ended - began)
    )


def _follow(stage: Stage, plan: SyncPlan, task: DataUpdateTask, table: Table, cancel: CancelToken) -> None:
    """What comes after the data and before success: indexes and the post-processor."""
    if plan.re_index:
        stage.rebuild_indexes()
    if table.post_processor is None:
        return
    cancel.check()
    try:
        table.post_processor.process(task.table_name, cancel)
    except AfreshError:
        raise
    except Exception as error:
        raise PostProcessorFailed(
            f"{task.table_name}: the post-processor failed: {type(error).__name__}: {error}"
        ) from error
