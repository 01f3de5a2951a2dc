"""A real service on a real SQLite cache, and everything that could make it lie: sources that fail, crawl or tell a
wrong time, clocks that are set, services that stop, hang or are killed, pauses, and a cache out of reach.

The oracle knows the true time, which nobody else does, and so the true age of each table's data. What is said of the
tables is sampled after every step: by the judgement, and by what `afresh status --json`
writes; now and then also by API, health endpoint, pages and metrics.
"""

import subprocess
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.properties.faces import Faces

from afresh.caches.sqlite import SqliteCache
from afresh.cli.standing import as_json
from afresh.core.actions import Action, ActionKind
from afresh.core.cause import Cause
from afresh.core.errors import AfreshError, SourceRefused, SourceUnavailable
from afresh.core.events import Event, SyncEnded, SyncStarted
from afresh.core.facts import CLOCK_TOLERANCE
from afresh.core.health import GRACE
from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.core.states import State
from afresh.engine.cancellation import CancelToken
from afresh.engine.instance import _process_start, machine
from afresh.engine.judging import Judging, judged
from afresh.engine.service import Service
from afresh.engine.sync import Table, Workplace
from afresh.testing.clock import START, ManualClock
from afresh.testing.executor import InlineExecutor
from afresh.testing.scratch import scratch
from afresh.testing.source import MemoryFetcher, MemoryTable

MINUTE = timedelta(minutes=1)
NONE = timedelta(0)
CHECK = 10 * MINUTE
TABLES = ("A", "B")
_FACES_EVERY = 5
"""The other faces are looked at after every so many steps: they take longer."""
INTERVALS = {"A": timedelta(hours=1), "B": timedelta(hours=4)}
SCHEMA = TableSchema(
    columns=(Column(name="Id", type=pa.int64()), Column(name="Changed", type=TIMESTAMP)),
    key=("Id",),
    last_update="Changed",
)


class Crawling(MemoryFetcher):
    """A source that takes its time, in which the world goes on."""

    takes = NONE

    def __init__(self, machine: "FalseGreen", clock: ManualClock) -> None:
        super().__init__(MemoryTable(SCHEMA, [{"Id": 1, "Changed": START}]), clock=clock)
        self._machine = machine

    def fetch(self, minimum_dt: datetime | None, reading: Any) -> Any:
        yield from super().fetch(minimum_dt, reading)
        self._machine.let_pass(self.takes)


class Identity:
    """A process that a service can claim to be, and that can be killed without ending us."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["sleep", "600"])
        pid = self._process.pid
        self.instance_id = f"{machine()}/{pid}/{_process_start(pid)}/{uuid4().hex[:8]}"

    def kill(self) -> None:
        """The process is gone, and everybody on this machine can see it."""
        self._process.kill()
        self._process.wait()


class FalseGreen(RuleBasedStateMachine):
    """Whatever happens, no table is called fresh when it is not."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.directory = self.resources.enter_context(scratch())
        self.truth = START
        self.clock = ManualClock(START)
        self.source_clock = ManualClock(START)
        self.sources = {name: Crawling(self, self.source_clock) for name in TABLES}
        self.steps = 0
        self.faces: Faces | None = None
        self.service: Service | None = None
        self.identity: Identity | None = None
        self.hangs = False
        self.checked: datetime | None = None
        self.hidden_since_check = NONE
        self.started: dict[str, datetime] = {}
        self.proved: dict[str, datetime] = {}
        self.unnoticed: dict[str, timedelta] = {}
        self.paused: set[str] = set()
        self.open_by_dead = False
        self.fresh_seen = 0
        self.options = DataSyncOptions(
            cache=CacheConfig(url="sqlite:///cache.db", lock_timeout=timedelta(seconds=5)),
            check_interval=CHECK,
            data_sources=tuple(_config(name) for name in TABLES),
        )
        self.reader = self._made("reader", lambda _event: None)
        self.judging = Judging(self.reader)

    @initialize()
    def begin(self) -> None:
        """A service that has just loaded its tables."""
        self.start()

    def teardown(self) -> None:
        self.kill()
        if self.faces is not None:
            self.faces.close()
        self.reader.release()
        self.resources.close()

    # ---------------------------------------------------------------------------------------------- the world

    @rule(minutes=st.sampled_from([1, 9, 11, 25, 31, 50, 57, 61, 95, 250]))
    def pass_time(self, minutes: int) -> None:
        """Time passes, and a service that is well looks at its schedules in it."""
        end = self.truth + minutes * MINUTE
        while self.truth < end:
            due = (self.checked or self.truth) + CHECK
            self.let_pass(max(min(end, due) - self.truth, MINUTE))
            if self.truth >= due:
                self.tick()

    @rule(minutes=st.sampled_from([-300, -200, -120, -61, -50, -45, -30, -12, -3, 3, 30, 61, 300]))
    def set_clock(self, minutes: int) -> None:
        """Somebody sets our clock, forward or back."""
        if minutes < 0:
            self.hidden_since_check += CLOCK_TOLERANCE
            for name in TABLES:
                self.unnoticed[name] = self.unnoticed.get(name, NONE) + CLOCK_TOLERANCE
        self.clock.step(minutes * MINUTE)

    @rule(minutes=st.sampled_from([-6_000, -60, 60, 6_000]))
    def set_clock_of_source(self, minutes: int) -> None:
        """Somebody sets the clock of the source."""
        self.source_clock.advance(minutes * MINUTE)

    @rule(name=st.sampled_from(TABLES), error=st.sampled_from([SourceUnavailable, SourceRefused, None]))
    def break_source(self, name: str, error: type[AfreshError] | None) -> None:
        """A source fails from now on, or works again."""
        self.sources[name].fail_after = None if error is None else (0, error("it does not answer"))

    @rule(name=st.sampled_from(TABLES), minutes=st.sampled_from([0, 20, 70, 100]))
    def slow_source(self, name: str, minutes: int) -> None:
        """A source takes that long from now on."""
        self.sources[name].takes = minutes * MINUTE

    # -------------------------------------------------------------------------------------------- the service

    @precondition(lambda self: self.service is None)
    @rule()
    def start(self) -> None:
        """A service starts."""
        self.identity = Identity()
        self.service = self._made(self.identity.instance_id, self._hear)
        self.hangs = False
        self.tick()

    @precondition(lambda self: self.service is not None)
    @rule()
    def stop(self) -> None:
        """The service ends in good order."""
        assert self.service is not None
        self.service.release()
        self.kill()

    @precondition(lambda self: self.service is not None)
    @rule(in_sync=st.booleans())
    def die(self, in_sync: bool) -> None:
        """The service is killed, perhaps in the middle of a sync."""
        assert self.service is not None
        assert self.identity is not None
        if in_sync:
            with suppress(AfreshError):
                self.service.workplace.cache.log.start(_update(self.clock.now(), self.identity.instance_id))
                self.open_by_dead = True
        self.kill()

    def kill(self) -> None:
        """Nothing is closed or given back."""
        if self.service is not None and self.identity is not None:
            self.identity.kill()
            self.service._heartbeat._stop.set()
        self.service = None

    @precondition(lambda self: self.service is not None)
    @rule(hangs=st.booleans())
    def hang(self, hangs: bool) -> None:
        """The service does not look any more, or does again."""
        self.hangs = hangs

    @rule(name=st.sampled_from(TABLES), kind=st.sampled_from([ActionKind.PAUSE, ActionKind.RESUME]))
    def pause(self, name: str, kind: ActionKind) -> None:
        """Somebody pauses a table, or resumes it."""
        self._record(kind, name)
        (self.paused.add if kind is ActionKind.PAUSE else self.paused.discard)(name)

    @precondition(lambda self: self.service is not None)
    @rule(name=st.sampled_from(TABLES), update_type=st.sampled_from([UpdateType.MASS, UpdateType.HOURLY]))
    def sync(self, name: str, update_type: UpdateType) -> None:
        """Somebody asks for a sync."""
        assert self.service is not None
        self.service.sync_now(name, update_type, CancelToken())

    # --------------------------------------------------------------------------------------------- the oracle

    @invariant()
    def nothing_is_falsely_green(self) -> None:
        """Neither the judgement nor the command calls a table fresh that is not, and they say the same; so does the
        judgement of somebody who has looked all the time, and keeps what has not changed."""
        found = judged(self.reader)
        self.judging.forget()
        kept = self.judging.now()
        told: Any = as_json(found, {})
        for table, said in zip(found.tables, told["tables"], strict=True):
            assert (said["table_name"], said["state"], said["colour"] == "green") == (
                table.table_name,
                str(table.state),
                table.state is State.FRESH,
            )
            assert (table.cause is None) == (table.state is State.FRESH)
            if table.state is State.FRESH:
                self.fresh_seen += 1
                self._is_fresh(table.table_name)
        for table in kept.tables:
            if table.state is State.FRESH:
                self._is_fresh(table.table_name)
        assert kept.tables == found.tables
        self.steps += 1
        if self.steps % _FACES_EVERY == 0:
            self._all_say_the_same({table.table_name: table.state for table in found.tables})

    def _is_fresh(self, name: str) -> None:
        lie = self.lie(name)
        assert lie is None, f"{name} is called fresh, but {lie}"

    def _all_say_the_same(self, judged: dict[str, State]) -> None:
        """API, health endpoint, pages and metrics show that same judgement, and none is greener."""
        if self.faces is None:
            self.faces = Faces(self.reader)
        expected = {name: str(state) for name, state in judged.items()}
        for face, states in self.faces.states().items():
            assert states == expected, f"{face} says {states}, the judgement {expected}"
        for name in judged:
            if self.faces.fresh(name):
                assert self.lie(name) is None, f"/freshness calls {name} fresh, but {self.lie(name)}"

    @rule()
    def lose_the_cache(self) -> None:
        """While the cache cannot be opened nothing is known."""
        path = self.directory / "cache.db"
        aside = self.directory / "aside"
        path.rename(aside)
        path.mkdir()
        try:
            found = judged(self.reader)
        finally:
            path.rmdir()
            aside.rename(path)
        assert {(table.state, table.cause) for table in found.tables} == {(State.UNKNOWN, Cause.CACHE_UNREACHABLE)}

    def lie(self, name: str) -> str | None:
        """Why a table is not fresh; None if it may be."""
        if name not in self.proved:
            return "no sync of it ever succeeded"
        if self.service is None:
            return "no service is there"
        if self.checked is None or self.truth - self.checked > 4 * CHECK + self.hidden_since_check:
            return "the service hangs"
        if name in self.paused:
            return "it is paused"
        age, limit = self.truth - self.proved[name], INTERVALS[name] * GRACE
        if age > limit + self.unnoticed.get(name, NONE):
            return f"its data is {age} old, and its limit is {limit}"
        return None

    # ---------------------------------------------------------------------------------------------- the means

    def tick(self) -> None:
        """The service does what it does at each check."""
        if self.service is None or self.hangs:
            return
        self.checked, self.hidden_since_check = self.truth, NONE
        self.service.tick()

    def let_pass(self, duration: timedelta) -> None:
        """Time passes on every clock."""
        self.truth += duration
        self.clock.advance(duration)
        self.source_clock.advance(duration)

    def _hear(self, event: Event) -> None:
        if isinstance(event, SyncStarted):
            self.started[event.task.table_name] = self.truth
        elif isinstance(event, SyncEnded) and event.outcome is Outcome.SUCCEEDED:
            name = event.task.table_name
            if self.started[name] != self.proved.get(name):
                self.unnoticed[name] = NONE
            self.proved[name] = self.started[name]

    def _record(self, kind: ActionKind, name: str) -> None:
        self.reader.workplace.cache.actions.record(
            Action(at=self.clock.now(), who="me@here", kind=kind, table_name=name)
        )

    def _made(self, instance_id: str, emit: Any) -> Service:
        workplace = Workplace(
            cache=SqliteCache(Path(self.directory) / "cache.db", self.options.cache),
            clock=self.clock,
            emit=emit,
            instance_id=instance_id,
            batch_size=100,
            bulk_copy_batch_size=100,
        )
        tables = {
            config.table_name: Table(config=config, fetcher=self.sources[config.table_name])
            for config in self.options.data_sources
        }
        return Service(self.options, tables, workplace, InlineExecutor())


def _config(name: str) -> DataSourceConfig:
    return DataSourceConfig(
        table_name=name,
        source_system=f"source of {name}",
        fetcher="memory",
        mass=ScheduleConfig(interval=timedelta(days=7)),
        hourly=ScheduleConfig(interval=INTERVALS[name]),
    )


def _update(at: datetime, instance_id: str) -> DataUpdate:
    return DataUpdate(
        table_name="A",
        source_system="source of A",
        update_type=UpdateType.HOURLY,
        operation_id=uuid4().hex,
        instance_id=instance_id,
        start_dt=at,
    )
