"""The life of one sync: from a task that is due to a completed row in the log."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from queue import Empty
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core import drift, events
from afresh.core.errors import (
    AfreshError,
    BadValue,
    ConfigurationError,
    FetcherError,
    PostProcessorFailed,
    SourceChanged,
    UpdateLost,
)
from afresh.core.lookback import measure_of
from afresh.core.model import DataUpdate, DataUpdateTask, MergeCounts, Misfit, Phase, UpdateType
from afresh.core.options import DataSourceConfig
from afresh.core.plan import SyncPlan, check_shrink, plan_sync
from afresh.core.ports import Cache, Clock, Emit, Fetcher, PostProcessor, Stage
from afresh.core.schema import TableSchema
from afresh.core.select import Policy
from afresh.engine import quarantine
from afresh.engine.asking import asked
from afresh.engine.cancellation import CancelToken
from afresh.engine.pieces import Piece, pieces
from afresh.engine.progress import Progress
from afresh.engine.readahead import read_ahead
from afresh.engine.reading import SyncReading
from afresh.engine.schemas import Schemas

_UTC = ZoneInfo("UTC")

_COLUMNS_HOLD = timedelta(days=1)
"""So long an Hourly relies on what the source said of its columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table to keep: its configuration, and what reads and follows it."""

    config: DataSourceConfig
    fetcher: Fetcher[Any]
    post_processor: PostProcessor | None = None
    time_zone: ZoneInfo = _UTC
    """That of wall clock readings in the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What all syncs of an instance share."""

    cache: Cache
    clock: Clock
    emit: Emit
    instance_id: str
    batch_size: int
    bulk_copy_batch_size: int
    schemas: Schemas = field(default_factory=Schemas)


def sync(task: DataUpdateTask, table: Table, at: Workplace, cancel: CancelToken) -> Progress:
    """Reads what the task asks for and applies it to the cache table; returns what was done, raises what went wrong.

    The DataUpdate row is open while it runs and ended on every way out. Either all rows are in and the row says
    success, or it does not say success; what was merged before a failure is true and is simply merged again.
    """
    plan = _plan(task, table)
    with _recorded(task, table, plan, at, cancel) as done:
        schema = _fit(task, table, at, cancel)
        done.measure = measure_of(task, schema, table.time_zone)
        reloads = plan.reload is not None
        with at.cache.stage(task.table_name, schema, task.operation_id, cancel, reload=reloads) as stage:
            for piece in _read(task, table, at, schema, done, cancel):
                _keep_misfits(task, at, done, cancel)
                _apply(piece, stage, plan, task, at, done)
            if plan.reload is not None:
                _replace(stage, plan, task, table, at, done)
            if not plan.completes_with_data:
                _follow(stage, plan, task, table, at.clock, done, cancel)
                at.cache.log.complete(done.success(task, at.clock))
                done.recorded = True
    return done


def _plan(task: DataUpdateTask, table: Table) -> SyncPlan:
    """The plan of the task; a post-processor follows even if the configuration does not name it."""
    plan = plan_sync(task, table.config)
    return plan if table.post_processor is None else replace(plan, completes_with_data=False)


@contextmanager
def _recorded(
    task: DataUpdateTask, table: Table, plan: SyncPlan, at: Workplace, cancel: CancelToken
) -> Iterator[Progress]:
    """Keeps the DataUpdate row: open from here, ended as failed or cancelled if the sync does not complete it."""
    done = Progress(started=at.clock.now(), plan=plan.reason)
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
        done.hear(asked(table.fetcher.clock, cancel), at.clock.now())
        _forget_columns(task, table, at)
        with _columns_asked(task, at):
            expected = asked(lambda: table.fetcher.explain(task.minimum_dt), cancel).expected_rows
        at.emit(
            events.SyncStarted(
                at=done.started,
                task=task,
                source_dt=done.source_dt,
                skew=done.skew,
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
                at.cache.log.complete(done.failure(task, at.clock, error))
        if not (isinstance(error, AfreshError) and error.transient):
            # It may have failed because the source's columns are others by now: the next sync asks.
            with suppress(AfreshError):
                table.fetcher.forget()
        raise
    finally:
        at.emit(events.TimeSpent(at=at.clock.now(), task=task, phases=tuple(done.spans.values())))


def _forget_columns(task: DataUpdateTask, table: Table, at: Workplace) -> None:
    """Each Mass and Daily asks the source for its columns again, and an Hourly if nobody has for long."""
    seen = at.schemas.of(task.table_name)
    old = seen is None or at.clock.now() - seen.looked_at >= _COLUMNS_HOLD
    if old or task.update_type is not UpdateType.HOURLY:
        table.fetcher.forget()


@contextmanager
def _columns_asked(task: DataUpdateTask, at: Workplace) -> Iterator[None]:
    """A configuration that this service has worked with cannot be wrong: then it is the source that has changed."""
    try:
        yield
    except ConfigurationError as error:
        if at.schemas.of(task.table_name) is None:
            raise
        raise SourceChanged(error.message, hint=error.hint) from error


def _fit(task: DataUpdateTask, table: Table, at: Workplace, cancel: CancelToken) -> TableSchema:
    """Makes the cache table, or adds nullable columns to it, or raises `SchemaDiffers`."""
    with _columns_asked(task, at):
        schema = asked(table.fetcher.schema, cancel)
    existing = at.cache.describe(task.table_name, schema)
    found = drift.Drift() if existing is None else drift.compare(existing, schema)
    at.schemas.note(task.table_name, schema, found, at.clock.now())
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
    batches = _waited_for(batches, at.clock, done)
    for piece in pieces(batches, piece_rows=at.bulk_copy_batch_size, batch_rows=at.batch_size):
        cancel.check()
        if piece.rows is not None:
            _check_rows(task.table_name, schema, piece.rows)
        yield piece


def _waited_for(batches: Iterator[pa.RecordBatch], clock: Clock, done: Progress) -> Iterator[pa.RecordBatch]:
    """The batches; the time until each comes is spent on reading."""
    while True:
        with done.spending(Phase.READ, clock):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _keep_misfits(task: DataUpdateTask, at: Workplace, done: Progress, cancel: CancelToken) -> None:
    """Counts what a column's policy changed or left out, says so, and puts rows that were left out aside."""
    found: list[Misfit] = []
    with suppress(Empty):
        while True:
            found.append(done.misfits.get_nowait())
    left_out = [misfit for misfit in found if misfit.policy == Policy.QUARANTINE]
    quarantine.keep(left_out, task, at.cache, at.clock.now(), cancel)
    for misfit in found:
        done.adjusted[misfit.policy] += misfit.rows
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
        with done.spending(Phase.STAGE, at.clock):
            stage.append(piece.rows)
        done.rows += piece.rows.num_rows
        at.emit(events.RowsStaged(at=at.clock.now(), task=task, rows=piece.rows.num_rows, total_rows=done.rows))
    if not piece.ends_batch:
        return
    began = at.clock.now()
    completes = piece.last and plan.completes_with_data and plan.reload is None
    done.batches += 1
    with done.spending(Phase.MERGE, at.clock):
        if plan.reload is None:
            _look_for_late(stage, done)
        counts = stage.merge(
            trust_source=plan.trust_source,
            complete=(lambda counts: done.success(task, at.clock, counts)) if completes else None,
        )
    done.recorded = completes
    done.counts += counts
    ended = at.clock.now()
    at.emit(
        events.BatchMerged(
            at=ended, task=task, batch=done.batches, rows=done.rows, counts=counts, duration=ended - began
        )
    )


def _look_for_late(stage: Stage, done: Progress) -> None:
    """Counts what comes late, before it is there."""
    if done.measure is not None:
        done.late += stage.late(done.measure.before)


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
    with done.spending(Phase.MERGE, at.clock):
        _look_for_late(stage, done)
        counts = stage.reload(plan.reload, (lambda counts: done.success(task, at.clock, counts)) if completes else None)
    done.recorded = completes
    done.counts += counts
    ended = at.clock.now()
    at.emit(
        events.TableReloaded(at=ended, task=task, strategy=str(plan.reload), counts=done.counts, duration=ended - began)
    )


def _follow(
    stage: Stage,
    plan: SyncPlan,
    task: DataUpdateTask,
    table: Table,
    clock: Clock,
    done: Progress,
    cancel: CancelToken,
) -> None:
    """What comes after the data and before success: indexes and the post-processor."""
    if plan.re_index:
        with done.spending(Phase.INDEXES, clock):
            stage.rebuild_indexes()
    if table.post_processor is None:
        return
    cancel.check()
    try:
        with done.spending(Phase.POST_PROCESS, clock):
            table.post_processor.process(task.table_name, cancel)
    except AfreshError:
        raise
    except Exception as error:
        raise PostProcessorFailed(
            f"{task.table_name}: the post-processor failed: {type(error).__name__}: {error}"
        ) from error
