"""`afresh status`: how every table stands, and what its last sync did."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from afresh.cli import configuration, phrases
from afresh.cli.configuration import ConfigPath, Json
from afresh.cli.exits import Exit
from afresh.cli.history import as_json as update_as_json
from afresh.cli.outlook import Outlook, outlook
from afresh.cli.output import JsonValue, grid, iso, results, shown, write_json
from afresh.core.errors import AfreshError
from afresh.core.health import Health, State, TableHealth, worst
from afresh.core.model import DataUpdate, UpdateType
from afresh.engine.service import Service

_STYLES = {
    State.FRESH: "green",
    State.DUE: "green",
    State.SYNCING: "cyan",
    State.CATCHING_UP: "yellow",
    State.NEVER_LOADED: "yellow",
    State.LATE: "red",
    State.FAILING: "bold red",
    State.DISABLED: "dim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One judgement of everything, and for each table what its windows cannot bring."""

    at: datetime
    tables: tuple[TableHealth, ...]
    last: tuple[DataUpdate | None, ...]
    notes: tuple[str | None, ...]

    @property
    def health(self) -> Health:
        """That of the worst table."""
        return worst(self.tables)

    @property
    def all_fresh(self) -> bool:
        """Whether every table that is synced is fresh."""
        return all(table.state in (State.FRESH, State.DISABLED) for table in self.tables)


def status(config: ConfigPath = None, json: Json = False) -> Exit:
    """Shows how every table stands. Reads the cache only; works beside a running service."""
    service = configuration.service(config)
    try:
        found = judged(service)
    finally:
        service.release()
    if json:
        write_json(as_json(found))
    else:
        show(found)
    return Exit.GOOD if found.health is Health.HEALTHY else Exit.NOT_GOOD


def judged(service: Service) -> Status:
    """The status at this moment."""
    seen = outlook(service)
    tables = seen.judged()
    return Status(
        at=seen.now,
        tables=tables,
        last=tuple(_last(seen, table.table_name) for table in tables),
        notes=tuple(_note(service, table.table_name) for table in tables),
    )


def show(found: Status) -> None:
    """The status as a table, with what is wrong and what is to be known below it."""
    console = results()
    columns = ("Table", "Source", "State", "Data as of", "Age", "Next", "Last sync", "Read", "Changed")
    table = grid(columns, frozenset(("Age", "Read")))
    for health, last in zip(found.tables, found.last, strict=True):
        table.add_row(
            shown(health.table_name),
            shown(health.source_system),
            Text(health.state, style=_STYLES[health.state]),
            phrases.instant(health.data_as_of),
            phrases.span(found.at - health.data_as_of) if health.data_as_of else phrases.NOTHING,
            phrases.relative(health.next_at, found.at),
            str(last.update_type) if last else phrases.NOTHING,
            f"{last.number_records:,}" if last else phrases.NOTHING,
            phrases.changes(last.counts) if last else phrases.NOTHING,
        )
    console.print(table)
    console.print()
    for line in _below(found):
        console.print(shown(line), soft_wrap=True)


def _below(found: Status) -> Iterator[str]:
    """What is wrong, in the same words once; what is to be known; and the sum of it."""
    wrong: dict[str, list[str]] = {}
    for table in found.tables:
        if table.health is not Health.HEALTHY and table.state is not State.NEVER_LOADED:
            wrong.setdefault(f"{table.state}: {table.reason}", []).append(table.table_name)
    for reason, names in wrong.items():
        yield f"{reason} ({', '.join(names)})."
    for table in found.tables:
        if table.last_error:
            yield f"{table.table_name}: the last error was: {table.last_error}"
    yield from (note for note in found.notes if note)
    states = Counter(table.state for table in found.tables)
    told = ", ".join(f"{states[state]} {state.lower()}" for state in State if states[state])
    yield f"{found.health}: {told or 'there are no tables'}."


def as_json(found: Status) -> JsonValue:
    """The status with the names that `--json` promises."""
    each = zip(found.tables, found.last, found.notes, strict=True)
    return {
        "at": iso(found.at),
        "health": str(found.health),
        "tables": [_table_as_json(table, last, note, found.at) for table, last, note in each],
    }


def _table_as_json(table: TableHealth, last: DataUpdate | None, note: str | None, at: datetime) -> JsonValue:
    return {
        "table_name": table.table_name,
        "source_system": table.source_system,
        "state": str(table.state),
        "health": str(table.health),
        "reason": table.reason,
        "data_as_of": iso(table.data_as_of),
        "age_seconds": (at - table.data_as_of).total_seconds() if table.data_as_of else None,
        "next_at": iso(table.next_at),
        "running_since": iso(table.running_since),
        "overdue_seconds": table.overdue_by.total_seconds() if table.overdue_by else None,
        "consecutive_failures": table.consecutive_failures,
        "last_error": table.last_error,
        "last_success": {
            str(update_type): update_as_json(update) for update_type, update in sorted(table.last_success.items())
        },
        "last_sync": update_as_json(last) if last else None,
        "note": note,
    }


def _last(seen: Outlook, table_name: str) -> DataUpdate | None:
    return seen.past(table_name).latest(UpdateType)


def _note(service: Service, table_name: str) -> str | None:
    """What a window of this table cannot bring; nothing while its source cannot be asked."""
    try:
        return service.tables[table_name].fetcher.explain(service.workplace.clock.now()).misses
    except AfreshError:
        return None
