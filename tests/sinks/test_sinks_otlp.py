"""OTLP: what the environment asks for, what is sent, and what happens if nobody takes it."""

import time
from collections.abc import Iterator

import pytest
from tests.sinks.happenings import SPENT, STARTED, SUCCEEDED
from tests.sinks.otlp_collector import Collector, collecting
from tests.sinks.test_sinks_metrics import JUDGED, OPTIONS

from afresh.sinks.exporter_troubles import TROUBLE, told_in_short
from afresh.sinks.otlp import Signal, sending
from afresh.sinks.telemetry import telemetry

BOTH: frozenset[Signal] = frozenset({"metrics", "traces"})
HERE = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("environment", "signals"),
    [
        ({}, frozenset()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, frozenset()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, BOTH),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, frozenset({"traces"})),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, frozenset({"metrics"})),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_TRACES_EXPORTER": "none"}, frozenset({"metrics"})),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_SDK_DISABLED": "true"}, frozenset()),
    ],
)
def test_the_environment_decides(environment: dict[str, str], signals: frozenset[Signal]) -> None:
    """The usual variables turn each signal on and off."""
    found = sending(environment, installed=True)
    assert (found.signals, found.notes) == (signals, ())


def test_what_cannot_be_sent_is_said_in_one_line() -> None:
    """Without the extra, and for a protocol that is not spoken; both say what to do."""
    missing = sending({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, installed=False)
    assert missing.signals == frozenset()
    assert missing.notes == (
        "No metrics and traces are sent by OTLP: the exporter is missing; pip install 'afresh[otlp]'.",
    )
    spoken = sending({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, installed=True)
    assert spoken.signals == frozenset()
    [note] = spoken.notes
    assert "the protocol is grpc" in note
    assert sending({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, installed=False).notes == ()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the environment names."""
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


def test_metrics_and_traces_are_sent(collector: Collector) -> None:
    """What is not yet sent goes out at the end: the same instruments, and the spans of the sync."""
    with telemetry(OPTIONS, lambda: JUDGED, prometheus=False, sent=BOTH) as found:
        assert found.text is None
        for event in (STARTED, SPENT, SUCCEEDED):
            for sink in found.sinks:
                sink(event)
    assert sorted(span.name for span in collector.spans()) == ["merge", "read", "stage", "sync WorkOrder"]
    assert {"sync.operations.completed", "sync.state"} <= {metric.name for metric in collector.metrics()}
    assert collector.service_name() == "afresh"


def test_the_service_may_be_named_otherwise(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_SERVICE_NAME` comes first."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "cache of plant 7")
    with telemetry(OPTIONS, lambda: JUDGED, prometheus=False, sent=frozenset({"metrics"})) as found:
        found.sinks[0](SUCCEEDED)
    assert collector.service_name() == "cache of plant 7"


def test_a_collector_that_is_away_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Syncs do not notice, one line says so without quoting an address, and the end takes a few seconds at most."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9/key=4711")
    said: list[str] = []
    with told_in_short(said.append):
        with telemetry(OPTIONS, lambda: JUDGED, prometheus=False, sent=BOTH) as found:
            for event in (STARTED, SPENT, SUCCEEDED):
                for sink in found.sinks:
                    sink(event)
            began = time.monotonic()
        assert time.monotonic() - began < 8
    assert said == [TROUBLE]
    assert capsys.readouterr().err == ""
