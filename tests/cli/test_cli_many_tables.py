"""Of many tables, `afresh status` shows the worst."""

from dataclasses import replace

import pytest

from afresh.cli import standing
from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.states import Health, State
from afresh.testing.clock import START

FRESH = TableHealth(table_name="T", source_system="S", state=State.FRESH, health=Health.HEALTHY, cause=None)
LATE = replace(FRESH, table_name="IsLate", state=State.LATE, health=Health.UNHEALTHY, cause=Cause.ROUTINE)


def _shown(capsys: pytest.CaptureFixture[str], fresh: int, *, every: bool) -> list[str]:
    tables = (*(replace(FRESH, table_name=f"T{number:03d}") for number in range(fresh)), LATE)
    standing.show(Judgement(at=START, tables=tables), {}, every=every)
    return capsys.readouterr().out.splitlines()


def test_the_worst_of_many_tables_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The late one comes first, though it is configured last; the others are counted."""
    lines = _shown(capsys, 99, every=False)
    assert lines[1].startswith("IsLate")
    assert sum(line.startswith("T0") for line in lines) == 59
    assert "and 40 more that stand no worse (--all shows them)" in lines
    assert lines[-1] == "Unhealthy: 99 fresh, 1 late."


def test_all_are_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    """With --all, and where there are few."""
    assert sum(line.startswith("T0") for line in _shown(capsys, 99, every=True)) == 99
    lines = _shown(capsys, 59, every=False)
    assert sum(line.startswith("T0") for line in lines) == 59
    assert not [line for line in lines if "more that stand" in line]
