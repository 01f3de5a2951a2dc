"""What the kit, and tests of PostgreSQL alone, need to put a PostgreSQL cache on the bench."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from tests.caches import postgres_server as server

from afresh.caches.postgres_cache import PostgresCache, open_postgres
from afresh.core.options import CacheConfig
from afresh.core.schema import Column
from afresh.testing.kit_rig import Bench, CacheRig, Row, Trial, on_bench

NOTE = "cache.url"
SCHEMA = "schema"
NOISE = "written_rows"
MADE: list[str] = []

TUPLES = "SELECT tableoid AS relation, ctid::text AS place, xmin::text AS maker, xmax::text AS ender FROM {}"
DESCRIBED = """
SELECT c.relkind::text, c.relname, string_agg(format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum), c.relacl::text, obj_description(c.oid)
FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace GROUP BY c.oid
UNION ALL SELECT 'index', indexname, indexdef, NULL, NULL FROM pg_indexes WHERE schemaname = current_schema()
UNION ALL SELECT 'view', viewname, definition, NULL, NULL FROM pg_views WHERE schemaname = current_schema()
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(t.oid), NULL, NULL FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = tgrelid WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace
UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid), conrelid::regclass::text, NULL FROM pg_constraint
WHERE connamespace = current_schema()::regnamespace
ORDER BY 1, 2, 3
"""


@contextmanager
def postgres_bench() -> Iterator[Bench]:
    """A bench with an empty cache in a schema of its own, which is dropped afterwards."""
    try:
        with on_bench(PostgresRig()) as bench:
            yield bench
    finally:
        drop_made()


def drop_made() -> None:
    """Drops the schemas that were made."""
    while MADE:
        server.drop_schema(MADE.pop())


class PostgresRig(CacheRig):
    """One schema for each directory; where the server is, other processes read in the directory."""

    database_error = psycopg.Error
    lock_timeout = timedelta(seconds=20)

    def trial(self) -> Trial:
        return Trial(
            kind="postgresql",
            product="PostgreSQL",
            version=server.version(),
            by=f"adbc-driver-postgresql {version('adbc-driver-postgresql')}, psycopg {version('psycopg')}",
        )

    def make_cache(self, directory: Path) -> PostgresCache:
        if not (directory / NOTE).exists():
            schema = server.make_schema()
            MADE.append(schema)
            (directory / SCHEMA).write_text(schema)
            (directory / NOTE).write_text(server.cache_url(schema))
        url = (directory / NOTE).read_text()
        return open_postgres(CacheConfig(url=url, lock_timeout=self.lock_timeout))

    def execute(self, directory: Path, sql: str) -> list[Row]:
        return server.run(sql, (directory / SCHEMA).read_text())

    def refusal(self, column: Column, value: Any) -> str:
        return "a text with a NUL character" if isinstance(value, str) and "\0" in value else ""

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        if pa.types.is_timestamp(kind) and value is not None and kind.tz:
            return value.astimezone(UTC)
        return value

    def tables(self, directory: Path) -> set[str]:
        listed = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        return {name for (name,) in self.execute(directory, listed)}

    def described(self, directory: Path) -> object:
        return self.execute(directory, DESCRIBED)

    def watch_writes(self, directory: Path, table_name: str) -> None:
        """A row that is written, or only locked, is another tuple or has another xmax."""
        self.execute(directory, f"CREATE TABLE {NOISE} AS {TUPLES.format(self.quote(table_name))}")

    def writes(self, directory: Path, table_name: str) -> int:
        now, before = TUPLES.format(self.quote(table_name)), f"SELECT * FROM {NOISE}"
        changes = f"({now} EXCEPT {before}) UNION ALL ({before} EXCEPT {now})"
        ((rows,),) = self.execute(directory, f"SELECT count(*) FROM ({changes}) AS changes")
        return int(rows)
