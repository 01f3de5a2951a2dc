"""`make bench`: rows a second next to a bare script in the same run, and memory against the size of the table.

Each figure is the median of several runs, taken in turn (bare, afresh, bare, afresh, ...), each in a process of its
own; the ratio is that of the medians. What is timed is the sync, not the start of the interpreter.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import data

WINDOW_ROWS = 100_000
ONE_IN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Medians of the runs of one kind."""

    seconds: float
    rows: int
    peak_mb: int


def main() -> None:
    """Runs the benchmarks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="rows of the table (at least 150,000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each kind")
    parser.add_argument("--directory", type=Path, default=Path("build/bench"))
    parser.add_argument("--memory", type=int, nargs="*", default=None, help="rows of F4111 to measure memory at")
    given = parser.parse_args()
    if given.memory is None:
        speed(given.directory, given.rows, given.runs)
    memory(given.directory, given.memory if given.memory else [100_000, 1_000_000])


def speed(directory: Path, rows: int, runs: int) -> None:
    """Mass, a window with 1 % changed, and the same window unchanged, for `table` and for `jde`."""
    before = directory / f"before-{rows}.db"
    data.make(before, rows, ledger=True)
    after = directory / f"after-{rows}.db"
    start = data.window_start(before, WINDOW_ROWS)
    if not after.exists():
        shutil.copy(before, after)
        data.change(after, start, ONE_IN)
    print(f"{'':34}{'bare s':>9}{'afresh s':>10}{'ratio':>7}{'bare rows/s':>13}{'afresh rows/s':>15}")
    for fetcher, table in (("table", data.LEDGER), ("jde", data.F4111)):
        mass = _compare(directory, table, before, None, None, runs)
        _print(f"{fetcher}: Mass of {mass[1].rows:,}", *mass)
        changed = _compare(directory, table, after, before, start, runs)
        _print(f"{fetcher}: window of {changed[1].rows:,}, 1 % changed", *changed)
        unchanged = _compare(directory, table, before, before, start, runs)
        _print(f"{fetcher}: window of {unchanged[1].rows:,}, unchanged", *unchanged)


def memory(directory: Path, sizes: Sequence[int]) -> None:
    """Peak memory of a Mass of F4111 at each size."""
    print(f"\n{'Mass of F4111 (jde)':34}{'seconds':>9}{'rows/s':>12}{'peak MB':>9}")
    for size in sizes:
        source = directory / f"memory-{size}.db"
        data.make(source, size, ledger=False)
        figure = _one("afresh", data.F4111, source, _fresh(directory / "memory-cache.db"), None)
        print(f"{size:>12,} rows{'':17}{figure.seconds:>9.1f}{figure.rows / figure.seconds:>12,.0f}{figure.peak_mb:>9}")
        source.unlink()
        _fresh(directory / "memory-cache.db")


def _compare(
    directory: Path, table: str, source: Path, loaded_from: Path | None, start: tuple[int, int] | None, runs: int
) -> tuple[Figure, Figure]:
    """Each run begins with a cache that is empty, or as a Mass of `loaded_from` left it."""
    figures: dict[str, list[Figure]] = {"bare": [], "afresh": []}
    for who in figures:
        if loaded_from is not None:
            _one(who, table, loaded_from, _fresh(directory / f"{who}-loaded.db"), None)
    for _run in range(runs):
        for who, found in figures.items():
            cache = _fresh(directory / f"{who}.db")
            if loaded_from is not None:
                shutil.copy(directory / f"{who}-loaded.db", cache)
            found.append(_one(who, table, source, cache, start))
    return _median(figures["bare"]), _median(figures["afresh"])


def _one(who: str, table: str, source: Path, cache: Path, start: tuple[int, int] | None) -> Figure:
    command = [sys.executable, "-m", "bench.one", who, table, str(source.absolute()), str(cache.absolute())]
    if start is not None:
        command += ["--window", f"{start[0]},{start[1]}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Figure(**json.loads(done.stdout))


def _median(figures: Sequence[Figure]) -> Figure:
    return Figure(
        seconds=statistics.median(figure.seconds for figure in figures),
        rows=figures[0].rows,
        peak_mb=max(figure.peak_mb for figure in figures),
    )


def _fresh(cache: Path) -> Path:
    for suffix in ("", "-wal", "-shm"):
        cache.with_name(cache.name + suffix).unlink(missing_ok=True)
    return cache


def _print(name: str, bare: Figure, ours: Figure) -> None:
    print(
        f"{name:<34}{bare.seconds:>9.2f}{ours.seconds:>10.2f}{ours.seconds / bare.seconds:>7.2f}"
        f"{bare.rows / bare.seconds:>13,.0f}{ours.rows / ours.seconds:>15,.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
