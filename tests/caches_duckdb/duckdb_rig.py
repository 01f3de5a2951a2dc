"""What the conformance kit, and tests of DuckDB alone, need to know of DuckDB."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from afresh.caches.duckdb_address import parse_address
from afresh.caches.duckdb_cache import DuckdbCache
from afresh.testing.kit_rig import Bench, CacheRig, Row, Trial, on_bench

FILE = "cache.duckdb"
NOTE = "written.json"

_TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT temporary AND NOT internal"
_DESCRIBED = """
SELECT 'table', table_name, sql, comment FROM duckdb_tables() WHERE NOT temporary
UNION ALL SELECT 'index', index_name, sql, comment FROM duckdb_indexes()
UNION ALL SELECT 'view', view_name, sql, comment FROM duckdb_views() WHERE NOT internal AND NOT temporary
UNION ALL SELECT 'trigger', trigger_name, sql, comment FROM duckdb_triggers()
UNION ALL SELECT 'comment', concat(table_name, '.', column_name), NULL, comment FROM duckdb_columns()
WHERE NOT internal AND comment IS NOT NULL
ORDER BY ALL
"""
_STORED = """
SELECT row_group_id, column_id, segment_type, start, count, has_updates, block_id, block_offset
FROM pragma_storage_info({}) ORDER BY ALL
"""


@contextmanager
def duckdb_bench(rig: "DuckdbRig | None" = None) -> Iterator[Bench]:
    """A bench with an empty cache."""
    with on_bench(rig or DuckdbRig()) as bench:
        yield bench


class DuckdbRig(CacheRig):
    """A cache in one file; other programs of this process read it with connections of their own."""

    database_error = duckdb.Error
    query = "memory_limit=200MB&threads=2"
    lock_timeout = timedelta(seconds=20)
    gaps = MappingProxyType(
        {
            "test_key_is_unique": "our tables have no unique constraint: DuckDB swaps no table with an index, and "
            "loses RETURNING rows of one; keys are kept unique by staging",
        }
    )

    def trial(self) -> Trial:
        return Trial(kind="duckdb", product="DuckDB", version=duckdb.__version__, by="its own package")

    def make_cache(self, directory: Path) -> DuckdbCache:
        return DuckdbCache(parse_address(f"duckdb:///{FILE}?{self.query}", directory), self.lock_timeout)

    def execute(self, directory: Path, sql: str) -> list[Row]:
        address = parse_address(f"duckdb:///{FILE}?{self.query}", directory)
        with closing(duckdb.connect(str(address.path), config=dict(address.config()))) as connection:
            found = connection.sql(sql)
            if found is None:
                return []
            table = found.to_arrow_table()
            return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        if pa.types.is_timestamp(kind) and value is not None and kind.tz:
            return value.astimezone(UTC)
        return value

    def tables(self, directory: Path) -> set[str]:
        if not (directory / FILE).exists():
            return set()
        return {name for (name,) in self.execute(directory, _TABLES)}

    def described(self, directory: Path) -> object:
        return self.execute(directory, _DESCRIBED)

    def watch_writes(self, directory: Path, table_name: str) -> None:
        """What is written is stored in other blocks, or in none yet, by another number of rows, or in another table."""
        self.execute(directory, "CHECKPOINT")
        (directory / NOTE).write_text(json.dumps(self._stored(directory, table_name)))

    def writes(self, directory: Path, table_name: str) -> int:
        before = json.loads((directory / NOTE).read_text())
        now = json.loads(json.dumps(self._stored(directory, table_name)))
        return sum(one not in now for one in before) + sum(one not in before for one in now)

    def _stored(self, directory: Path, table_name: str) -> list[Row]:
        name = "'" + table_name.replace("'", "''") + "'"
        oid = self.execute(directory, f"SELECT table_oid FROM duckdb_tables() WHERE table_name = {name}")
        rows = self.execute(directory, f"SELECT rowid, * FROM {self.quote(table_name)} ORDER BY 1")
        return [*oid, (repr(rows),), *self.execute(directory, _STORED.format(name))]
