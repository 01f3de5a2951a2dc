"""SQLite as the cache: the embedded default. Other programs read the file while the service writes it."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from afresh.caches import sqlite_sql as sql
from afresh.caches.sqlite_actions import SqliteActions
from afresh.caches.sqlite_connection import Database, broken_off, translated
from afresh.caches.sqlite_log import SqliteLeases, SqliteUpdateLog, open_operations, writing_own
from afresh.caches.sqlite_stage import SqliteStage
from afresh.core.errors import ConfigurationError, SchemaDiffers
from afresh.core.kinds import CacheKind
from afresh.core.model import ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.core.ports import Cancellation, Capabilities
from afresh.core.schema import Column, TableSchema, parse_type

_LEFTOVER = re.compile(r"(?:Staging|Shadow).*_([0-9a-f]{32})", re.DOTALL)


class SqliteCache:
    """A cache in one SQLite file, in WAL mode. The file is made by the first write."""

    capabilities = Capabilities(
        concurrent_writers=False,
        reload_strategies=frozenset(ReloadStrategy),
        reserved_names=sql.RESERVED,
    )

    def __init__(self, path: Path, config: CacheConfig) -> None:
        self._database = Database(path, config.lock_timeout)
        self.log = SqliteUpdateLog(self._database)
        self.leases = SqliteLeases(self._database)
        self.actions = SqliteActions(self._database)

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        if not self._database.exists():
            return None
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM pragma_table_xinfo(?, 'main')", (table_name,)).fetchall()
            kinds = self._recorded_types(connection, table_name)
        if not rows:
            return None
        key = tuple(name for _order, name in sorted((row[5], row[1]) for row in rows if row[5]))
        if not key:
            raise SchemaDiffers(
                f"{table_name}: the cache table has no primary key",
                hint=f"Make it again with PRIMARY KEY ({', '.join(wanted.key)}), or drop it: the next sync makes it.",
            )
        columns = tuple(_column(table_name, row, kinds, wanted) for row in rows)
        return TableSchema(columns=columns, key=key)

    def create(self, table_name: str, schema: TableSchema) -> None:
        _check_name(table_name)
        with writing_own(self._database) as connection:
            connection.execute(sql.create_table(f"main.{sql.quote(table_name)}", schema))
            connection.execute("DELETE FROM AfreshColumn WHERE TableName = ?", (table_name,))
            self._record_types(connection, table_name, schema.columns)

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        with writing_own(self._database) as connection:
            for column in columns:
                connection.execute(sql.add_column(f"main.{sql.quote(table_name)}", column))
            if self._recorded_types(connection, table_name):
                self._record_types(connection, table_name, columns)

    @contextmanager
    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> Iterator[SqliteStage]:
        connection = self._database.connect()
        try:
            # Dropping and renaming must leave views that read the table as they are.
            connection.execute("PRAGMA legacy_alter_table = ON")
            stage = SqliteStage(
                self._database,
                connection,
                table_name,
                schema,
                operation_id,
                cancel,
                reload=reload,
                made_by_us=bool(self._recorded_types(connection, table_name)),
            )
            try:
                with broken_off(connection, cancel):
                    yield stage
            finally:
                stage.close()
        finally:
            connection.close()

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        """Temporary tables went with their connections, and transactions with their process: only shadows stay."""
        if not self._database.exists():
            return []
        with self._database.writing() as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = [(name, _LEFTOVER.fullmatch(name)) for name in names]
            # What has begun since the caller looked is live too.
            live = live_operations | open_operations(connection)
            dead = [name for name, match in found if match is not None and match[1] not in live]
            for name in dead:
                connection.execute(f"DROP TABLE main.{sql.quote(name)}")
        return dead

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _recorded_types(self, connection: sqlite3.Connection, table_name: str) -> dict[str, str]:
        with translated(self._database.path):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'AfreshColumn'").fetchone():
                return {}
            return dict(
                connection.execute("SELECT ColumnName, Type FROM AfreshColumn WHERE TableName = ?", (table_name,))
            )

    def _record_types(self, connection: sqlite3.Connection, table_name: str, columns: Sequence[Column]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO AfreshColumn (TableName, Position, ColumnName, Type) VALUES (?, ?, ?, ?)",
            [(table_name, position, column.name, column.type_name) for position, column in enumerate(columns)],
        )


def build(config: CacheConfig, base_directory: Path) -> SqliteCache:
    """The cache of a `sqlite:///path` URL; a relative path is relative to the configuration's directory."""
    path = config.url.removeprefix("sqlite:///")
    if path == config.url or not path or path.startswith(":"):
        raise ConfigurationError(
            f"the cache URL {config.url!r} is not of the form sqlite:///path",
            hint="Write `sqlite:///cache.db`, or `sqlite:////var/lib/afresh/cache.db` for an absolute path.",
        )
    return SqliteCache(base_directory / path, config)


SQLITE = CacheKind(build=build)


def _check_name(table_name: str) -> None:
    if table_name.lower().startswith("sqlite_") or table_name.lower() in sql.RESERVED:
        raise ConfigurationError(f"{table_name!r} is reserved in this cache", hint="Give the table another name.")


def _column(table_name: str, row: tuple[object, ...], kinds: dict[str, str], wanted: TableSchema) -> Column:
    name, declared, not_null = str(row[1]), str(row[2]).upper(), bool(row[3])
    recorded = parse_type(kinds[name]) if name in kinds else None
    # A table that somebody dropped and made again in another way is not what was recorded.
    if recorded is not None and declared == sql.storage(recorded[0]):
        return Column(name=name, type=recorded[0], nullable=not not_null, length=recorded[1])
    try:
        asked: Column | None = wanted.column(name)
    except KeyError:
        asked = None
    affinity = _affinity(declared)
    if asked is not None and affinity in (sql.storage(asked.type), "BLOB"):
        return Column(name=name, type=asked.type, nullable=not not_null)
    if asked is not None and affinity == "NUMERIC" and sql.storage(asked.type) == "INTEGER":
        return Column(name=name, type=asked.type, nullable=not not_null)
    if affinity == "NUMERIC" and asked is not None:
        raise SchemaDiffers(
            f"{table_name}.{name}: the column is declared {declared}, where SQLite turns exact numbers and texts "
            "that look like numbers into floating point",
            hint=f"Declare it {sql.storage(asked.type)}.",
        )
    return Column(name=name, type=_STORED[affinity], nullable=not not_null)


def _affinity(declared: str) -> str:
    """SQLite's own rules for declared types (Determination Of Column Affinity)."""
    if "INT" in declared:
        return "INTEGER"
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in declared or not declared or declared == "ANY":
        return "BLOB"
    if any(word in declared for word in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"


_STORED: dict[str, pa.DataType] = {
    "INTEGER": pa.int64(),
    "TEXT": pa.string(),
    "REAL": pa.float64(),
    "BLOB": pa.binary(),
    "NUMERIC": pa.int64(),
}
