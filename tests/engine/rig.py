"""A service of real parts around sources in memory: real SQLite cache, real orchestrator, a clock set by hand."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from afresh.caches.sqlite import SqliteCache
from afresh.core.events import Event, SyncEnded
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.core.ports import Cache, PostProcessor
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.engine.cancellation import CancelToken
from afresh.engine.instance import new_instance_id
from afresh.engine.service import Service
from afresh.engine.sync import Table, Workplace
from afresh.testing.clock import START, ManualClock
from afresh.testing.executor import InlineExecutor
from afresh.testing.source import MemoryFetcher, MemoryTable

HOUR = timedelta(hours=1)
MASS, DAILY, HOURLY = UpdateType

ITEMS = TableSchema(
    columns=(
        Column(name="Id", type=pa.int64()),
        Column(name="Name", type=pa.string()),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Id",),
    last_update="Changed",
)

E = TypeVar("E", bound=Event)


def item(number: int, name: str = "a", minutes: float = 0) -> dict[str, Any]:
    """A row, stamped so many minutes after the start."""
    return {"Id": number, "Name": name, "Changed": START + timedelta(minutes=minutes)}


def table_config(name: str = "Item", source_system: str = "ERP", **changes: Any) -> DataSourceConfig:
    """A table with all three schedules: 7 days, 1 day, 1 hour."""
    settings: dict[str, Any] = {
        "mass": ScheduleConfig(interval=168 * HOUR),
        "daily": ScheduleConfig(interval=24 * HOUR),
        "hourly": ScheduleConfig(interval=HOUR),
        **changes,
    }
    return DataSourceConfig(table_name=name, source_system=source_system, fetcher="memory", **settings)


@dataclass(kw_only=True)
class Rig:
    """One service, its sources by table, and the events it emitted."""

    service: Service
    cache: Cache
    clock: ManualClock
    events: list[Event]
    sources: dict[str, MemoryFetcher]
    token: CancelToken = field(default_factory=CancelToken)

    @property
    def source(self) -> MemoryFetcher:
        """The only source, or the first."""
        return next(iter(self.sources.values()))

    def sync(
        self, update_type: UpdateType = MASS, table_name: str = "Item", *, allow_shrink: bool = False
    ) -> SyncEnded:
        """One sync now, in this thread."""
        return self.service.sync_now(table_name, update_type, self.token, allow_shrink=allow_shrink)

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def history(self) -> list[DataUpdate]:
        """The log, newest first."""
        return list(self.cache.log.history())


def make_rig(
    directory: Path,
    configs: Iterable[DataSourceConfig] = (),
    *,
    rows: Iterable[dict[str, Any]] = (),
    clock: ManualClock | None = None,
    cache: Cache | None = None,
    executor: Executor | None = None,
    post_processor: PostProcessor | None = None,
    sessions: dict[str, int] | None = None,
    source_systems: Mapping[str, SourceSystemConfig] | None = None,
    instance_id: str | None = None,
    batch_size: int = 100,
    bulk_copy_batch_size: int = 10,
    **settings: Any,
) -> Rig:
    """A service that has not started."""
    clock = clock or ManualClock()
    configs = tuple(configs) or (table_config(),)
    options = DataSyncOptions(
        cache=CacheConfig(url="sqlite:///cache.db", lock_timeout=timedelta(seconds=5)),
        source_systems={
            **{name: SourceSystemConfig(kind="memory", max_sessions=most) for name, most in (sessions or {}).items()},
            **(source_systems or {}),
        },
        data_sources=configs,
        **settings,
    )
    cache = cache or SqliteCache(directory / "cache.db", options.cache)
    events: list[Event] = []
    rows = list(rows)
    sources = {
        config.table_name: MemoryFetcher(MemoryTable(ITEMS, rows), clock=clock, batch_rows=7) for config in configs
    }
    workplace = Workplace(
        cache=cache,
        clock=clock,
        emit=events.append,
        instance_id=instance_id or new_instance_id(),
        batch_size=batch_size,
        bulk_copy_batch_size=bulk_copy_batch_size,
    )
    tables = {
        config.table_name: Table(config=config, fetcher=sources[config.table_name], post_processor=post_processor)
        for config in configs
    }
    service = Service(options, tables, workplace, executor or InlineExecutor())
    _MADE.append(service)
    return Rig(service=service, cache=cache, clock=clock, events=events, sources=sources)


_MADE: list[Service] = []


def release_all() -> None:
    """Ends the heartbeats of all services made so far."""
    while _MADE:
        _MADE.pop().release()


def wait_for(met: Callable[[], bool], seconds: float = 10) -> None:
    """Returns as soon as the condition is met; fails if it is not met in time."""
    give_up = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.005)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """Runs it in a thread of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread
