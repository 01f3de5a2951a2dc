"""`afresh resume`: syncs of a table, or of all tables of a source, start again."""

import shlex

from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.asking import ask, asked_service, tell
from afresh.cli.exits import Exit
from afresh.cli.outlook import one_of, source_system
from afresh.cli.output import say
from afresh.cli.pause import SourceOrNone, TableOrNone
from afresh.core.actions import ActionKind


def resume(
    table: TableOrNone = None, source: SourceOrNone = None, config: ConfigPath = None, json: Json = False
) -> Exit:
    """Resumes a table, or the tables of a source, that somebody paused; what is due starts at once."""
    name, system = one_of(table, source)
    with asked_service(config) as service:
        of_source = service.options.kept(name).source_system if name else system
        if not name:
            source_system(service.options, system)
        before = service.facts().asked.pause_of(name, of_source)
        if before is None:
            say(f"{name or f'Source {system}'} is not paused.")
            return Exit.NOT_GOOD
        if name and before.source_system:
            say(f"{name} is not paused itself: its source {before.source_system} was paused by {before.who}.")
            command = shlex.join(["afresh", "resume", f"--source={before.source_system}"])
            say(f"hint: `{command}` resumes all its tables.")
            return Exit.NOT_GOOD
        done = ask(service, ActionKind.RESUME, table_name=name, source_system=system)
        left = service.facts().asked.pause_of(name, of_source) if name else None
    still = f" Its source {left.source_system} is still paused." if left else ""
    tell(done, f"{name or f'Source {system}'} is resumed.{still}", json=json)
    return Exit.GOOD
