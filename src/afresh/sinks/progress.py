"""How far each running sync is: bars on a terminal, a line now and then elsewhere."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from afresh.core import events
from afresh.core.model import DataUpdateTask
from afresh.sinks.printable import printable

LINE_EVERY = timedelta(seconds=5)
"""Time between two lines about the same sync."""


class ProgressBars:
    """A bar for each sync that runs, while the context is open. Its total is what the source says it has."""

    def __init__(self, console: Console) -> None:
        self.view = Progress(
            TextColumn("{task.description}"), BarColumn(), _Rows(), TimeElapsedColumn(), console=console, transient=True
        )
        self._bars: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.view.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.view.stop()

    def __call__(self, event: events.Event) -> None:
        """Takes any event; those that say nothing of progress change nothing."""
        with self._lock:
            match event:
                case events.SyncStarted():
                    self._bars[event.task.operation_id] = self.view.add_task(
                        escape(_title(event.task)), total=event.expected_rows
                    )
                case events.RowsStaged() if event.task.operation_id in self._bars:
                    self.view.update(self._bars[event.task.operation_id], completed=event.total_rows)
                case events.SyncEnded() if event.task.operation_id in self._bars:
                    self.view.remove_task(self._bars.pop(event.task.operation_id))
                case _:
                    return


class ProgressLines:
    """A line about each sync that takes long, every few seconds, by the events' own time."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        """Takes any event; those that say nothing of progress change nothing."""
        with self._lock:
            match event:
                case events.SyncStarted():
                    self._running[event.task.operation_id] = _Running(expected=event.expected_rows, told=event.at)
                case events.RowsStaged():
                    self._staged(event)
                case events.SyncEnded():
                    self._running.pop(event.task.operation_id, None)
                case _:
                    return

    def _staged(self, event: events.RowsStaged) -> None:
        running = self._running.get(event.task.operation_id)
        if running is None or event.at - running.told < LINE_EVERY:
            return
        self._running[event.task.operation_id] = replace(running, told=event.at)
        self._write(f"{_title(event.task)}: {_rows(event.total_rows, running.expected)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    expected: int | None
    told: datetime


class _Rows(ProgressColumn):
    """Rows so far, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        text = _rows(int(task.completed), None if task.total is None else int(task.total))
        return Text(f"{text}  {task.speed:,.0f}/s" if task.speed else text)


def _title(task: DataUpdateTask) -> str:
    return printable(f"{task.table_name} {task.update_type}")


def _rows(done: int, expected: int | None) -> str:
    if not expected:
        return f"{done:,} rows"
    return f"{done:,} of about {expected:,} rows ({min(done / expected, 1):.0%})"
