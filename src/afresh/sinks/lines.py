"""How each event reads as a line: a level, a few words, and fields with fixed names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import singledispatch
from traceback import format_exception

from afresh.core import events
from afresh.core.errors import AfreshError, Defect
from afresh.core.model import MergeCounts, Outcome

FieldValue = str | int | float | None | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a log; a field that is None is left out."""

    level: str
    text: str
    fields: Mapping[str, FieldValue]


@singledispatch
def line(event: events.Event) -> Line:
    """The line of an event; TypeError for a kind of event that nobody has described here."""
    raise TypeError(f"no line is defined for {type(event).__name__}")


@line.register
def _(event: events.ServiceStarted) -> Line:
    return Line(level="info", text="service started", fields={"tables": event.tables, "instance_id": event.instance_id})


@line.register
def _(event: events.ServiceStopping) -> Line:
    return Line(level="info", text="service is stopping", fields={"running": event.running})


@line.register
def _(event: events.ServiceStopped) -> Line:
    return Line(level="info", text="service stopped", fields={"instance_id": event.instance_id})


@line.register
def _(event: events.UpdatesClosed) -> Line:
    return Line(
        level="warning",
        text="closed updates that dead processes left open",
        fields={"tables": list(event.tables), "operation_ids": list(event.operation_ids)},
    )


@line.register
def _(event: events.LeftoversDropped) -> Line:
    return Line(level="info", text="dropped what dead syncs left behind", fields={"names": list(event.names)})


@line.register
def _(event: events.UpdatesPurged) -> Line:
    return Line(level="info", text="purged old updates", fields={"rows": event.rows, "before": instant(event.before)})


@line.register
def _(event: events.Checked) -> Line:
    due = [f"{task.table_name} {task.update_type}" for task in event.due]
    return Line(level="debug", text="checked the schedules", fields={"due": due, "running": list(event.running)})


@line.register
def _(event: events.CheckFailed) -> Line:
    return Line(
        level="error",
        text="the schedules could not be checked",
        fields={"error": event.error, "hint": event.hint or None},
    )


@line.register
def _(event: events.RunsMissed) -> Line:
    return Line(
        level="warning",
        text="runs were missed; one stands for all",
        fields={
            "table": event.table_name,
            "update_type": event.update_type,
            "missed": event.missed,
            "since": instant(event.since),
        },
    )


@line.register
def _(event: events.BreakerOpened) -> Line:
    return Line(
        level="error",
        text="a source fails again and again; its tables wait",
        fields={
            "source_system": event.source_system,
            "failures": event.failures,
            "until": instant(event.until),
            "error": event.error,
            "hint": event.hint,
        },
    )


@line.register
def _(event: events.BreakerClosed) -> Line:
    return Line(level="info", text="the source is read again", fields={"source_system": event.source_system})


@line.register
def _(event: events.ClockSkewed) -> Line:
    return Line(
        level="warning",
        text="a source's clock differs from ours",
        fields={
            "source_system": event.source_system,
            "skew_seconds": event.skew.total_seconds(),
            "limit_seconds": event.limit.total_seconds(),
        },
    )


@line.register
def _(event: events.ClockWentBack) -> Line:
    return Line(
        level="warning",
        text="the last success lies in the future: the clock went back",
        fields={"table": event.table_name, "last": instant(event.last)},
    )


@line.register
def _(event: events.SyncStarted) -> Line:
    return _of_sync(
        event,
        "debug",
        "sync started",
        minimum_dt=instant(event.task.minimum_dt),
        source_dt=instant(event.source_dt),
        expected_rows=event.expected_rows,
        reason=event.task.reason or None,
    )


@line.register
def _(event: events.TableCreated) -> Line:
    return _of_sync(event, "info", "made the cache table", columns=event.columns)


@line.register
def _(event: events.ColumnsAdded) -> Line:
    return _of_sync(event, "info", "added columns to the cache table", columns=list(event.columns))


@line.register
def _(event: events.ValuesMisfit) -> Line:
    told: dict[str, FieldValue] = {
        "column": event.column,
        "policy": event.policy,
        "rows": event.rows,
        "reason": event.reason,
    }
    return _of_sync(event, "warning", "values did not fit their column", **told)


@line.register
def _(event: events.RowsStaged) -> Line:
    return _of_sync(event, "debug", "rows staged", rows=event.rows, total_rows=event.total_rows)


@line.register
def _(event: events.BatchMerged) -> Line:
    return _of_sync(
        event,
        "debug",
        "batch merged",
        batch=event.batch,
        total_rows=event.rows,
        **_counted(event.counts),
        duration_seconds=_seconds(event.duration),
    )


@line.register
def _(event: events.TableReloaded) -> Line:
    return _of_sync(
        event,
        "debug",
        "table replaced",
        strategy=event.strategy,
        **_counted(event.counts),
        duration_seconds=_seconds(event.duration),
    )


@line.register
def _(event: events.TimeSpent) -> Line:
    spent = {f"{span.phase.name.lower()}_seconds": _seconds(span.spent) for span in event.phases}
    return _of_sync(event, "debug", "time spent", **spent)


@line.register
def _(event: events.SyncEnded) -> Line:
    if event.outcome is Outcome.SUCCEEDED:
        return _of_sync(
            event,
            "info",
            "sync succeeded",
            rows=event.rows,
            **_counted(event.counts),
            duration_seconds=_seconds(event.duration),
        )
    return _of_sync(
        event,
        "warning" if event.outcome is Outcome.CANCELLED else "error",
        f"sync {event.outcome}",
        error=event.error,
        hint=event.hint or None,
        duration_seconds=_seconds(event.duration),
        trace=_trace(event.failure),
    )


def instant(at: datetime | None) -> str | None:
    """An instant as ISO 8601 with `Z`."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(failure: AfreshError | None) -> str | None:
    """Where a defect came from; other errors need no traceback."""
    return "".join(format_exception(failure)) if isinstance(failure, Defect) else None


def _of_sync(event: events.SyncEvent, level: str, text: str, **fields: FieldValue) -> Line:
    return Line(
        level=level,
        text=text,
        fields={
            "table": event.task.table_name,
            "update_type": str(event.task.update_type),
            **fields,
            "operation_id": event.task.operation_id,
        },
    )


def _counted(counts: MergeCounts) -> dict[str, FieldValue]:
    return {
        "inserted": counts.inserted,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "deleted": counts.deleted,
        "duplicates": counts.duplicates,
    }


def _seconds(duration: timedelta) -> float:
    return round(duration.total_seconds(), 3)
