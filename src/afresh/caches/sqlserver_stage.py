"""Staging in SQL Server: a permanent, committed table in a schema of ours, because bulk copy has a connection of its
own; then one transaction that updates, inserts and writes the log row.

A reload merges into a shadow of the table, batch by batch, and puts its rows in the table's place at the end.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from afresh.caches import sqlserver_catalogue as catalogue
from afresh.caches import sqlserver_sql as sql
from afresh.caches.sqlserver_catalogue import TableIndex
from afresh.caches.sqlserver_database import Database, again
from afresh.caches.sqlserver_errors import KeyTaken
from afresh.caches.sqlserver_existing import fields_of
from afresh.caches.sqlserver_load import Loader
from afresh.caches.sqlserver_log import check_open, complete_open, hold_open
from afresh.caches.sqlserver_names import literal, quote, stage_names
from afresh.caches.sqlserver_own import OwnNames
from afresh.caches.sqlserver_reload import Reloader, Target
from afresh.caches.sqlserver_session import Session
from afresh.core.errors import AfreshError, BadValue, CacheError
from afresh.core.model import Late, MergeCounts, ReloadStrategy
from afresh.core.ports import Cancellation, Complete
from afresh.core.schema import TableSchema


class SqlServerStage:
    """The staging of one sync, on a connection of its own. Made by `SqlServerCache.stage`."""

    def __init__(
        self,
        database: Database,
        session: Session,
        own: OwnNames,
        table_name: str,
        schema: TableSchema,
        operation_id: str,
        cancel: Cancellation,
        *,
        reload: bool,
    ) -> None:
        self._database = database
        self._session = session
        self._own = own
        self._table_name = table_name
        self._schema = schema
        self._operation_id = operation_id
        self._features = database.features(session)
        place = database.settings.schema
        self._names = stage_names(place, self._features.staging_schema, table_name, operation_id)
        self._columns = catalogue.columns(session, place, table_name)
        self._indexes = catalogue.indexes(session, place, table_name)
        self._fields = fields_of(table_name, self._columns, schema, self._features)
        self._lock_seconds = database.lock_seconds
        self._reload = reload
        self._made: list[str] = []
        self._loaded = 0
        self._merged = 0
        self._checked = [
            (field, statement)
            for field in self._fields
            if (statement := sql.find_loss(self._names.staging, field, self._features)) is not None
        ]
        self._loader = Loader(
            session,
            table_name,
            self._names.staging,
            self._fields,
            self._features.bulk,
            database.settings.batch_size,
            cancel,
        )
        self._reloader = Reloader(
            session,
            Target(
                names=self._names,
                schema=schema,
                fields=tuple(field.within() for field in self._fields),
                indexes=tuple(self._indexes),
                operation_id=operation_id,
            ),
            self._features,
            own,
            database.lock_seconds,
        )

    def prepare(self) -> None:
        """Makes the staging table, and the shadow of a reload. What was made is dropped by `close`."""
        self._make(self._names.staging, sql.create_staging(self._names.staging, self._fields))
        if self._reload:
            check_open(self._session, self._own, self._operation_id)
            self._make(self._names.shadow, self._shadow())

    def append(self, batch: pa.RecordBatch) -> None:
        self._loader.add(batch)

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        self._loader.flush()
        self._check_values()
        key, _values = sql.split(self._schema, self._fields)
        stamp = next((field for field in self._fields if field.name == self._schema.last_update), None)
        duplicates = self._session.changed(sql.deduplicate(self._names.staging, key, stamp, self._schema))
        staged = self._session.number(f"SELECT COUNT_BIG(*) FROM {self._names.staging}")
        self._check_staged(staged + duplicates)

        def work() -> MergeCounts:
            check_open(self._session, self._own, self._operation_id)
            counts = replace(self._apply(staged, trust_source=trust_source), duplicates=duplicates)
            self._complete(counts, complete)
            return counts

        try:
            counts = again(self._session, work, self._lock_seconds)
        except KeyTaken as error:
            if (collision := self._collision()) is not None:
                raise collision from error
            raise
        self._loaded += counts.inserted
        if complete is None:
            self._empty()
        return counts

    def late(self, before: datetime) -> Late:
        self._loader.flush()
        source, fields = self._names.staging, list(self._fields)
        if self._reload:
            source, fields = self._names.shadow, [field.within() for field in self._fields]
        statement = sql.late(source, self._names.table, self._schema, fields, self._features, before)
        found = self._session.one(statement)
        rows, oldest = (int(found[0]), found[1]) if found is not None else (0, None)
        # Of seven digits after the point the last is zero: stamps are microseconds.
        return Late(
            rows=rows, oldest=None if oldest is None else datetime.fromisoformat(oldest[:26]).replace(tzinfo=UTC)
        )

    def sizes(self) -> tuple[int, int]:
        return self._session.number(f"SELECT COUNT_BIG(*) FROM {self._names.table}"), self._loaded

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        """A table keeps its definition, its grants and all that depends on it: only its rows are replaced."""
        return self._reloader.reload(strategy, self._loaded, lambda counts: self._complete(counts, complete))

    def rebuild_indexes(self) -> None:
        """Indexes that somebody disabled stay so."""
        with self._session.transaction():
            check_open(self._session, self._own, self._operation_id)
            for index in self._indexes:
                for statement in self._rebuilt(index):
                    self._session.run(statement)
            hold_open(self._session, self._own, self._operation_id)

    def close(self) -> None:
        """Undoes what is not committed and drops what was made; no cancellation breaks that off. If the connection is
        gone another one does it, and what cannot be dropped now is a leftover for the next start."""
        with suppress(AfreshError), self._session.uninterrupted():
            self._session.roll_back()
            self._drop(self._session)
            return
        with suppress(AfreshError), self._database.session() as session:
            self._drop(session)

    def _drop(self, session: Session) -> None:
        while self._made:
            table = self._made[-1]
            session.run(f"IF OBJECT_ID({literal(table)}) IS NOT NULL DROP TABLE {table}")
            self._made.pop()

    def _make(self, table: str, statement: str) -> None:
        # Noted before, because a statement that was broken off may have been carried out.
        self._made.append(table)
        self._session.run(statement)

    def _shadow(self) -> str:
        """Like the table, so that it can take its place: the same columns in the same order, and its key."""
        there = {field.name for field in self._fields}
        definitions = [
            sql.definition(
                column.name,
                column.declared,
                column.collation,
                nullable=column.nullable and column.name not in self._schema.key,
            )
            for column in self._columns
            if column.name in there
        ]
        primary = next((index for index in self._indexes if index.primary), None)
        key = [name for name, _ in primary.columns] if primary is not None else []
        if set(key) != set(self._schema.key):
            key = list(self._schema.key)
        clustered = primary.clustered if primary is not None else True
        return sql.create_table(self._names.shadow, definitions, key, clustered=clustered)

    def _check_staged(self, staged: int) -> None:
        """Holds the driver and the server to every row that was sent, once: a load that was cut or repeated shows."""
        sent, self._merged = self._loader.arrived - self._merged, self._loader.arrived
        if staged != sent:
            raise CacheError(
                f"{self._table_name}: {sent:,} rows were sent to staging, and it holds {staged:,}",
                hint="The bulk load was not carried out as it was asked for; nothing of it is in the table.",
            )

    def _check_values(self) -> None:
        """`BadValue` for a value that the column of a table of others would change."""
        for field, statement in self._checked:
            if (found := self._session.one(statement)) is not None:
                raise BadValue(
                    f"{self._table_name}.{field.name}: the table keeps {field.stored}, which would change a value that "
                    f"was read: {masked(found[0])}",
                    hint="Correct the row in the source, or widen the column.",
                )

    def _apply(self, staged: int, *, trust_source: bool) -> MergeCounts:
        target = self._names.shadow if self._reload else self._names.table
        # Into the shadow goes what this very extract delivered twice: there, the stamps decide which one is newer.
        trusts = trust_source and not self._reload
        source = self._names.staging
        statement = sql.update(source, target, self._schema, self._fields, self._features, trust_source=trusts)
        updated = self._session.changed(statement) if statement is not None else 0
        inserted = self._session.changed(sql.insert(source, target, self._schema, self._fields, self._features))
        return MergeCounts(inserted=inserted, updated=updated, unchanged=staged - inserted - updated)

    def _complete(self, counts: MergeCounts, complete: Complete | None) -> None:
        """Ends the update, or makes sure that it is still open; the last of every transaction that writes data."""
        if complete is None:
            hold_open(self._session, self._own, self._operation_id)
        else:
            complete_open(self._session, self._own, complete(counts))

    def _collision(self) -> BadValue | None:
        """What the server's complaint about a key that is there means: two of our keys are one to it."""
        key, _values = sql.split(self._schema, self._fields)
        target = self._names.shadow if self._reload else self._names.table
        found = self._session.one(sql.find_collision(self._names.staging, key, self._features))
        found = found or self._session.one(sql.find_other_spelling(self._names.staging, target, key, self._features))
        if found is None:
            return None
        named = ", ".join(f"{field.name} {masked(value)}" for field, value in zip(key, found, strict=True))
        return BadValue(
            f"{self._table_name}: two keys of the source are one key in the cache table, whose comparison sees no "
            f"difference between them: {named}",
            hint="SQL Server ignores blanks at the end of a key, and case or accents where the column's collation "
            "does. Trim the key or exclude such rows; a table that afresh makes tells case and accents apart.",
        )

    def _empty(self) -> None:
        staging = self._names.staging
        self._session.run(f"TRUNCATE TABLE {staging}" if self._features.truncate else f"DELETE FROM {staging}")

    def _rebuilt(self, index: TableIndex) -> list[str]:
        """What rebuilds an index; where the server has no such thing, it is made again."""
        table = self._names.table
        if index.disabled:
            return []
        if self._features.rebuild_index:
            return [f"ALTER INDEX {quote(index.name)} ON {table} REBUILD"]
        if index.secondary and self._features.atomic_ddl:
            return [f"DROP INDEX {quote(index.name)} ON {table}", index.definition(table)]
        return []


def masked(value: object) -> str:
    """What may be said of a value in an error: its shape, digits as 9 and letters as x."""
    text = "".join("9" if c.isdigit() else "x" if c.isalpha() else c if c.isprintable() else "?" for c in str(value))
    return repr(text[:40])
