"""`afresh why`: why a table is as it is, on what evidence, whether its data is safe, what is next, what you can do."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.text import Text

from afresh.cli import configuration
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.exits import Exit, meaning
from afresh.cli.outlook import lookback, note
from afresh.cli.output import results, shown, write_json
from afresh.cli.standing import given, state_text
from afresh.core import account, phrases
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.sentences import evidence
from afresh.core.states import State
from afresh.engine.judging import judged


def why(
    table: Annotated[str, typer.Argument(help="The table.", metavar="TABLE")],
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Explains how one table stands: cause, evidence, whether its data is safe, what happens next, what you can do."""
    service = configuration.asking(config)
    try:
        kept = service.options.kept(table)
        found = judged(service)
        windows = lookback(service, kept)
        misses = None if found.unseen else note(service, table)
        configuration.tell_origin(service.workplace.cache)
    finally:
        service.release()
    health = found.of(table)
    told = found.told(health, given(config))
    if json:
        write_json(
            {
                "at": phrases.iso(found.at),
                **account.of_table(health, told, found.at),
                "evidence": list(evidence(health)),
                "lookback": [account.of_lookback(each) for each in windows],
            }
        )
    else:
        notes = [("note", misses)] if misses else []
        _show(health, found, [*notes, *(("lookback", each.said) for each in windows)], given(config))
    if found.unseen is not None:
        return meaning(found.unseen)
    return Exit.GOOD if health.state in (State.FRESH, State.DUE, State.SYNCING, State.DISABLED) else Exit.NOT_GOOD


def _show(health: TableHealth, found: Judgement, notes: Sequence[tuple[str, str]], config: str | None) -> None:
    console = results()
    console.print(shown(health.table_name, "bold"), state_text(health), shown(f"({health.health})"))
    for label, text in (*_lines(health, found, config), *notes):
        console.print(Text(f"  {label:<9}", style="dim").append(shown(text)), soft_wrap=True)


def _lines(health: TableHealth, found: Judgement, config: str | None) -> Iterator[tuple[str, str]]:
    told = found.told(health, config)
    yield "cause", str(health.cause or "none")
    yield "what", told.happened
    yield "where", told.where
    for line in evidence(health):
        yield "evidence", line
    yield "safe?", told.safe
    yield "next", told.next
    yield "you", told.you
