"""`afresh why`: why a table is as it is, on what evidence, whether its data is safe, what is next, what you can do."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from afresh.cli import configuration
from afresh.cli.configuration import ConfigPath, Json
from afresh.cli.exits import Exit, meaning
from afresh.cli.outlook import Standing, data_source, standing
from afresh.cli.output import results, shown, write_json
from afresh.cli.status import given, state_text
from afresh.core import account, phrases
from afresh.core.health import TableHealth
from afresh.core.sentences import evidence, sentences
from afresh.core.states import State


def why(
    table: Annotated[str, typer.Argument(help="The table.", metavar="TABLE")],
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Explains how one table stands: cause, evidence, whether its data is safe, what happens next, what you can do."""
    service = configuration.asking(config)
    try:
        data_source(service.options, table)
        found = standing(service)
        configuration.tell_origin(service.workplace.cache)
    finally:
        service.release()
    judged = found.of(table)
    told = sentences(judged, found.at, given(config))
    if json:
        write_json({"at": phrases.iso(found.at), **account.of_table(judged, told), "evidence": list(evidence(judged))})
    else:
        _show(judged, found, given(config))
    if found.unseen is not None:
        return meaning(found.unseen)
    return Exit.GOOD if judged.state in (State.FRESH, State.DUE, State.SYNCING, State.DISABLED) else Exit.NOT_GOOD


def _show(judged: TableHealth, found: Standing, config: str | None) -> None:
    console = results()
    console.print(shown(judged.table_name, "bold"), state_text(judged), shown(f"({judged.health})"))
    for label, text in _lines(judged, found, config):
        console.print(Text(f"  {label:<9}", style="dim").append(shown(text)), soft_wrap=True)


def _lines(judged: TableHealth, found: Standing, config: str | None) -> Iterator[tuple[str, str]]:
    told = sentences(judged, found.at, config)
    yield "cause", str(judged.cause or "none")
    yield "what", told.happened
    yield "where", told.where
    for line in evidence(judged):
        yield "evidence", line
    yield "safe?", told.safe
    yield "next", told.next
    yield "you", told.you
    note = found.notes[found.tables.index(judged)]
    if note:
        yield "note", note
