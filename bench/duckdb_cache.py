"""The DuckDB cache beside the bare driver doing the same work: Arrow reader -> INSERT -> UPDATE + INSERT.

Run with `python -m bench.duckdb_cache`; needs the extra `duckdb`. Each figure is the median of several runs, taken in
turn, each in a process of its own; both sides read the same record batches from a file, have the same memory limit and
threads, and end with everything in the file.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import ipc

from afresh.caches import duckdb_sql as sql
from afresh.caches.duckdb import build
from afresh.caches.duckdb_address import parse_address
from afresh.core.model import Completion, DataUpdate, MergeCounts, Outcome, ReloadStrategy, UpdateType
from afresh.core.options import CacheConfig
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.engine.cancellation import CancelToken

PIECE, BATCH, WINDOW = 10_000, 1_000_000, 100_000
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
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
CASES = {
    "load": "load",
    "window, 1 in 100 changed": "hundredth",
    "the same window again": "same",
    "window, all changed, and new": "changed",
    "scattered, all changed": "scattered",
    "swap, 1 in 100 changed": "swap",
}
BARE = frozenset(CASES.values()) - {"swap"}


def main() -> None:
    """Runs what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table")
    parser.add_argument("--runs", type=int, default=3, help="runs of each kind")
    parser.add_argument("--directory", type=Path, default=Path("build/bench-duckdb"))
    parser.add_argument("--cases", nargs="*", choices=sorted(CASES.values()), default=sorted(CASES.values()))
    parser.add_argument("--parameters", default="", help="of the cache URL, such as `memory_limit=512MB&threads=2`")
    parser.add_argument("--one", nargs=2, metavar=("WHO", "CASE"), help="one run, in this process: prints JSON")
    given = parser.parse_args()
    place = Place(given.directory, given.rows, given.parameters)
    if given.one is not None:
        print(json.dumps(place.run(*given.one)))
    else:
        _all(place, given.runs, given.cases)


class Place:
    """Where the batches and the caches of one size of table are."""

    def __init__(self, directory: Path, rows: int, parameters: str) -> None:
        self.directory = directory
        self.rows = rows
        self.parameters = parameters
        directory.mkdir(parents=True, exist_ok=True)

    def make(self) -> None:
        """Makes the batches, and a loaded cache for each side."""
        for case in CASES.values():
            path = self.batches_of(case)
            if not path.exists():
                half = path.with_suffix(".part")
                with ipc.new_file(str(half), SCHEMA.arrow()) as file:
                    for batch in _batches(case, self.rows):
                        file.write_batch(batch)
                half.rename(path)
        for who in ("bare", "afresh"):
            if not self.loaded(who).exists():
                self.measure(who, "load")
                shutil.copy(self.cache(who), self.loaded(who))

    def batches_of(self, case: str) -> Path:
        """The file with the rows that a case reads."""
        return self.directory / f"{case}-{self.rows}.arrow"

    def cache(self, who: str) -> Path:
        """The cache that a run writes."""
        return self.directory / f"{who}-{self.rows}.duckdb"

    def loaded(self, who: str) -> Path:
        """The cache that the cases but `load` begin with."""
        return self.directory / f"{who}-{self.rows}-loaded.duckdb"

    def measure(self, who: str, case: str) -> dict[str, float]:
        """One run in a process of its own, on a fresh cache."""
        cache = self.cache(who)
        for left in cache.parent.glob(f"{cache.name}*"):
            left.unlink()
        if case != "load":
            shutil.copy(self.loaded(who), cache)
        words = ["--rows", str(self.rows), "--directory", str(self.directory), "--parameters", self.parameters]
        command = [sys.executable, "-m", "bench.duckdb_cache", *words, "--one", who, case]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def run(self, who: str, case: str) -> dict[str, float]:
        """One run here: seconds, processor seconds, rows, and peak memory."""
        url = f"duckdb:///{self.cache(who).absolute()}?{self.parameters}"
        began, worked = time.perf_counter(), time.process_time()
        rows = (_bare if who == "bare" else _afresh)(url, case, _read(self.batches_of(case)))
        return {
            "seconds": time.perf_counter() - began,
            "processor": time.process_time() - worked,
            "rows": rows,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def _all(place: Place, runs: int, cases: list[str]) -> None:
    place.make()
    print(f"{'':32}{'bare s':>8}{'afresh s':>10}{'ratio':>7}{'bare cpu':>10}{'cpu':>7}{'ratio':>7}{'peak MB':>16}")
    for name, case in CASES.items():
        if case not in cases:
            continue
        sides = ("bare", "afresh") if case in BARE else ("afresh",)
        found: dict[str, list[dict[str, float]]] = {who: [] for who in sides}
        for _run in range(runs):
            for who, figures in found.items():
                figures.append(place.measure(who, case))
        print(f"{name:32}{_line(found)}", flush=True)


def _line(found: dict[str, list[dict[str, float]]]) -> str:
    ours, bare = found["afresh"], found.get("bare")
    seconds, processor, peak = (_median(ours, name) for name in ("seconds", "processor", "peak_mb"))
    if bare is None:
        return f"{'':8}{seconds:>10.2f}{'':17}{processor:>7.2f}{'':7}{peak:>16.0f}"
    first, other, least = (_median(bare, name) for name in ("seconds", "processor", "peak_mb"))
    return (
        f"{first:>8.2f}{seconds:>10.2f}{seconds / first:>7.2f}"
        f"{other:>10.2f}{processor:>7.2f}{processor / other:>7.2f}{least:>10.0f}{peak:>6.0f}"
    )


def _median(figures: list[dict[str, float]], name: str) -> float:
    return statistics.median(figure[name] for figure in figures)


def _afresh(url: str, case: str, batches: Iterator[pa.RecordBatch]) -> int:
    cache = build(CacheConfig(url=url), Path())
    operation, reload = uuid.uuid4().hex, case == "swap"
    cache.log.start(
        DataUpdate(
            table_name="Ledger",
            source_system="Bench",
            update_type=UpdateType.MASS,
            operation_id=operation,
            instance_id="bench",
            start_dt=NOW,
        )
    )

    def complete(counts: MergeCounts) -> Completion:
        return Completion(
            operation_id=operation, end_dt=NOW, outcome=Outcome.SUCCEEDED, number_records=rows, counts=counts
        )

    if cache.describe("Ledger", SCHEMA) is None:
        cache.create("Ledger", SCHEMA)
    rows = merged = 0
    with cache.stage("Ledger", SCHEMA, operation, CancelToken(), reload=reload) as stage:
        for batch in batches:
            stage.append(batch)
            rows += batch.num_rows
            if rows - merged >= BATCH:
                stage.merge(trust_source=reload)
                merged = rows
        stage.merge(trust_source=reload, complete=None if reload else complete)
        if reload:
            stage.reload(ReloadStrategy.SWAP, complete)
    cache.close()
    return rows


def _bare(url: str, case: str, batches: Iterator[pa.RecordBatch]) -> int:
    """All in one batch, and nothing but the rows: no schema check, no audit row, no duplicates, no cancellation."""
    address = parse_address(url, Path())
    connection = duckdb.connect(str(address.path), config=dict(address.config()))
    definitions = ", ".join(f"{column.name} {sql.storage(column.type)}" for column in SCHEMA.columns)
    connection.execute(f"CREATE TABLE IF NOT EXISTS Ledger ({definitions})")
    connection.execute(f"CREATE TEMP TABLE staging ({definitions})")
    connection.register("incoming", pa.RecordBatchReader.from_batches(SCHEMA.arrow(), batches))
    ((rows,),) = connection.execute("INSERT INTO staging SELECT * FROM incoming").fetchall()
    assigned = ", ".join(f"{name} = s.{name}" for name in SCHEMA.values)
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in SCHEMA.values)
    connection.execute("BEGIN")
    connection.execute(
        f"UPDATE Ledger AS t SET {assigned} FROM staging AS s\n"
        f"WHERE t.Id = s.Id AND s.Changed >= t.Changed AND ({differs})"
    )
    connection.execute(
        "INSERT INTO Ledger SELECT * FROM staging AS s WHERE NOT EXISTS (SELECT 1 FROM Ledger AS t WHERE t.Id = s.Id)"
    )
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT")
    connection.close()
    return int(rows)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with ipc.open_file(path.open("rb")) as file:
        for number in range(file.num_record_batches):
            yield file.get_batch(number)


def _batches(case: str, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a case; those that changed are of version 1, the others as they were loaded."""
    if case == "load":
        ids = np.arange(rows)
    elif case == "scattered":
        ids = np.arange(0, rows, max(rows // WINDOW, 1))
    elif case == "swap":
        ids = np.arange(rows)
    else:
        ids = np.arange(rows - WINDOW, rows + (WINDOW // 10 if case == "changed" else 0))
    one_in = {"load": 0, "same": 0, "hundredth": 100, "swap": 100}.get(case, 1)
    for start in range(0, len(ids), PIECE):
        some = ids[start : start + PIECE]
        yield _batch(some, some % one_in == 0 if one_in else np.zeros(len(some), bool))


def _batch(ids: "np.typing.NDArray[np.int64]", changed: "np.typing.NDArray[np.bool_]") -> pa.RecordBatch:
    mixed = (ids * 2_654_435_761 + 12_345) % 1_000_003
    columns: list[Any] = [pa.array(ids)]
    columns += [
        pa.array((mixed * (number + 7) + changed) % 10**9).cast(pa.decimal128(19, 0)).cast(pa.decimal128(23, 4))
        for number in range(14)
    ]
    columns = [column.cast(kind) for column, kind in zip(columns, SCHEMA.arrow().types, strict=False)]
    columns += [pa.array(mixed * (number + 3) % 99_991).cast(pa.string()) for number in range(8)]
    columns.append(pa.array(np.char.add("A description of item ", mixed.astype(str))))
    columns.append(pa.array(1_700_000_000_000_000 + ids * 1_000_000 + changed).cast(TIMESTAMP))
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA.arrow())


if __name__ == "__main__":
    main()
