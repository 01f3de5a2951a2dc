"""The seams of the house: what the engine needs, and what each adapter promises.

Every call may block; none is asynchronous. Unless said otherwise a method may raise any `AfreshError`, and no other
exception: drivers' errors are translated where they arise. Objects that are used by one sync (`Stage`, the iterator
of a fetch) belong to one thread at a time; the others may be shared by many.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, runtime_checkable
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.actions import Action
from afresh.core.events import Event
from afresh.core.model import Completion, DataUpdate, Late, MergeCounts, Misfit, Outcome, ReloadStrategy, SourceInstant
from afresh.core.schema import Column, TableSchema
from afresh.core.select import Query, Select, Statement, TableName

Emit = Callable[[Event], None]
"""Takes an event; returns at once and never raises."""

Complete = Callable[[MergeCounts], Completion]
"""Says how the DataUpdate row is completed, given the counts of the transaction that completes it; called in it."""

T_co = TypeVar("T_co", covariant=True)


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def sleep(self, duration: timedelta) -> None:
        """Returns after that much time of this clock."""
        ...

    def steady(self) -> timedelta | None:
        """How long the machine has been running: a time that only grows, at an even pace, whatever is done to the
        clock; None where that cannot be told."""
        ...


class Cancellation(Protocol):
    """A request to stop, made by another thread. It never goes back to not requested."""

    @property
    def requested(self) -> bool:
        """Whether somebody asked for the stop."""
        ...

    def check(self) -> None:
        """Raises `Cancelled` if the stop was requested. To be called between batches at least."""
        ...

    def interrupts(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """While the context is open, a request calls `interrupt` from the requesting thread (at once, if it was
        requested before). `interrupt` breaks off a driver's call under way; it must not block or raise."""
        ...


# ---------------------------------------------------------------------------------------------------- sources


class Reading(Cancellation, Protocol):
    """A read on its way: it may be asked to stop, and is told what did not fit."""

    def report(self, misfit: Misfit) -> None:
        """Takes note of values that a column's policy changed or left out. Returns at once and never raises; may be
        called from the thread that reads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTraits:
    """How sources differ, as data."""

    kind: str
    """The kind of database, as a configuration names it."""
    dialect: str
    """sqlglot's name for the SQL that a user writes for it."""
    time_zone: ZoneInfo
    """The zone of wall clock readings in this source."""
    snapshot_reads: bool = True
    """Whether one read sees one state of the database; else a row may come twice or not at all."""
    shared_snapshots: bool = False
    """Whether the parts of a read see the same state."""
    own_clock: bool = True
    """Whether `clock` asks the database; else it is our own clock."""
    read_only_sessions: bool = False
    """Whether the database itself refuses writes in our sessions, whatever the account may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumn(Column):
    """A column as a source's catalogue has it. `declared` is the source's own name of its type, with sizes."""

    declared: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo:
    """What a source knows of a table: columns with the types they would arrive as, primary key, rows (estimate)."""

    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """One table or view in a source's list of them; sizes are estimates, None where the source has none."""

    table: TableName
    rows: int | None = None
    size: int | None = None
    """Bytes."""
    is_view: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the source says of our account and itself.

    `may_write` lists rights by which it could write, in the source's words; empty if it has none, None if that
    cannot be told. `advice` are sentences for the administrator of the source: what to grant, revoke or set.
    """

    user: str
    version: str
    may_write: tuple[str, ...] | None = None
    advice: tuple[str, ...] = ()


class Catalogue(Protocol):
    """What a source tells of itself. Each call has a short session of its own."""

    def describe(self, table: TableName) -> TableInfo | None:
        """The table as the catalogue has it; None if there is none, or it may not be seen."""
        ...

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns of a query, without reading its rows; those that the query's outputs name as they
        name them."""
        ...

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """The tables and views that the account may read, of one schema or of all that are not the database's
        own, largest first."""
        ...

    def account(self) -> Account:
        """Who we are there, and by which rights."""
        ...


class SourceSystem(Protocol):
    """A database that is only read. One object serves all threads; each read has a session of its own.

    Manners (budget of sessions, breaker, timeouts, pace) are wrappers that are a SourceSystem themselves.
    """

    @property
    def traits(self) -> SourceTraits:
        """How this source differs from others."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """What it tells of its tables and of our account."""
        ...

    def statement(self, select: Select | Query) -> Statement:
        """The SQL that `read` would send; sends nothing itself."""
        ...

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams the rows as batches of at most `batch_rows`, in flat memory, in no particular order.

        The batches' columns are the select's outputs, with exactly their names and types. A value that does not
        fit follows its output's policy: it raises `BadValue` naming table, column, key and value (masked), or is
        reported to `reading`. The session opens at the first `next` and closes when the iterator ends, fails or is
        closed; a cancellation ends it within a second. A read that returns normally was complete. One session sees
        one state of the database wherever the database can do that. Partitions are not its business: see `parts`.
        """
        ...

    def parts(self, select: Select, count: int) -> AbstractContextManager[Sequence[Select]]:
        """Cuts a read into at most `count` reads that together deliver each of its rows once, of one state of the
        database where it can; they may be read while the context is open. At least one, which may be the whole."""
        ...

    def clock(self) -> SourceInstant | None:
        """What the source's clock shows now; None where the source cannot tell."""
        ...

    def close(self) -> None:
        """Gives back what is held open between reads. May be called twice."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a fetch would do: the statement if there is one, what a user should know of it, and rows expected."""

    statement: Statement | None = None
    notes: tuple[str, ...] = ()
    expected_rows: int | None = None


class Fetcher(Protocol[T_co]):
    """What to read for one table, and how to turn it into rows. Shared by all syncs of its table.

    `T` is what the rows are before they become record batches: a dataclass of the user's, a dict, or a
    `pyarrow.RecordBatch` itself. Fetchers written by users need no more than `fetch`; `fetchers.rows` makes them
    whole.
    """

    def schema(self) -> TableSchema:
        """Columns, key and last-update column of what `fetch` yields. Stable until `forget`; may ask the source
        once until then."""
        ...

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """All rows changed at or after the instant, and all whose stamp is null; everything for None.

        May deliver more rows than asked, the same row twice, and rows in any order; must not deliver fewer. An
        iterator that ends normally delivered everything. Batches have exactly `schema().arrow()`.
        """
        ...

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """What `fetch` would do; reads no rows."""
        ...

    def misses(self) -> str | None:
        """Which changes no window of the table can bring, in a sentence; None if they bring what a window should. It
        concerns how the table stands, so it asks nobody, and returns at once."""
        ...

    def clock(self) -> SourceInstant | None:
        """What the source's clock shows now; None where there is none to ask."""
        ...

    def forget(self) -> None:
        """What is known of the source's columns may be old: who needs them next asks again. Called before a sync
        reads, never while one does; asks nobody, and returns at once."""
        ...


@runtime_checkable
class PostProcessor(Protocol):
    """Runs after a table's data is in the cache and before the update is completed."""

    def process(self, table_name: str, cancel: Cancellation) -> None:
        """May run more than once for the same data. Any exception makes the sync a failed one."""
        ...


# ----------------------------------------------------------------------------------------------------- caches


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """How caches differ, as data."""

    concurrent_writers: bool
    """Whether two syncs can apply at the same time; else they take turns inside the cache."""
    reload_strategies: frozenset[ReloadStrategy]
    identifier_length: int | None = None
    """Longest table or column name that always works, in bytes of UTF-8; longer ones are refused. None for no limit."""
    reserved_names: frozenset[str] = frozenset()
    """Table names, in lower case, that are the cache's own."""


class Stage(Protocol):
    """Where the rows of one sync land. A context manager: whatever it made besides the table is gone on exit.

    A stage opened for merging applies each batch to the table itself; one opened for reloading applies them to a
    shadow of the table that no reader sees, until `reload` puts it in place.
    """

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds rows to the staging table of the present batch. No reader sees them."""
        ...

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        """Deduplicates what was appended since the last merge, merges it, and empties staging; one transaction.

        Of rows with one key the newest wins: by last-update stamp (null is oldest), then by arrival. A row of the
        table is updated if some column differs, null-safe, and (unless `trust_source`) the incoming stamp is not
        older. With `complete` the DataUpdate row is completed in the same transaction. Raises `UpdateLost` and
        changes nothing if the DataUpdate row is no longer open.
        """
        ...

    def late(self, before: datetime) -> Late:
        """The staged rows, or those of the shadow of a stage opened for reloading, that are stamped before the
        instant, and that the table does not have, or has with an older stamp or none; none if the table is empty.

        Only for a schema with a `stamp`. Where that is a reading of a wall clock, so is `before`, labelled UTC.
        Reads keys and stamps only, and changes nothing; called before `merge` or `reload`, outside of a transaction.
        """
        ...

    def sizes(self) -> tuple[int, int]:
        """Rows in the table now, and rows merged into the shadow. Only of a stage opened for reloading."""
        ...

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        """Makes the table hold exactly the shadow's rows, in one transaction; readers see the old or the new.

        The counts compare the old rows with the new ones (`deleted`: keys that are gone). Grants, indexes,
        triggers and dependent views survive. `complete` and `UpdateLost` as in `merge`. A strategy that is not
        among the capabilities raises `ConfigurationError` and changes nothing.
        """
        ...

    def rebuild_indexes(self) -> None:
        """Rebuilds all indexes of the table (`ReIndexData`), in a transaction of its own."""
        ...


class UpdateLog(Protocol):
    """The `DataUpdate` table and its `LastDataUpdates` view: audit trail and memory of the schedules."""

    def start(self, update: DataUpdate) -> None:
        """Writes the open row (NumberRecords -2). Raises `AlreadyRunning` if the table has an open row."""
        ...

    def complete(self, completion: Completion) -> None:
        """Ends the open row; for ends without data, as a transaction of its own. Raises `UpdateLost` if it is
        not open any more."""
        ...

    def last_updates(self) -> Sequence[DataUpdate]:
        """The view: the latest successful update of each table and type, in the order of recording."""
        ...

    def failures(self) -> Mapping[str, Sequence[DataUpdate]]:
        """For each table, its failed, interrupted and cancelled updates later than the last success of the same
        type, newest first, at most 100."""
        ...

    def history(
        self,
        *,
        table_name: str | None = None,
        open_only: bool = False,
        operation_id: str | None = None,
        outcome: Outcome | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Sequence[DataUpdate]:
        """Rows, those recorded last first; only those recorded before the one with that sequence, if one is given.
        Cheap, however long the log is.

        With `since` or `until` only those of updates that started then or later, and before. They come in the order of
        their starts, the last first, and of one instant those recorded last: what was recorded while a clock was wrong
        stands where it says that it started. `before` is then the row after which to go on in that order; one that was
        purged meanwhile stands where the one recorded before it started."""
        ...

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        """Ends as interrupted, because the service was off, every open row whose instance is not live; returns them
        as they are now."""
        ...

    def purge(self, before: datetime) -> int:
        """Deletes ended rows started before the instant, but never the latest success of a table and type;
        returns how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A right held by somebody until an instant. `fence` grows each time the lease changes hands."""

    name: str
    holder: str
    fence: int
    expires: datetime


class Leases(Protocol):
    """Rights that hold across processes, kept in the cache."""

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Takes a lease that is free, expired, or held by the same holder; None if somebody else holds it."""
        ...

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        """Prolongs a lease; None if it was lost meanwhile."""
        ...

    def release(self, lease: Lease) -> None:
        """Gives a lease back; harmless if it was lost."""
        ...

    def held(self, prefix: str) -> Sequence[Lease]:
        """All leases whose name starts with the prefix, expired ones included."""
        ...


class Actions(Protocol):
    """The `AfreshAction` table: what people asked for, in the order in which they did. Rows are only ever added."""

    def record(self, action: Action) -> Action:
        """Writes it; the action as it is recorded, with its sequence."""
        ...

    def latest(self) -> Sequence[Action]:
        """Of each kind, table and source system the action recorded last, in the order of recording."""
        ...

    def recent(
        self, *, table_name: str | None = None, after: int = 0, before: int | None = None, limit: int = 100
    ) -> Sequence[Action]:
        """Actions, latest first; only those with a sequence between the two, which are not included. Cheap: it is
        asked every second."""
        ...


class Cache(Protocol):
    """The destination database. One object serves all threads; it opens connections as it needs them."""

    @property
    def capabilities(self) -> Capabilities:
        """How this cache differs from others."""
        ...

    @property
    def log(self) -> UpdateLog:
        """The audit log, in the same database as the data."""
        ...

    @property
    def leases(self) -> Leases:
        """The leases, in the same database as the data."""
        ...

    @property
    def actions(self) -> Actions:
        """What people asked for, in the same database as the data."""
        ...

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        """The table as it is; None if there is none. Where the database cannot tell two of our types apart and
        the table was not made by us, the type is given as in `wanted`. A table without a key, or with a column
        that cannot hold our values exactly, raises `SchemaDiffers`."""
        ...

    def create(self, table_name: str, schema: TableSchema) -> None:
        """Makes the table: key columns not null, the key unique."""
        ...

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        """Adds nullable columns, null in all rows, all or none."""
        ...

    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> AbstractContextManager[Stage]:
        """Opens staging for one sync. A cancellation breaks off the statement under way within a second and
        raises `Cancelled` from it."""
        ...

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        """Drops staging and shadow tables of operations that are not live, finishes or undoes what they left
        half-done; returns the names of what was dropped."""
        ...

    def close(self) -> None:
        """Closes every connection. May be called twice."""
        ...
