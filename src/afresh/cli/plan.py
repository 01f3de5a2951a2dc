"""`afresh plan`: what would run next for each table, when, why, and with which statement."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from afresh.cli import configuration
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.exits import Exit, meaning
from afresh.cli.outlook import lookback
from afresh.cli.output import results, shown, write_json
from afresh.core import phrases, schedule
from afresh.core.account import JsonValue, of_lookback
from afresh.core.errors import AfreshError
from afresh.core.facts import Facts
from afresh.core.lookback import Lookback
from afresh.core.model import DataUpdate, DataUpdateTask
from afresh.core.options import DataSourceConfig
from afresh.core.phrases import iso
from afresh.core.plan import SyncPlan, plan_sync
from afresh.core.ports import Explanation
from afresh.engine.service import Service

_SKEW = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What is next for one table. Without a task nothing ever runs; `waits` says which failure holds it up, or what
    keeps its source from being read, `error` why it cannot be explained. `skew` is the source's clock minus ours."""

    config: DataSourceConfig
    zone: ZoneInfo
    due_at: datetime | None
    reason: str
    waits: str | None = None
    skew: timedelta | None = None
    running: DataUpdate | None = None
    task: DataUpdateTask | None = None
    plan: SyncPlan | None = None
    explanation: Explanation = field(default_factory=Explanation)
    error: AfreshError | None = None
    lookback: tuple[Lookback, ...] = ()


def plan(
    table: Annotated[str | None, typer.Argument(help="Only this table.", metavar="TABLE")] = None,
    config: ConfigPath = None,
    json: Json = False,
) -> Exit:
    """Shows what would run next for each table: when, why, from which instant, with which SQL. Changes nothing."""
    service = configuration.asking(config)
    try:
        seen = service.facts()
        chosen = service.options.data_sources if table is None else (service.options.kept(table),)
        found = [_next(source, service, seen) for source in chosen]
    finally:
        service.release()
    if json:
        write_json({"at": iso(seen.now), "tables": [_as_json(item, seen.now) for item in found]})
    else:
        for item in found:
            _show(item, seen.now)
    return max((meaning(item.error) for item in found if item.error is not None), default=Exit.GOOD)


def _next(config: DataSourceConfig, service: Service, seen: Facts) -> Next:
    past = seen.past(config.table_name)
    holds = seen.holds_of(config.source_system)
    decision = schedule.decide(config, service.options, past, seen.now, frozenset(), _no_operation, seen.asked, holds)
    due_at, waits = decision.next_at, None
    if decision.task is None and due_at is not None:
        waits = decision.reason if past.failures or (holds and due_at > seen.now) else None
        decision = schedule.decide(config, service.options, past, due_at, frozenset(), _no_operation, seen.asked)
    system = service.options.source_systems.get(config.source_system)
    known = Next(
        config=config,
        zone=ZoneInfo(system.time_zone if system is not None else "UTC"),
        due_at=due_at,
        reason=decision.reason,
        waits=waits,
        skew=seen.source(config.source_system).skew,
        running=seen.open_update(config.table_name),
        lookback=lookback(service, config),
    )
    return known if decision.task is None else _explained(known, decision.task, service)


def _no_operation() -> str:
    """A plan has no operation yet."""
    return ""


def _explained(known: Next, task: DataUpdateTask, service: Service) -> Next:
    explanation, error = Explanation(), None
    try:
        explanation = service.tables[task.table_name].fetcher.explain(task.minimum_dt)
    except AfreshError as failed:
        error = failed
    return replace(known, task=task, plan=plan_sync(task, known.config), explanation=explanation, error=error)


def _show(item: Next, now: datetime) -> None:
    console = results()
    console.print(shown(item.config.table_name, "bold"), shown(f"({item.config.source_system}, {item.config.fetcher})"))
    for name, text in _told(item, now):
        label = Text(f"  {name:<11}", style="dim")
        console.print(label.append(shown(text, "")), soft_wrap=True)
    console.print()


def _told(item: Next, now: datetime) -> Iterator[tuple[str, str]]:
    if item.running is not None:
        yield "running", f"{item.running.update_type} since {phrases.instant(item.running.start_dt)}"
    if item.task is None or item.plan is None or item.due_at is None:
        yield "next", f"nothing: {item.reason}"
        return
    yield "next", f"{item.task.update_type}, {phrases.relative(item.due_at, now)} ({phrases.instant(item.due_at)})"
    yield "why", item.reason
    if item.waits is not None:
        yield "waits", item.waits
    yield "reads", _window(item.task.minimum_dt, item.zone)
    yield "applies", item.plan.reason
    if item.error is not None:
        yield "error", item.error.message
        yield "hint", item.error.hint
    statement = item.explanation.statement
    if statement is not None:
        yield "sql", " ".join(statement.sql.split())
        if statement.parameters:
            yield "parameters", ", ".join(repr(parameter) for parameter in statement.parameters)
    if item.explanation.expected_rows is not None:
        yield "expects", f"about {item.explanation.expected_rows:,} rows"
    if item.skew is not None and abs(item.skew) >= _SKEW:
        yield "clock", phrases.skew(item.skew)
    for note in item.explanation.notes:
        yield "note", note
    for found in item.lookback:
        yield "lookback", found.said


def _window(minimum_dt: datetime | None, zone: ZoneInfo) -> str:
    if minimum_dt is None:
        return "everything"
    local = f"{minimum_dt.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return f"what changed since {phrases.instant(minimum_dt)}, which is {local} in the source ({zone.key})"


def _as_json(item: Next, now: datetime) -> JsonValue:
    task, applied, statement = item.task, item.plan, item.explanation.statement
    minimum_dt = task.minimum_dt if task else None
    return {
        "table_name": item.config.table_name,
        "source_system": item.config.source_system,
        "fetcher": item.config.fetcher,
        "running": None if item.running is None else str(item.running.update_type),
        "update_type": None if task is None else str(task.update_type),
        "due_at": iso(item.due_at),
        "is_due": task is not None and item.due_at is not None and item.due_at <= now,
        "reason": item.reason,
        "waits": item.waits,
        "minimum_dt": iso(minimum_dt),
        "minimum_dt_local": None if minimum_dt is None else minimum_dt.astimezone(item.zone).isoformat(),
        "time_zone": item.zone.key,
        "applies": applied.reason if applied else None,
        "reload_strategy": str(applied.reload) if applied and applied.reload else None,
        "sql": statement.sql if statement else None,
        "parameters": [_parameter(value) for value in statement.parameters] if statement else [],
        "skew_seconds": None if item.skew is None else item.skew.total_seconds(),
        "expected_rows": item.explanation.expected_rows,
        "notes": list(item.explanation.notes),
        "lookback": [of_lookback(found) for found in item.lookback],
        "error": item.error.message if item.error else None,
        "hint": item.error.hint or None if item.error else None,
    }


def _parameter(value: object) -> JsonValue:
    return value if isinstance(value, str | int | float | None) else str(value)
