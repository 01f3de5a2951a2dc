"""Whole syncs from SQLite to SQLite, source and fetcher included, beside a script that does the same by `sqlite3`.

The table is the sample's item ledger: as JD Edwards has it, read by `jde:F4111`, and with ISO dates, read by `table`.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from afresh.core.model import DataUpdateTask, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.engine.cancellation import CancelToken
from afresh.engine.sync import sync
from afresh.wiring import assemble
from bench import ledger_source as source
from bench.part import Case, Job, Part, Work, WrongWork

ONE_IN = 100
LIMITS = {"table": 2.5, "jde": 3.5}
TABLES = {"table": source.LEDGER, "jde": source.F4111}


class LedgerPart(Part):
    """A Mass into an empty cache, a window with 1 % changed, and the window unchanged. The address is the directory."""

    name = "ledger"
    sizes = (300_000,)

    def __init__(self) -> None:
        self.rounds = tuple(
            (Case(name=f"{fetcher} {case}", limit=limit),)
            for fetcher, limit in LIMITS.items()
            for case in ("load", "window", "unchanged")
        )

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        before, after = _sources(directory, rows)
        source.make(before, rows)
        if not after.exists():
            half = after.with_suffix(".part")
            shutil.copy(before, half)
            source.change(half, source.window_start(before, _window(rows)), ONE_IN)
            half.rename(after)
        yield str(directory)

    def prepare(self, job: Job) -> None:
        """A cache that is empty, or as a Mass of the side left it."""
        _clear(_cache(job))
        if job.case.endswith("load"):
            return
        loaded = Path(job.address) / f"ledger-{job.rows}-{job.who}-{job.case.partition(' ')[0]}-loaded.db"
        if not loaded.exists():
            load = Job(**{**asdict(job), "case": f"{job.case.partition(' ')[0]} load"})
            (self.bare if job.who == "bare" else self.afresh)(load)
            _cache(load).rename(loaded)
        shutil.copy(loaded, _cache(job))

    def bare(self, job: Job) -> Work:
        """Reads, stages, deduplicates, and upserts what differs. No conversions, no schema check, no audit row, no
        cancellation: what is left when everything else is taken away."""
        table, start = _table(job), _start(job)
        columns, order = source.known_columns(), "ILCRDJ DESC, ILTDAY DESC"
        where = "true"
        if table == source.LEDGER:
            columns, order = (*columns, source.LEDGER_STAMP), f"{source.LEDGER_STAMP} DESC"
            where = f"{source.LEDGER_STAMP} >= '{source.reading(*start)}'" if start else where
        elif start is not None:
            where = f"(ILCRDJ > {start[0]} OR (ILCRDJ = {start[0]} AND ILTDAY >= {start[1]}))"
        path = _source(job)
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as read_from,
            closing(sqlite3.connect(_cache(job), isolation_level=None)) as cache,
        ):
            return Work(rows=_copied(read_from, cache, table, columns, order, where))

    def afresh(self, job: Job) -> Work:
        """One sync as the service runs it."""
        table, start = _table(job), _start(job)
        ledger = table == source.LEDGER
        config = DataSourceConfig(
            table_name=table,
            source_system="JDE",
            fetcher="table" if ledger else "jde:F4111",
            fetcher_options={"cursor": [source.LEDGER_STAMP]} if ledger else {"quantity_decimals": 4},
            mass=ScheduleConfig(interval=timedelta(days=7), prepurge_data=True),
        )
        options = DataSyncOptions(
            cache=CacheConfig(url=f"sqlite:///{_cache(job)}"),
            source_systems={"JDE": SourceSystemConfig(kind="sqlite", options={"path": _source(job)})},
            data_sources=(config,),
        )
        service = assemble(options, emit=lambda event: None)
        task = DataUpdateTask(
            table_name=table,
            update_type=UpdateType.MASS if start is None else UpdateType.HOURLY,
            source_system="JDE",
            minimum_dt=None if start is None else datetime.fromisoformat(source.reading(*start) + "+00:00"),
            operation_id=f"{job.case.replace(' ', '')}{job.run:08x}",
        )
        done = sync(task, service.tables[table], service.workplace, CancelToken())
        service.workplace.cache.close()
        return Work(rows=done.rows, counts=asdict(done.counts))

    def check(self, job: Job, before: object, work: Work) -> None:
        start = _start(job)
        with closing(sqlite3.connect(_source(job))) as connection:
            later = "true" if start is None else f"(ILCRDJ, ILTDAY) >= ({start[0]}, {start[1]})"
            (all_rows,) = connection.execute("SELECT count(*) FROM F4111").fetchone()
            (expected,) = connection.execute(f"SELECT count(*) FROM F4111 WHERE {later}").fetchone()
            (changed,) = connection.execute(
                f"SELECT count(*) FROM F4111 WHERE {later} AND ILUKID % {ONE_IN} = 0"
            ).fetchone()
        with closing(sqlite3.connect(_cache(job))) as connection:
            (kept,) = connection.execute(f"SELECT count(*) FROM {_table(job)}").fetchone()
        if (work.rows, kept) != (expected, all_rows):
            raise WrongWork(f"{job}: read {work.rows:,} of {expected:,} rows and keeps {kept:,} of {all_rows:,}")
        if work.counts is not None and work.counts["updated"] != (changed if job.case.endswith("window") else 0):
            raise WrongWork(f"{job}: counted {work.counts}, where {changed:,} rows had changed")


def _copied(
    read_from: sqlite3.Connection,
    cache: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    order: str,
    where: str,
) -> int:
    for setting in ("journal_mode = WAL", "synchronous = FULL", "temp_store = FILE"):
        cache.execute(f"PRAGMA {setting}")
    for setting in ("cache_size = -16384", "temp.cache_size = -16384"):
        cache.execute(f"PRAGMA {setting}")
    names = ", ".join(columns)
    defined = ", ".join(f"{name} NOT NULL" if name == "ILUKID" else name for name in columns)
    cache.execute(f"CREATE TABLE IF NOT EXISTS {table} ({defined}, PRIMARY KEY (ILUKID))")
    cache.execute(f"CREATE TEMP TABLE staging ({names})")
    cache.execute("BEGIN")
    read = cache.executemany(
        f"INSERT INTO staging VALUES ({', '.join('?' * len(columns))})",
        read_from.execute(f"SELECT {names} FROM {table} WHERE {where}"),
    ).rowcount
    cache.execute("COMMIT")
    cache.execute(
        "DELETE FROM staging WHERE rowid IN (SELECT arrival FROM (SELECT rowid AS arrival, ROW_NUMBER() OVER ("
        f"PARTITION BY ILUKID ORDER BY {order}) AS version FROM staging) WHERE version > 1)"
    )
    values = [name for name in columns if name != "ILUKID"]
    assigned = ", ".join(f"{name} = excluded.{name}" for name in values)
    differs = " OR ".join(f"t.{name} IS NOT excluded.{name}" for name in values)
    cache.execute("BEGIN IMMEDIATE")
    cache.execute(
        f"INSERT INTO {table} AS t ({names}) SELECT {names} FROM staging WHERE true "
        f"ON CONFLICT (ILUKID) DO UPDATE SET {assigned} WHERE {differs}"
    )
    cache.execute("COMMIT")
    return int(read)


def _table(job: Job) -> str:
    return TABLES[job.case.partition(" ")[0]]


def _sources(directory: Path, rows: int) -> tuple[Path, Path]:
    return directory / f"ledger-{rows}-before.db", directory / f"ledger-{rows}-after.db"


def _source(job: Job) -> Path:
    return _sources(Path(job.address), job.rows)[job.case.endswith("window")]


def _start(job: Job) -> tuple[int, int] | None:
    if job.case.endswith("load"):
        return None
    return source.window_start(_sources(Path(job.address), job.rows)[0], _window(job.rows))


def _window(rows: int) -> int:
    return min(100_000, rows // 3)


def _cache(job: Job) -> Path:
    return Path(job.address) / f"ledger-{job.rows}-{job.who}.db"


def _clear(cache: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        cache.with_name(cache.name + suffix).unlink(missing_ok=True)
