"""How far a sync has come, what its time went into, and what the log is told of it when it ends."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import SimpleQueue

from afresh.core.cause import cause_of
from afresh.core.errors import AfreshError, Cancelled, LoginRefused
from afresh.core.lookback import Measure
from afresh.core.model import (
    FAILED_RECORDS,
    Completion,
    DataUpdateTask,
    Late,
    MergeCounts,
    Misfit,
    Outcome,
    Phase,
    PhaseSpan,
    SourceInstant,
    UpdateDetails,
)
from afresh.core.ports import Clock
from afresh.core.select import Policy


@dataclass(slots=True, kw_only=True)
class Progress:
    """The one thing of a sync that changes, and only its own sync changes it."""

    started: datetime
    plan: str = ""
    source_dt: datetime | None = None
    skew: timedelta | None = None
    latency: timedelta | None = None
    measure: Measure | None = None
    """How the lateness of rows is measured; None where it is not."""
    late: Late = field(default_factory=Late)
    rows: int = 0
    batches: int = 0
    counts: MergeCounts = field(default_factory=MergeCounts)
    phases: dict[Phase, timedelta] = field(default_factory=dict)
    spans: dict[Phase, PhaseSpan] = field(default_factory=dict)
    """When each phase was under way; whole only between phases."""
    recorded: bool = False
    misfits: SimpleQueue[Misfit] = field(default_factory=SimpleQueue)
    """What the read reported and nobody has dealt with yet."""
    adjusted: Counter[Policy] = field(default_factory=Counter)
    """Values that were changed or rows that were left out, by policy."""
    _under_way: tuple[Phase, datetime] | None = None

    def hear(self, told: SourceInstant | None, at: datetime) -> None:
        """Notes what the source said of its clock, how far that is from ours, and how long the answer took."""
        if told is not None:
            self.source_dt, self.skew, self.latency = told.anchor, told.now - at, told.took

    @contextmanager
    def spending(self, phase: Phase, clock: Clock) -> Iterator[None]:
        """Counts the time until the context ends as spent on that phase."""
        self._under_way = phase, clock.now()
        failed = True
        try:
            yield
            failed = False
        finally:
            self._leave(phase, clock.now(), failed=failed)

    def _leave(self, phase: Phase, at: datetime, *, failed: bool) -> None:
        began = at if self._under_way is None else self._under_way[1]
        self.phases = self._spent(at)
        self.spans[phase] = PhaseSpan(
            phase=phase,
            began=self.spans[phase].began if phase in self.spans else began,
            ended=max(at, began),
            spent=self.phases[phase],
            failed=failed,
        )
        self._under_way = None

    def success(self, task: DataUpdateTask, clock: Clock, counts: MergeCounts | None = None) -> Completion:
        """What the log says if nothing goes wrong any more; `counts` are those not yet added."""
        return Completion(
            operation_id=task.operation_id,
            end_dt=clock.now(),
            outcome=Outcome.SUCCEEDED,
            number_records=self.rows,
            counts=self.counts + counts if counts is not None else self.counts,
            source_dt=self.source_dt,
            details=self._with_lateness(task, self._details(task, clock.now())),
        )

    def failure(self, task: DataUpdateTask, clock: Clock, error: BaseException) -> Completion:
        """What the log says of a sync that ended by an error."""
        return Completion(
            operation_id=task.operation_id,
            end_dt=clock.now(),
            outcome=Outcome.CANCELLED if isinstance(error, Cancelled) else Outcome.FAILED,
            number_records=FAILED_RECORDS,
            source_dt=self.source_dt,
            error_message=str(error) if isinstance(error, AfreshError) else f"{type(error).__name__}: {error}",
            cause=cause_of(error),
            details=replace(
                self._details(task, clock.now()),
                refused_login=error.settings if isinstance(error, LoginRefused) else "",
            ),
        )

    def _details(self, task: DataUpdateTask, at: datetime) -> UpdateDetails:
        """Also in the middle of a phase, as the transaction that completes the update is."""
        return UpdateDetails(
            phases=self._spent(at),
            batches=self.batches,
            plan=self.plan,
            adjusted={str(policy): rows for policy, rows in self.adjusted.items() if policy != Policy.QUARANTINE},
            quarantined=self.adjusted[Policy.QUARANTINE],
            skew=self.skew,
            latency=self.latency,
            requested_by=task.requested_by,
        )

    def _with_lateness(self, task: DataUpdateTask, details: UpdateDetails) -> UpdateDetails:
        if self.measure is None:
            return details
        if task.minimum_dt is None:
            return replace(details, missed=self.late.rows)
        return replace(details, lateness=self.measure.lateness(self.late))

    def _spent(self, at: datetime) -> dict[Phase, timedelta]:
        if self._under_way is None:
            return dict(self.phases)
        phase, began = self._under_way
        # A clock that goes back in between must not make it negative.
        return {**self.phases, phase: self.phases.get(phase, timedelta()) + max(at - began, timedelta())}
