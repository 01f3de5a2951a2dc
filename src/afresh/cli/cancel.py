"""`afresh cancel`: the sync of a table that is running stops."""

import time
from typing import Annotated

import typer

from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.asking import ask, asked_service, tell
from afresh.cli.exits import Exit
from afresh.cli.output import say
from afresh.core.actions import ActionKind
from afresh.engine.service import Service

_PATIENCE_SECONDS = 10.0


def cancel(
    table: Annotated[str, typer.Argument(help="The table whose sync is to stop.", metavar="TABLE")],
    reason: Annotated[str, typer.Option(help="Why, for those who will wonder.")] = "",
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Stops the sync of a table that is running, wherever it runs. The table stays as it was; it is due again."""
    with asked_service(config) as service:
        service.options.kept(table)
        facts = service.facts()
        running = facts.open_update(table)
        if running is None:
            say(f"No sync of {table} is running.")
            return Exit.NOT_GOOD
        if running.instance_id not in facts.live:
            say(f"The process that ran the sync of {table} is gone; the next service to start says how it ended.")
            return Exit.NOT_GOOD
        done = ask(service, ActionKind.CANCEL, table_name=table, operation_id=running.operation_id, reason=reason)
        ended = _has_ended(service, table, running.operation_id)
    if not ended:
        say(f"The {running.update_type} of {table} was asked to stop, and still runs after {_PATIENCE_SECONDS:g} s.")
        return Exit.NOT_GOOD
    tell(
        done,
        f"The {running.update_type} of {table} has stopped. It is due again; `afresh pause` keeps it from starting.",
        json=json,
    )
    return Exit.GOOD


def _has_ended(service: Service, table_name: str, operation_id: str) -> bool:
    """Whether it ends soon."""
    log, give_up = service.workplace.cache.log, time.monotonic() + _PATIENCE_SECONDS
    while any(update.operation_id == operation_id for update in log.history(table_name=table_name, open_only=True)):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True
