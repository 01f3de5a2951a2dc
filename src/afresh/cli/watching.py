"""The sinks of a command that syncs: the log, and progress in the way the terminal allows."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.text import Text

from afresh.cli.output import notices
from afresh.core.ports import Emit
from afresh.sinks.log import LogForm, LogSink, line_logger
from afresh.sinks.progress import ProgressBars, ProgressLines
from afresh.sinks.tee import tee


@contextmanager
def watching(
    *, log: bool = True, verbose: bool = False, form: LogForm = LogForm.CONSOLE, events_to_stdout: bool = False
) -> Iterator[Emit]:
    """An `Emit` for a command: bars on a terminal, lines now and then elsewhere; with `log` a line for each event,
    on stderr; with `events_to_stdout` also as JSON lines on stdout."""
    console = notices()

    def to_terminal(line: str) -> None:
        console.print(Text.from_ansi(line), soft_wrap=True)

    write: Callable[[str], None] = to_terminal if console.is_terminal else _to_stderr
    colors = console.is_terminal and not console.no_color
    least = "debug" if verbose else "info"
    sinks: list[Emit] = []
    if log:
        sinks.append(LogSink(line_logger(write, form=form, least=least, colors=colors)))
    if events_to_stdout:
        sinks.append(LogSink(line_logger(_to_stdout, form=LogForm.JSON, least=least)))
    if console.is_terminal:
        with ProgressBars(console) as bars:
            yield tee(*sinks, bars, complain=write)
    else:
        if form is LogForm.CONSOLE:
            sinks.append(ProgressLines(write))
        yield tee(*sinks, complain=write)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _to_stdout(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
