"""The SQLite source beside `sqlite3`: fetchmany, and each column to Arrow by hand.

SQLite holds the decimals as doubles and the stamps as texts, as its programs do.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.engine.clock import SystemClock
from afresh.sources.sqlite import SqliteSource
from bench import rows
from bench.part import Job
from bench.source_part import TABLE, SourcePart, made, typed


class SqliteSourcePart(SourcePart):
    """The address is the file."""

    name = "sqlite-source"

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}-{rows}.db"
        if not path.exists():
            _make(path, rows)
        yield str(path)

    def source(self, job: Job) -> SqliteSource:
        return SqliteSource(name="Bench", path=Path(job.address), time_zone=ZoneInfo("UTC"), clock=SystemClock())

    def by_hand(self, job: Job) -> Iterator[pa.RecordBatch]:
        stored = [_stored(column.type) for column in rows.SCHEMA.columns]
        with closing(sqlite3.connect(f"{Path(job.address).as_uri()}?mode=ro", uri=True)) as connection:
            cursor = connection.execute(f"SELECT {', '.join(rows.SCHEMA.names)} FROM {TABLE}")
            while found := cursor.fetchmany(rows.PIECE):
                columns: list[Any] = [
                    pa.array(values, kind) for values, kind in zip(zip(*found, strict=True), stored, strict=True)
                ]
                columns[-1] = columns[-1].cast(pa.timestamp("us"))
                yield typed(pa.RecordBatch.from_arrays(columns, names=list(rows.SCHEMA.names)))


def _make(path: Path, count: int) -> None:
    half = path.with_suffix(".part")
    half.unlink(missing_ok=True)
    declared = ", ".join(f"{column.name} {_declared(column.type)}" for column in rows.SCHEMA.columns)
    marks = ", ".join("?" * len(rows.SCHEMA.columns))
    with closing(sqlite3.connect(half, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"CREATE TABLE {TABLE} ({declared}, PRIMARY KEY (Id))")
        connection.execute("BEGIN")
        for batch in made(count):
            columns = [_values(column) for column in batch.columns]
            connection.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", zip(*columns, strict=True))
        connection.execute("COMMIT")
    half.rename(path)


def _declared(kind: pa.DataType) -> str:
    if pa.types.is_decimal128(kind):
        return "DECIMAL(15,4)"
    return "INTEGER" if pa.types.is_integer(kind) else "TEXT"


def _stored(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal128(kind):
        return pa.float64()
    return pa.string() if pa.types.is_timestamp(kind) else kind


def _values(column: "pa.Array[Any]") -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us")).cast(pa.string()).to_pylist()
    if pa.types.is_decimal128(column.type):
        column = column.cast(pa.string()).cast(pa.float64())  # by the text: the straight cast is off in the last digit
    return column.to_pylist()
