"""The same work by hand, with nothing but `sqlite3`: read, stage, deduplicate, upsert what differs.

No conversions, no schema check, no audit row, no cancellation: what is left when everything else is taken away.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One table to copy by hand."""

    source: Path
    cache: Path
    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    where: str = "true"


def copy(job: Job) -> int:
    """Copies or refreshes the table; returns the rows read."""
    source = sqlite3.connect(f"file:{job.source}?mode=ro", uri=True)
    cache = sqlite3.connect(job.cache, isolation_level=None)
    cache.execute("PRAGMA journal_mode = WAL")
    cache.execute("PRAGMA synchronous = FULL")
    cache.execute("PRAGMA temp_store = FILE")
    names = ", ".join(f'"{name}"' for name in job.columns)
    key = ", ".join(f'"{name}"' for name in job.key)
    not_null = [f'"{name}" NOT NULL' if name in job.key else f'"{name}"' for name in job.columns]
    cache.execute(f"CREATE TABLE IF NOT EXISTS {job.table} ({', '.join(not_null)}, PRIMARY KEY ({key}))")
    cache.execute(f"CREATE TEMP TABLE staging ({names})")
    marks = ", ".join("?" * len(job.columns))
    cache.execute("BEGIN")
    read = cache.executemany(
        f"INSERT INTO staging VALUES ({marks})", source.execute(f"SELECT {names} FROM {job.table} WHERE {job.where}")
    ).rowcount
    cache.execute("COMMIT")
    order = ", ".join(f'"{name}" DESC' for name in job.order)
    cache.execute(
        "DELETE FROM staging WHERE rowid IN (SELECT arrival FROM (SELECT rowid AS arrival, "
        f"ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}) AS version FROM staging) WHERE version > 1)"
    )
    values = [name for name in job.columns if name not in job.key]
    assigned = ", ".join(f'"{name}" = excluded."{name}"' for name in values)
    differs = " OR ".join(f't."{name}" IS NOT excluded."{name}"' for name in values)
    cache.execute("BEGIN IMMEDIATE")
    cache.execute(
        f"INSERT INTO {job.table} AS t ({names}) SELECT {names} FROM staging WHERE true "
        f"ON CONFLICT ({key}) DO UPDATE SET {assigned} WHERE {differs}"
    )
    cache.execute("COMMIT")
    cache.close()
    source.close()
    return int(read)
