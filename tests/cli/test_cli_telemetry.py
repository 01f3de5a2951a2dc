"""Telemetry of `afresh run`: read and sent if somebody asks for it, and otherwise not even imported."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from tests.cli.cli_rig import Place, stopped, wait_until
from tests.sinks.otlp_collector import collecting

pytestmark = pytest.mark.timeout(60)

_LOADED = """
import sys
from afresh.cli.app import app
try:
    app({arguments!r}, prog_name="afresh")
except SystemExit:
    pass
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "prometheus_client")))
"""


def loaded(place: Place, *arguments: str) -> list[str]:
    """The modules of OpenTelemetry that a command has imported."""
    every = [*arguments, "-c", str(place.configuration)]
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED.format(arguments=every)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
    found: list[str] = json.loads(ran.stdout.splitlines()[-1].replace("'", '"'))
    return found


@pytest.mark.parametrize("arguments", [("status",), ("sync", "Part"), ("check",)], ids=lambda value: value[0])
def test_commands_do_not_pay_for_what_they_do_not_use(place: Place, arguments: tuple[str, ...]) -> None:
    """Nothing of OpenTelemetry is imported where nobody reads it."""
    assert loaded(place, *arguments) == []


def test_a_service_with_pages_has_metrics(place: Place) -> None:
    """With [data_sync.web] the running service answers at /metrics, with what it has done and how things stand."""
    with place.configuration.open("a") as file:
        file.write("\n[data_sync.web]\nport = 0\n")
    with place.process("run", "--log-format", "json") as process:
        assert process.stderr is not None
        address = re.search(r"http://127[.]0[.]0[.]1:[0-9]+", process.stderr.readline())
        assert address is not None
        wait_until(lambda: len(place.cached("SELECT * FROM LastDataUpdates")) == 2, "the tables are loaded", process)
        wait_until(lambda: read(address[0]).count('state="Fresh"') == 2, "the metrics say so", process)
        text = read(address[0])
        ran, _took = stopped(process, signal.SIGTERM)
    assert ran.code == 0
    line = 'sync_operations_completed_total{source_system="ERP",table="Part",update_type="Mass"} 1.0'
    assert line in text


def test_a_service_without_pages_sends_by_otlp(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual variables are enough; what was done until the end is sent."""
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with place.process("run") as process:
            wait_until(
                lambda: len(place.cached("SELECT * FROM LastDataUpdates")) == 2, "the tables are loaded", process
            )
            ran, _took = stopped(process, signal.SIGTERM)
        assert ran.code == 0
        assert {span.name for span in collector.spans()} >= {"sync Part", "sync LotUsage", "read", "stage", "merge"}
        assert {"sync.operations.completed", "sync.duration.seconds"} <= {metric.name for metric in collector.metrics()}


def read(address: str) -> str:
    """What Prometheus gets there."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text
