"""Rows of the log, and tables with schedules, as the tests of the decisions need them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.core.schedule import Decision, Past, decide

MASS, DAILY, HOURLY = UpdateType
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

INTERVALS = {MASS: 7 * DAY, DAILY: DAY, HOURLY: HOUR}


def ago(**units: float) -> datetime:
    """An instant before now."""
    return NOW - timedelta(**units)


def update(
    update_type: UpdateType,
    start_dt: datetime,
    *,
    sequence: int = 1,
    outcome: Outcome | None = Outcome.SUCCEEDED,
    source_dt: datetime | None = None,
    table_name: str = "Item",
) -> DataUpdate:
    """A row of the log; ended as it began, unless it runs."""
    return DataUpdate(
        table_name=table_name,
        source_system="ERP",
        update_type=update_type,
        operation_id=f"{sequence:032x}",
        instance_id="test",
        start_dt=start_dt,
        source_dt=source_dt,
        end_dt=start_dt if outcome else None,
        was_successful=outcome is Outcome.SUCCEEDED if outcome else None,
        number_records=0 if outcome is Outcome.SUCCEEDED else -1 if outcome else -2,
        outcome=outcome,
        error_message=None if outcome in {Outcome.SUCCEEDED, None} else f"it {outcome}",
        sequence=sequence,
    )


def past(*updates: DataUpdate) -> Past:
    """The successes and failures among the updates, as the log would give them."""
    successes = {one.update_type: one for one in sorted(updates, key=lambda one: one.sequence) if one.was_successful}
    failures = tuple(
        one
        for one in sorted(updates, key=lambda one: -one.sequence)
        if one.was_successful is False
        and (one.update_type not in successes or successes[one.update_type].sequence < one.sequence)
    )
    return Past(successes=successes, failures=failures)


def table(*enabled: UpdateType, name: str = "Item", **settings: Any) -> DataSourceConfig:
    """A table with those schedules: 7 days, 1 day, 1 hour; all three if none is named."""
    schedules = {
        str(update_type).lower(): ScheduleConfig(interval=INTERVALS[update_type])
        for update_type in enabled or UpdateType
    }
    return DataSourceConfig(table_name=name, source_system="ERP", fetcher="x", **(schedules | settings))


def options(*sources: DataSourceConfig, **settings: Any) -> DataSyncOptions:
    """Settings with those tables."""
    return DataSyncOptions(cache=CacheConfig(url="sqlite:///x"), data_sources=sources, **settings)


def decided(
    config: DataSourceConfig, history: Past, now: datetime = NOW, *, in_flight: tuple[str, ...] = (), **settings: Any
) -> Decision:
    """What a check decides for the table."""
    return decide(config, options(config, **settings), history, now, frozenset(in_flight), lambda: "o" * 32)
