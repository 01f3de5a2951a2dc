"""Decide, then do: how a sync applies what it reads, and whether an extract may replace a table."""

from dataclasses import dataclass

from afresh.core.errors import SuspiciousExtract
from afresh.core.model import DataUpdateTask, ReloadStrategy, UpdateType
from afresh.core.options import DataSourceConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """How one sync applies its rows.

    `reload` is set if the table is to hold exactly what was read; else rows are merged and none is deleted.
    `trust_source` takes a row even if its stamp went back. `completes_with_data` says that the DataUpdate row is
    completed in the last data transaction; it cannot be where something follows the data.
    """

    reload: ReloadStrategy | None
    trust_source: bool
    re_index: bool
    completes_with_data: bool
    reason: str


def plan_sync(task: DataUpdateTask, config: DataSourceConfig) -> SyncPlan:
    """The plan of a task: Daily and Hourly merge their window, a Mass merges everything or replaces the table."""
    schedule = config.mass if task.update_type is UpdateType.MASS else None
    reload = config.reload_strategy if schedule is not None and schedule.prepurge_data else None
    re_index = schedule is not None and schedule.re_index_data and reload is not ReloadStrategy.SWAP
    return SyncPlan(
        reload=reload,
        trust_source=task.update_type is UpdateType.MASS,
        re_index=re_index,
        completes_with_data=not re_index and config.post_processor is None,
        reason=_reason(task, reload),
    )


def check_shrink(table_name: str, *, existing: int, loaded: int, retained_ratio: float, allowed: bool) -> None:
    """Raises `SuspiciousExtract` for an extract too small to replace the table that is there."""
    if allowed or existing == 0 or (loaded > 0 and loaded >= existing * retained_ratio):
        return
    raise SuspiciousExtract(
        f"{table_name}: the extract has {loaded:,} rows where the table has {existing:,}; "
        f"it would have to keep {retained_ratio:.0%} of them, so the table stays as it is",
        hint=f"If the source really shrank, run `afresh sync {table_name} --mass --allow-shrink` once; "
        "if not, look at the source (a wrong schema reads as 0 rows).",
    )


def _reason(task: DataUpdateTask, reload: ReloadStrategy | None) -> str:
    if reload is not None:
        return f"read everything, then replace the table by {reload}"
    if task.minimum_dt is None:
        return "read everything and merge it; rows that are gone from the source stay"
    return "read the window and merge it; rows that are gone from the source stay"
