"""Staging in SQLite: a temporary table of the connection, which takes no lock on the cache while it fills.

Merging is one transaction on the cache's file. A reload merges into a shadow table of the file, batch by batch, and
puts it in the table's place in one transaction at the end; in WAL mode readers go on with the old state until then.
"""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from afresh.caches import sqlite_sql as sql
from afresh.caches.sqlite_connection import Database, translated
from afresh.caches.sqlite_keys import KeyHashes
from afresh.caches.sqlite_log import check_open, complete_open
from afresh.caches.sqlite_values import columns, instant_text
from afresh.core.errors import AfreshError
from afresh.core.model import Late, MergeCounts, ReloadStrategy
from afresh.core.ports import Cancellation, Complete
from afresh.core.schema import TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNames:
    """The quoted names that one sync works with."""

    table: str
    staging: str
    shadow: str


def stage_names(table_name: str, operation_id: str) -> StageNames:
    """Unique for the operation, whatever else runs."""
    return StageNames(
        table=f"main.{sql.quote(table_name)}",
        staging=f"temp.{sql.quote(f'Staging{table_name}_{operation_id}')}",
        shadow=f"main.{sql.quote(f'Shadow{table_name}_{operation_id}')}",
    )


class SqliteStage:
    """The staging of one sync, on a connection of its own. Made by `SqliteCache.stage`."""

    def __init__(
        self,
        database: Database,
        connection: sqlite3.Connection,
        table_name: str,
        schema: TableSchema,
        operation_id: str,
        cancel: Cancellation,
        *,
        reload: bool,
        made_by_us: bool,
    ) -> None:
        self._database = database
        self._connection = connection
        self._table_name = table_name
        self._names = stage_names(table_name, operation_id)
        self._schema = schema
        self._operation_id = operation_id
        self._cancel = cancel
        self._reload = reload
        self._has_shadow = False
        self._made_by_us = made_by_us
        self._loaded = 0
        self._insert = sql.insert_staging(self._names.staging, schema)
        self._key_places = [schema.names.index(name) for name in schema.key]
        self._create_staging()
        if reload:
            self._create_shadow()

    def append(self, batch: pa.RecordBatch) -> None:
        values = columns(self._table_name, batch)
        with translated(self._database.path, self._cancel):
            self._connection.execute("BEGIN")
            self._connection.executemany(self._insert, zip(*values, strict=True))
            self._connection.execute("COMMIT")
        self._keys.add([values[place] for place in self._key_places])
        self._staged += batch.num_rows

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        duplicates = self._deduplicate()
        staged = self._staged - duplicates
        with self._database.writing(self._connection, self._cancel) as connection:
            check_open(connection, self._operation_id)
            counts = replace(self._apply(connection, staged, trust_source=trust_source), duplicates=duplicates)
            if complete is not None:
                complete_open(connection, complete(counts))
        self._loaded += counts.inserted
        if complete is None:
            with translated(self._database.path, self._cancel):
                self._connection.execute(f"DROP TABLE {self._names.staging}")
            self._create_staging()
        return counts

    def late(self, before: datetime) -> Late:
        source = self._names.shadow if self._reload else self._names.staging
        statement = sql.late(source, self._names.table, self._schema)
        with translated(self._database.path, self._cancel):
            rows, oldest = self._connection.execute(statement, (instant_text(before),)).fetchone()
        return Late(rows=rows, oldest=None if oldest is None else datetime.fromisoformat(oldest).replace(tzinfo=UTC))

    def sizes(self) -> tuple[int, int]:
        with translated(self._database.path, self._cancel):
            return self._count(self._names.table), self._loaded

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        """A table that was not made by us keeps its definition: its rows are replaced, whatever the strategy."""
        with self._database.writing(self._connection, self._cancel) as connection:
            check_open(connection, self._operation_id)
            counts = self._compare(connection)
            if counts.inserted or counts.updated or counts.deleted:
                if strategy is ReloadStrategy.SWAP and self._made_by_us and self._is_plain(connection):
                    self._swap(connection)
                else:
                    self._refill(connection)
            connection.execute(f"DROP TABLE IF EXISTS {self._names.shadow}")
            if complete is not None:
                complete_open(connection, complete(counts))
        self._has_shadow = False
        return counts

    def rebuild_indexes(self) -> None:
        with self._database.writing(self._connection, self._cancel) as connection:
            check_open(connection, self._operation_id)
            connection.execute(f"REINDEX {self._names.table}")

    def close(self) -> None:
        """Undoes what is not committed and drops the shadow of a reload that did not end; no cancellation breaks
        that off, and what cannot be dropped now is a leftover for the next start."""
        with suppress(AfreshError), translated(self._database.path):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if self._has_shadow:
                with self._database.writing(self._connection) as connection:
                    connection.execute(f"DROP TABLE {self._names.shadow}")

    def _create_staging(self) -> None:
        with translated(self._database.path, self._cancel):
            self._connection.execute(sql.create_staging(self._names.staging, self._schema))
        self._keys = KeyHashes()
        self._staged = 0

    def _create_shadow(self) -> None:
        with self._database.writing(self._connection, self._cancel) as connection:
            check_open(connection, self._operation_id)
            connection.execute(sql.create_table(self._names.shadow, self._schema))
        self._has_shadow = True

    def _deduplicate(self) -> int:
        if self._keys.all_differ():
            return 0
        with translated(self._database.path, self._cancel):
            return self._connection.execute(
                sql.deduplicate(self._names.staging, self._schema), sql.deduplicate_parameters(self._schema)
            ).rowcount

    def _apply(self, connection: sqlite3.Connection, staged: int, *, trust_source: bool) -> MergeCounts:
        target = self._names.shadow if self._reload else self._names.table
        matched = 0
        if connection.execute(f"SELECT 1 FROM {target} LIMIT 1").fetchone():
            matched = self._one(sql.count_matched(self._names.staging, target, self._schema))
        # Into the shadow goes what this very extract delivered twice: there, the stamps decide which one is newer.
        trusts = trust_source and not self._reload
        changed = connection.execute(
            sql.merge(self._names.staging, target, self._schema, trust_source=trusts),
            sql.fold_parameters(self._schema, trust_source=trusts),
        ).rowcount
        inserted = staged - matched
        updated = changed - inserted
        return MergeCounts(inserted=inserted, updated=updated, unchanged=matched - updated)

    def _compare(self, connection: sqlite3.Connection) -> MergeCounts:
        existing, loaded = self._count(self._names.table), self._loaded
        if existing == 0:
            return MergeCounts(inserted=loaded)
        statement = sql.compare(self._names.shadow, self._names.table, self._schema)
        matched, updated = connection.execute(statement).fetchone()
        return MergeCounts(
            inserted=loaded - matched, updated=updated, unchanged=matched - updated, deleted=existing - matched
        )

    def _swap(self, connection: sqlite3.Connection) -> None:
        """Renames the shadow. Indexes and triggers go with the old table and are made again as they were."""
        definitions = self._definitions(connection, "index", "trigger")
        connection.execute(f"DROP TABLE {self._names.table}")
        connection.execute(f"ALTER TABLE {self._names.shadow} RENAME TO {sql.quote(self._table_name)}")
        for _name, definition in definitions:
            connection.execute(definition)

    def _refill(self, connection: sqlite3.Connection) -> None:
        """Empties and fills the table, without its non-unique indexes meanwhile."""
        indexes = [
            (name, definition)
            for name, definition in self._definitions(connection, "index")
            if not self._is_unique(connection, name)
        ]
        for name, _definition in indexes:
            connection.execute(f"DROP INDEX main.{sql.quote(name)}")
        connection.execute(f"DELETE FROM {self._names.table}")
        connection.execute(sql.copy_rows(self._names.shadow, self._names.table, self._schema))
        for _name, definition in indexes:
            connection.execute(definition)

    def _is_plain(self, connection: sqlite3.Connection) -> bool:
        """Whether the table's definition says no more than ours would: somebody may have made it again since."""
        (definition,) = connection.execute(
            "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND lower(name) = lower(?)", (self._table_name,)
        ).fetchone()
        return sql.is_plain(definition)

    def _definitions(self, connection: sqlite3.Connection, *kinds: str) -> list[tuple[str, str]]:
        marks = ", ".join("?" * len(kinds))
        return connection.execute(
            f"SELECT name, sql FROM main.sqlite_master WHERE lower(tbl_name) = lower(?) AND type IN ({marks}) "
            "AND sql IS NOT NULL ORDER BY rowid",
            (self._table_name, *kinds),
        ).fetchall()

    def _is_unique(self, connection: sqlite3.Connection, index: str) -> bool:
        listed = connection.execute(
            "SELECT \"unique\" FROM pragma_index_list(?, 'main') WHERE name = ?", (self._table_name, index)
        ).fetchone()
        return bool(listed and listed[0])

    def _count(self, table: str) -> int:
        return self._one(f"SELECT count(*) FROM {table}")

    def _one(self, statement: str) -> int:
        return int(self._connection.execute(statement).fetchone()[0])
