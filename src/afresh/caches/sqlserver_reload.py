"""Replacing the rows of a table by those of its shadow, so that readers see the old ones or the new ones.

The table itself is never replaced: its grants, triggers, constraints, extended properties, dependent views and the
plans of those who use it stay what they are. There are three ways, each one transaction:

switch    ALTER TABLE ... SWITCH hands the shadow's pages over to the emptied table; takes no time, whatever the size.
          The server refuses it where something stands against it: foreign keys that reference the table, views bound
          to it, computed columns, change tracking, another order of columns.
replace   deletes what is gone, updates what differs, inserts what is new; always possible, and writes no row that is
          as it was.
refill    (`truncate`) without its secondary indexes, empties and fills the table, and makes the indexes again. Being
          one transaction, it leaves no index disabled, however it ends.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from afresh.caches import sqlserver_sql as sql
from afresh.caches.sqlserver_catalogue import TableIndex
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_fields import Field
from afresh.caches.sqlserver_log import check_open
from afresh.caches.sqlserver_names import StageNames, quote
from afresh.caches.sqlserver_own import OwnNames
from afresh.caches.sqlserver_session import Session
from afresh.core.errors import AfreshError, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.core.model import MergeCounts, ReloadStrategy
from afresh.core.schema import TableSchema

_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 1.0

End = Callable[[MergeCounts], None]
"""Ends the update within the transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The table whose rows are replaced; `fields` lead to it from its shadow."""

    names: StageNames
    schema: TableSchema
    fields: tuple[Field, ...]
    indexes: tuple[TableIndex, ...]
    operation_id: str


class _Refused(Exception):
    """The server does not let this be done to this table."""


class Reloader:
    """Replaces the rows of one table."""

    def __init__(
        self, session: Session, target: Target, features: Features, own: OwnNames, lock_seconds: float
    ) -> None:
        self._session = session
        self._target = target
        self._features = features
        self._own = own
        self._lock_seconds = lock_seconds

    def reload(self, strategy: ReloadStrategy, loaded: int, end: End) -> MergeCounts:
        """Does it in the way asked for, or in one that is as safe, and returns what changed."""
        counts = self._compare(loaded)
        if not (counts.inserted or counts.updated or counts.deleted):
            with self._session.transaction():
                check_open(self._session, self._own, self._target.operation_id)
                end(counts)
            return counts
        if strategy is ReloadStrategy.TRUNCATE:
            self._refill(counts, end)
            return counts
        if self._features.switch and self._features.truncate and self._switch(counts, end):
            return counts
        return self._replace(loaded, end)

    def _compare(self, loaded: int) -> MergeCounts:
        table, shadow = self._target.names.table, self._target.names.shadow
        existing = self._session.number(f"SELECT COUNT_BIG(*) FROM {table}")
        if existing == 0:
            return MergeCounts(inserted=loaded)
        found = self._session.one(sql.compare(shadow, table, self._target.schema, self._target.fields, self._features))
        matched, updated = (int(found[0]), int(found[1])) if found is not None else (0, 0)
        return MergeCounts(
            inserted=loaded - matched, updated=updated, unchanged=matched - updated, deleted=existing - matched
        )

    def _switch(self, counts: MergeCounts, end: End) -> bool:
        """Whether it could be done. Waits for readers only so long at a time, because those who come later wait
        behind it."""
        give_up = time.monotonic() + self._lock_seconds
        try:
            self._make_indexes()
            while True:
                try:
                    self._try_switch(counts, end)
                except CacheLocked:
                    if time.monotonic() > give_up:
                        raise
                    time.sleep(_PAUSE_SECONDS)
                else:
                    return True
        except _Refused:
            return False

    def _make_indexes(self) -> None:
        """Gives the shadow the indexes of the table, which a switch asks for. Their names may be the same."""
        for index in self._target.indexes:
            if index.primary:
                continue
            if not index.plain or index.disabled or index.clustered:
                raise _Refused
            self._allowed(index.definition(self._target.names.shadow))

    def _try_switch(self, counts: MergeCounts, end: End) -> None:
        names = self._target.names
        with self._lock_timeout(_PATIENCE_SECONDS), self._session.transaction():
            check_open(self._session, self._own, self._target.operation_id)
            self._allowed(f"TRUNCATE TABLE {names.table}")
            self._allowed(f"ALTER TABLE {names.shadow} SWITCH TO {names.table}")
            end(counts)

    def _replace(self, loaded: int, end: End) -> MergeCounts:
        """Row by row where they differ. Counts what it does, and so needs nobody to hold the table still."""
        names, schema, fields = self._target.names, self._target.schema, self._target.fields
        arguments = (names.shadow, names.table, schema, fields, self._features)
        with self._session.transaction():
            check_open(self._session, self._own, self._target.operation_id)
            deleted = self._session.changed(sql.delete_gone(*arguments))
            statement = sql.update(*arguments, trust_source=True)
            updated = self._session.changed(statement) if statement is not None else 0
            inserted = self._session.changed(sql.insert(*arguments))
            counts = MergeCounts(
                inserted=inserted, updated=updated, unchanged=loaded - inserted - updated, deleted=deleted
            )
            end(counts)
        return counts

    def _refill(self, counts: MergeCounts, end: End) -> None:
        names = self._target.names
        columns = [field.name for field in self._target.fields]
        secondary = [index for index in self._target.indexes if index.secondary] if self._may_disable() else []
        for truncate in (True, False):
            with suppress(_Refused), self._session.transaction():
                check_open(self._session, self._own, self._target.operation_id)
                for index in secondary:
                    self._session.run(self._disabled(index))
                if truncate and self._features.truncate:
                    # Refused where a foreign key references the table, or a view is bound to it.
                    self._allowed(f"TRUNCATE TABLE {names.table}")
                else:
                    self._session.run(f"DELETE FROM {names.table}")
                self._session.run(sql.copy_rows(names.shadow, names.table, columns))
                for index in secondary:
                    self._session.run(self._enabled(index))
                end(counts)
                return

    def _may_disable(self) -> bool:
        """Only what a rollback brings back is taken away."""
        return self._features.atomic_ddl

    def _disabled(self, index: TableIndex) -> str:
        table, name = self._target.names.table, quote(index.name)
        return (
            f"ALTER INDEX {name} ON {table} DISABLE"
            if self._features.disable_index
            else f"DROP INDEX {name} ON {table}"
        )

    def _enabled(self, index: TableIndex) -> str:
        table = self._target.names.table
        if self._features.disable_index:
            return f"ALTER INDEX {quote(index.name)} ON {table} REBUILD"
        return index.definition(table)

    def _allowed(self, statement: str) -> None:
        """Raises `_Refused` if the server says no, for a reason that another try does not mend."""
        try:
            self._session.run(statement)
        except (CacheFull, CacheLocked, CacheUnavailable):
            raise
        except CacheError as error:
            raise _Refused from error

    def _lock_timeout(self, seconds: float) -> "_LockTimeout":
        return _LockTimeout(self._session, seconds, self._lock_seconds)


class _LockTimeout:
    """For a while, statements wait less long for locks."""

    def __init__(self, session: Session, seconds: float, otherwise: float) -> None:
        self._session = session
        self._seconds = min(seconds, otherwise)
        self._otherwise = otherwise

    def __enter__(self) -> None:
        self._set(self._seconds)

    def __exit__(self, *_: object) -> None:
        with self._session.uninterrupted(), suppress(AfreshError):
            self._set(self._otherwise)

    def _set(self, seconds: float) -> None:
        with suppress(CacheError):
            self._session.run(f"SET LOCK_TIMEOUT {min(int(seconds * 1000), 2**31 - 1)}")
