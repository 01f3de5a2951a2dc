"""`afresh history`: the audit rows of past and running syncs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from afresh.cli import configuration
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.exits import Exit
from afresh.cli.output import grid, results, say, shown, write, write_json
from afresh.core import account, phrases
from afresh.core.errors import ConfigurationError
from afresh.core.model import DataUpdate, Outcome, UpdateDetails
from afresh.core.moments import EXAMPLES, Between, NotASpan, between


def history(
    table: Annotated[str | None, typer.Argument(help="Only this table.", metavar="TABLE")] = None,
    config: ConfigPath = None,
    since: Annotated[str | None, typer.Option(help=f"Only syncs that started then or later. {EXAMPLES}")] = None,
    until: Annotated[
        str | None, typer.Option(help="Only syncs that started before; of a day, those of that day too.")
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only syncs that ended so.")] = None,
    limit: Annotated[int, typer.Option(help="Most rows to show.", min=1, max=1_000_000)] = 20,
    details: Annotated[
        bool, typer.Option("--details", help="Also show where the time went, and who asked for it.")
    ] = False,
    json: Json = False,
) -> Exit:
    """Shows the DataUpdate rows, newest first; with --since or --until in the order in which the syncs started."""
    span = _span(since, until)
    options = configuration.options(config)
    if table is not None:
        options.kept(table)
    cache = configuration.cache_to_ask(options)
    try:
        found = cache.log.history(
            table_name=table, outcome=outcome, since=span.since, until=span.until, limit=limit + 1
        )
        configuration.tell_origin(cache)
    finally:
        cache.close()
    updates = found[:limit]
    if json:
        write_json({"updates": [account.of_update(update) for update in updates]})
    elif updates:
        _show(updates, details=details)
    elif span.bounded or outcome is not None:
        write("No sync is like that.")
    else:
        write("No sync has run yet." if table is None else f"No sync of {table} has run yet.")
    if span.bounded and len(found) > limit:
        say(f"These are the latest {limit}; there are more: ask for them with --limit or an earlier --until.")
    return Exit.GOOD


def _span(since: str | None, until: str | None) -> Between:
    try:
        return between(since, until)
    except NotASpan as wrong:
        raise ConfigurationError(f"--{wrong}", hint=EXAMPLES) from wrong


def _show(updates: Sequence[DataUpdate], *, details: bool) -> None:
    headings = ("Started", "Table", "Type", "Outcome", "Took", "Read", "Inserted", "Updated", "Unchanged", "Deleted")
    more = ("Batches", "Time went to", "Asked by") if details else ()
    table = grid(
        (*headings, *more, ""), frozenset(("Took", "Read", "Inserted", "Updated", "Unchanged", "Deleted", "Batches"))
    )
    for update in updates:
        counts = update.counts
        done = update.was_successful
        numbers = (update.number_records, counts.inserted, counts.updated, counts.unchanged, counts.deleted)
        table.add_row(
            phrases.instant(update.start_dt),
            shown(update.table_name),
            str(update.update_type),
            shown(update.outcome or "running", _STYLES.get(str(update.outcome), "cyan")),
            phrases.span(_took(update)),
            *(f"{number:,}" if done else phrases.NOTHING for number in numbers),
            *(_details(update.details) if details else ()),
            shown(": ".join(filter(None, (update.cause, update.error_message)))),
        )
    results().print(table)


def _details(known: UpdateDetails | None) -> tuple[str, str, Text]:
    """Batches, phases by name, and who asked; the schedule if nobody did."""
    if known is None:
        return phrases.NOTHING, phrases.NOTHING, shown(phrases.NOTHING)
    phases = ", ".join(f"{phase} {phrases.span(spent)}" for phase, spent in known.phases.items())
    return str(known.batches), phases or phrases.NOTHING, shown(known.requested_by or "the schedule")


_STYLES = {"succeeded": "green", "failed": "red", "interrupted": "yellow", "cancelled": "yellow"}


def _took(update: DataUpdate) -> timedelta | None:
    return None if update.end_dt is None else update.end_dt - update.start_dt
