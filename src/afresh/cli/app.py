"""The commands, and what they have in common."""

from collections import UserDict
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from afresh.cli.border import bordered

COMMANDS = (
    "init",
    "check",
    "config",
    "plan",
    "run",
    "sync",
    "status",
    "why",
    "history",
    "pause",
    "resume",
    "reset",
    "cancel",
    "accept",
    "token",
    "demo",
    "schema",
)
"""By name, in the order of the help. Each is the function of that name in the module of that name."""


class _Commands(UserDict[str, Any]):
    """The commands by name, each imported when it is asked for: who asks for one does not wait for the others."""

    def __getitem__(self, name: str) -> Any:
        if super().__getitem__(name) is None:
            self.data[name] = _command(name)
        return self.data[name]


class _Group(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(dict.fromkeys(COMMANDS))


def _command(name: str) -> Any:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(name)(bordered(getattr(import_module(f"afresh.cli.{name}"), name)))
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=_Group,
    help="Keeps a local SQL cache fresh from databases that may only be read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 all good, 1 ran and something is not good, 2 wrong use or configuration, "
    "3 could not run, 4 a defect of afresh.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"afresh {version('afresh')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keeps a local SQL cache fresh from databases that may only be read."""
