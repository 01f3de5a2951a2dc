"""The command line: `afresh COMMAND`."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from afresh.cli.accept import accept
from afresh.cli.border import bordered
from afresh.cli.cancel import cancel
from afresh.cli.check import check
from afresh.cli.config import config
from afresh.cli.demo import demo
from afresh.cli.exits import Exit
from afresh.cli.history import history
from afresh.cli.init import init
from afresh.cli.pause import pause
from afresh.cli.plan import plan
from afresh.cli.reset import reset
from afresh.cli.resume import resume
from afresh.cli.run import run
from afresh.cli.schema import schema
from afresh.cli.status import status
from afresh.cli.sync import sync
from afresh.cli.token import token
from afresh.cli.why import why

COMMANDS: tuple[Callable[..., Exit], ...] = (
    init,
    check,
    config,
    plan,
    run,
    sync,
    status,
    why,
    history,
    pause,
    resume,
    reset,
    cancel,
    accept,
    token,
    demo,
    schema,
)

app = typer.Typer(
    help="Keeps a local SQL cache fresh from databases that may only be read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 all good, 1 ran and something is not good, 2 wrong use or configuration, "
    "3 could not run, 4 a defect of afresh.",
)
for _command in COMMANDS:
    app.command()(bordered(_command))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"afresh {version('afresh')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keeps a local SQL cache fresh from databases that may only be read."""


def main() -> None:
    """Runs the command that the arguments name, and ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the terminal's encoding lacks is shown as an escape instead of ending the command.
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="afresh")
