"""The service: recover, check the schedules, keep syncs running, purge, and stop in good order."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from afresh.core import events, schedule
from afresh.core.actions import standing
from afresh.core.cause import Cause
from afresh.core.errors import AfreshError, UpdateLost
from afresh.core.facts import Facts, LastCheck
from afresh.core.model import FAILED_RECORDS, Completion, DataUpdateTask, Outcome, UpdateType
from afresh.core.options import DataSourceConfig, DataSyncOptions
from afresh.core.ports import SourceSystem, UpdateLog
from afresh.engine.breakers import Breakers
from afresh.engine.cancellation import CancelToken
from afresh.engine.checks import note_check
from afresh.engine.clockwatch import ClockWatch
from afresh.engine.instance import Heartbeat, live_instances, release_dead
from afresh.engine.orchestrator import Limits, Orchestrator
from afresh.engine.outlook import outlook
from afresh.engine.pasts import PastsOf, whole
from afresh.engine.progress import Progress
from afresh.engine.requests import Requests
from afresh.engine.skews import Skews
from afresh.engine.sync import Table, Workplace, sync

_PURGE_INTERVAL = timedelta(days=1)
_CANCEL_SECONDS = 5.0
_CLAIM = timedelta(seconds=10)
_STUCK_SECONDS = 300.0
_DEFAULT_INTERVALS = {
    UpdateType.MASS: timedelta(days=7),
    UpdateType.DAILY: timedelta(days=1),
    UpdateType.HOURLY: timedelta(hours=1),
}


class Service:
    """Keeps tables fresh until it is told to stop. Built by `wiring`; embedded through `hosting`."""

    def __init__(
        self,
        options: DataSyncOptions,
        tables: Mapping[str, Table],
        workplace: Workplace,
        executor: Executor,
        *,
        sources: Mapping[str, SourceSystem] | None = None,
        forget_logins: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self.options = options
        self.tables = tables
        self.sources = sources or {}
        self._breakers = Breakers(options, workplace.emit, forget_logins or {})
        self._skews = Skews(options, workplace.emit)
        self.workplace = workplace
        self._executor = executor
        self._heartbeat = Heartbeat(workplace.cache.leases, workplace.clock, workplace.instance_id)
        self._orchestrator = Orchestrator(
            executor,
            self._sync,
            Limits(
                parallel=options.max_degree_of_parallelism,
                sessions={name: config.max_sessions for name, config in options.source_systems.items()},
            ),
            workplace.clock,
            workplace.emit,
            may_start=self._breakers.may_start,
        )
        self._clock_watch = ClockWatch(workplace.cache, workplace.clock, workplace.instance_id, options.check_interval)
        self._awake = threading.Event()
        self.requests = Requests(workplace.cache.actions, cancel=self._orchestrator.cancel_one, heed=self._awake.set)
        self._stopping = threading.Event()
        self._at_once = threading.Event()
        self._recovered = False
        self._purged_at: datetime | None = None
        self._reported: dict[str, int] = {}
        self._round_at: float | None = None
        self._hindered: AfreshError | None = None

    @property
    def recovered(self) -> bool:
        """Whether what the last run left behind is repaired."""
        return self._recovered

    @property
    def stuck_for(self) -> float | None:
        """Seconds for which the loop has not come round though it should have; None while all is well, and before it
        began. It may wait long for a cache that is locked, so only a long silence counts."""
        if self._round_at is None or self._stopping.is_set():
            return None
        silent = time.monotonic() - self._round_at
        return silent if silent > _STUCK_SECONDS + 3 * self.options.check_interval.total_seconds() else None

    def run(self) -> None:
        """The loop: one check each CheckInterval, and when somebody asked for something, until `stop`; returns when
        the running syncs have ended."""
        try:
            self.requests.start()
            while not self._stopping.is_set():
                self._round_at = time.monotonic()
                self._awake.clear()
                self.tick()
                if not self._stopping.is_set():
                    self._awake.wait(self.options.check_interval.total_seconds())
        finally:
            self._shut_down()

    def stop(self, *, at_once: bool = False) -> None:
        """Asks for the end: no new syncs, running ones get the shutdown timeout, or none with `at_once`."""
        if at_once:
            self._at_once.set()
            self._orchestrator.cancel("the service was told to stop at once")
        self._stopping.set()
        self._awake.set()

    def tick(self) -> None:
        """One look at everything; an error of the cache is an event, and the next look tries again."""
        try:
            if not self._recovered:
                self.recover()
                self._emit_started()
            self._end_orphans()
            self._purge_daily()
            self.check()
            self._hindered = None
        except AfreshError as error:
            self._hindered = error
            self._emit_check_failed(error)

    def recover(self) -> None:
        """What the dead left behind: closes their open updates and drops their staging. Before the first check."""
        place = self.workplace
        self._heartbeat.start()
        live = live_instances(place.cache.leases, place.clock)
        release_dead(place.cache.leases, live)
        closed = place.cache.log.close_open(live, place.clock.now())
        if closed:
            place.emit(
                events.UpdatesClosed(
                    at=place.clock.now(),
                    operation_ids=tuple(update.operation_id for update in closed),
                    tables=tuple(update.table_name for update in closed),
                )
            )
        live_operations = frozenset(update.operation_id for update in place.cache.log.history(open_only=True))
        dropped = place.cache.clean(live_operations)
        if dropped:
            place.emit(events.LeftoversDropped(at=place.clock.now(), names=tuple(dropped)))
        self._recovered = True

    def note_check(self) -> None:
        """Says in the cache that this service looks after the tables now."""
        place = self.workplace
        self._clock_watch.look()
        note_check(place.cache.leases, LastCheck(at=place.clock.now(), instance_id=place.instance_id))

    def check(self) -> tuple[schedule.Decision, ...]:
        """Looks at every schedule and offers what is due; what cannot start yet is looked at again next time."""
        place = self.workplace
        self.note_check()
        decisions = self.decide()
        due = self._with_wanted([decision.task for decision in decisions if decision.task is not None])
        for decision in decisions:
            self._report(decision)
        running = tuple(sorted(self._orchestrator.in_flight))
        place.emit(events.Checked(at=place.clock.now(), due=due, running=running))
        self._orchestrator.offer(due)
        return decisions

    def decide(self) -> tuple[schedule.Decision, ...]:
        """What a check would do now; changes nothing."""
        cache = self.workplace.cache
        in_flight = self._orchestrator.in_flight
        asked = standing(cache.actions.latest())
        pasts = whole(cache.log)
        now = self.workplace.clock.now()
        holds = self._breakers.look(pasts, asked, now)
        return schedule.pending(self.options, pasts, now, in_flight, _new_operation_id, asked, holds)

    def facts(self, pasts: PastsOf = whole) -> Facts:
        """How things stand now, as far as the cache tells. `pasts` is how the log is read."""
        found = outlook(self.options, self.workplace.cache, self.workplace.clock, pasts)
        return found if self._hindered is None else replace(found, hindered=self._hindered)

    def sync_now(
        self,
        table_name: str,
        update_type: UpdateType,
        token: CancelToken,
        *,
        allow_shrink: bool = False,
        requested_by: str = "",
    ) -> events.SyncEnded:
        """One sync in the calling thread, due or not, paused or not; ConfigurationError for a table that is not
        configured."""
        task = self._wanted_task(self.options.kept(table_name), update_type, requested_by, allow_shrink=allow_shrink)
        return self._orchestrator.run_now(task, token)

    def wait(self, seconds: float) -> bool:
        """Waits until no sync runs, so long at most; whether none does."""
        return self._orchestrator.wait(seconds)

    def _with_wanted(self, due: Sequence[DataUpdateTask]) -> tuple[DataUpdateTask, ...]:
        """What is due, and what somebody wants though it is not, each table once."""
        tasks = {task.table_name: task for task in due}
        for table_name, action in self.requests.wanted.items():
            config = self.options.data_source(table_name)
            kind = next((kind for kind in UpdateType if str(kind) == action.argument), None)
            if config is None or kind is None or not self._claims(table_name):
                self.requests.forget(table_name)
                continue
            tasks[table_name] = self._wanted_task(config, kind, action.who)
        return tuple(tasks.values())

    def _claims(self, table_name: str) -> bool:
        """Of several services on one cache only one does what was asked."""
        place = self.workplace
        return place.cache.leases.take(f"run/{table_name}", place.instance_id, place.clock.now(), _CLAIM) is not None

    def _wanted_task(
        self, config: DataSourceConfig, update_type: UpdateType, requested_by: str, *, allow_shrink: bool = False
    ) -> DataUpdateTask:
        cache = self.workplace.cache
        pasts = whole(cache.log)
        past = pasts.get(config.table_name, schedule.NO_PAST)
        leave = schedule.accepted(standing(cache.actions.latest()), past, config.table_name)
        return DataUpdateTask(
            table_name=config.table_name,
            update_type=update_type,
            source_system=config.source_system,
            minimum_dt=schedule.minimum_dt(
                update_type, _interval(config, update_type), past, self.options.lookback_multiplier
            ),
            late_before=schedule.late_before(update_type, config, past, self.options.lookback_multiplier),
            operation_id=_new_operation_id(),
            reason=f"{update_type}: asked for by {requested_by}" if requested_by else f"{update_type}: asked for",
            allow_shrink=allow_shrink or (leave is not None and update_type is UpdateType.MASS),
            requested_by=requested_by,
        )

    def _sync(self, task: DataUpdateTask, token: CancelToken) -> Progress:
        if task.requested_by:
            self.requests.forget(task.table_name)
        self._clock_watch.look()
        try:
            done = sync(task, self.tables[task.table_name], self.workplace, token)
        except AfreshError as error:
            self._breakers.note(task, error)
            raise
        self._breakers.note(task, None)
        self._skews.note(task.source_system, done.skew, self.workplace.clock.now())
        return done

    def _shut_down(self) -> None:
        place = self.workplace
        self._orchestrator.close()
        place.emit(events.ServiceStopping(at=place.clock.now(), running=len(self._orchestrator.in_flight)))
        give_up = self.options.shutdown_timeout.total_seconds()
        while not self._at_once.is_set() and give_up > 0 and not self._orchestrator.wait(min(give_up, 0.1)):
            give_up -= 0.1
        self._orchestrator.cancel("the service was stopped")
        self._orchestrator.wait(_CANCEL_SECONDS)
        self.release()
        self._executor.shutdown(wait=False)
        place.emit(events.ServiceStopped(at=place.clock.now(), instance_id=place.instance_id))

    def release(self) -> None:
        """Gives back the lease, and the connections of sources and cache."""
        self.requests.stop()
        for source in self.sources.values():
            source.close()
        self._heartbeat.stop()
        self.workplace.cache.close()

    def _end_orphans(self) -> None:
        """Ends our own open updates whose sync has ended without being able to write so."""
        place = self.workplace
        before = self._orchestrator.running
        for update in place.cache.log.history(open_only=True):
            ours = update.instance_id == place.instance_id
            if not ours or update.operation_id in before | self._orchestrator.running:
                continue
            with suppress(UpdateLost):  # it ended just now
                place.cache.log.complete(
                    Completion(
                        operation_id=update.operation_id,
                        end_dt=place.clock.now(),
                        outcome=Outcome.FAILED,
                        number_records=FAILED_RECORDS,
                        error_message="The sync failed, and the cache could not be told at the time.",
                        cause=Cause.CACHE_UNREACHABLE,
                    )
                )

    def _purge_daily(self) -> None:
        place = self.workplace
        now = place.clock.now()
        if self._purged_at is not None and _PURGE_INTERVAL > now - self._purged_at >= timedelta(0):
            return
        before = now - timedelta(days=self.options.purge_retention_days)
        rows = place.cache.log.purge(before)
        self._purged_at = now
        if rows:
            place.emit(events.UpdatesPurged(at=now, rows=rows, before=before))

    def _report(self, decision: schedule.Decision) -> None:
        """Says once for each due run that the clock went back, or that earlier runs were missed."""
        slot = decision.slot
        if decision.task is None or slot is None or slot.last is None:
            return
        if self._reported.get(decision.table_name) == slot.last.sequence:
            return
        self._reported[decision.table_name] = slot.last.sequence
        now = self.workplace.clock.now()
        if slot.clock_went_back:
            self.workplace.emit(events.ClockWentBack(at=now, table_name=decision.table_name, last=slot.last.start_dt))
        elif slot.missed:
            self.workplace.emit(
                events.RunsMissed(
                    at=now,
                    table_name=decision.table_name,
                    update_type=str(slot.update_type),
                    missed=slot.missed,
                    since=slot.last.start_dt,
                )
            )

    def _emit_started(self) -> None:
        place = self.workplace
        place.emit(events.ServiceStarted(at=place.clock.now(), instance_id=place.instance_id, tables=len(self.tables)))

    def _emit_check_failed(self, error: AfreshError) -> None:
        place = self.workplace
        place.emit(events.CheckFailed(at=place.clock.now(), error=str(error), hint=error.hint))


def _interval(config: DataSourceConfig, update_type: UpdateType) -> timedelta:
    found = config.schedule(update_type)
    return found.interval if found is not None else _DEFAULT_INTERVALS[update_type]


def last_sequence(log: UpdateLog, table_name: str) -> int:
    """That of the last update of the table that was recorded, however it ended; 0 before the first."""
    recorded = [update for update in log.last_updates() if update.table_name == table_name]
    recorded += log.failures().get(table_name, ())
    recorded += log.history(table_name=table_name, open_only=True)
    return max((update.sequence for update in recorded), default=0)


def _new_operation_id() -> str:
    return uuid.uuid4().hex
