"""The nouns of a sync: tasks, audit rows, counts and outcomes. All frozen; instants are timezone-aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from afresh.core.cause import Cause
from afresh.core.select import Policy

RUNNING_RECORDS = -2
FAILED_RECORDS = -1


class UpdateType(IntEnum):
    """The kind of a sync, in order of priority."""

    MASS = 1
    DAILY = 2
    HOURLY = 3

    def __str__(self) -> str:
        return self.name.capitalize()


class ReloadStrategy(StrEnum):
    """How a Mass with PrepurgeData replaces the table: by renaming a shadow, or by emptying and filling it."""

    SWAP = "swap"
    TRUNCATE = "truncate"


class Outcome(StrEnum):
    """How a sync ended; a running one has none yet."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCounts:
    """Exact counts of what merging changed, in rows; `duplicates` were dropped before the merge."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    duplicates: int = 0

    def __add__(self, other: "MergeCounts") -> "MergeCounts":
        return MergeCounts(
            inserted=self.inserted + other.inserted,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            deleted=self.deleted + other.deleted,
            duplicates=self.duplicates + other.duplicates,
        )


class Phase(StrEnum):
    """What a sync spends its time on, in order. Reading is the wait for the source: it reads ahead meanwhile."""

    READ = "read"
    STAGE = "stage"
    MERGE = "merge"
    INDEXES = "indexes"
    POST_PROCESS = "post-process"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpan:
    """When a phase of a sync first began and last ended, and how much of that time it took: phases take turns, batch
    by batch. `failed` if the sync ended in it."""

    phase: Phase
    began: datetime
    ended: datetime
    spent: timedelta
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The rows of an extract that were not there to be read when they should have been, in rows, and the oldest of
    their last-update stamps: UTC, or the reading labelled UTC where stamps are readings of a wall clock. None if
    there is no such row."""

    rows: int = 0
    oldest: datetime | None = None

    def __add__(self, other: "Late") -> "Late":
        stamps = [at for at in (self.oldest, other.oldest) if at is not None]
        return Late(rows=self.rows + other.rows, oldest=min(stamps, default=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDetails:
    """What else is known of a sync: how its time was spent, what it planned, and what it noticed.

    `adjusted` counts the rows that a column's policy changed, by its name, `quarantined` those that were left out.
    `skew` is the source's clock minus ours; `latency` is how long it took to connect to the source and be told its
    clock, None where its clock is ours; `lateness` is how long the latest row that a window brought was, at
    least, not there to be read after its stamp, None where that was not measured; `missed` counts the rows that a
    Mass brought though they are stamped before any window of the table reaches back to, None where they were not
    counted; `requested_by` is who asked for the sync, empty if the schedule did; `refused_login` marks the settings
    with which the source refused the login, empty if it did not.
    """

    phases: Mapping[Phase, timedelta] = field(default_factory=dict)
    batches: int = 0
    plan: str = ""
    adjusted: Mapping[str, int] = field(default_factory=dict)
    quarantined: int = 0
    skew: timedelta | None = None
    latency: timedelta | None = None
    lateness: timedelta | None = None
    missed: int | None = None
    requested_by: str = ""
    refused_login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInstant:
    """What a source's clock showed before a read began, UTC.

    `oldest_open` is the begin of the oldest transaction that may still commit rows stamped before `now`; None where
    that may not be seen. `took` is how long the source took to tell it, connecting included; None where it was not
    asked, or nobody measured it.
    """

    now: datetime
    oldest_open: datetime | None = None
    took: timedelta | None = None

    @property
    def anchor(self) -> datetime:
        """The instant before which no row can come any more: what the next window reaches back from."""
        return self.now if self.oldest_open is None else min(self.now, self.oldest_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Values of one column that its type cannot hold exactly, and what its policy made of them.

    `policy` is what was done, which a source that decodes texts may do unasked; `reason` is for people, its value
    masked. `key` and `value` are given for a row that was quarantined: the row's key as `name=value` pairs, and the
    value (masked unless the source may show it).
    """

    column: str
    policy: Policy
    rows: int
    reason: str
    key: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUpdateTask:
    """One sync that is due: which table, how, from when, and why.

    `minimum_dt` is None for everything; `reason` is for people; `allow_shrink` waives the shrink guard once;
    `requested_by` is who asked for it, empty if the schedule did. A row that is new, or newer than in the cache, though
    stamped before `late_before`, is late: for a window that is the instant of the success before it, for a Mass the
    one that the table's windows reach back to. None if nothing can be late yet.
    """

    table_name: str
    update_type: UpdateType
    source_system: str
    minimum_dt: datetime | None
    operation_id: str
    reason: str = ""
    allow_shrink: bool = False
    requested_by: str = ""
    late_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What is written into the DataUpdate row when a sync ends, in one piece. A `cause` only if it did not succeed."""

    operation_id: str
    end_dt: datetime
    outcome: Outcome
    number_records: int
    counts: MergeCounts = MergeCounts()
    source_dt: datetime | None = None
    error_message: str | None = None
    cause: Cause | None = None
    details: UpdateDetails | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUpdate:
    """The audit row of a sync, as it stands in the cache's `DataUpdate` table.

    While it runs, `number_records` is -2 and `end_dt`, `was_successful` and `outcome` are None; a success has the
    rows read (0 is valid); every other end has -1.
    """

    table_name: str
    source_system: str
    update_type: UpdateType
    operation_id: str
    instance_id: str
    start_dt: datetime
    minimum_dt: datetime | None = None
    source_dt: datetime | None = None
    end_dt: datetime | None = None
    was_successful: bool | None = None
    number_records: int = RUNNING_RECORDS
    counts: MergeCounts = MergeCounts()
    outcome: Outcome | None = None
    error_message: str | None = None
    cause: Cause | None = None
    reason: str = ""
    details: UpdateDetails | None = None
    sequence: int = 0
    """The order in which rows were written, whatever the clock said; 0 before it is written."""

    @property
    def anchor(self) -> datetime:
        """The instant from which the next window reaches back: the source's clock if it was told, else ours."""
        return self.source_dt or self.start_dt
