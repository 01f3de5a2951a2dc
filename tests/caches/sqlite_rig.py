"""What the conformance kit needs to know of SQLite."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from afresh.caches.sqlite import SqliteCache
from afresh.core.options import CacheConfig
from afresh.testing.kit_rig import CacheRig, Row, Trial

FILE = "cache.db"
NOISE = "written_rows"


class SqliteRig(CacheRig):
    """A cache in one file; other programs read it with connections of their own."""

    database_error = sqlite3.Error

    def trial(self) -> Trial:
        return Trial(kind="sqlite", product="SQLite", version=sqlite3.sqlite_version, by="sqlite3 of Python")

    def make_cache(self, directory: Path) -> SqliteCache:
        return SqliteCache(directory / FILE, CacheConfig(url=f"sqlite:///{FILE}", lock_timeout=timedelta(seconds=20)))

    def execute(self, directory: Path, sql: str) -> list[Row]:
        with closing(sqlite3.connect(directory / FILE, timeout=20, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        if value is None or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return value
        if pa.types.is_boolean(kind):
            return {0: False, 1: True}[value]
        if pa.types.is_decimal(kind):
            assert len(value.partition(".")[2]) == kind.scale
            return Decimal(value)
        if pa.types.is_timestamp(kind):
            assert len(value) == len("2026-03-02 08:00:00.000000")
            found = datetime.fromisoformat(value)
            return found.replace(tzinfo=UTC) if kind.tz else found
        if pa.types.is_date(kind):
            return date.fromisoformat(value)
        if pa.types.is_time(kind):
            return time.fromisoformat(value)
        assert isinstance(value, bytes if pa.types.is_binary(kind) else str)
        return value

    def tables(self, directory: Path) -> set[str]:
        if not (directory / FILE).exists():
            return set()
        return {name for (name,) in self.execute(directory, "SELECT name FROM sqlite_master WHERE type = 'table'")}

    def described(self, directory: Path) -> object:
        catalogue = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        return {(kind, name): (table, _plain(sql)) for kind, name, table, sql in self.execute(directory, catalogue)}

    def watch_writes(self, directory: Path, table_name: str) -> None:
        table = self.quote(table_name)
        self.execute(
            directory, f"CREATE TABLE {NOISE} AS SELECT rootpage FROM sqlite_master WHERE name = '{table_name}'"
        )
        for event in ("INSERT", "UPDATE", "DELETE"):
            body = f"INSERT INTO {NOISE} VALUES (0)"
            self.execute(directory, f"CREATE TRIGGER watch_{event} AFTER {event} ON {table} BEGIN {body}; END")

    def writes(self, directory: Path, table_name: str) -> int:
        ((rows,),) = self.execute(directory, f"SELECT count(*) FROM {NOISE} WHERE rootpage = 0")
        moved = self.execute(
            directory,
            f"SELECT rootpage FROM sqlite_master WHERE name = '{table_name}' EXCEPT SELECT rootpage FROM {NOISE}",
        )
        return int(rows) + len(moved)


def _plain(sql: str) -> str:
    """A definition without the quotes that a rename puts in."""
    return sql.replace('"', "")
