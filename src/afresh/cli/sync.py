"""`afresh sync`: one sync of one table, now."""

from contextlib import ExitStack
from typing import Annotated

import typer

from afresh.cli import configuration
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.asking import who
from afresh.cli.exits import Exit, meaning
from afresh.cli.foreground import attended
from afresh.cli.output import say, write, write_json
from afresh.cli.watching import watching
from afresh.core import phrases, schedule
from afresh.core.account import JsonValue
from afresh.core.errors import AlreadyRunning, ConfigurationError, Defect
from afresh.core.events import SyncEnded
from afresh.core.model import Outcome, UpdateType
from afresh.core.phrases import iso
from afresh.engine.cancellation import CancelToken
from afresh.engine.service import Service


def sync(
    table: Annotated[str, typer.Argument(help="The table to sync.", metavar="TABLE")],
    config: ConfigPath = None,
    mass: Annotated[bool, typer.Option("--mass", help="Read everything.")] = False,
    daily: Annotated[bool, typer.Option("--daily", help="Read the daily window.")] = False,
    hourly: Annotated[bool, typer.Option("--hourly", help="Read the hourly window.")] = False,
    allow_shrink: Annotated[
        bool, typer.Option("--allow-shrink", help="Let a Mass replace the table by far fewer rows, this once.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
    json: Json = False,
) -> Exit:
    """Syncs one table now, even a paused one, also beside a service. Without a type: what is due, else the least."""
    asked = _asked(mass=mass, daily=daily, hourly=hourly)
    with ExitStack() as stack:
        emit = stack.enter_context(watching(log=verbose, verbose=verbose))
        service = configuration.service(config, emit)
        stack.callback(service.release)
        source = service.options.kept(table)
        service.recover()
        update_type = asked or _sensible(service, table)
        _refuse_if_running(service, table)
        service.requests.start()
        token = CancelToken()
        ended = attended(
            lambda: service.sync_now(
                source.table_name, update_type, token, allow_shrink=allow_shrink, requested_by=who()
            ),
            token.request,
        )
    if json:
        write_json(_as_json(ended))
    else:
        _show(ended)
    return _exit(ended)


def _asked(*, mass: bool, daily: bool, hourly: bool) -> UpdateType | None:
    flags = {UpdateType.MASS: mass, UpdateType.DAILY: daily, UpdateType.HOURLY: hourly}
    asked = [update_type for update_type, given in flags.items() if given]
    if len(asked) > 1:
        raise ConfigurationError(
            f"{' and '.join(f'--{str(update_type).lower()}' for update_type in asked)} exclude each other",
            hint="Give one of them, or none: then what is due is run.",
        )
    return asked[0] if asked else None


def _sensible(service: Service, table_name: str) -> UpdateType:
    """What is due; else the smallest window that is scheduled; else everything."""
    config = service.options.kept(table_name)
    seen = service.facts()
    past = seen.past(table_name)
    decision = schedule.decide(config, service.options, past, seen.now, frozenset(), lambda: "")
    if decision.task is not None:
        say(f"{table_name}: {decision.task.update_type}, because it is due ({decision.reason}).")
        return decision.task.update_type
    scheduled = [kind for kind in (UpdateType.HOURLY, UpdateType.DAILY) if config.schedule(kind) is not None]
    chosen = scheduled[0] if scheduled else UpdateType.MASS
    why = "this is the smallest window that is scheduled" if scheduled else "no window is scheduled"
    say(f"{table_name}: {chosen}, because nothing is due and {why}.")
    return chosen


def _refuse_if_running(service: Service, table_name: str) -> None:
    open_updates = service.workplace.cache.log.history(table_name=table_name, open_only=True)
    for update in open_updates:
        raise AlreadyRunning(
            f"{table_name}: a {update.update_type} of it has been running since {phrases.instant(update.start_dt)}, "
            f"by {update.instance_id}"
        )


def _exit(ended: SyncEnded) -> Exit:
    if ended.failure is None:
        return Exit.GOOD
    if ended.outcome is Outcome.CANCELLED:
        return Exit.NOT_GOOD
    if ended.transient or isinstance(ended.failure, ConfigurationError | Defect):
        return meaning(ended.failure)
    return Exit.NOT_GOOD


def _show(ended: SyncEnded) -> None:
    name = f"{ended.task.table_name} {ended.task.update_type}"
    took = phrases.span(ended.duration)
    if ended.outcome is Outcome.SUCCEEDED:
        write(f"{name} succeeded in {took}: {ended.rows:,} rows read; {phrases.outcome(ended.counts)}.")
        return
    say(f"{name} {ended.outcome} after {took}: {ended.error}")
    if ended.hint:
        say(f"hint: {ended.hint}")


def _as_json(ended: SyncEnded) -> JsonValue:
    return {
        "table_name": ended.task.table_name,
        "update_type": str(ended.task.update_type),
        "operation_id": ended.task.operation_id,
        "minimum_dt": iso(ended.task.minimum_dt),
        "outcome": str(ended.outcome),
        "rows": ended.rows,
        "rows_inserted": ended.counts.inserted,
        "rows_updated": ended.counts.updated,
        "rows_unchanged": ended.counts.unchanged,
        "rows_deleted": ended.counts.deleted,
        "rows_duplicate": ended.counts.duplicates,
        "duration_seconds": ended.duration.total_seconds(),
        "error": ended.error,
        "hint": ended.hint or None,
    }
