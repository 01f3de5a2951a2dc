"""Every question that pages, API and `status` ask of a long log is answered by index: said by the databases' plans."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.long_log_sql import Rows, postgres, sqlite, table_name
from tests.caches.postgres_rig import PostgresRig, drop_made
from tests.caches.sqlite_rig import FILE, SqliteRig
from tests.engine.rig import table_config
from tests.web.web_rig import web_rig

from afresh.engine.judging import judged
from afresh.testing.clock import START
from afresh.testing.kit_rig import CacheRig

ROWS = Rows(tables=200, updates=20_000, ended=START)
KEPT = 12
TABLE = table_name(7)
SINCE, UNTIL = ((START - timedelta(hours=ago)).strftime("%Y-%m-%dT%H:%M:%SZ") for ago in (60, 40))
"""Some of the log's hundred hours, which lie neither at its beginning nor at its end."""
PATHS = (
    *("/", "/?show=all", "/?state=Stopped", "/now.json", "/grid", "/grid?hours=168", "/grid.json", "/sources"),
    *("/sources.json", "/metrics", "/health", "/readyz", "/livez", f"/freshness?table={TABLE}"),
    *(f"/tables/{TABLE}", f"/tables/{TABLE}.json", f"/badge/{TABLE}.svg", f"/badge/{TABLE}.json"),
    *("/api/v1/tables", f"/api/v1/tables/{TABLE}", "/api/v1/sources", "/api/v1/config", "/api/v1/updates/unknown"),
    *("/api/v1/actions", f"/api/v1/actions?table={TABLE}&before=7"),
    *(
        page + query + span + before
        for page in ("/history?", "/history.json?", "/history.csv?", "/api/v1/updates?")
        for query in ("", f"table={TABLE}&", "outcome=failed&", f"table={TABLE}&outcome=failed&",
                      f"table={TABLE}&outcome=succeeded&")
        for span in ("", f"since={SINCE}&", f"until={UNTIL}&", f"since={SINCE}&until={UNTIL}&")
        for before in ("", "before=900")
    ),
)  # fmt: skip

Asked = list[tuple[str, tuple[Any, ...]]]


def test_sqlite_answers_by_index(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite scans neither the log nor what people asked for: it searches, or walks in order up to a limit."""
    rig = SqliteRig()
    _make_log(rig, directory, [sqlite(ROWS)])
    asked: Asked = []
    connect = sqlite3.connect

    def traced(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)
        connection.set_trace_callback(lambda statement: asked.append((statement, ())))
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    _ask_everything(directory, rig)
    monkeypatch.undo()
    questions = _questions(asked, "DataUpdate|AfreshAction")
    assert len(questions) >= 20
    with closing(sqlite3.connect(directory / FILE)) as connection:
        for statement, _none in questions:
            plan = [str(step[-1]) for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            assert not [step for step in plan if _is_scan(step, statement)], (statement, plan)


def _is_scan(step: str, statement: str) -> bool:
    """Whether more rows may be read than are answered: a walk in the order of the answer, up to its limit, does not,
    nor does one over the index of the open rows alone."""
    if re.match(r"SCAN (u|s|d|DataUpdate|AfreshAction)\b", step) is None:
        return False
    few = "INDEX DataUpdateOpen" in step or "COVERING INDEX AfreshActionLatest" in step
    return not few and "WHERE true ORDER BY Id DESC LIMIT" not in statement


def test_postgresql_answers_by_index(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has an index for every question to the log, by which it reads hardly more than the rows of one
    table."""
    rig = PostgresRig()
    asked: Asked = []
    execute = psycopg.RawCursor.execute

    def traced(cursor: Any, query: Any, params: Any = None, **named: Any) -> Any:
        asked.append((str(query), tuple(params or ())))
        return execute(cursor, query, params, **named)

    try:
        _make_log(rig, directory, [*postgres(ROWS), 'ANALYZE "DataUpdate"'])
        monkeypatch.setattr(psycopg.RawCursor, "execute", traced)
        _ask_everything(directory, rig)
        monkeypatch.undo()
        questions = _questions(asked, '"DataUpdate"')
        assert len(questions) >= 20
        cache = rig.make_cache(directory)
        with cache._database.connected() as connection:
            for statement, values in questions:
                plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN ANALYZE {statement}", values))
                assert not re.search(r"Seq Scan on \"?DataUpdate", plan), (statement, plan)
                left_out = [int(rows) for rows in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
                assert max(left_out, default=0) <= ROWS.hours, (statement, plan)
        cache.close()
    finally:
        drop_made()


def _make_log(rig: CacheRig, directory: Path, statements: list[str]) -> None:
    cache = rig.make_cache(directory)
    cache.log.purge(datetime(2000, 1, 1, tzinfo=UTC))
    cache.close()
    for statement in statements:
        rig.execute(directory, statement)


def _ask_everything(directory: Path, rig: CacheRig) -> None:
    """Every page and answer there is, of some of the tables in the log, and what `status` asks."""
    configs = [table_config(table_name(number)) for number in range(KEPT)]
    with web_rig(directory, cache=rig.make_cache(directory), configs=configs) as web:
        for path in PATHS:
            assert web.client.get(path).status_code in (200, 404, 503), path
        judged(web.rig.service)


def _questions(asked: Asked, tables: str) -> Asked:
    """Each different question about those tables once."""
    found = {
        repr((statement, values)): (statement, values)
        for statement, values in asked
        if re.match(r"\s*(SELECT|WITH)\b", statement) and re.search(tables, statement)
    }
    return list(found.values())
