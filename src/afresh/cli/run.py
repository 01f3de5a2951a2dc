"""`afresh run`: the service in the foreground."""

import os
import sys
from contextlib import ExitStack
from typing import Annotated

import typer

from afresh.cli import configuration
from afresh.cli.answering import answering
from afresh.cli.arguments import ConfigPath
from afresh.cli.exits import Exit
from afresh.cli.foreground import attended
from afresh.cli.meeting import mark
from afresh.cli.output import say
from afresh.cli.serving import served
from afresh.cli.watching import watching
from afresh.sinks.log import LogForm


def run(
    config: ConfigPath = None,
    log_format: Annotated[LogForm, typer.Option(help="How log lines are written.")] = LogForm.CONSOLE,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write each event as a JSON line to stdout.")] = False,
) -> Exit:
    """Runs the service until SIGTERM or Ctrl-C: running syncs may end, then it stops. A second signal stops at once.
    With [data_sync.web] in the configuration it also serves the dashboard, the health endpoints and the admin API."""
    with ExitStack() as stack:
        emit = stack.enter_context(watching(verbose=verbose, form=log_format, events_to_stdout=json))
        file = configuration.file(config)
        known_by = mark(file) if file.is_file() else ""
        service = stack.enter_context(served(configuration.options(file), emit))
        stack.enter_context(answering(service, file, known_by))
        attended(service.run, service.stop, lambda: service.stop(at_once=True))
        ended = service.wait(0)
    if not ended:
        _leave()
    return Exit.GOOD


def _leave() -> None:
    """Ends the process though a sync does not answer: waiting for its thread would be waiting for ever. It counts as
    interrupted, and the next start repairs what it left."""
    say("A sync does not answer to its cancellation and is abandoned; the next start repairs what it left behind.")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Exit.NOT_GOOD)
