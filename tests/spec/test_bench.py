"""The benchmark measures real work: tiny runs of each part, with what they did looked at."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest
from bench import report, rows
from bench.cache_part import State
from bench.compare import Figure, Result
from bench.duckdb_cache import DuckdbCachePart
from bench.ledger import LedgerPart
from bench.part import Case, Job, Part, Work, WrongWork
from bench.parts import PARTS
from bench.postgres_cache import SCHEMA, PostgresCachePart
from bench.postgres_source import PostgresSourcePart
from bench.source_part import SourcePart
from bench.sqlite_cache import SqliteCachePart

ROWS = 2_000
"""Windows of it change 200 rows and add 20."""

pytestmark = pytest.mark.timeout(240)
SIDES = ("Bare", "Afresh")
CASES = ["load", "window", "window unchanged", "scattered", "scattered unchanged"]


def test_the_sqlite_part_leaves_two_equal_tables(tmp_path: Path) -> None:
    """Both sides read all rows of each case and end with the same values in the same types."""
    part = SqliteCachePart()
    with part.ground(tmp_path, ROWS) as address:
        for case in CASES:
            _both(part, address, case)
    types = ", typeof(N0), typeof(Changed)"
    bare, afresh = (
        _rows(sqlite3.connect(tmp_path / f"sqlite-{who.lower()}-{ROWS}.db"), f"SELECT *{types} FROM Bench{who}")
        for who in SIDES
    )
    assert bare == afresh
    assert len(bare) == ROWS + 40


def test_the_duckdb_part_leaves_two_equal_tables(tmp_path: Path) -> None:
    """Both sides read all rows of each case and end with the same rows."""
    part = DuckdbCachePart()
    with part.ground(tmp_path, ROWS) as address:
        for case in CASES:
            _both(part, address, case)
    columns = "* REPLACE (epoch_us(Changed) AS Changed)"
    bare, afresh = (
        _rows(
            duckdb.connect(str(tmp_path / f"duckdb-{who.lower()}-{ROWS}.duckdb")), f"SELECT {columns} FROM Bench{who}"
        )
        for who in SIDES
    )
    assert bare == afresh
    assert len(bare) == ROWS + 40


def test_the_postgresql_part_leaves_two_equal_tables(tmp_path: Path) -> None:
    """Both sides read all rows by ADBC and end with the same rows; the server's own work counts as processor time."""
    part = PostgresCachePart()
    with part.ground(tmp_path, ROWS) as address:
        began = part.server_seconds(address)
        for case in CASES:
            _both(part, address, case)
        assert "AFRESH_TEST_POSTGRES_URL" in os.environ or part.server_seconds(address) > began
        bare, afresh = (
            _rows(psycopg.connect(address), f'SELECT * FROM {SCHEMA}."Bench{who}"'.encode()) for who in SIDES
        )
    assert bare == afresh
    assert len(bare) == ROWS + 40


def test_the_postgres_source_part_does_each_case(tmp_path: Path) -> None:
    """Reads and whole syncs, in one piece and in parts, are checked on both sides."""
    part = PostgresSourcePart()
    with part.ground(tmp_path, ROWS) as address:
        for case in (case.name for round_ in part.rounds for case in round_):
            assert _both(part, address, case) == [ROWS, ROWS]


@pytest.mark.parametrize(
    "name", ["sqlite-source", "duckdb-source", "parquet-source", "csv-source", "psqlodbc-source", "mysql-source"]
)
def test_a_source_is_read_whole_by_both_sides(name: str, tmp_path: Path) -> None:
    """All rows come on both sides, in the types of the benchmark and with the same values, down to the last digit."""
    part = PARTS[name]()
    if missing := part.missing():
        pytest.skip(f"not run: {missing} (.ci/run installs it)")
    with part.ground(tmp_path, ROWS) as address:
        assert _both(part, address, "read") == [ROWS, ROWS]
        assert isinstance(part, SourcePart)
        job = Job(part=name, case="read", who="both", address=address, rows=ROWS, run=1)
        bare, afresh = (_sorted_columns(read(job)) for read in (part.by_hand, part.by_source))
        assert bare == afresh


def test_the_ledger_part_does_each_case(tmp_path: Path) -> None:
    """Loads, windows and unchanged windows of `table` and `jde` are checked on both sides."""
    part = LedgerPart()
    with part.ground(tmp_path, ROWS) as address:
        for (case,) in part.rounds:
            read, also_read = _both(part, address, case.name)
            assert read == also_read > 0


@pytest.mark.parametrize(
    ("before", "after", "work"),
    [
        (State(rows=0, current=0), State(rows=ROWS - 1, current=ROWS - 1), Work(rows=ROWS)),
        (State(rows=0, current=0), State(rows=ROWS, current=ROWS), Work(rows=ROWS - 1)),
        (State(rows=0, current=0), State(rows=ROWS, current=0), Work(rows=ROWS)),
        (State(rows=0, current=0), State(rows=ROWS, current=ROWS), Work(rows=ROWS, counts={"inserted": 1})),
    ],
)
def test_work_that_was_not_done_has_no_figure(before: State, after: State, work: Work, tmp_path: Path) -> None:
    """A side that read, kept, changed or counted other rows than the case has is told so."""
    part = _Left(after)
    job = Job(part="sqlite", case="load", who="afresh", address=str(tmp_path), rows=ROWS, run=1)
    with pytest.raises(WrongWork):
        part.check(job, before, work)


def test_an_unchanged_window_that_wrote_has_no_figure(tmp_path: Path) -> None:
    """What the database counts as written must not move."""
    job = Job(part="sqlite", case="window unchanged", who="bare", address=str(tmp_path), rows=ROWS, run=1)
    before = State(rows=ROWS + 20, current=220, written=7)
    _Left(before).check(job, before, Work(rows=220))
    with pytest.raises(WrongWork):
        _Left(replace(before, written=8)).check(job, before, Work(rows=220))


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    """A pair of runs that the machine slowed alike weighs as much as any other; what is above a limit is marked."""
    result = Result(
        part="some",
        case=Case(name="load", limit=1.3),
        table_rows=10,
        bare=tuple(_figure(seconds) for seconds in (1.0, 10.0, 2.0)),
        afresh=tuple(_figure(seconds, peak_mb=401) for seconds in (1.5, 12.0, 3.0)),
    )
    assert result.ratio == 1.5
    assert result.processor_ratio == 1.5
    assert report.line(result).endswith("above: time, memory")


def test_the_command_names_its_parts(tmp_path: Path) -> None:
    """One part at one size from the command line: a line for each case, and all figures as JSON."""
    command = [sys.executable, "-m", "bench.run", "sqlite", "--rows", "500", "--runs", "1", "--cases", "load"]
    done = subprocess.run(
        [*command, "--directory", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["part", "case"], ["sqlite", "load"]]
    assert '"table_rows": 500' in (tmp_path / "results.json").read_text()


def test_each_part_can_be_made() -> None:
    """A part is found by its name, and says what it would need."""
    made: list[Part] = [make() for make in PARTS.values()]
    assert [part.name for part in made] == list(PARTS)


class _Left(SqliteCachePart):
    """A part whose table is as it is told."""

    def __init__(self, left: State) -> None:
        super().__init__()
        self._left = left

    def state(self, job: Job) -> State:
        return self._left


def _both(part: Part, address: str, case: str) -> list[int]:
    """The case by both sides, in this process, with all checks; the rows that each read."""
    read = []
    for who in SIDES:
        job = Job(part=part.name, case=case, who=who.lower(), address=address, rows=ROWS, run=1)
        before = part.prepare(job)
        part.begin(job)
        work = part.bare(job) if who == "Bare" else part.afresh(job)
        part.check(job, before, work)
        read.append(work.rows)
    return read


def _sorted_columns(batches: Iterator[pa.RecordBatch]) -> list[Any]:
    """The columns, in the order of the first."""
    table = pa.Table.from_batches(list(batches)).rename_columns(list(rows.SCHEMA.names))
    return [column.combine_chunks() for column in table.sort_by("Id").columns]


def _figure(seconds: float, peak_mb: int = 1) -> Figure:
    return Figure(seconds=seconds, processor=seconds, peak_mb=peak_mb, rows=10)


def _rows(connection: Any, statement: str | bytes) -> list[tuple[object, ...]]:
    with closing(connection):
        return sorted(connection.execute(statement).fetchall())
