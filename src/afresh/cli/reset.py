"""`afresh reset`: a source whose breaker is open is read again at once."""

from typing import Annotated

import typer

from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.asking import ask, asked_service, tell
from afresh.cli.exits import Exit
from afresh.cli.outlook import source_system
from afresh.cli.output import say
from afresh.core.actions import ActionKind


def reset(
    source: Annotated[str, typer.Argument(help="The source system.", metavar="SOURCE")],
    reason: Annotated[str, typer.Option(help="Why, for those who will wonder.")] = "",
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Closes the breaker of a source that failed again and again, or refused the login; what is due starts at once."""
    with asked_service(config) as service:
        source_system(service.options, source)
        state = service.facts().source(source)
        if state.breaker_until is None and not state.stopped:
            say(f"The breaker of {source} is not open.")
            return Exit.NOT_GOOD
        done = ask(service, ActionKind.RESET, source_system=source, reason=reason)
    tell(done, f"The breaker of {source} is reset: what is due of it starts again.", json=json)
    return Exit.GOOD
