"""The DuckDB cache beside the bare driver: Arrow reader -> INSERT into staging -> UPDATE of what differs and INSERT."""

from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from afresh.caches import duckdb_sql as sql
from afresh.caches.duckdb_address import parse_address
from bench import rows
from bench.cache_part import State, table_name, version_of
from bench.file_cache import FileCachePart
from bench.part import Job, Work


class DuckdbCachePart(FileCachePart):
    """Both sides have the same memory limit and threads, and end with everything in the file. The bare driver keeps its
    own settings otherwise: it preserves the order of rows, which we tell it not to."""

    name = "duckdb"
    suffix = "duckdb"

    def url(self, job: Job) -> str:
        return f"duckdb:///{self.cache(job)}"

    def bare(self, job: Job) -> Work:
        """All rows in one batch and one transaction, with nothing else: no log, no look for duplicates, no counts, no
        cancellation. The tables have no keys, as ours have none."""
        table, schema = table_name(job), rows.SCHEMA
        definitions = ", ".join(f"{column.name} {sql.storage(column.type)}" for column in schema.columns)
        with closing(self._connect(job)) as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({definitions})")
            connection.execute(f"CREATE TEMP TABLE staging ({definitions})")
            connection.register("incoming", pa.RecordBatchReader.from_batches(schema.arrow(), self.read(job)))
            ((read,),) = connection.execute("INSERT INTO staging SELECT * FROM incoming").fetchall()
            assigned = ", ".join(f"{name} = s.{name}" for name in schema.values)
            differs = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in schema.values)
            connection.execute("BEGIN")
            connection.execute(
                f"UPDATE {table} AS t SET {assigned} FROM staging AS s\n"
                f"WHERE t.Id = s.Id AND s.Changed >= t.Changed AND ({differs})"
            )
            connection.execute(
                f"INSERT INTO {table} SELECT * FROM staging AS s "
                f"WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.Id = s.Id)"
            )
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")
        return Work(rows=int(read))

    def state(self, job: Job) -> State:
        if not self.cache(job).exists():
            return State(rows=0, current=0)
        with closing(self._connect(job)) as connection:
            ((found, current),) = connection.execute(
                f"SELECT count(*) FILTER (WHERE hash(Id) >= 0), count(*) FILTER (WHERE Version = ?) "
                f"FROM {table_name(job)}",
                [version_of(job)],
            ).fetchall()
        return State(rows=found, current=current)

    def _connect(self, job: Job) -> duckdb.DuckDBPyConnection:
        address = parse_address(self.url(job), Path())
        return duckdb.connect(str(address.path), config={**address.config(), "preserve_insertion_order": "true"})
