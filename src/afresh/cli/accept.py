"""`afresh accept`: the next Mass may replace a table by far fewer rows, once."""

from typing import Annotated

import typer

from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.asking import ask, asked_service, tell
from afresh.cli.exits import Exit
from afresh.core.actions import ActionKind
from afresh.engine.service import last_sequence


def accept(
    table: Annotated[str, typer.Argument(help="The table that may shrink.", metavar="TABLE")],
    reason: Annotated[str, typer.Option(help="Why, for those who will wonder.")] = "",
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Lets the next Mass of a table replace it, however few its rows are. Good for one Mass, whatever becomes of it."""
    with asked_service(config) as service:
        service.options.kept(table)
        log = service.workplace.cache.log
        done = ask(service, ActionKind.ACCEPT, table_name=table, reason=reason, argument=str(last_sequence(log, table)))
        on = service.facts().service_is_on
    when = "the running service starts it when it is due" if on else "no service runs; `afresh sync` can start it"
    tell(done, f"The next Mass of {table} may replace it by far fewer rows, once; {when}.", json=json)
    return Exit.GOOD
