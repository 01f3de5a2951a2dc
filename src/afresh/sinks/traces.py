"""Traces: a span for each sync, with a child for each of its phases.

Spans carry names, counts and times: no statement, no parameter, no value, and no text of an error, which may quote
one. They are made when the sync has ended, with the times at which things happened, so none is ever left open.
"""

import threading
from collections.abc import Mapping
from datetime import datetime

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, set_span_in_context

from afresh.core import events
from afresh.core.cause import cause_of
from afresh.core.model import Outcome, Phase, PhaseSpan
from afresh.sinks.instruments import METER

SYSTEMS: Mapping[str, str] = {
    "db2": "ibm.db2",
    "duckdb": "duckdb",
    "files": "duckdb",
    "mssql": "microsoft.sql_server",
    "mysql": "mysql",
    "oracle": "oracle.db",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "sqlite": "sqlite",
    "sqlserver": "microsoft.sql_server",
    "sybase": "sybase",
}
"""The `db.system.name` of each kind of database; of others it is `OTHER`."""

OTHER = "other_sql"

OPERATIONS: Mapping[Phase, str] = {
    Phase.READ: "SELECT",
    Phase.STAGE: "INSERT",
    Phase.MERGE: "MERGE",
    Phase.INDEXES: "REINDEX",
}
"""What each phase asks of a database; the post-processor's business is its own."""

_NANOSECONDS = 1_000_000_000


class TracesSink:
    """Makes the spans of a sync when it has ended. `sources` are the kinds of the source systems by name, `cache` is
    that of the cache."""

    def __init__(self, provider: TracerProvider, *, sources: Mapping[str, str], cache: str) -> None:
        self._tracer = provider.get_tracer(METER)
        self._sources, self._cache = sources, cache
        self._lock = threading.Lock()
        self._spent: dict[str, tuple[PhaseSpan, ...]] = {}

    def __call__(self, event: events.Event) -> None:
        """Takes an event, from whatever thread."""
        if isinstance(event, events.TimeSpent):
            with self._lock:
                self._spent[event.task.operation_id] = event.phases
        elif isinstance(event, events.SyncEnded):
            with self._lock:
                phases = self._spent.pop(event.task.operation_id, ())
            self._trace(event, phases)

    def _trace(self, event: events.SyncEnded, phases: tuple[PhaseSpan, ...]) -> None:
        task = event.task
        root = self._tracer.start_span(
            f"sync {task.table_name}",
            start_time=_time(event.at - event.duration),
            attributes={
                "table": task.table_name,
                "update_type": str(task.update_type),
                "source_system": task.source_system,
                "sync.operation_id": task.operation_id,
                "sync.outcome": str(event.outcome),
            },
        )
        for spent in phases:
            self._phase(event, spent, root)
        if event.outcome is Outcome.SUCCEEDED:
            root.set_attributes(_counts(event))
        elif event.failure is not None:
            _fail(root, event)
        root.end(_time(event.at))

    def _phase(self, event: events.SyncEnded, spent: PhaseSpan, root: Span) -> None:
        operation = OPERATIONS.get(spent.phase)
        span = self._tracer.start_span(
            str(spent.phase),
            set_span_in_context(root),
            kind=SpanKind.INTERNAL if operation is None else SpanKind.CLIENT,
            start_time=_time(spent.began),
            attributes={"sync.spent.seconds": spent.spent.total_seconds()},
        )
        if operation is not None:
            reads = spent.phase is Phase.READ
            kind = self._sources.get(event.task.source_system, "") if reads else self._cache
            span.set_attribute("db.system.name", SYSTEMS.get(kind, OTHER))
            span.set_attribute("db.operation.name", operation)
            if not reads:
                span.set_attribute("db.collection.name", event.task.table_name)
        if spent.failed and event.failure is not None:
            _fail(span, event)
        span.end(_time(spent.ended))


def _fail(span: Span, event: events.SyncEnded) -> None:
    """The kind of the error and its cause; somebody who cancelled a sync made no error."""
    assert event.failure is not None
    span.set_attribute("error.type", type(event.failure).__name__)
    if event.outcome is not Outcome.CANCELLED:
        span.set_status(Status(StatusCode.ERROR, str(cause_of(event.failure))))


def _counts(event: events.SyncEnded) -> Mapping[str, int]:
    counts = event.counts
    return {
        "sync.records": event.rows,
        "sync.records.inserted": counts.inserted,
        "sync.records.updated": counts.updated,
        "sync.records.unchanged": counts.unchanged,
        "sync.records.deleted": counts.deleted,
        "sync.records.duplicates": counts.duplicates,
    }


def _time(at: datetime) -> int:
    """Nanoseconds since 1970, as spans have them."""
    return int(at.timestamp() * 1_000_000) * (_NANOSECONDS // 1_000_000)
