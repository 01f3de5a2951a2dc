"""Where the errors of a command end: as a message, a hint, and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from afresh.cli.exits import Exit, meaning
from afresh.core.errors import AfreshError

P = ParamSpec("P")

_REPORT = "This is a defect of afresh, not of your configuration or your data. Please report it with the lines above."


def bordered(command: Callable[P, Exit]) -> Callable[P, None]:
    """The command as typer calls it: no error leaves it, and the process ends with the command's exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_ended(lambda: command(*args, **kwargs)))

    return run


def _ended(command: Callable[[], Exit]) -> Exit:
    try:
        return command()
    except AfreshError as error:
        tell(error)
        return meaning(error)
    except KeyboardInterrupt:
        say("Interrupted.")
        return Exit.NOT_GOOD
    except BrokenPipeError:
        # Who read our output has gone. What is still buffered must not fail once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.NOT_GOOD
    except OSError as error:
        say(f"afresh: {error}")
        return Exit.COULD_NOT_RUN
    except Exception:  # noqa: BLE001 - the border: what is left is a defect, and is shown as one
        say(traceback.format_exc())
        say(_REPORT)
        return Exit.DEFECT


def say(text: str) -> None:
    """A line to stderr. Who has nothing to say does not wait for what writes it."""
    from afresh.cli import output

    output.say(text)


def tell(error: AfreshError) -> None:
    """The message and then the hint, on stderr."""
    say(error.message)
    if error.hint:
        say(f"hint: {error.hint}")
