"""Many syncs at once: which may start now, which run, and how each ended.

This is the border where the errors of syncs are caught: a sync that fails is an event, never the end of the others.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from afresh.core import events
from afresh.core.errors import AfreshError, AlreadyRunning, Cancelled, Defect
from afresh.core.facts import for_masses
from afresh.core.model import DataUpdateTask, MergeCounts, Outcome, UpdateType
from afresh.core.ports import Clock, Emit
from afresh.engine.cancellation import CancelToken
from afresh.engine.progress import Progress

Run = Callable[[DataUpdateTask, CancelToken], Progress]
"""Does one sync in the calling thread; raises what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may run at the same time: in all, and for each source system."""

    parallel: int
    sessions: Mapping[str, int]

    def of_source(self, source_system: str) -> int:
        """The most syncs that may read that source at the same time."""
        return min(self.sessions.get(source_system, self.parallel), self.parallel)


def _masses(tasks: Sequence[DataUpdateTask]) -> int:
    return sum(task.update_type is UpdateType.MASS for task in tasks)


class Orchestrator:
    """Runs tasks on an executor within limits. At most one sync of a table runs at a time."""

    def __init__(
        self,
        executor: Executor,
        run: Run,
        limits: Limits,
        clock: Clock,
        emit: Emit,
        *,
        may_start: Callable[[DataUpdateTask], bool] = lambda _task: True,
    ) -> None:
        self._executor = executor
        self._run = run
        self._limits = limits
        self._clock = clock
        self._emit = emit
        self._allowed = may_start
        self._changed = threading.Condition()
        self._waiting: list[DataUpdateTask] = []
        self._running: dict[str, tuple[DataUpdateTask, CancelToken]] = {}
        self._closed = False

    @property
    def in_flight(self) -> frozenset[str]:
        """The tables of which a sync runs."""
        with self._changed:
            return frozenset(self._running)

    @property
    def running(self) -> frozenset[str]:
        """The operations that run."""
        with self._changed:
            return frozenset(task.operation_id for task, _token in self._running.values())

    def offer(self, tasks: Sequence[DataUpdateTask]) -> None:
        """Replaces what waits by these tasks, and starts what the limits allow: windows before Masses, in order."""
        with self._changed:
            self._waiting = [] if self._closed else sorted(tasks, key=lambda task: task.update_type is UpdateType.MASS)
            ready = self._take_ready()
        self._start(ready)

    def close(self) -> None:
        """Nothing starts any more."""
        with self._changed:
            self._closed = True
            self._waiting = []

    def cancel(self, reason: str) -> None:
        """Asks all running syncs to stop."""
        with self._changed:
            tokens = [token for _task, token in self._running.values()]
        for token in tokens:
            token.request(reason)

    def cancel_one(self, operation_id: str, reason: str) -> bool:
        """Asks the sync of that operation to stop; whether it runs here."""
        with self._changed:
            tokens = [token for task, token in self._running.values() if task.operation_id == operation_id]
        for token in tokens:
            token.request(reason)
        return bool(tokens)

    def wait(self, seconds: float) -> bool:
        """Waits until nothing runs, so long at most; whether nothing does."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)

    def run_now(self, task: DataUpdateTask, token: CancelToken) -> events.SyncEnded:
        """One sync in the calling thread, beyond the limits, and how it ended; AlreadyRunning if one runs here."""
        with self._changed:
            if task.table_name in self._running:
                raise AlreadyRunning(f"{task.table_name}: a sync of it is running")
            self._running[task.table_name] = (task, token)
        return self._work(task, token)

    def _execute(self, task: DataUpdateTask, token: CancelToken) -> events.SyncEnded:
        began = self._clock.now()
        try:
            done = self._run(task, token)
        except AfreshError as error:
            ended = self._failed(task, began, error)
        except Exception as error:  # noqa: BLE001 - the border: a defect in one sync must not end the service
            defect = Defect(f"{type(error).__name__}: {error}")
            defect.__cause__ = error
            ended = self._failed(task, began, defect)
        else:
            ended = events.SyncEnded(
                at=self._clock.now(),
                task=task,
                outcome=Outcome.SUCCEEDED,
                rows=done.rows,
                counts=done.counts,
                duration=self._clock.now() - began,
            )
        self._emit(ended)
        return ended

    def _failed(self, task: DataUpdateTask, began: datetime, error: AfreshError) -> events.SyncEnded:
        now = self._clock.now()
        return events.SyncEnded(
            at=now,
            task=task,
            outcome=Outcome.CANCELLED if isinstance(error, Cancelled) else Outcome.FAILED,
            rows=0,
            counts=MergeCounts(),
            duration=now - began,
            failure=error,
        )

    def _take_ready(self) -> list[tuple[DataUpdateTask, CancelToken]]:
        ready = []
        for task in list(self._waiting):
            if self._may_start(task):
                self._waiting.remove(task)
                token = CancelToken()
                self._running[task.table_name] = (task, token)
                ready.append((task, token))
        return ready

    def _may_start(self, task: DataUpdateTask) -> bool:
        running = [running for running, _token in self._running.values()]
        reading = [other for other in running if other.source_system == task.source_system]
        of_source = self._limits.of_source(task.source_system)
        return (
            task.table_name not in self._running
            and self._allowed(task)
            and len(running) < self._limits.parallel
            and len(reading) < of_source
            and (
                task.update_type is not UpdateType.MASS
                or (_masses(running) < for_masses(self._limits.parallel) and _masses(reading) < for_masses(of_source))
            )
        )

    def _start(self, ready: Sequence[tuple[DataUpdateTask, CancelToken]]) -> None:
        for task, token in ready:
            self._executor.submit(self._work, task, token)

    def _work(self, task: DataUpdateTask, token: CancelToken) -> events.SyncEnded:
        try:
            return self._execute(task, token)
        finally:
            with self._changed:
                del self._running[task.table_name]
                ready = self._take_ready()
                self._changed.notify_all()
            self._start(ready)
