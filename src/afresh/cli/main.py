"""The command line: `afresh COMMAND`."""

import sys
from io import TextIOWrapper

from afresh.cli import meeting


def main() -> None:
    """Runs the command that the arguments name, and ends the process with its exit code.

    Where a running service answers, nothing else is imported: how things stand is asked often, and by machines.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the terminal's encoding lacks is shown as an escape instead of ending the command.
            stream.reconfigure(errors="backslashreplace")
    answer = meeting.answer(sys.argv[1:])
    if answer is not None:
        answer.write()
        sys.exit(answer.exit)
    from afresh.cli.app import app

    app(prog_name="afresh")
