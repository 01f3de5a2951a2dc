"""What happened, as one stream of frozen values. Log, metrics, traces, progress bars and pages are sinks of it.

No event carries a secret or a data value.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from afresh.core.errors import AfreshError
from afresh.core.model import DataUpdateTask, MergeCounts, Outcome, PhaseSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, at an instant of the service's clock."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(Event):
    """The service runs: leftovers are repaired, the first check follows."""

    instance_id: str
    tables: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopping(Event):
    """No new syncs start; running ones have until the shutdown timeout."""

    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopped(Event):
    """The service has ended."""

    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatesClosed(Event):
    """Open updates of dead instances were ended as interrupted."""

    operation_ids: tuple[str, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftoversDropped(Event):
    """Staging and shadow tables of dead operations were dropped."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatesPurged(Event):
    """Old DataUpdate rows were deleted."""

    rows: int
    before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Event):
    """The schedules were looked at."""

    due: tuple[DataUpdateTask, ...]
    running: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailed(Event):
    """The schedules could not be looked at; the service tries again at the next check."""

    error: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsMissed(Event):
    """The service was off or overloaded while runs fell due; one catch-up run stands for all of them."""

    table_name: str
    update_type: str
    missed: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWentBack(Event):
    """The last success of a table lies in the future of our clock, so the table is taken as due."""

    table_name: str
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Event):
    """A source failed so often in a row that its tables wait for it; the one alert for all of them. `until` is when
    one of them tries again, None if a person has to do something first."""

    source_system: str
    failures: int
    until: datetime | None
    error: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Event):
    """A source that had failed is read again."""

    source_system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkewed(Event):
    """A source's clock goes wrong by more than the limit against ours; windows follow the source's clock, so no row
    is missed. `skew` is the source's clock minus ours."""

    source_system: str
    skew: timedelta
    limit: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncEvent(Event):
    """Something that happened in one sync."""

    task: DataUpdateTask


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStarted(SyncEvent):
    """The open DataUpdate row is written. `skew` is by how much the source's clock goes before ours."""

    source_dt: datetime | None
    expected_rows: int | None
    skew: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCreated(SyncEvent):
    """The cache table did not exist and was made."""

    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsAdded(SyncEvent):
    """The fetcher has new nullable columns, and the cache table got them."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesMisfit(SyncEvent):
    """Values of a column did not fit, and its policy changed them or left their rows out. The reason names the first,
    masked unless the source system has `show_values`."""

    column: str
    policy: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsStaged(SyncEvent):
    """A piece of the read is in staging."""

    rows: int
    total_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMerged(SyncEvent):
    """A batch is merged; into the table, or into its shadow when reloading."""

    batch: int
    rows: int
    counts: MergeCounts
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReloaded(SyncEvent):
    """The table was replaced by what was read."""

    strategy: str
    counts: MergeCounts
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpent(SyncEvent):
    """What the time of a sync went into, in the order in which the phases began; told once, right before its end."""

    phases: tuple[PhaseSpan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncEnded(SyncEvent):
    """The DataUpdate row is ended; or could not be, which `failure` then says."""

    outcome: Outcome
    rows: int
    counts: MergeCounts
    duration: timedelta
    failure: AfreshError | None = None

    @property
    def error(self) -> str | None:
        """What went wrong, for people; None after a success."""
        return None if self.failure is None else str(self.failure)

    @property
    def hint(self) -> str | None:
        """What a person can do about it."""
        return None if self.failure is None else self.failure.hint

    @property
    def transient(self) -> bool:
        """Whether trying again unchanged may help."""
        return self.failure is not None and self.failure.transient
