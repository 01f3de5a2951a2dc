"""Metrics: what is counted of syncs, what the gauges say, and by which names it is read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client.parser import text_string_to_metric_families
from tests.sinks.happenings import AT, COUNTS, EACH, FAILED, STARTED, SUCCEEDED, TASK

from afresh.core import events
from afresh.core.cause import Cause
from afresh.core.errors import Cancelled
from afresh.core.events import Event
from afresh.core.facts import SourceState
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.model import DataUpdate, MergeCounts, Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSyncOptions
from afresh.core.states import Health, State
from afresh.sinks import instruments
from afresh.sinks.instruments import INSTRUMENTS
from afresh.sinks.metrics import MetricsSink
from afresh.sinks.telemetry import telemetry

LABELS = {"table": "WorkOrder", "update_type": "Hourly", "source_system": "JDE"}
LATE = TableHealth(
    table_name="WorkOrder",
    source_system="JDE",
    state=State.LATE,
    health=Health.DEGRADED,
    cause=Cause.SOURCE_UNREACHABLE,
    last_success={
        UpdateType.DAILY: DataUpdate(
            table_name="WorkOrder",
            source_system="JDE",
            update_type=UpdateType.DAILY,
            operation_id="a",
            instance_id="b",
            start_dt=AT - timedelta(hours=2),
        )
    },
    data_as_of=AT - timedelta(hours=3),
    limit=timedelta(hours=1.5),
)
OPEN = SourceState(name="JDE", breaker_until=AT + timedelta(hours=1), latency=timedelta(milliseconds=20))
JUDGED = Judgement(at=AT, tables=(LATE,), sources=(OPEN,))


class Metered:
    """A sink, and what a reader of its meter sees."""

    def __init__(self) -> None:
        self.judgement: Judgement | None = JUDGED
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self._reader], shutdown_on_exit=False)
        self.sink = MetricsSink(self.provider, lambda: self.judgement)

    def read(self) -> dict[str, list[Any]]:
        """The points of each instrument that has any."""
        data = self._reader.get_metrics_data()
        scopes = [] if data is None else [scope for found in data.resource_metrics for scope in found.scope_metrics]
        assert {scope.scope.name for scope in scopes} <= {"DataSync"}
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def metered() -> Iterator[Metered]:
    """A sink with a reader."""
    found = Metered()
    yield found
    found.provider.shutdown()


def test_a_sync_that_succeeds_is_counted(metered: Metered) -> None:
    """It is started, then completed, with its duration and the rows that it read; by table, type and source."""
    metered.sink(STARTED)
    assert metered.read()["sync.operations.in_flight"][0].value == 1
    metered.sink(SUCCEEDED)
    found = metered.read()
    for name in ("sync.operations.started", "sync.operations.completed"):
        assert [(point.value, dict(point.attributes)) for point in found[name]] == [(1, LABELS)]
    assert found["sync.operations.in_flight"][0].value == 0
    assert "sync.operations.failed" not in found
    [duration], [records] = found["sync.duration.seconds"], found["sync.records.processed"]
    assert (duration.count, duration.sum) == (1, 1.5)
    assert dict(duration.attributes) == {**LABELS, "outcome": "succeeded"}
    assert tuple(duration.explicit_bounds) == instruments.DURATION_BUCKETS
    assert (records.count, records.sum, dict(records.attributes)) == (1, 100, LABELS)
    assert tuple(records.explicit_bounds) == instruments.RECORD_BUCKETS


def test_a_sync_that_fails_is_counted_with_its_cause(metered: Metered) -> None:
    """Also one that failed before it could say that it started; what it says is not in it."""
    metered.sink(FAILED)
    found = metered.read()
    assert [point.value for point in found["sync.operations.started"]] == [1]
    [failed] = found["sync.operations.failed"]
    assert dict(failed.attributes) == {**LABELS, "outcome": "failed", "cause": "source unreachable"}
    assert "sync.records.processed" not in found


def test_what_started_is_what_ended_and_what_runs(metered: Metered) -> None:
    """Started is the sum of completed, failed and in flight, in whatever way syncs end."""
    cancelled = events.SyncEnded(
        at=AT,
        task=replace(TASK, operation_id="c"),
        outcome=Outcome.CANCELLED,
        rows=0,
        counts=MergeCounts(),
        duration=timedelta(seconds=1),
        failure=Cancelled("the service stops"),
    )
    for event in (STARTED, SUCCEEDED, replace(STARTED, task=replace(TASK, operation_id="b")), cancelled):
        metered.sink(event)
    found = metered.read()
    total = {name: sum(point.value for point in found[name]) for name in found if name.startswith("sync.operations")}
    assert total == {
        "sync.operations.started": 3,
        "sync.operations.completed": 1,
        "sync.operations.failed": 1,
        "sync.operations.in_flight": 1,
    }
    [failed] = found["sync.operations.failed"]
    assert (failed.attributes["outcome"], failed.attributes["cause"]) == ("cancelled", "cancelled")


def test_gauges_say_what_is_judged(metered: Metered) -> None:
    """State with cause, data as of, limit, last success, breaker and latency are those of the judgement."""
    found = metered.read()
    table = {"table": "WorkOrder", "source_system": "JDE"}
    told = {name: [(point.value, dict(point.attributes)) for point in points] for name, points in found.items()}
    assert told == {
        "sync.state": [(1, {**table, "state": "Late", "cause": "source unreachable"})],
        "sync.data_as_of.timestamp": [((AT - timedelta(hours=3)).timestamp(), table)],
        "sync.age_limit.seconds": [(5400, table)],
        "sync.last_success.timestamp": [((AT - timedelta(hours=2)).timestamp(), {**table, "update_type": "Daily"})],
        "sync.breaker.state": [(1, {"source_system": "JDE", "state": "open"})],
        "sync.source.latency": [(0.02, {"source_system": "JDE"})],
    }


def test_a_state_that_is_over_has_no_value(metered: Metered) -> None:
    """A table has one state at a time; while nothing is judged there is none, rather than an old one."""
    metered.read()
    fresh = replace(LATE, state=State.FRESH, cause=None, health=Health.HEALTHY)
    metered.judgement = Judgement(at=AT, tables=(fresh,), sources=(SourceState(name="JDE"),))
    found = metered.read()
    assert [point.attributes["state"] for point in found["sync.state"]] == ["Fresh"]
    assert [point.attributes["state"] for point in found["sync.breaker.state"]] == ["closed"]
    metered.judgement = None
    assert not metered.read().get("sync.state")


def happen(sink: Any, *more: Event) -> None:
    """One of each event."""
    for event in (*EACH, *more):
        sink(event)


OPTIONS = DataSyncOptions(cache=CacheConfig(url="sqlite:///cache.db"))


def test_prometheus_reads_every_instrument_by_its_name() -> None:
    """Names, labels and kinds that the reference promises are those that Prometheus gets, and there are no others."""
    with telemetry(OPTIONS, lambda: JUDGED, prometheus=True, sent=frozenset()) as found:
        assert found.text is not None
        happen(found.sinks[0])
        families = {family.name: family for family in text_string_to_metric_families(found.text().decode())}
    families.pop("target_info")
    kinds = {"counter": "counter", "histogram": "histogram", "gauge": "gauge", "up-down counter": "gauge"}
    assert {name: family.type for name, family in families.items()} == {
        instrument.prometheus.removesuffix("_total"): kinds[instrument.kind] for instrument in INSTRUMENTS
    }
    for instrument in INSTRUMENTS:
        family = families[instrument.prometheus.removesuffix("_total")]
        assert {label for sample in family.samples for label in sample.labels} - {"le"} == set(instrument.attributes)


def test_thousands_of_tables_are_told_apart() -> None:
    """The SDK's limit of series does not put tables into one."""
    many = tuple(replace(LATE, table_name=f"Table{number}") for number in range(3000))
    with telemetry(OPTIONS, lambda: Judgement(at=AT, tables=many), prometheus=True, sent=frozenset()) as found:
        assert found.text is not None
        for number in range(3000):
            task = replace(TASK, table_name=f"Table{number}", operation_id=f"{number}")
            found.sinks[0](replace(SUCCEEDED, task=task, counts=COUNTS))
        text = found.text().decode()
    assert text.count("\nsync_state{") == 3000
    assert text.count("\nsync_operations_completed_total{") == 3000
    assert "overflow" not in text


def test_a_table_name_cannot_break_the_text() -> None:
    """Quotes, line breaks and signs in a name stay within the label."""
    name = 'a"b\\c\nsync_state{table="x"} 1'
    nasty = Judgement(at=AT, tables=(replace(LATE, table_name=name),))
    with telemetry(OPTIONS, lambda: nasty, prometheus=True, sent=frozenset()) as found:
        assert found.text is not None
        families = {family.name: family for family in text_string_to_metric_families(found.text().decode())}
    assert [sample.labels["table"] for sample in families["sync_state"].samples] == [name]
