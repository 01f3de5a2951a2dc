"""A cache that does something at a chosen moment, such as killing its own process: no hook in product code.

`Failing` wraps a cache; the moments are the calls the engine makes to it, before and after each, and `in merge` and
`in reload`, which are inside the transaction that completes the update.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import pyarrow as pa

from afresh.core.model import Completion, DataUpdate, Late, MergeCounts, ReloadStrategy
from afresh.core.ports import Actions, Cache, Cancellation, Capabilities, Complete, Leases, Stage, UpdateLog
from afresh.core.schema import Column, TableSchema

MOMENTS = (
    "before start",
    "after start",
    "before create",
    "after create",
    "before stage",
    "before append",
    "after append",
    "before merge",
    "in merge",
    "after merge",
    "before reload",
    "in reload",
    "after reload",
    "before complete",
    "after complete",
)


def die() -> NoReturn:
    """Ends this process as a power cut would: nothing is closed, flushed or rolled back by it."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process outlived SIGKILL")


@dataclass(slots=True)
class Failpoint:
    """Acts when a moment comes for the `at`th time."""

    moment: str
    action: Callable[[], object] = die
    at: int = 1

    def __post_init__(self) -> None:
        if self.moment not in MOMENTS:
            raise ValueError(f"{self.moment!r} is not one of {MOMENTS}")

    def reached(self, moment: str) -> None:
        """Called by the wrappers at each moment."""
        if moment != self.moment:
            return
        self.at -= 1
        if self.at == 0:
            self.action()

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        """The moments before and after a call that succeeds."""
        self.reached(f"before {call}")
        yield
        self.reached(f"after {call}")


class Failing:
    """A cache with a failpoint."""

    def __init__(self, cache: Cache, failpoint: Failpoint) -> None:
        self._cache = cache
        self._failpoint = failpoint
        self._log = _FailingLog(cache.log, failpoint)

    @property
    def capabilities(self) -> Capabilities:
        return self._cache.capabilities

    @property
    def log(self) -> UpdateLog:
        return self._log

    @property
    def leases(self) -> Leases:
        return self._cache.leases

    @property
    def actions(self) -> Actions:
        return self._cache.actions

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        return self._cache.describe(table_name, wanted)

    def create(self, table_name: str, schema: TableSchema) -> None:
        with self._failpoint.around("create"):
            self._cache.create(table_name, schema)

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        self._cache.add_columns(table_name, columns)

    @contextmanager
    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> Iterator[Stage]:
        self._failpoint.reached("before stage")
        with self._cache.stage(table_name, schema, operation_id, cancel, reload=reload) as stage:
            yield _FailingStage(stage, self._failpoint)

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        return self._cache.clean(live_operations)

    def close(self) -> None:
        self._cache.close()


class _FailingStage:
    def __init__(self, stage: Stage, failpoint: Failpoint) -> None:
        self._stage = stage
        self._failpoint = failpoint

    def append(self, batch: pa.RecordBatch) -> None:
        with self._failpoint.around("append"):
            self._stage.append(batch)

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        with self._failpoint.around("merge"):
            return self._stage.merge(trust_source=trust_source, complete=self._within("merge", complete))

    def late(self, before: datetime) -> Late:
        return self._stage.late(before)

    def sizes(self) -> tuple[int, int]:
        return self._stage.sizes()

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        with self._failpoint.around("reload"):
            return self._stage.reload(strategy, self._within("reload", complete))

    def rebuild_indexes(self) -> None:
        self._stage.rebuild_indexes()

    def _within(self, call: str, complete: Complete | None) -> Complete | None:
        if complete is None:
            return None

        def reached(counts: MergeCounts) -> Completion:
            self._failpoint.reached(f"in {call}")
            return complete(counts)

        return reached


class _FailingLog:
    def __init__(self, log: UpdateLog, failpoint: Failpoint) -> None:
        self._log = log
        self._failpoint = failpoint
        self.last_updates = log.last_updates
        self.failures = log.failures
        self.history = log.history

    def start(self, update: DataUpdate) -> None:
        with self._failpoint.around("start"):
            self._log.start(update)

    def complete(self, completion: Completion) -> None:
        with self._failpoint.around("complete"):
            self._log.complete(completion)

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        return self._log.close_open(live_instances, now)

    def purge(self, before: datetime) -> int:
        return self._log.purge(before)
