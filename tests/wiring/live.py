"""Whole services, as they are wired, on a table that a test may change: of SQLite, and of PostgreSQL."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.sources import postgres_source_rig
from tests.sources.postgres_source_rig import PostgresSourceRig
from tests.sources.sqlite_source_rig import SqliteSourceRig

from afresh import wiring
from afresh.core.events import Event, SyncEnded
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.engine.cancellation import CancelToken
from afresh.engine.service import Service
from afresh.testing.source_kit_rig import SourceRig

RIGS: Mapping[str, SourceRig] = {"sqlite": SqliteSourceRig(), "postgres": PostgresSourceRig()}

_TABLE = ("CREATE TABLE {item} (id INTEGER PRIMARY KEY, name VARCHAR(20), changed TIMESTAMP)",
          "INSERT INTO {item} VALUES (1, 'bolt', '2026-01-01 10:00:00'), (2, 'nut', NULL)")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A service that keeps `Item` of the source's table `item`: id, name, changed; two rows. Its events so far."""

    service: Service
    directory: Path
    rig: SourceRig
    events: list[Event] = field(default_factory=list)

    def source_runs(self, *statements: str) -> None:
        """Statements that another program runs in the source; `{item}` is the table."""
        item = self.rig.place(self.directory, "item")
        self.rig.execute(self.directory, *(statement.format(item=item) for statement in statements))

    def sync(self, update_type: UpdateType = UpdateType.MASS) -> SyncEnded:
        """One sync now, in this thread."""
        return self.service.sync_now("Item", update_type, CancelToken())

    @property
    def last(self) -> DataUpdate:
        """What the log has of the last sync."""
        return self.service.workplace.cache.log.history(limit=1)[0]

    def cached(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement gives in the cache."""
        with closing(sqlite3.connect(self.directory / "cache.db")) as connection:
            return connection.execute(sql).fetchall()


@contextmanager
def live(kind: str, directory: Path, **fetcher_options: Any) -> Iterator[Live]:
    """A service on a table of that kind of source, in a cache of its own."""
    rig = RIGS[kind]
    rig.prepare(directory)
    try:
        events: list[Event] = []
        options = _options(kind, directory, {"cursor": ("changed",), **fetcher_options})
        found = Live(service=wiring.assemble(options, emit=events.append), directory=directory, rig=rig, events=events)
        found.source_runs(*_TABLE)
        try:
            yield found
        finally:
            found.service.release()
    finally:
        rig.discard(directory)


def _options(kind: str, directory: Path, fetcher_options: Mapping[str, Any]) -> DataSyncOptions:
    place = RIGS[kind].table(directory, "item")
    return DataSyncOptions(
        cache=CacheConfig(url="sqlite:///cache.db"),
        source_systems={"ERP": SourceSystemConfig(kind=kind, retries=0, options=_reached(kind, directory))},
        data_sources=(
            DataSourceConfig(
                table_name="Item",
                source_system="ERP",
                fetcher="table",
                fetcher_options={"table": place.name, "schema_name": place.schema, **fetcher_options},
                mass=ScheduleConfig(interval=timedelta(days=7)),
                daily=ScheduleConfig(interval=timedelta(days=1)),
                hourly=ScheduleConfig(interval=timedelta(hours=1)),
            ),
        ),
        base_directory=directory,
    )


def _reached(kind: str, directory: Path) -> Mapping[str, Any]:
    if kind == "sqlite":
        return {"path": directory / "kit.db"}
    reached = postgres_source_rig.options("afresh live tests")
    return {name: getattr(reached, name) for name in ("host", "port", "database", "user", "password")}
