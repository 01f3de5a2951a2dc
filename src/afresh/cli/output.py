"""Where a command writes: results to stdout, everything else to stderr; nothing that is shown steers the terminal."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from afresh.core.account import JsonValue
from afresh.sinks.printable import printable

_OURS: Mapping[str, Any] = {"highlight": False, "markup": False, "emoji": False}
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


def write_json(value: JsonValue, file: IO[str] | None = None) -> None:
    """One JSON value to stdout, or to a file."""
    print(json.dumps(value, indent=2, ensure_ascii=False), file=file, flush=True)


def grid(headings: Iterable[str], right: frozenset[str] = frozenset()) -> Table:
    """An empty table of results; the columns named in `right` hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def elsewhere(file: IO[str], *, columns: int | None, environ: Mapping[str, str]) -> Console:
    """The console of results of another process, whose terminal has so many columns, and None if it has none; what is
    written for it goes to the file."""
    return _plain(Console(file=file, force_terminal=columns is not None, width=columns, _environ=environ, **_OURS))


def _console(*, stderr: bool) -> Console:
    return _plain(Console(file=sys.stderr if stderr else sys.stdout, **_OURS))


def _plain(console: Console) -> Console:
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    return console
