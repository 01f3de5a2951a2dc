"""What is shipped to monitor and to run the service speaks of what is there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
from tests.sinks.happenings import EACH
from tests.sinks.test_sinks_metrics import JUDGED
from typer.core import TyperGroup

from afresh.cli.app import app
from afresh.core.circuit import Circuit
from afresh.core.options import CacheConfig, DataSyncOptions
from afresh.core.states import State
from afresh.sinks.instruments import INSTRUMENTS, Instrument, InstrumentKind
from afresh.sinks.telemetry import telemetry

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "afresh.json"
QUERIES = (ALERTS, DASHBOARD)
NAME = re.compile(r"\b(sync_\w+)(?:\{([^}]*)\})?")
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
LABEL = re.compile(r'(\w+)\s*(?:!?=~?)\s*\\?"([^"\\]*)')


def series(instrument: Instrument) -> set[str]:
    """The names of the series that Prometheus gets of an instrument."""
    if instrument.kind is InstrumentKind.HISTOGRAM:
        return {f"{instrument.prometheus}_{part}" for part in ("bucket", "sum", "count")}
    return {instrument.prometheus}


KNOWN = {name: instrument for instrument in INSTRUMENTS for name in series(instrument)}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_every_metric_that_is_asked_for_is_exported(path: Path) -> None:
    """Names and labels in rules and panels are those of the instruments, and so are the states they look for."""
    words = {"state": {str(one) for one in (*State, *Circuit)}, "outcome": {"failed", "cancelled"}}
    asked = NAME.findall(path.read_text(encoding="utf-8"))
    assert asked
    for name, labels in asked:
        assert name in KNOWN, name
        for label, value in LABEL.findall(labels):
            assert label in KNOWN[name].attributes, (name, label)
            assert label not in words or set(value.split("|")) <= words[label], (name, value)


def test_the_dashboard_shows_every_instrument() -> None:
    """Each is in some panel; every panel has a place and a query."""
    text = DASHBOARD.read_text(encoding="utf-8")
    shown = {KNOWN[name].name for name, _labels in NAME.findall(text)}
    assert shown == {instrument.name for instrument in INSTRUMENTS}
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["targets"] and panel["gridPos"]["w"] for panel in panels)


def test_commands_in_what_is_shipped_are_there() -> None:
    """What an alert, the unit and the image say to run, runs."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for path in (ALERTS, DEPLOY / "systemd" / "afresh.service"):
        named = re.findall(r"(?:`|bin/)afresh ([a-z]+)", path.read_text(encoding="utf-8"))
        assert named
        assert set(named) <= set(group.commands), path
    command = re.search(r"^CMD (.*)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None
    assert json.loads(command[1])[0] in group.commands


def promtool(*arguments: str, given: str = "") -> None:
    """What Prometheus itself thinks of it; fails with its words."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], input=given, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    """They can be read, and ring for series that go wrong and for no others."""
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(ALERTS.with_name("alerts_test.yml")))


@needs_promtool
def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """Each is an expression, with the variables filled in that Grafana fills in."""
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries())]
    path = tmp_path / "panels.json"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", str(path))


def queries() -> Iterator[str]:
    """The queries of all panels."""
    dashboard: Mapping[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = str(target["expr"]).replace("$__rate_interval", "5m")
            yield query.replace("$source_system", ".*").replace("$table", ".*")


@needs_promtool
def test_prometheus_takes_the_metrics() -> None:
    """Names, units and help are as its linter wants them."""
    options = DataSyncOptions(cache=CacheConfig(url="sqlite:///cache.db"))
    with telemetry(options, lambda: JUDGED, prometheus=True, sent=frozenset()) as found:
        for event in EACH:
            found.sinks[0](event)
        assert found.text is not None
        promtool("check", "metrics", given=found.text().decode())


def test_every_alert_has_a_test() -> None:
    """No alert is shipped of which nobody has seen that it rings."""
    names = re.findall(r"alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert set(names) == set(
        re.findall(r"alertname: (\w+)", ALERTS.with_name("alerts_test.yml").read_text(encoding="utf-8"))
    )
