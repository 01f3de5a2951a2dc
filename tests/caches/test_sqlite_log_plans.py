"""However long the log is, what is asked of it all the time is found by index."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.caches.sqlite_rig import SqliteRig

from afresh.caches import sqlite_log
from afresh.caches.sqlite import SqliteCache
from afresh.core.model import DataUpdate, Outcome
from afresh.core.options import CacheConfig
from afresh.testing.kit_rig import BEGIN, Bench, at

QUESTIONS: dict[str, Callable[[SqliteCache], Sequence[DataUpdate]]] = {
    "open": lambda cache: cache.log.history(open_only=True),
    "table": lambda cache: cache.log.history(table_name="A", limit=30),
    "page": lambda cache: cache.log.history(before=10**9, limit=50),
    "outcome": lambda cache: cache.log.history(outcome=Outcome.FAILED, limit=50),
    "operation": lambda cache: cache.log.history(operation_id="x"),
    "last": lambda cache: cache.log.last_updates(),
    "later": lambda cache: cache.log.history(since=BEGIN, limit=50),
    "earlier": lambda cache: cache.log.history(until=at(60), limit=50),
    "span": lambda cache: cache.log.history(since=at(1), until=at(60), before=900, limit=50),
    "span of table": lambda cache: cache.log.history(since=at(1), until=at(60), table_name="A", before=900, limit=50),
    "span of outcome": lambda cache: cache.log.history(
        since=at(1), until=at(60), outcome=Outcome.SUCCEEDED, before=900, limit=50
    ),
    "span of both": lambda cache: cache.log.history(
        since=at(1), until=at(60), table_name="A", outcome=Outcome.SUCCEEDED, limit=50
    ),
    "failures in a span": lambda cache: cache.log.history(until=at(60), outcome=Outcome.FAILED, limit=50),
    "failures of a table in a span": lambda cache: cache.log.history(
        since=at(1), until=at(60), table_name="A", outcome=Outcome.FAILED, limit=50
    ),
    "open in a span": lambda cache: cache.log.history(since=at(1), open_only=True),
}


@pytest.mark.parametrize("statement", ["_LAST", "_FAILURES"])
def test_schedules_are_found_by_index(tmp_path: Path, statement: str) -> None:
    """Neither the last successes nor the failures since read the log as a whole."""
    SqliteCache(tmp_path / "cache.db", CacheConfig(url="sqlite:///cache.db", lock_timeout=timedelta(seconds=1))).close()
    bench = Bench(rig=SqliteRig(), directory=tmp_path, cache=SqliteRig().make_cache(tmp_path))
    bench.end(bench.start("A"))
    bench.end(bench.start("B"), Outcome.FAILED)
    bench.cache.close()
    file = next(path for path in tmp_path.iterdir() if path.suffix == ".db")
    with closing(sqlite3.connect(file)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {getattr(sqlite_log, statement)}").fetchall()
    steps = [str(step[-1]) for step in plan]
    # A search for the least name of a table is written as a search, too; what is scanned are the few schedules.
    assert not [step for step in steps if step.startswith("SCAN") and step.split()[1] in ("u", "s", "d", "DataUpdate")]


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_do_not_grow_with_the_log(tmp_path: Path, question: str) -> None:
    """A log of many rows answers as a short one does: SQLite counts how many steps its machine takes."""
    rig = SqliteRig()
    bench = Bench(rig=rig, directory=tmp_path, cache=rig.make_cache(tmp_path))
    bench.end(bench.start("A"))
    few = _steps(bench, question)
    rig.execute(
        tmp_path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) INSERT INTO DataUpdate "
        "(TableName, SourceSystem, UpdateType, StartDT, EndDT, WasSuccessful, NumberRecords, OperationId, InstanceId, "
        "Outcome) SELECT 'A', 'S', 3, strftime('%Y-%m-%d %H:%M:%f000', '2026-03-02 08:00', i || ' seconds'), "
        "'2026-01-01 00:00:00.000000', 1, 5, 'op' || i, 'x', 'succeeded' FROM n",
    )
    assert _steps(bench, question) <= few + 60 * 100


def _steps(bench: Bench, question: str) -> int:
    """How many hundred steps, times a hundred, the statement takes."""
    taken = [0]

    def count() -> int:
        taken[0] += 100
        return 0

    connect = sqlite3.connect

    def counted(*arguments: object, **named: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)  # type: ignore[call-overload]
        connection.set_progress_handler(count, 100)
        return connection

    cache = SqliteRig().make_cache(bench.directory)
    assert isinstance(cache, SqliteCache)
    sqlite3.connect = counted  # type: ignore[assignment]
    try:
        QUESTIONS[question](cache)
    finally:
        sqlite3.connect = connect
        cache.close()
    return taken[0]
