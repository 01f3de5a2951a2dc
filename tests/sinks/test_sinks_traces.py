"""Traces: the spans of a sync."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tests.sinks.happenings import AT, FAILED, SECOND, SPENT, STARTED, SUCCEEDED, TASK

from afresh import wiring
from afresh.core.errors import BadValue, Cancelled
from afresh.core.events import Event
from afresh.core.model import Outcome, Phase, PhaseSpan
from afresh.sinks.traces import SYSTEMS, TracesSink


@pytest.fixture
def traced() -> Iterator[tuple[TracesSink, InMemorySpanExporter]]:
    """A sink, and where its spans go."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    yield TracesSink(provider, sources={"JDE": "oracle"}, cache="mssql"), kept
    provider.shutdown()


def spans(traced: tuple[TracesSink, InMemorySpanExporter], *happened: Event) -> dict[str, ReadableSpan]:
    """The spans by name after these events."""
    sink, kept = traced
    for event in happened:
        sink(event)
    return {span.name: span for span in kept.get_finished_spans()}


def nanoseconds(at: datetime) -> int:
    """An instant as spans have it."""
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


def test_a_sync_is_a_span_with_a_child_for_each_phase(traced: tuple[TracesSink, InMemorySpanExporter]) -> None:
    """With the times at which it all happened, and the counts of a success."""
    found = spans(traced, STARTED, SPENT, SUCCEEDED)
    assert set(found) == {"sync WorkOrder", "read", "stage", "merge"}
    root = found["sync WorkOrder"]
    assert root.instrumentation_scope is not None
    assert root.instrumentation_scope.name == "DataSync"
    assert root.context is not None
    assert (root.start_time, root.end_time) == (nanoseconds(AT - SECOND * 1.5), nanoseconds(AT))
    told = dict(root.attributes or {})
    assert (told["table"], told["update_type"], told["source_system"]) == ("WorkOrder", "Hourly", "JDE")
    assert (told["sync.records"], told["sync.records.inserted"], told["sync.records.unchanged"]) == (100, 3, 95)
    assert root.status.status_code is StatusCode.UNSET
    for name in ("read", "stage", "merge"):
        child = found[name]
        assert child.parent is not None
        assert (child.parent.span_id, child.kind) == (root.context.span_id, SpanKind.CLIENT)
    assert found["read"].start_time == nanoseconds(AT - SECOND)


def test_client_spans_follow_the_conventions(traced: tuple[TracesSink, InMemorySpanExporter]) -> None:
    """System, operation and table of the database that is asked: the source by reading, the cache by the others."""
    post = PhaseSpan(phase=Phase.POST_PROCESS, began=AT, ended=AT, spent=SECOND)
    found = spans(traced, replace(SPENT, phases=(*SPENT.phases, post)), SUCCEEDED)
    spent = {"sync.spent.seconds": 0.25}
    assert dict(found["read"].attributes or {}) == {
        "db.system.name": "oracle.db",
        "db.operation.name": "SELECT",
        **spent,
    }
    assert dict(found["merge"].attributes or {}) == {
        "db.system.name": "microsoft.sql_server",
        "db.operation.name": "MERGE",
        "db.collection.name": "WorkOrder",
        **spent,
    }
    assert found["post-process"].kind is SpanKind.INTERNAL


def test_a_failure_is_an_error_where_it_happened(traced: tuple[TracesSink, InMemorySpanExporter]) -> None:
    """The sync and the phase that it failed in; with the kind of the error and its cause, and no word of its text."""
    phases = (*SPENT.phases[:1], replace(SPENT.phases[1], failed=True))
    failure = BadValue("WorkOrder.Amount: the value 4711.99 does not fit")
    found = spans(traced, replace(SPENT, phases=phases), replace(FAILED, failure=failure))
    for name, code in (("sync WorkOrder", "ERROR"), ("read", "UNSET"), ("stage", "ERROR")):
        assert found[name].status.status_code is StatusCode[code]
    assert found["stage"].status.description == "bad data"
    assert (found["stage"].attributes or {})["error.type"] == "BadValue"
    assert "4711" not in "".join(span.to_json() for span in found.values())


def test_a_sync_that_somebody_cancelled_is_no_error(traced: tuple[TracesSink, InMemorySpanExporter]) -> None:
    """Its outcome says what became of it."""
    ended = replace(FAILED, outcome=Outcome.CANCELLED, failure=Cancelled("the service stops"))
    [root] = spans(traced, ended).values()
    assert root.status.status_code is StatusCode.UNSET
    assert (root.attributes or {})["sync.outcome"] == "cancelled"


def test_nothing_is_kept_of_a_sync_that_ended(traced: tuple[TracesSink, InMemorySpanExporter]) -> None:
    """The phases of one sync are not those of another."""
    other = replace(SUCCEEDED, task=replace(TASK, operation_id="other", table_name="Other"))
    found = spans(traced, SPENT, SUCCEEDED, other)
    assert len(found) == 5
    assert [span.name for span in found.values() if span.parent is None] == ["sync WorkOrder", "sync Other"]


def test_every_kind_of_database_has_a_name() -> None:
    """Of the kinds that we bring only those that may be any database have none of their own."""
    assert {*wiring.SOURCES, *wiring.CACHES} - {"odbc"} == set(SYSTEMS)
