"""Where a command writes: results to stdout, everything else to stderr; nothing that is shown steers the terminal."""

import json
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from afresh.core.account import JsonValue
from afresh.sinks.printable import printable

_WIDTH_OF_FILES = 180
"""Columns of a file or pipe, so that what reads it meets whole lines."""


def results() -> Console:
    """The console of results."""
    return _console(stderr=False)


def notices() -> Console:
    """The console of everything that is not a result."""
    return _console(stderr=True)


def shown(value: object, style: str = "") -> Text:
    """A value as text without markup, made safe."""
    return Text(printable(str(value)), style=style)


def say(text: str) -> None:
    """A line to stderr."""
    notices().print(Text(printable(text, lines=True)), soft_wrap=True)


def write(text: str) -> None:
    """A line to stdout."""
    results().print(Text(printable(text, lines=True)), soft_wrap=True)


def write_json(value: JsonValue) -> None:
    """One JSON value to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False), flush=True)


def grid(headings: Iterable[str], right: frozenset[str] = frozenset()) -> Table:
    """An empty table of results; the columns named in `right` hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    return console
