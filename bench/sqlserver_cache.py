"""The SQL Server cache beside the bare driver: bulk copy of Arrow data into staging, UPDATE of what differs and INSERT.

Runs where AFRESH_TEST_SQLSERVER_URL names a database for tests; needs the extra `sqlserver`.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench import rows
from bench.cache_part import CachePart, State, read_file, rows_file, table_name, version_of
from bench.part import Job, Work

URL = "AFRESH_TEST_SQLSERVER_URL"


class SqlserverCachePart(CachePart):
    """Both sides read a file of record batches. The address is the directory; the server is found by its variable."""

    name = "sqlserver"

    def missing(self) -> str | None:
        return None if os.environ.get(URL) else f"{URL} names no server"

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            yield str(directory)
        finally:
            self._run("DROP TABLE IF EXISTS dbo.BenchBare, dbo.BenchAfresh, dbo.BenchStaging")

    def url(self, job: Job) -> str:
        return os.environ[URL]

    def read(self, job: Job) -> Iterator[pa.RecordBatch]:
        return read_file(rows_file(Path(job.address), job))

    def bare(self, job: Job) -> Work:
        """All rows in one bulk copy and one transaction, with nothing else: no log, no look for duplicates, no counts,
        no cancellation. Staging is a committed table, as bulk copy has a connection of its own."""
        table, schema = f"dbo.{table_name(job)}", rows.SCHEMA
        read = 0

        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal read
            for batch in self.read(job):
                read += batch.num_rows
                yield _stored(batch)

        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            if job.case == "load":
                cursor.execute(f"CREATE TABLE {table} ({_definitions()}, PRIMARY KEY (Id))")
            cursor.execute("DROP TABLE IF EXISTS dbo.BenchStaging")
            cursor.execute(f"CREATE TABLE dbo.BenchStaging ({_definitions()})")
            connection.commit()
            batches = counted()
            first = next(batches)
            reader = pa.RecordBatchReader.from_batches(first.schema, _with(first, batches))
            cursor.bulkcopy_arrow(
                "dbo.BenchStaging",
                reader,
                0,
                timeout=0,
                column_mappings=list(schema.names),
                table_lock=True,
                keep_nulls=True,
            )
            assigned = ", ".join(f"t.{name} = s.{name}" for name in schema.values)
            old, new = (", ".join(f"{side}.{name}" for name in schema.values) for side in "ts")
            names = ", ".join(schema.names)
            cursor.execute(
                f"UPDATE t SET {assigned} FROM {table} AS t JOIN dbo.BenchStaging AS s ON s.Id = t.Id "
                f"WHERE s.Changed >= t.Changed AND EXISTS (SELECT {old} EXCEPT SELECT {new})"
            )
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM dbo.BenchStaging AS s "
                f"WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.Id = s.Id)"
            )
            cursor.execute("DROP TABLE dbo.BenchStaging")
            connection.commit()
        return Work(rows=read)

    def ready(self, job: Job) -> None:
        rows_file(Path(job.address), job)
        if job.case == "load":
            self._run(f"DROP TABLE IF EXISTS dbo.{table_name(job)}")

    def state(self, job: Job) -> State:
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            if cursor.execute(f"SELECT object_id('dbo.{table_name(job)}')").fetchone()[0] is None:
                return State(rows=0, current=0)
            found = cursor.execute(
                f"SELECT count_big(*), count_big(CASE WHEN Version = {version_of(job)} THEN 1 END) "
                f"FROM dbo.{table_name(job)}"
            ).fetchone()
        return State(rows=found[0], current=found[1])

    def _run(self, statement: str) -> None:
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            connection.commit()

    def _connect(self) -> Any:
        import mssql_python

        from afresh.drivers.mssql_url import parse

        return mssql_python.connect(parse(os.environ[URL]).connection_string())


def _with(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


def _definitions() -> str:
    return ", ".join(f"{column.name} {_kind(column.type)}" for column in rows.SCHEMA.columns)


def _kind(arrow: pa.DataType) -> str:
    if pa.types.is_integer(arrow):
        return "bigint NOT NULL"
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    return "datetime2(6)" if pa.types.is_timestamp(arrow) else "nvarchar(100)"


def _stored(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Stamps without the zone: bulk copy shifts values that have one."""
    columns = [
        column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(batch.schema.names))
