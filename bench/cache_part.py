"""What the parts of all caches have in common: the cases, the rows, our side, and the look at what was done.

A load fills an empty table by a Mass. A window brings the latest 100,000 rows changed and 10,000 new; then the same
window comes again, unchanged. A scattered window changes 100,000 rows all over the table.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from afresh.core.model import DataUpdateTask, SourceInstant, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.core.ports import Explanation, Reading
from afresh.core.schema import TableSchema
from afresh.engine.cancellation import CancelToken
from afresh.engine.clock import SystemClock
from afresh.engine.sync import Table, Workplace, sync
from afresh.wiring import open_cache
from bench import rows
from bench.part import Case, Job, Part, Work, WrongWork

WINDOW, NEW = 100_000, 10_000
FAR = 10**12
"""Where the new rows of scattered windows begin."""

SCATTERED_VERSION = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A table as it is: its rows, those of a version, and rows written to it so far, if the database counts them."""

    rows: int
    current: int
    written: int | None = None


class CachePart(Part):
    """A cache beside its bare driver. Each side has a table of its own."""

    limit = 1.3

    def __init__(self) -> None:
        self.rounds = (
            (Case(name="load", limit=self.limit),),
            (Case(name="window", limit=self.limit), Case(name="window unchanged", limit=self.limit)),
            (Case(name="scattered", limit=self.limit), Case(name="scattered unchanged", limit=self.limit)),
        )

    @abstractmethod
    def url(self, job: Job) -> str:
        """The URL of our cache."""

    @abstractmethod
    def read(self, job: Job) -> Iterator[pa.RecordBatch]:
        """The rows of the case from where both sides read them."""

    @abstractmethod
    def state(self, job: Job) -> State:
        """The table of the job's side; no rows if there is none."""

    @abstractmethod
    def ready(self, job: Job) -> None:
        """Makes the rows of the case readable, clears the table before a load, and gives both sides an even start."""

    def prepare(self, job: Job) -> State:
        self.ready(job)
        return self.state(job)

    def check(self, job: Job, before: object, work: Work) -> None:
        assert isinstance(before, State)
        ids, after = ids_of(job), self.state(job)
        repeated = job.case.endswith("unchanged")
        new = 0 if repeated else len(ids) if job.case == "load" else window(job.rows)[1]
        expected = State(rows=before.rows + new, current=len(ids))
        if (after.rows, after.current, work.rows) != (expected.rows, expected.current, len(ids)):
            raise WrongWork(f"{job}: read {work.rows:,} rows and left {after}, where {expected} was asked for")
        if repeated and after.written != before.written:
            raise WrongWork(f"{job}: an unchanged window wrote rows: {before} became {after}")
        counts = {
            "inserted": new,
            "updated": 0 if repeated else len(ids) - new,
            "unchanged": len(ids) if repeated else 0,
            "deleted": 0,
            "duplicates": 0,
        }
        if work.counts is not None and work.counts != counts:
            raise WrongWork(f"{job}: counted {work.counts}, where {counts} was done")

    def begin(self, job: Job) -> None:
        open_cache(self._options(job)).close()

    def afresh(self, job: Job) -> Work:
        """One sync, as the service runs it: log, schema check, reading ahead, staging, merge, counts, success."""
        options = self._options(job)
        (config,) = options.data_sources
        workplace = Workplace(
            cache=open_cache(options),
            clock=SystemClock(),
            emit=lambda event: None,
            instance_id="bench",
            batch_size=options.batch_size,
            bulk_copy_batch_size=options.bulk_copy_batch_size,
        )
        task = DataUpdateTask(
            table_name=config.table_name,
            update_type=UpdateType.MASS if job.case == "load" else UpdateType.HOURLY,
            source_system="Bench",
            minimum_dt=None if job.case == "load" else datetime(2026, 1, 1, tzinfo=UTC),
            late_before=None if job.case == "load" else synced_before(job),
            operation_id=f"{job.case.replace(' ', '')}{job.run:08x}",
        )
        fetcher = RowsFetcher(lambda: self.read(job))
        try:
            done = sync(task, Table(config=config, fetcher=fetcher), workplace, CancelToken())
        finally:
            workplace.cache.close()
        return Work(rows=done.rows, counts=asdict(done.counts))

    def _options(self, job: Job) -> DataSyncOptions:
        config = DataSourceConfig(
            table_name=table_name(job),
            source_system="Bench",
            fetcher="bench",
            mass=ScheduleConfig(interval=timedelta(days=7)),
            hourly=ScheduleConfig(interval=timedelta(hours=1)),
        )
        return DataSyncOptions(cache=CacheConfig(url=self.url(job)), data_sources=(config,))


class RowsFetcher:
    """Delivers the rows of a case, whatever it is asked for."""

    def __init__(self, read: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._read = read

    def schema(self) -> TableSchema:
        """That of all cases."""
        return rows.SCHEMA

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """All rows of the case."""
        for batch in self._read():
            cancel.check()
            yield batch

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """Nothing to say."""
        return Explanation()

    def misses(self) -> str | None:
        """Nothing."""
        return None

    def clock(self) -> SourceInstant | None:
        """There is no clock to ask."""
        return None

    def forget(self) -> None:
        """There is nothing to forget."""


def table_name(job: Job) -> str:
    """The table of the job's side."""
    return f"Bench{job.who.capitalize()}"


def window(table_rows: int) -> tuple[int, int]:
    """How many rows a window changes, and how many it adds: less in tables that are small."""
    changed = min(WINDOW, table_rows // 10)
    return changed, max(1, changed * NEW // WINDOW)


def version_of(job: Job) -> int:
    """The version of the rows that the case brings: that of the load is 0."""
    if job.case == "load":
        return 0
    return job.run + (SCATTERED_VERSION if job.case.startswith("scattered") else 0)


def synced_before(job: Job) -> datetime:
    """The instant of the sync before: after all stamps of a window that comes again, so that each of its rows is looked
    at for being late, as in the overlap of real windows; before all of one that is new."""
    version = version_of(job) + job.case.endswith("unchanged")
    return datetime.fromtimestamp(rows.FIRST_STAMP + version * rows.STAMPS_APART, tz=UTC)


def ids_of(job: Job) -> rows.Numbers:
    """The keys of the rows that the case brings. A window counts the new rows of the window before as there."""
    changed, new = window(job.rows)
    if job.case == "load":
        return np.arange(job.rows)
    if job.case.startswith("scattered"):
        # Other rows each time: those of the run before may lie together now.
        start, step = FAR + (job.run - 1) * new, job.rows // changed
        return np.concatenate([np.arange(changed) * step + (job.run - 1) % step, np.arange(start, start + new)])
    end = job.rows + (job.run - 1) * new
    return np.arange(end - changed, end + new)


def rows_file(directory: Path, job: Job) -> Path:
    """The file with the rows of the case in Arrow's format, which is made if there is none."""
    path = directory / f"rows-{job.rows}-{version_of(job)}.arrow"
    if not path.exists():
        half = path.with_suffix(".part")
        with ipc.new_file(str(half), rows.SCHEMA.arrow()) as file:
            for batch in rows.batches(ids_of(job), version_of(job)):
                file.write_batch(batch)
        half.rename(path)
    return path


def read_file(path: Path) -> Iterator[pa.RecordBatch]:
    """The batches of such a file, each read when it is asked for."""
    with pa.OSFile(str(path), "rb") as source, ipc.open_file(source) as file:
        for number in range(file.num_record_batches):
            yield file.get_batch(number)
