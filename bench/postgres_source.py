"""The PostgreSQL source beside ADBC: reads alone, and whole syncs into PostgreSQL and DuckDB, in one piece and in two.

The bare side knows the columns and casts decimals to whole numbers by hand, in one connection; it has no look for what
does not fit, no log and no cancellation.
"""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict

from afresh.core.model import DataUpdateTask, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.core.select import Output, Select, TableName
from afresh.engine.cancellation import CancelToken
from afresh.engine.service import Service
from afresh.engine.sync import sync
from afresh.sources.never import NEVER
from afresh.sources.partitioned import PartitionedSource
from afresh.sources.postgres_options import PostgresOptions
from afresh.sources.postgres_source import open_postgres
from afresh.wiring import assemble
from bench import rows
from bench.cache_part import table_name
from bench.part import Case, Job, Work, WrongWork
from bench.postgres_cache import SCHEMA, PostgresCachePart

SOURCE = "source_0"
BATCH_ROWS = 10_000
LIMITS = {"read": 1.15, "to postgresql": 1.3, "to duckdb": 1.3}
IN_TWO = ", in 2 parts"


class PostgresSourcePart(PostgresCachePart):
    """The address is the server's URL, and behind it the directory of DuckDB's files."""

    name = "postgres-source"

    def __init__(self) -> None:
        super().__init__()
        self.rounds = tuple(
            (Case(name=f"{case}{parts}", limit=limit),) for case, limit in LIMITS.items() for parts in ("", IN_TWO)
        )

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        directory.mkdir(parents=True, exist_ok=True)
        with super().ground(directory, rows) as url:
            yield f"{url} {directory}"

    def prepare(self, job: Job) -> None:  # type: ignore[override]
        """The source, and an empty place for the copy."""
        self.ready(_load(job))
        _file(job).unlink(missing_ok=True)

    def begin(self, job: Job) -> None:
        _service(job, self._cache(job), 1).workplace.cache.close()

    def bare(self, job: Job) -> Work:
        case, load = _case(job), _load(job)
        if case == "to postgresql":
            return super().bare(load)
        if case == "to duckdb":
            return _into_duckdb(_file(job), self.read(load))
        return Work(rows=sum(batch.num_rows for batch in self.read(load)))

    def afresh(self, job: Job) -> Work:
        case, partitions = _case(job), 2 if job.case.endswith(IN_TWO) else 1
        if case == "read":
            return Work(rows=_read(_options(_load(job)), partitions))
        return _synced(job, self._cache(job), partitions)

    def check(self, job: Job, before: object, work: Work) -> None:
        case = _case(job)
        kept = job.rows
        if case == "to postgresql":
            kept = self.state(_load(job)).rows
        elif case == "to duckdb":
            with closing(duckdb.connect(str(_file(job)), read_only=True)) as connection:
                found: Any = connection.execute(f"SELECT count(*) FROM {table_name(job)}").fetchone()
                kept = found[0]
        if (work.rows, kept) != (job.rows, job.rows):
            raise WrongWork(f"{job}: read {work.rows:,} rows and keeps {kept:,} of {job.rows:,}")

    def server_seconds(self, address: str) -> float:
        return super().server_seconds(address.partition(" ")[0])

    def _cache(self, job: Job) -> str:
        return self.url(_load(job)) if _case(job) == "to postgresql" else f"duckdb:///{_file(job)}"


def _case(job: Job) -> str:
    return job.case.removesuffix(IN_TWO)


def _load(job: Job) -> Job:
    """The load of the cache's part that reads the same."""
    return replace(job, case="load", address=job.address.partition(" ")[0])


def _file(job: Job) -> Path:
    return Path(job.address.partition(" ")[2]) / f"postgres-source-{job.who}.duckdb"


def _options(load: Job) -> PostgresOptions:
    known: dict[str, Any] = conninfo_to_dict(load.address)
    return PostgresOptions(
        host=known.get("host") or "localhost",
        port=int(known.get("port") or 5432),
        database=known.get("dbname") or "postgres",
        user=known.get("user"),
        password=known.get("password") or None,
    )


def _read(options: PostgresOptions, partitions: int) -> int:
    source = open_postgres(name="Bench", options=options, base_directory=Path(), time_zone=ZoneInfo("UTC"))
    table = TableName(SOURCE, SCHEMA)
    described = source.describe(table)
    assert described is not None
    outputs = tuple(Output(one.name, one.name, one.type, declared=one.declared) for one in described.columns)
    read = PartitionedSource(source).read(Select(table, outputs, None, partitions), NEVER, BATCH_ROWS)
    return sum(batch.num_rows for batch in read)


def _service(job: Job, url: str, partitions: int) -> Service:
    """The service with one table, which nothing has been asked of."""
    told = asdict(_options(_load(job)))
    settings = {name: told[name] for name in ("host", "port", "database", "user") if told[name] is not None}
    config = DataSourceConfig(
        table_name=table_name(job),
        source_system="Bench",
        fetcher="table",
        fetcher_options={"table": SOURCE, "schema_name": SCHEMA, "key": ["Id"], "cursor": ["Changed"]},
        mass=ScheduleConfig(interval=timedelta(days=7)),
        partitions=partitions,
    )
    options = DataSyncOptions(
        cache=CacheConfig(url=url),
        source_systems={"Bench": SourceSystemConfig(kind="postgres", options=settings)},
        data_sources=(config,),
    )
    return assemble(options, emit=lambda event: None)


def _synced(job: Job, url: str, partitions: int) -> Work:
    """One Mass as the service runs it."""
    service = _service(job, url, partitions)
    (name,) = service.tables
    task = DataUpdateTask(
        table_name=name,
        update_type=UpdateType.MASS,
        source_system="Bench",
        minimum_dt=None,
        operation_id=uuid.uuid4().hex,
    )
    try:
        done = sync(task, service.tables[name], service.workplace, CancelToken())
    finally:
        service.workplace.cache.close()
    return Work(rows=done.rows, counts=asdict(done.counts))


def _into_duckdb(path: Path, batches: Iterator[pa.RecordBatch]) -> Work:
    with closing(duckdb.connect(str(path), config={"memory_limit": "200MB"})) as connection:
        reader = pa.RecordBatchReader.from_batches(rows.SCHEMA.arrow(), batches)
        connection.register("reader", reader)
        found: Any = connection.execute("CREATE TABLE BenchBare AS SELECT * FROM reader").fetchone()
        return Work(rows=int(found[0]))
