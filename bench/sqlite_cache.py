"""The SQLite cache beside `sqlite3`: executemany into a temporary table, one upsert of what differs."""

import sqlite3
from contextlib import closing
from typing import Any

import pyarrow as pa

from bench import rows
from bench.cache_part import State, table_name, version_of
from bench.file_cache import FileCachePart
from bench.part import Job, Work


class SqliteCachePart(FileCachePart):
    """Both sides store the same values in the same types, in WAL mode with full durability."""

    name = "sqlite"
    suffix = "db"

    def url(self, job: Job) -> str:
        return f"sqlite:///{self.cache(job)}"

    def bare(self, job: Job) -> Work:
        """All rows in one batch and one upsert, with nothing else: no log, no look for duplicates, no counts, no
        cancellation. Decimals and stamps are text, as exact as ours; caches of pages are as large as ours."""
        table, schema = table_name(job), rows.SCHEMA
        with closing(sqlite3.connect(self.cache(job), isolation_level=None)) as connection:
            for setting in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "temp_store = FILE",
                "cache_size = -16384",
                "temp.cache_size = -16384",
            ):
                connection.execute(f"PRAGMA {setting}")
            definitions = ", ".join(f"{column.name} {_kind(column.type)}" for column in schema.columns)
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({definitions}, PRIMARY KEY (Id)) STRICT")
            connection.execute(f"CREATE TEMP TABLE staging ({', '.join(schema.names)})")
            marks = ", ".join("?" * len(schema.names))
            read = 0
            connection.execute("BEGIN")
            for batch in self.read(job):
                columns = [_values(column) for column in batch.columns]
                connection.executemany(f"INSERT INTO staging VALUES ({marks})", zip(*columns, strict=True))
                read += batch.num_rows
            connection.execute("COMMIT")
            assigned = ", ".join(f"{name} = excluded.{name}" for name in schema.values)
            differs = " OR ".join(f"t.{name} IS NOT excluded.{name}" for name in schema.values)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                f"INSERT INTO {table} AS t SELECT * FROM staging WHERE true ON CONFLICT (Id) DO UPDATE SET {assigned} "
                f"WHERE (t.Changed IS NULL OR excluded.Changed >= t.Changed) AND ({differs})"
            )
            connection.execute("COMMIT")
        return Work(rows=read)

    def state(self, job: Job) -> State:
        if not self.cache(job).exists():
            return State(rows=0, current=0)
        with closing(sqlite3.connect(self.cache(job))) as connection:
            found = connection.execute(
                f"SELECT count(*), count(*) FILTER (WHERE Version = ?) FROM {table_name(job)}", (version_of(job),)
            ).fetchone()
        return State(rows=found[0], current=found[1])


def _kind(arrow: pa.DataType) -> str:
    return "INTEGER" if pa.types.is_integer(arrow) else "TEXT"


def _values(column: "pa.Array[Any]") -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    plain = pa.types.is_integer(column.type) or pa.types.is_string(column.type)
    return (column if plain else column.cast(pa.string())).to_pylist()
