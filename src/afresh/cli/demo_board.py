"""The live view of the demo: for each table what arrives, as it arrives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from afresh.cli.output import grid, shown
from afresh.core import events, phrases
from afresh.core.model import DataUpdateTask, MergeCounts, Outcome
from afresh.core.ports import Clock, Emit
from afresh.engine.clock import SystemClock
from afresh.sinks.log import LogSink, line_logger
from afresh.sinks.tee import tee

_BAR_WIDTH = 22


@contextmanager
def board(console: Console, tables: tuple[str, ...]) -> Iterator[Emit]:
    """Shows the board while the context is open; warnings and errors are log lines above it."""
    found = Board(tables, SystemClock())
    colors = not console.no_color
    log = LogSink(
        line_logger(lambda line: console.print(Text.from_ansi(line), soft_wrap=True), least="warning", colors=colors)
    )
    with Live(get_renderable=found.render, console=console, refresh_per_second=5, transient=True):
        yield tee(log, found)


@dataclass(slots=True)
class _Row:
    """What happened to one table so far."""

    loaded: int | None = None
    syncs: int = 0
    changes: MergeCounts = field(default_factory=MergeCounts)
    last: datetime | None = None
    running: DataUpdateTask | None = None
    expected: int | None = None
    rows: int = 0


class Board:
    """A sink of events that can be looked at."""

    def __init__(self, tables: tuple[str, ...], clock: Clock) -> None:
        self._rows = {name: _Row() for name in tables}
        self._clock = clock
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        """Takes any event; those that are about no sync change nothing."""
        if not isinstance(event, events.SyncEvent):
            return
        with self._lock:
            row = self._rows.setdefault(event.task.table_name, _Row())
            match event:
                case events.SyncStarted():
                    row.running, row.expected, row.rows = event.task, event.expected_rows, 0
                case events.RowsStaged():
                    row.rows = event.total_rows
                case events.SyncEnded():
                    _end(row, event)
                case _:
                    return

    def render(self) -> RenderableType:
        """The board as it is now."""
        columns = ("Table", "First load", "Syncs", "Inserted", "Updated", "Deleted", "Last", "Now")
        table = grid(columns, frozenset(columns[1:7]))
        now = self._clock.now()
        with self._lock:
            for name, row in self._rows.items():
                _add(table, name, row, now)
        return table


def _end(row: _Row, event: events.SyncEnded) -> None:
    row.running = None
    if event.outcome is not Outcome.SUCCEEDED:
        return
    row.last = event.at
    if row.loaded is None:
        row.loaded = event.rows
        return
    row.syncs += 1
    row.changes += event.counts


def _add(table: Table, name: str, row: _Row, now: datetime) -> None:
    table.add_row(
        shown(name),
        f"{row.loaded:,} rows" if row.loaded is not None else phrases.NOTHING,
        f"{row.syncs}",
        _count(row.changes.inserted, "green"),
        _count(row.changes.updated, "yellow"),
        _count(row.changes.deleted, "red"),
        f"{phrases.span(now - row.last)} ago" if row.last is not None else phrases.NOTHING,
        _present(row),
    )


def _count(count: int, style: str) -> Text:
    return Text(f"{count:,}", style=style if count else "dim")


def _present(row: _Row) -> RenderableType:
    if row.running is None:
        return ""
    if row.expected is None:
        return shown(f"{row.running.update_type}: {row.rows:,} rows", "cyan")
    return ProgressBar(total=max(row.expected, row.rows, 1), completed=row.rows, width=_BAR_WIDTH)
