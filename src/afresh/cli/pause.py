"""`afresh pause`: no sync of a table, or of all tables of a source, starts until it is resumed."""

from typing import Annotated

import typer

from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.asking import ask, asked_service, tell
from afresh.cli.exits import Exit
from afresh.cli.outlook import one_of, source_system
from afresh.core.actions import ActionKind

TableOrNone = Annotated[str | None, typer.Argument(help="The table.", metavar="TABLE")]
SourceOrNone = Annotated[str | None, typer.Option("--source", help="All tables of this source system.")]


def pause(
    table: TableOrNone = None,
    source: SourceOrNone = None,
    reason: Annotated[str, typer.Option(help="Why, for those who will wonder.")] = "",
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Pauses a table, or all tables of a source: no sync of it starts any more. One that is running goes on."""
    name, system = one_of(table, source)
    with asked_service(config) as service:
        if name:
            service.options.kept(name)
        else:
            source_system(service.options, system)
        done = ask(service, ActionKind.PAUSE, table_name=name, source_system=system, reason=reason)
        facts = service.facts()
        running = [
            update.table_name
            for update in facts.running
            if update.table_name == name or (system and update.source_system == system)
        ]
    still = f" A sync of {', '.join(running)} is running and goes on to its end." if running else ""
    tell(done, f"{name or f'Source {system}'} is paused: no sync of it starts until it is resumed.{still}", json=json)
    return Exit.GOOD
