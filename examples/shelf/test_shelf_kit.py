"""The example cache passes the conformance kit, but for the gaps that it names."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from afresh.core.model import ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.testing.cache_kit import CacheKit
from afresh.testing.kit_rig import Row, Trial
from shelf.cache import ShelfCache
from shelf.values import loaded

FILE = "cache.shelf"


class TestShelfCache(CacheKit):
    """All of the kit."""

    database_error = sqlite3.Error
    lacks = MappingProxyType({ReloadStrategy.SWAP: "rows are replaced where they are: there is no second table"})

    def trial(self) -> Trial:
        return Trial(kind="shelf", product="Shelf", version="0.1.0", by="sqlite3 of Python")

    def make_cache(self, directory: Path) -> ShelfCache:
        return ShelfCache(directory / FILE, CacheConfig(url=f"shelf:///{FILE}", lock_timeout=timedelta(seconds=20)))

    def execute(self, directory: Path, sql: str) -> list[Row]:
        with closing(sqlite3.connect(directory / FILE, timeout=20, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        return loaded(kind, value)

    def tables(self, directory: Path) -> set[str]:
        if not (directory / FILE).exists():
            return set()
        return {name for (name,) in self.execute(directory, "SELECT name FROM sqlite_master WHERE type = 'table'")}

    def described(self, directory: Path) -> object:
        return sorted(self.execute(directory, "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql > ''"))

    def watch_writes(self, directory: Path, table_name: str) -> None:
        self.execute(directory, "CREATE TABLE written (at)")
        for event in ("INSERT", "UPDATE", "DELETE"):
            body = "BEGIN INSERT INTO written VALUES (0); END"
            self.execute(directory, f"CREATE TRIGGER on_{event} AFTER {event} ON {self.quote(table_name)} {body}")

    def writes(self, directory: Path, table_name: str) -> int:
        return len(self.execute(directory, "SELECT * FROM written"))
