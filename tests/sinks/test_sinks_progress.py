"""How far a sync is, on a terminal and elsewhere."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console
from tests.sinks.happenings import EACH, STAGED, STARTED, SUCCEEDED, TASK

from afresh.core import events
from afresh.sinks.printable import printable
from afresh.sinks.progress import LINE_EVERY, ProgressBars, ProgressLines


def rendered(bars: ProgressBars, console: Console) -> str:
    """What the bars look like now."""
    with console.capture() as capture:
        console.print(bars.view.get_renderable())
    return capture.get()


@pytest.fixture
def console() -> Console:
    """A terminal that nobody sees."""
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


def test_a_sync_has_a_bar_while_it_runs(console: Console) -> None:
    """The bar names table and type, says how many rows of how many there are, and goes when the sync ends."""
    bars = ProgressBars(console)
    bars(STARTED)
    bars(STAGED)
    text = rendered(bars, console)
    assert "WorkOrder Hourly" in text
    assert "50 of about 200 rows (25%)" in text
    bars(SUCCEEDED)
    assert "WorkOrder" not in rendered(bars, console)


def test_without_an_expectation_the_bar_counts(console: Console) -> None:
    """Where the source cannot say how many rows there are, the rows so far are shown."""
    bars = ProgressBars(console)
    bars(replace(STARTED, expected_rows=None))
    bars(STAGED)
    assert "50 rows" in rendered(bars, console)


def test_a_name_is_not_markup(console: Console) -> None:
    """A table may be called [red] without colouring the terminal."""
    bars = ProgressBars(console)
    bars(replace(STARTED, task=replace(TASK, table_name="[red]T[/red]")))
    assert "[red]T[/red] Hourly" in rendered(bars, console)


def test_bars_take_every_event(console: Console) -> None:
    """Events of syncs that were not seen to start, and events of other things, change nothing."""
    bars = ProgressBars(console)
    for event in EACH:
        if not isinstance(event, events.SyncStarted):
            bars(event)
    assert rendered(bars, console).strip() == ""


def test_lines_tell_of_a_long_sync_now_and_then() -> None:
    """A sync that takes long is told of every few seconds of the events' own time, a short one never."""
    lines: list[str] = []
    progress = ProgressLines(lines.append)
    for event in EACH:
        progress(event)
    assert lines == []
    progress(STARTED)
    for second in range(1, 12):
        rows = second * 15
        progress(replace(STAGED, at=STAGED.at + timedelta(seconds=second), rows=15, total_rows=rows))
    assert timedelta(seconds=5) == LINE_EVERY
    assert lines == [
        "WorkOrder Hourly: 75 of about 200 rows (38%)",
        "WorkOrder Hourly: 150 of about 200 rows (75%)",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe 日本", "Größe 日本"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("[bold]", "[bold]"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    """Letters of any script stay; control characters and reversals do not reach the terminal."""
    assert printable(text) == shown


def test_lines_may_stay_lines() -> None:
    """Messages of our own have line breaks."""
    assert printable("a\nb\x07", lines=True) == "a\nb\\x07"
