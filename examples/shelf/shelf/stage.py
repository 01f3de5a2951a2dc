"""One sync: its rows wait in memory, are compared with the table there, and what differs is written."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from afresh.core.errors import ConfigurationError, UpdateLost
from afresh.core.model import Late, MergeCounts, ReloadStrategy
from afresh.core.ports import Cancellation, Complete
from afresh.core.schema import TableSchema
from shelf import log
from shelf.database import Database, quote
from shelf.values import loaded, stored

Row = tuple[Any, ...]
PIECE = 1_000


class ShelfStage:
    """Where the rows of one sync wait: those appended since the last merge, and for a reload the whole new table."""

    def __init__(
        self,
        database: Database,
        table_name: str,
        schema: TableSchema,
        operation_id: str,
        cancel: Cancellation,
        *,
        reload: bool,
    ) -> None:
        self._database, self._table, self._schema = database, table_name, schema
        self._operation, self._cancel, self._reload = operation_id, cancel, reload
        self._key = [schema.names.index(name) for name in schema.key]
        self._stamp = schema.names.index(schema.last_update) if schema.last_update else None
        self._staged: list[Row] = []
        self._shadow: dict[Row, Row] = {}

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds rows to those that wait."""
        self._cancel.check()
        self._staged += zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        """Writes what is new or differs; for a reload, into the new table that nobody sees yet."""
        with self._transaction() as connection:
            there = self._shadow if self._reload else {}
            newest = self._newest(there)
            duplicates = len(there) + len(self._staged) - len(newest)
            if self._reload:
                self._shadow, counts = newest, MergeCounts(duplicates=duplicates)
            else:
                counts = self._apply(connection, newest, duplicates, trust_source=trust_source)
            if complete is not None:
                log.end(connection, complete(counts))
        self._staged = []
        return counts

    def late(self, before: datetime) -> Late:
        """The rows that wait, or the new ones of a reload, which came after they should have."""
        with self._database.writing() as connection:
            there = self._there(connection)
        place, stamps = self._stamp, []
        if place is not None and there:
            for row in self._checked(self._shadow.values() if self._reload else self._staged):
                old = there.get(tuple(row[place] for place in self._key))
                stamp, known = row[place], None if old is None else old[place]
                if stamp is not None and _utc(stamp) < before and (known is None or known < stamp):
                    stamps.append(_utc(stamp))
        return Late(rows=len(stamps), oldest=min(stamps, default=None))

    def sizes(self) -> tuple[int, int]:
        """Rows in the table, and in the new one."""
        ((rows,),) = self._database.rows(f"SELECT count(*) FROM {quote(self._table)}")
        return rows, len(self._shadow)

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        """Makes the table hold the new rows, by replacing those that differ, in one transaction."""
        if strategy is not ReloadStrategy.TRUNCATE:
            raise ConfigurationError("a shelf cannot swap tables", hint="Set reload_strategy to truncate.")
        with self._transaction() as connection:
            old, new = self._there(connection), self._shadow
            gone = [key for key in old if key not in new]
            changed = [key for key in self._checked(new) if key in old and old[key] != new[key]]
            added = [key for key in new if key not in old]
            # What goes is gone first, so that a unique index does not mind two rows that change places.
            where = " AND ".join(f"{quote(name)} = ?" for name in self._schema.key)
            keys = [self._stored_key(key) for key in self._checked([*gone, *changed])]
            connection.executemany(f"DELETE FROM {quote(self._table)} WHERE {where}", keys)
            self._write(connection, [new[key] for key in [*changed, *added]])
            same = len(new) - len(changed) - len(added)
            counts = MergeCounts(inserted=len(added), updated=len(changed), unchanged=same, deleted=len(gone))
            if complete is not None:
                log.end(connection, complete(counts))
        return counts

    def rebuild_indexes(self) -> None:
        """Builds the table's indexes again."""
        with self._transaction() as connection:
            connection.execute(f"REINDEX {quote(self._table)}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction in which our update is still open; nobody can end it while the transaction lasts."""
        self._cancel.check()
        with self._database.writing() as connection:
            if not log.is_open(connection, self._operation):
                raise UpdateLost(f"{self._table}: the update was ended by somebody else")
            yield connection

    def _apply(
        self, connection: sqlite3.Connection, newest: dict[Row, Row], duplicates: int, *, trust_source: bool
    ) -> MergeCounts:
        there = self._there(connection)
        new = [row for key, row in newest.items() if key not in there]
        changed = [
            newest[key]
            for key in self._checked(newest)
            if key in there and newest[key] != there[key] and (trust_source or self._replaces(newest[key], there[key]))
        ]
        self._write(connection, [*new, *changed])
        same = len(newest) - len(new) - len(changed)
        return MergeCounts(inserted=len(new), updated=len(changed), unchanged=same, duplicates=duplicates)

    def _newest(self, found: dict[Row, Row]) -> dict[Row, Row]:
        """Of each key the row that stands, in the order of arrival."""
        found = dict(found)
        for row in self._checked(self._staged):
            key = tuple(row[place] for place in self._key)
            if key not in found or self._replaces(row, found[key]):
                found[key] = row
        return found

    def _replaces(self, row: Row, old: Row) -> bool:
        """Whether the stamp allows it: it is not older (null is oldest), or a clock change hides the order."""
        if self._stamp is None:
            return True
        ours, theirs = row[self._stamp], old[self._stamp]
        if ours is None or theirs is None:
            return theirs is None
        return bool(ours >= theirs) or any(
            all(begin <= _utc(stamp) < end for stamp in (ours, theirs)) for begin, end in self._schema.folds
        )

    def _there(self, connection: sqlite3.Connection) -> dict[Row, Row]:
        """The table's rows by key. A larger cache would leave them in the database, and compare there."""
        kinds = [column.type for column in self._schema.columns]
        names = ", ".join(map(quote, self._schema.names))
        found = {}
        for values in self._checked(connection.execute(f"SELECT {names} FROM {quote(self._table)}")):
            row = tuple(map(loaded, kinds, values))
            found[tuple(row[place] for place in self._key)] = row
        return found

    def _write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        names = ", ".join(map(quote, self._schema.names))
        sets = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in self._schema.values)
        keys = ", ".join(map(quote, self._schema.key))
        connection.executemany(
            f"INSERT INTO {quote(self._table)} AS there ({names}) VALUES ({', '.join('?' * len(self._schema.names))}) "
            f"ON CONFLICT ({keys}) DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}",
            (self._stored(row) for row in self._checked(rows)),
        )

    def _stored(self, row: Row) -> list[Any]:
        columns = self._schema.columns
        return [stored(c.type, value, f"{self._table}.{c.name}") for c, value in zip(columns, row, strict=True)]

    def _stored_key(self, key: Row) -> list[Any]:
        kinds = [self._schema.column(name).type for name in self._schema.key]
        return [stored(kind, value, self._table) for kind, value in zip(kinds, key, strict=True)]

    def _checked(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items, with a look now and then whether the sync is to stop."""
        for number, item in enumerate(items):
            if number % PIECE == 0:
                self._cancel.check()
            yield item


def _utc(stamp: datetime) -> datetime:
    """A reading without a zone is compared as if it were UTC, as the folds of its table are."""
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
