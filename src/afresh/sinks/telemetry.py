"""Metrics and traces of a program of ours: the SDK of OpenTelemetry, read by Prometheus, sent by OTLP, or both.

The providers are of this process alone and not the global ones, so that nothing else in it is measured.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    MeterProvider,
    ObservableGauge,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import CardinalityLimits, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, generate_latest

from afresh.core.judgement import Judgement
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Emit
from afresh.sinks.metrics import MetricsSink
from afresh.sinks.otlp import Signal
from afresh.sinks.traces import TracesSink

_MOST = 1_000_000
_SERIES: CardinalityLimits = {Counter: _MOST, UpDownCounter: _MOST, Histogram: _MOST, ObservableGauge: _MOST}
"""Series of an instrument. The SDK's own limit of 2,000 would put what is beyond some hundred tables into one."""

_SHUTDOWN_MILLISECONDS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Sinks to give the events to, and the text that Prometheus reads, if it was asked for."""

    sinks: tuple[Emit, ...]
    text: Callable[[], bytes] | None


@contextmanager
def telemetry(
    options: DataSyncOptions, look: Callable[[], Judgement | None], *, prometheus: bool, sent: frozenset[Signal]
) -> Iterator[Telemetry]:
    """Metrics and traces while the context is open; what is not yet sent is sent at its end, for a few seconds."""
    resource = _resource()
    closing: list[Callable[[], object]] = []
    sinks: list[Emit] = []
    registry = CollectorRegistry() if prometheus else None
    readers = _readers(registry, sent)
    if readers:
        meters = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        closing.append(lambda: meters.shutdown(timeout_millis=_SHUTDOWN_MILLISECONDS))
        sinks.append(MetricsSink(meters, look))
    if "traces" in sent:
        tracers = _tracers(resource)
        closing.append(tracers.shutdown)
        kinds = {name: config.kind for name, config in options.source_systems.items()}
        sinks.append(TracesSink(tracers, sources=kinds, cache=options.cache.url.partition(":")[0]))
    try:
        yield Telemetry(sinks=tuple(sinks), text=None if registry is None else _Text(registry))
    finally:
        _close(closing)


def _resource() -> Resource:
    """Who measures; what the environment says of it (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`) comes first."""
    told = Resource.create({})
    unnamed = str(told.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    ours = {SERVICE_VERSION: version("afresh"), **told.attributes}
    return Resource({**ours, SERVICE_NAME: "afresh"} if unnamed else ours)


def _readers(registry: CollectorRegistry | None, sent: frozenset[Signal]) -> list[MetricReader]:
    readers: list[MetricReader] = []
    if registry is not None:
        readers.append(PrometheusMetricReader(scope_info_enabled=False, registry=registry, cardinality_limits=_SERIES))
    if "metrics" in sent:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(), cardinality_limits=_SERIES))
    return readers


def _tracers(resource: Resource) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return tracers


def _close(closing: list[Callable[[], object]]) -> None:
    """Each in a thread of its own: a collector that does not answer must not keep the program from ending."""
    threads = [threading.Thread(target=close, name="afresh-telemetry-end", daemon=True) for close in closing]
    for thread in threads:
        thread.start()
    until = time.monotonic() + _SHUTDOWN_MILLISECONDS / 1000 + 1
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))


class _Text:
    """The text that Prometheus reads. One reading at a time: a reading collects into one place."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()

    def __call__(self) -> bytes:
        with self._lock:
            return generate_latest(self._registry)
