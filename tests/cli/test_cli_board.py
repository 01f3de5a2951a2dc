"""The live view of the demo."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from tests.sinks.happenings import AT, EACH, FAILED, STAGED, STARTED, SUCCEEDED

from afresh.cli.demo_board import Board, board
from afresh.core.model import MergeCounts, Outcome
from afresh.testing.clock import ManualClock


def rendered(found: Board) -> list[str]:
    """The board's lines without what separates columns."""
    console = Console(file=io.StringIO(), width=140, color_system=None)
    with console.capture() as capture:
        console.print(found.render())
    return [" ".join(line.split()) for line in capture.get().splitlines()]


@pytest.fixture
def found() -> Board:
    """A board of two tables, two seconds after the events."""
    return Board(("WorkOrder", "Item"), ManualClock(AT + timedelta(seconds=2)))


def test_a_table_that_has_not_been_loaded_is_empty(found: Board) -> None:
    """Every table has its line from the beginning."""
    assert rendered(found)[1:] == ["WorkOrder - 0 0 0 0 -", "Item - 0 0 0 0 -"]


def test_a_running_load_has_a_bar(found: Board) -> None:
    """As long as the sync runs; it grows with the rows."""
    found(STARTED)
    begun = rendered(found)[1]
    found(replace(STAGED, total_rows=100))
    half = rendered(found)[1]
    found(replace(STAGED, total_rows=200))
    full = rendered(found)[1]
    assert begun.count("━") < half.count("━") < full.count("━")


def test_what_came_after_the_first_load_is_summed_up(found: Board) -> None:
    """The first success is the load; what later ones changed is counted, failures change nothing."""
    found(replace(SUCCEEDED, rows=8000, counts=MergeCounts(inserted=8000)))
    found(SUCCEEDED)
    found(SUCCEEDED)
    found(FAILED)
    assert rendered(found)[1] == "WorkOrder 8,000 rows 2 6 4 2 2.0 s ago"


def test_the_board_takes_every_event(found: Board) -> None:
    """Events of other things, and of tables that it was not told of, do not disturb it."""
    for event in EACH:
        found(event)
    found(replace(STARTED, task=replace(STARTED.task, table_name="[red]New"), expected_rows=None))
    assert rendered(found)[-1] == "[red]New - 0 0 0 0 - Hourly: 0 rows"


def test_failures_are_lines_above_the_board() -> None:
    """Of the log only what is wrong is shown while the board is."""
    shown = io.StringIO()
    with board(Console(file=shown, force_terminal=True, width=140, color_system=None), ("WorkOrder",)) as emit:
        emit(replace(SUCCEEDED, outcome=Outcome.SUCCEEDED))
        emit(replace(FAILED, at=datetime.now(UTC)))
    assert "sync failed" in shown.getvalue()
    assert "sync succeeded" not in shown.getvalue()
