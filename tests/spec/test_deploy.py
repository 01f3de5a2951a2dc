"""What is shipped to monitor and to run the service speaks of what is there."""

import json
import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from afresh.cli.main import app
from afresh.core.circuit import Circuit
from afresh.core.states import State
from afresh.sinks.instruments import INSTRUMENTS, Instrument, InstrumentKind

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "afresh.json"
QUERIES = (ALERTS, DASHBOARD)
NAME = re.compile(r"\b(sync_\w+)(?:\{([^}]*)\})?")
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
