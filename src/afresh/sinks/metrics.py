"""Metrics: the instruments of the meter `DataSync`, fed by events, and gauges of the one judgement.

Only the interface of OpenTelemetry is used here; a provider decides where the numbers go.
"""

import threading
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from afresh.core import events
from afresh.core.cause import cause_of
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.model import DataUpdateTask, Outcome
from afresh.sinks import instruments
from afresh.sinks.instruments import METER, Instrument

Attributes = dict[str, str]


class MetricsSink:
    """Counts syncs as they begin and end. `look` is asked whenever the gauges are read;
    while it gives None they have no value."""

    def __init__(self, provider: MeterProvider, look: Callable[[], Judgement | None]) -> None:
        meter = provider.get_meter(METER)
        self._started = meter.create_counter(**_named(instruments.STARTED))
        self._completed = meter.create_counter(**_named(instruments.COMPLETED))
        self._failed = meter.create_counter(**_named(instruments.FAILED))
        self._in_flight = meter.create_up_down_counter(**_named(instruments.IN_FLIGHT))
        self._duration = meter.create_histogram(
            **_named(instruments.DURATION), explicit_bucket_boundaries_advisory=instruments.DURATION.buckets
        )
        self._records = meter.create_histogram(
            **_named(instruments.RECORDS), explicit_bucket_boundaries_advisory=instruments.RECORDS.buckets
        )
        for instrument, observe in _GAUGES.items():
            meter.create_observable_gauge(callbacks=[_observed(look, observe)], **_named(instrument))
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def __call__(self, event: events.Event) -> None:
        """Takes an event, from whatever thread."""
        if isinstance(event, events.SyncStarted):
            self._begin(event.task)
        elif isinstance(event, events.SyncEnded):
            self._begin(event.task)
            self._end(event)

    def _begin(self, task: DataUpdateTask) -> None:
        """A sync may fail before it says that it started; it is counted once all the same."""
        with self._lock:
            if task.operation_id in self._running:
                return
            self._running.add(task.operation_id)
        self._started.add(1, _of_task(task))
        self._in_flight.add(1, _of_task(task))

    def _end(self, event: events.SyncEnded) -> None:
        with self._lock:
            self._running.discard(event.task.operation_id)
        told = _of_task(event.task)
        self._in_flight.add(-1, told)
        outcome = {**told, "outcome": str(event.outcome)}
        self._duration.record(event.duration.total_seconds(), outcome)
        if event.outcome is Outcome.SUCCEEDED:
            self._completed.add(1, told)
            self._records.record(event.rows, told)
        else:
            cause = "" if event.failure is None else str(cause_of(event.failure))
            self._failed.add(1, {**outcome, "cause": cause})


def _named(instrument: Instrument) -> dict[str, str]:
    return {"name": instrument.name, "unit": instrument.unit, "description": instrument.meaning}


def _of_task(task: DataUpdateTask) -> Attributes:
    return {
        "table": task.table_name,
        "update_type": str(task.update_type),
        "source_system": task.source_system,
    }


def _of_table(table: TableHealth) -> Attributes:
    return {"table": table.table_name, "source_system": table.source_system}


def _observed(
    look: Callable[[], Judgement | None], observe: Callable[[Judgement], Iterable[Observation]]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observed(_options: CallbackOptions) -> Iterable[Observation]:
        found = look()
        return () if found is None else observe(found)

    return observed


def _last_successes(judged: Judgement) -> Iterable[Observation]:
    for table in judged.tables:
        for kind, update in sorted(table.last_success.items()):
            yield Observation(update.start_dt.timestamp(), {**_of_table(table), "update_type": str(kind)})


def _data_as_of(judged: Judgement) -> Iterable[Observation]:
    for table in judged.tables:
        if table.data_as_of is not None:
            yield Observation(table.data_as_of.timestamp(), _of_table(table))


def _limits(judged: Judgement) -> Iterable[Observation]:
    for table in judged.tables:
        if table.limit is not None:
            yield Observation(table.limit.total_seconds(), _of_table(table))


def _states(judged: Judgement) -> Iterable[Observation]:
    for table in judged.tables:
        cause = "" if table.cause is None else str(table.cause)
        yield Observation(1, {**_of_table(table), "state": str(table.state), "cause": cause})


def _breakers(judged: Judgement) -> Iterable[Observation]:
    for name, circuit in judged.breakers.items():
        yield Observation(1, {"source_system": name, "state": str(circuit)})


def _latencies(judged: Judgement) -> Iterable[Observation]:
    for source in judged.sources:
        if source.latency is not None:
            yield Observation(source.latency.total_seconds(), {"source_system": source.name})


_GAUGES: Mapping[Instrument, Callable[[Judgement], Iterable[Observation]]] = {
    instruments.LAST_SUCCESS: _last_successes,
    instruments.DATA_AS_OF: _data_as_of,
    instruments.LIMIT: _limits,
    instruments.STATE: _states,
    instruments.BREAKER: _breakers,
    instruments.LATENCY: _latencies,
}
