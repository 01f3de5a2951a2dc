"""The whole path: the service with its manners and its orchestrator, between a real source and a real cache."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.origin import Origin, Row, row
from tests.faults.reader import Reader

from afresh.core.actions import Action, ActionKind
from afresh.core.events import Event, RowsStaged
from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.core.ports import Cache
from afresh.engine.service import Service
from afresh.testing.clock import ManualClock
from afresh.testing.kit_rig import CacheRig
from afresh.wiring import assemble

HOUR = timedelta(hours=1)
STEPS = {UpdateType.MASS: 168 * HOUR, UpdateType.DAILY: 24 * HOUR, UpdateType.HOURLY: HOUR}
ROWS = 500
"""Rows that a table begins with, which are changed and never deleted."""

SHRINKING = ("Swapped", "Split")
"""The tables from which rows are deleted in the source; a Mass of them replaces the table."""

TABLES: Mapping[str, Mapping[str, Any]] = {
    "Merged": {},
    "Swapped": {"prepurge": True},
    "Split": {"prepurge": True, "partitions": 2, "partition_by": "Id"},
}

SOURCE = "ERP"
_BOUND = 3.0
"""Seconds within which a session of ours has to be gone."""
_LONGEST = 20.0
_OUTSIDE = timedelta(days=2)
"""By how much the first rows are older than any window."""


@dataclass(kw_only=True)
class Trial:
    """One service, what it reads and what it writes."""

    origin: Origin
    service: Service
    cache: Cache
    clock: ManualClock
    reader: Reader
    events: list[Event]
    draw: random.Random
    versions: dict[str, dict[int, int]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(ROWS + 1))
    whole: int = 0
    """Bytes from the server in a Mass of all tables."""
    heard: int = 0
    """Events before the last time that something was due."""

    # ---------------------------------------------------------------------------------- what happens at the source

    def change(self, rows: int = 20) -> None:
        """Rows are changed, added, and of some tables deleted."""
        for table, versions in self.versions.items():
            stay = [number for number in versions if number <= ROWS]
            gone = [number for number in versions if number > ROWS][:5] if table in SHRINKING else []
            numbers = [*self.draw.sample(stay, rows), *(next(self.numbers) for _ in range(5))]
            now = datetime.now(UTC).replace(tzinfo=None)
            fresh = [row(table, number, versions.get(number, 0) + 1, now) for number in numbers]
            self.reader.knows(table, fresh)
            self.origin.write(table, fresh, gone)
            versions.update({one[0]: one[1] for one in fresh})
            for number in gone:
                del versions[number]

    # ---------------------------------------------------------------------------------- what the service does

    def due(self, update_type: UpdateType) -> None:
        """Lets so much time pass that syncs of the type are due, and has the service look."""
        self.heard = len(self.events)
        self.clock.advance(STEPS[update_type] + HOUR)
        self.service.tick()

    def ended(self) -> None:
        """Waits until no sync runs."""
        assert self.service.wait(_LONGEST), "a sync does not end"

    def staged(self) -> None:
        """Waits until rows of some table have come, or nothing runs that could bring any."""

        def met() -> bool:
            came = any(isinstance(event, RowsStaged) for event in self.events[self.heard :])
            return came or self.service.wait(0)

        _wait(met, _LONGEST)

    def ask(self, kind: ActionKind, *, operation_id: str = "", source_system: str = "") -> None:
        """What an operator asks of the service."""
        asked = Action(
            at=self.clock.now(), who="operator", kind=kind, operation_id=operation_id, source_system=source_system
        )
        self.cache.actions.record(asked)
        self.service.requests.look()

    def running(self) -> list[DataUpdate]:
        """The updates that are open."""
        return list(self.cache.log.history(open_only=True))

    def last(self) -> int:
        """The sequence of the update that was recorded last."""
        return max((update.sequence for update in self.cache.log.history(limit=1)), default=0)

    def since(self, sequence: int) -> list[DataUpdate]:
        """The updates recorded after that one."""
        return [update for update in self.cache.log.history(limit=1000) if update.sequence > sequence]

    def settle(self, update_type: UpdateType) -> None:
        """The source being well, goes on until every table had a success of that type, or one that reads more."""
        begun, done = self.last(), set[str]()
        self.due(update_type)
        self.ended()
        for _ in range(12):
            # A type that failed lets the others go first, and of a source that was away one table tries first.
            self.service.tick()
            self.ended()
            done = {
                update.table_name
                for update in self.since(begun)
                if update.outcome is Outcome.SUCCEEDED and update.update_type <= update_type
            }
            if done == set(TABLES):
                return
        raise AssertionError((done, [(update.table_name, update.error_message) for update in self.since(begun)]))

    # ---------------------------------------------------------------------------------- what has to be so

    def no_session_is_left(self) -> None:
        """The server sees none of ours, and no right to one is held in the cache, soon after the syncs have ended: what
        was given up keeps its right until the driver has let go of it."""
        _wait(lambda: self.origin.sessions() == 0, _BOUND)
        _wait(lambda: not self.cache.leases.held(f"session/{SOURCE}/"), _BOUND)

    def cache_equals_source(self, tables: Iterator[str] | tuple[str, ...] = tuple(TABLES)) -> None:
        """Row for row, and both are what the trial has written."""
        for table in tables:
            source, cached = self.origin.rows(table), self.reader.rows(table)
            assert {one[0]: one[1] for one in source} == self.versions[table], table
            assert cached == source, (table, _differences(source, cached))

    def reader_saw_nothing_wrong(self) -> None:
        """At no instant."""
        assert self.reader.complaints == []


def _differences(source: list[Row], cached: list[Row]) -> list[Row]:
    return sorted(set(source) ^ set(cached))[:10]


def _wait(met: Callable[[], bool], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)


@contextmanager
def trial_of(origin: Origin, rig: CacheRig, directory: Path, seed: int) -> Iterator[Trial]:
    """A trial whose tables are loaded and settled, with a reader at work; the service is stopped in the end."""
    clock, events, cache = ManualClock(), list[Event](), rig.make_cache(directory)
    service = assemble(_options(origin), emit=events.append, clock=clock, cache=cache)
    reader = Reader(rig, directory, dict.fromkeys(TABLES, ROWS))
    trial = Trial(
        origin=origin,
        service=service,
        cache=cache,
        clock=clock,
        reader=reader,
        events=events,
        draw=random.Random(seed),
    )
    long_ago = datetime.now(UTC).replace(tzinfo=None) - _OUTSIDE
    for table in TABLES:
        rows = [row(table, number, 1, long_ago) for number in range(1, ROWS + 1)]
        reader.knows(table, rows)
        origin.create(table, rows)
        trial.versions[table] = dict.fromkeys(range(1, ROWS + 1), 1)
    try:
        _load(trial)
        reader.start()
        yield trial
        reader.stop()
    finally:
        service.stop(at_once=True)
        service.run()


def _load(trial: Trial) -> None:
    """The first load, which is measured. From then on the service heeds what it is asked."""
    trial.service.requests.look()
    trial.settle(UpdateType.MASS)
    trial.cache_equals_source()
    before = trial.origin.proxy.received
    trial.settle(UpdateType.MASS)
    trial.whole = trial.origin.proxy.received - before
    trial.no_session_is_left()


def _options(origin: Origin) -> DataSyncOptions:
    system = SourceSystemConfig(
        kind=origin.kind,
        max_sessions=4,
        idle_timeout=timedelta(seconds=6),
        retries=1,
        retry_wait=timedelta(milliseconds=10),
        breaker_pause=HOUR / 2,
        options=origin.options(),
    )
    return DataSyncOptions(
        cache=CacheConfig(url="sqlite:///the cache is given"),
        source_systems={SOURCE: system},
        data_sources=tuple(_table(origin, name, **told) for name, told in TABLES.items()),
        lookback_multiplier=1,
        batch_size=150,
        bulk_copy_batch_size=100,
        max_degree_of_parallelism=4,
    )


def _table(
    origin: Origin,
    name: str,
    *,
    prepurge: bool = False,
    **settings: Any,
) -> DataSourceConfig:
    place = origin.rig.table(origin.directory, name)
    schedules = {kind: ScheduleConfig(interval=interval) for kind, interval in STEPS.items()}
    return DataSourceConfig(
        table_name=name,
        source_system=SOURCE,
        fetcher="table",
        fetcher_options={"table": place.name, "schema_name": place.schema, "cursor": ("Changed",)},
        mass=replace(schedules[UpdateType.MASS], prepurge_data=prepurge),
        daily=schedules[UpdateType.DAILY],
        hourly=schedules[UpdateType.HOURLY],
        **settings,
    )
