"""The staging of one sync in PostgreSQL, its merges, and its reload.

Rows are copied into an unlogged staging table, which other programs see but do not know, and merged in one transaction
on a second connection. A reload merges into a shadow, batch by batch, and puts it in the table's place at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import psycopg
import pyarrow as pa

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_connection import Connection, Database
from afresh.caches.postgres_errors import translated
from afresh.caches.postgres_ingest import Ingest
from afresh.caches.postgres_log import check_open, complete_open
from afresh.caches.postgres_replace import replace_rows
from afresh.caches.postgres_swap import Twin, make_twin
from afresh.core.errors import CacheError
from afresh.core.model import Late, MergeCounts, ReloadStrategy
from afresh.core.ports import Cancellation, Complete
from afresh.core.schema import TableSchema

_PLANNING = """
SELECT set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 65536)::text, true),
    set_config('random_page_cost', least(current_setting('random_page_cost')::float8, 2)::text, true)
"""
"""For one transaction: memory for joins of a million rows, and a cost of looking keys up that fits those of a window,
which lie close together; else all of a large table would be read for a small window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one sync works on: its table, and the names of its own beside it."""

    database: Database
    table_name: str
    schema: TableSchema
    operation_id: str
    collations: Mapping[str, str]

    @property
    def table(self) -> str:
        """The table as an identifier."""
        return self.database.name(self.table_name)

    @property
    def staging_name(self) -> str:
        """The name of the staging table, unique for the operation."""
        return sql.working_name("Staging", self.table_name, self.operation_id)

    @property
    def shadow_name(self) -> str:
        """The name of the shadow, unique for the operation."""
        return sql.working_name("Shadow", self.table_name, self.operation_id)

    @property
    def staging(self) -> str:
        """The staging table as an identifier."""
        return self.database.name(self.staging_name)

    @property
    def shadow(self) -> str:
        """The shadow as an identifier."""
        return self.database.name(self.shadow_name)


class PostgresStage:
    """The staging of one sync. Made by `PostgresCache.stage`, which drops afterwards what it leaves."""

    def __init__(
        self, work: Work, connection: Connection, ingest: Ingest, cancel: Cancellation, *, reload: bool
    ) -> None:
        self._work = work
        self._connection = connection
        self._ingest = ingest
        self._cancel = cancel
        self._loaded = 0
        self._staged = 0
        self._spent = True
        self._twin: Twin | None = None
        self._reload = reload
        if reload:
            self._make_shadow()

    def append(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        if self._spent:
            self._make_staging()
        self._ingest.copy(batch, self._work.staging_name)
        self._staged += batch.num_rows

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        work = self._work
        duplicates = self._deduplicate() if self._staged else 0
        with work.database.writing(self._connection, self._cancel) as connection:
            check_open(work.database, connection, work.operation_id)
            counts = MergeCounts(duplicates=duplicates)
            if self._staged:
                connection.execute(_PLANNING)
                counts = replace(self._apply(connection, duplicates, trust_source), duplicates=duplicates)
            if complete is not None:
                complete_open(work.database, connection, complete(counts))
        self._spent = True
        self._staged = 0
        self._loaded += counts.inserted
        return counts

    def late(self, before: datetime) -> Late:
        work = self._work
        if not (self._loaded if self._reload else self._staged):
            return Late()
        statement = sql.late(work.shadow if self._reload else work.staging, work.table, work.schema)
        with work.database.writing(self._connection, self._cancel) as connection:
            connection.execute(_PLANNING)
            found = connection.execute(statement, (sql.stamp_parameter(before, work.schema),)).fetchone()
        assert found is not None
        rows, oldest = found
        # A reading of a wall clock comes without a zone.
        return Late(rows=rows, oldest=oldest if oldest is None or oldest.tzinfo else oldest.replace(tzinfo=UTC))

    def sizes(self) -> tuple[int, int]:
        with translated(self._work.database.address, self._cancel):
            return self._one(f"SELECT count(*) FROM {self._work.table}"), self._loaded

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        """Swaps the shadow in by renaming it, or replaces the rows that differ where that cannot be done unseen.

        TRUNCATE would empty the table for every reader whose snapshot is older, and dropping indexes would keep
        all readers waiting until they are made again; so `truncate` is the replacing of rows, too: in the table
        as it stands, with its indexes, in one transaction.
        """
        work = self._work
        with work.database.writing(self._connection, self._cancel) as connection:
            check_open(work.database, connection, work.operation_id)
            # Readers go on; other writers wait until we are done, so what is counted is what is replaced.
            connection.execute(f"LOCK TABLE {work.table} IN SHARE ROW EXCLUSIVE MODE")
            connection.execute(_PLANNING)
            counts = None
            if strategy is ReloadStrategy.SWAP and self._twin is not None:
                counts = self._compare(connection)
                if (counts.inserted or counts.updated or counts.deleted) and not self._twin.swap(self._cancel):
                    counts = None
            if counts is None:
                counts = replace_rows(connection, work.shadow, work.table, work.schema, loaded=self._loaded)
            if complete is not None:
                complete_open(work.database, connection, complete(counts))
        return counts

    def rebuild_indexes(self) -> None:
        """One index after another, beside the old ones, so that readers do not wait."""
        work = self._work
        with work.database.writing(self._connection, self._cancel) as connection:
            check_open(work.database, connection, work.operation_id)
        with translated(work.database.address, self._cancel):
            self._connection.execute(f"REINDEX TABLE CONCURRENTLY {work.table}")

    def _make_staging(self) -> None:
        work = self._work
        with work.database.writing(self._connection, self._cancel) as connection:
            check_open(work.database, connection, work.operation_id)
            connection.execute(f"DROP TABLE IF EXISTS {work.staging}")
            connection.execute(sql.create_staging(work.staging, work.schema, work.collations))
        self._spent = False

    def _make_shadow(self) -> None:
        work = self._work
        with work.database.writing(self._connection, self._cancel) as connection:
            check_open(work.database, connection, work.operation_id)
            self._twin = make_twin(work.database, connection, work.table_name, work.shadow_name, work.schema)
            if self._twin is None:
                connection.execute(sql.create_plain_shadow(work.shadow, work.schema, work.collations))

    def _deduplicate(self) -> int:
        """An index that would not allow duplicates is built in half the time of a search for them."""
        work = self._work
        with translated(work.database.address, self._cancel):
            self._cancel.check()
            try:
                self._connection.execute(sql.unique_index(work.staging, work.schema))
            except psycopg.errors.UniqueViolation:
                statement = sql.deduplicate(work.staging, work.schema)
                parameters = sql.fold_parameters(work.schema) if work.schema.last_update else ()
                dropped = self._connection.execute(statement, parameters or None).rowcount
                self._connection.execute(f"ANALYZE {work.staging} ({sql.quote(work.schema.key[0])})")
                return dropped
        return 0

    def _apply(self, connection: Connection, duplicates: int, trust_source: bool) -> MergeCounts:
        staged = self._staged - duplicates
        return (
            self._apply_to_shadow(connection, staged)
            if self._reload
            else self._apply_to_table(connection, staged, trust_source)
        )

    def _apply_to_table(self, connection: Connection, staged: int, trust_source: bool) -> MergeCounts:
        work = self._work
        matched = 0
        if connection.execute(f"SELECT 1 FROM {work.table} LIMIT 1").fetchone():
            matched = self._one(sql.count_matched(work.staging, work.table, work.schema))
        if not matched:
            connection.execute(sql.insert(work.staging, work.table, work.schema))
            return MergeCounts(inserted=staged)
        changed = self._merge(connection, work.table, trust_source=trust_source)
        inserted = staged - matched
        updated = changed - inserted
        if updated < 0:
            raise CacheError(f"{work.table_name}: somebody else wrote the table while it was merged into")
        return MergeCounts(inserted=inserted, updated=updated, unchanged=matched - updated)

    def _apply_to_shadow(self, connection: Connection, staged: int) -> MergeCounts:
        """Nobody else writes the shadow, and it hardly ever has the key already; if so, the stamps decide which of
        the two versions in this very extract is newer."""
        work = self._work
        if not self._loaded:
            connection.execute(sql.insert(work.staging, work.shadow, work.schema))
            return MergeCounts(inserted=staged)
        inserted = connection.execute(sql.insert_new(work.staging, work.shadow, work.schema)).rowcount
        matched = staged - inserted
        updated = self._merge(connection, work.shadow, trust_source=False) if matched else 0
        return MergeCounts(inserted=inserted, updated=updated, unchanged=matched - updated)

    def _merge(self, connection: Connection, target: str, *, trust_source: bool) -> int:
        schema = self._work.schema
        statement = sql.merge(self._work.staging, target, schema, trust_source=trust_source)
        folds = sql.fold_parameters(schema) if schema.values and not trust_source else ()
        return connection.execute(statement, folds or None).rowcount

    def _compare(self, connection: Connection) -> MergeCounts:
        work = self._work
        existing = self._one(f"SELECT count(*) FROM {work.table}")
        if existing == 0:
            return MergeCounts(inserted=self._loaded)
        found = connection.execute(sql.compare(work.shadow, work.table, work.schema)).fetchone()
        assert found is not None
        matched, updated = found
        return MergeCounts(
            inserted=self._loaded - matched, updated=updated, unchanged=matched - updated, deleted=existing - matched
        )

    def _one(self, statement: str) -> int:
        found = self._connection.execute(statement).fetchone()
        assert found is not None
        return int(found[0])
