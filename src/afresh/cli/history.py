"""`afresh history`: the audit rows of past and running syncs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from afresh.cli import configuration, phrases
from afresh.cli.configuration import ConfigPath, Json
from afresh.cli.exits import Exit
from afresh.cli.outlook import data_source
from afresh.cli.output import JsonValue, grid, iso, results, shown, write, write_json
from afresh.core.model import DataUpdate
from afresh.wiring import open_cache


def history(
    table: Annotated[str | None, typer.Argument(help="Only this table.", metavar="TABLE")] = None,
    config: ConfigPath = None,
    limit: Annotated[int, typer.Option(help="Most rows to show.", min=1)] = 20,
    json: Json = False,
) -> Exit:
    """Shows the DataUpdate rows, newest first."""
    options = configuration.options(config)
    if table is not None:
        data_source(options, table)
    cache = open_cache(options)
    try:
        updates = cache.log.history(table_name=table, limit=limit)
    finally:
        cache.close()
    if json:
        write_json({"updates": [as_json(update) for update in updates]})
    elif updates:
        _show(updates)
    else:
        write("No sync has run yet." if table is None else f"No sync of {table} has run yet.")
    return Exit.GOOD


def as_json(update: DataUpdate) -> JsonValue:
    """An audit row with the names that `--json` promises."""
    return {
        "table_name": update.table_name,
        "source_system": update.source_system,
        "update_type": str(update.update_type),
        "operation_id": update.operation_id,
        "instance_id": update.instance_id,
        "start_dt": iso(update.start_dt),
        "end_dt": iso(update.end_dt),
        "minimum_dt": iso(update.minimum_dt),
        "source_dt": iso(update.source_dt),
        "was_successful": update.was_successful,
        "outcome": None if update.outcome is None else str(update.outcome),
        "number_records": update.number_records,
        "rows_inserted": update.counts.inserted,
        "rows_updated": update.counts.updated,
        "rows_unchanged": update.counts.unchanged,
        "rows_deleted": update.counts.deleted,
        "rows_duplicate": update.counts.duplicates,
        "error_message": update.error_message,
        "reason": update.reason,
    }


def _show(updates: Sequence[DataUpdate]) -> None:
    table = grid(
        ("Started", "Table", "Type", "Outcome", "Took", "Read", "Inserted", "Updated", "Unchanged", "Deleted", ""),
        frozenset(("Took", "Read", "Inserted", "Updated", "Unchanged", "Deleted")),
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
            shown(update.error_message or ""),
        )
    results().print(table)


_STYLES = {"succeeded": "green", "failed": "red", "interrupted": "yellow", "cancelled": "yellow"}


def _took(update: DataUpdate) -> timedelta | None:
    return None if update.end_dt is None else update.end_dt - update.start_dt
