"""How a table stands, judged from the log and the clock alone. One judgement; commands, pages and metrics show it.

Green must be earned: a table is fresh only if a committed success proves it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import DataSourceConfig, DataSyncOptions
from afresh.core.schedule import Past, slots_of

GRACE = 1.5
"""A success counts for this many intervals."""

FAILURES_TO_UNHEALTHY = 3


class State(StrEnum):
    """How one table stands."""

    FRESH = "Fresh"
    DUE = "Due"
    SYNCING = "Syncing"
    CATCHING_UP = "Catching up"
    LATE = "Late"
    FAILING = "Failing"
    NEVER_LOADED = "Never loaded"
    DISABLED = "Disabled"


class Health(StrEnum):
    """The specified aggregate."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    UNHEALTHY = "Unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """The judgement of one table. `data_as_of` is the anchor of the last committed update that covers a window."""

    table_name: str
    source_system: str
    state: State
    health: Health
    reason: str
    last_success: Mapping[UpdateType, DataUpdate]
    data_as_of: datetime | None
    running_since: datetime | None
    overdue_by: timedelta | None
    consecutive_failures: int
    last_error: str | None
    next_at: datetime | None


def judge(
    options: DataSyncOptions, pasts: Mapping[str, Past], running: Iterable[DataUpdate], now: datetime
) -> tuple[TableHealth, ...]:
    """Every data source's health, in the order of the configuration."""
    open_updates = {update.table_name: update for update in running}
    return tuple(
        judge_table(
            config, options, pasts.get(config.table_name, Past(successes={})), open_updates.get(config.table_name), now
        )
        for config in options.data_sources
    )


def judge_table(
    config: DataSourceConfig, options: DataSyncOptions, past: Past, running: DataUpdate | None, now: datetime
) -> TableHealth:
    """One table's health."""
    slots = slots_of(config, options, past, now) if config.is_enabled else ()
    latest = past.latest(UpdateType)
    failures = [
        update
        for update in past.failures
        if update.outcome is not Outcome.CANCELLED and (latest is None or update.sequence > latest.sequence)
    ]
    overdue = max((now - slot.last.start_dt - slot.interval * GRACE for slot in slots if slot.last), default=None)
    late = overdue is not None and overdue > timedelta(0)
    never = latest is None
    if not slots:
        state, health, reason = State.DISABLED, Health.HEALTHY, "it is not synced"
    elif len(failures) >= FAILURES_TO_UNHEALTHY:
        state, health = State.FAILING, Health.UNHEALTHY
        reason = f"{len(failures)} syncs in a row failed"
    elif never:
        state = State.SYNCING if running else State.NEVER_LOADED
        health, reason = Health.DEGRADED, "the first load runs" if running else "no sync has succeeded yet"
    elif late:
        state = State.CATCHING_UP if running or failures else State.LATE
        health = Health.DEGRADED if running or failures else Health.UNHEALTHY
        reason = "a sync runs" if running else "the last sync failed" if failures else "nothing is under way"
    elif running:
        state, health, reason = State.SYNCING, Health.HEALTHY, f"{running.update_type} runs"
    elif any(slot.due_at <= now for slot in slots):
        state, health, reason = State.DUE, Health.HEALTHY, "the next sync is due"
    else:
        state, health, reason = State.FRESH, Health.HEALTHY, "each schedule was met"
    return TableHealth(
        table_name=config.table_name,
        source_system=config.source_system,
        state=state,
        health=health,
        reason=reason,
        last_success=past.successes,
        data_as_of=latest.anchor if latest else None,
        running_since=running.start_dt if running else None,
        overdue_by=overdue if late else None,
        consecutive_failures=len(failures),
        last_error=failures[0].error_message if failures else None,
        next_at=min((slot.ready_at for slot in slots), default=None),
    )


def worst(tables: Iterable[TableHealth]) -> Health:
    """The aggregate: that of the worst table; healthy without any."""
    order = list(Health)
    return max((table.health for table in tables), key=order.index, default=Health.HEALTHY)
