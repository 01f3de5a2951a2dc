"""Staging in DuckDB: a temporary table of the connection, which nobody sees and which goes to disk if it must.

Merging is one transaction on the cache's file. A reload merges into a shadow table of the file, batch by batch, and
puts it in the table's place in one transaction at the end. Joins of whole rows are done part by part, so that what
they hold in memory does not grow with the batch or the table.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from afresh.caches import duckdb_sql as sql
from afresh.caches import duckdb_tables as tables
from afresh.caches.duckdb_connection import Database
from afresh.caches.duckdb_due import Due
from afresh.caches.duckdb_file import ROW_GROUP
from afresh.caches.duckdb_log import complete_open, hold_open
from afresh.caches.duckdb_session import INCOMING, Session
from afresh.core.errors import AfreshError, CacheError
from afresh.core.model import Late, MergeCounts, ReloadStrategy
from afresh.core.ports import Complete
from afresh.core.schema import TableSchema

_LOAD_ROWS = 50_000
_LOAD_BYTES = 16 * 2**20
"""Rows are handed over in blocks of about this size: smaller ones take more time, larger ones more memory."""
_PART_BYTES = 64 * 10**6
_WORN_RATIO = 1.25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many rows of so many bytes in all."""

    rows: int = 0
    bytes: int = 0

    def plus(self, rows: int, size: int) -> "Amount":
        """With those added."""
        return Amount(rows=self.rows + rows, bytes=self.bytes + size)

    def parts(self) -> Iterator[tuple[int, int]]:
        """Intervals of row numbers, each of about the bytes that a join may hold."""
        step = -(-self.rows // max(1, -(-self.bytes // _PART_BYTES)))
        return ((start, start + step) for start in range(0, self.rows, step or 1))


class DuckdbStage:
    """The staging of one sync, on a connection of its own. Made by `DuckdbCache.stage`."""

    def __init__(
        self,
        database: Database,
        session: Session,
        table_name: str,
        schema: TableSchema,
        operation_id: str,
        *,
        reload: bool,
    ) -> None:
        self._database = database
        self._session = session
        self._table_name = table_name
        self._table = sql.qualified(table_name)
        self._shadow = sql.qualified(f"Shadow{table_name}_{operation_id}")
        self._schema = schema
        self._operation_id = operation_id
        self._reload = reload
        self._has_shadow = False
        self._loaded = Amount()
        self._waiting: list[pa.RecordBatch] = []
        self._staged = Amount()
        self._filling = False
        self._incoming = _incoming(schema)
        session.expect(self._incoming)
        self._create_staging()
        if reload:
            self._database.transact(self._create_shadow, session, publish=False)
            self._has_shadow = True

    def append(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        rows = sum(waiting.num_rows for waiting in self._waiting)
        if rows >= _LOAD_ROWS or sum(waiting.nbytes for waiting in self._waiting) >= _LOAD_BYTES:
            self._load()

    def merge(self, *, trust_source: bool, complete: Complete | None = None) -> MergeCounts:
        self._settle()
        duplicates = self._deduplicate()
        staged = self._staged.rows - duplicates

        def work(session: Session) -> MergeCounts:
            hold_open(session, self._operation_id)
            counts = replace(self._apply(session, staged, trust_source=trust_source), duplicates=duplicates)
            if complete is not None:
                complete_open(session, complete(counts))
            return counts

        counts = self._database.transact(work, self._session, publish=not self._reload)
        self._loaded = self._loaded.plus(counts.inserted, self._staged.bytes)
        if counts.inserted or counts.updated:
            self._database.checkpoint(vacuum=not self._reload and self._is_worn())
        if complete is None:
            self._create_staging()
        return counts

    def late(self, before: datetime) -> Late:
        self._settle()
        statement = sql.late(self._table, self._schema, self._shadow if self._reload else None)
        ((rows, oldest),) = self._session.rows(statement, [sql.stamp_parameter(before, self._schema)])
        return Late(rows=rows, oldest=None if oldest is None else _EPOCH + timedelta(microseconds=oldest))

    def sizes(self) -> tuple[int, int]:
        return self._session.one(f"SELECT count(*) FROM {self._table}"), self._loaded.rows

    def reload(self, strategy: ReloadStrategy, complete: Complete | None = None) -> MergeCounts:
        """A table that is not as we make them keeps its definition: its rows are replaced, whatever the strategy."""

        def work(session: Session) -> MergeCounts:
            hold_open(session, self._operation_id)
            counts = self._compare(session)
            if counts.inserted or counts.updated or counts.deleted:
                self._replace(session, strategy)
            session.run(f"DROP TABLE IF EXISTS {self._shadow}")
            if complete is not None:
                complete_open(session, complete(counts))
            return counts

        counts = self._database.transact(work, self._session)
        self._has_shadow = False
        if counts.inserted or counts.updated or counts.deleted:
            self._database.checkpoint(vacuum=self._is_worn())
        return counts

    def rebuild_indexes(self) -> None:
        """Those that users made: our tables have none."""

        def work(session: Session) -> None:
            hold_open(session, self._operation_id)
            for name, definition in tables.indexes(session, self._table_name):
                session.run(f"DROP INDEX {sql.qualified(name)}")
                session.run(definition)

        self._database.transact(work, self._session)

    def close(self) -> None:
        """Undoes what is not committed and drops the shadow of a reload that did not end; what cannot be dropped now
        is a leftover for the next start. No cancellation breaks that off."""
        self._session.rollback()
        if self._has_shadow:
            with suppress(AfreshError):
                self._database.transact(
                    lambda session: session.run(f"DROP TABLE IF EXISTS {self._shadow}"), self._session, publish=False
                )

    def _is_worn(self) -> bool:
        """Whether so many rows of the table are deleted ones that it is worth to write it anew."""
        rows = self._session.one(f"SELECT count(*) FROM {self._table}")
        return tables.stored_rows(self._session, self._table_name) > rows * _WORN_RATIO + ROW_GROUP

    def _create_staging(self) -> None:
        self._session.run(sql.create_staging(self._schema))
        self._staged = Amount()

    def _create_shadow(self, session: Session) -> None:
        hold_open(session, self._operation_id)
        session.run(tables.twin(session, self._table_name, self._shadow))

    def _settle(self) -> None:
        """Ends the filling of a batch."""
        self._load()
        if self._filling:
            self._session.commit()
            self._filling = False

    def _load(self) -> None:
        """Hands over what waits, numbered by arrival. One transaction holds all of a batch: small ones take much more
        time."""
        waiting, self._waiting = self._waiting, []
        if not any(batch.num_rows for batch in waiting):
            return
        if not self._filling:
            self._session.run("BEGIN TRANSACTION")
            self._filling = True
        numbered = []
        for batch in waiting:
            numbers = np.arange(self._staged.rows, self._staged.rows + batch.num_rows, dtype=np.int64)
            # `pa.array` would import `numpy.ma` first, 30 ms of a process that syncs once.
            arrival = pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers.data)])
            numbered.append(pa.RecordBatch.from_arrays([*batch.columns, arrival], schema=self._incoming))
            self._staged = self._staged.plus(batch.num_rows, batch.nbytes)
        self._session.load(numbered, f"INSERT INTO {sql.STAGING} SELECT * FROM {INCOMING}")

    def _deduplicate(self) -> int:
        keys, rows = self._session.rows(sql.count_keys(self._schema))[0]
        self._check(rows, self._staged.rows)
        if keys == rows:
            return 0
        return self._session.one(sql.deduplicate(self._schema), sql.deduplicate_parameters(self._schema))

    def _apply(self, session: Session, staged: int, *, trust_source: bool) -> MergeCounts:
        target = self._shadow if self._reload else self._table
        existing = session.one(f"SELECT count(*) FROM {target}")
        if existing == 0:
            counts = MergeCounts(inserted=session.one(sql.fill(target, self._schema)) if staged else 0)
        else:
            # Into the shadow goes what this very extract delivered twice: there, the stamps decide which is newer.
            counts = self._merged(session, target, staged, trust_source=trust_source and not self._reload)
        if counts.inserted or counts.updated:
            self._check(session.one(sql.count_rows(target, self._schema)), existing + counts.inserted)
        return counts

    def _merged(self, session: Session, target: str, staged: int, *, trust_source: bool) -> MergeCounts:
        due = self._find_due(session, target, staged, trust_source=trust_source)
        updated, inserted = self._write(session, target, due)
        self._check(updated, due.changed)
        self._check(inserted, due.new)
        return MergeCounts(inserted=inserted, updated=updated, unchanged=staged - inserted - updated)

    def _find_due(self, session: Session, target: str, staged: int, *, trust_source: bool) -> Due:
        """The look for new rows reads keys alone: where all are new, as in a load, nothing else is read."""
        session.run(sql.create_due(self._schema))
        session.run(sql.note(sql.find_new(target, self._schema)))
        placed = tables.has_row_ids(session, target)
        if self._schema.values and session.one(f"SELECT count(*) FROM {sql.DUE}") < staged:
            found = sql.find_changed(target, self._schema, trust_source=trust_source, placed=placed)
            folds = sql.fold_parameters(self._schema, trust_source=trust_source)
            for part in self._staged.parts():
                session.run(sql.note(found), (*part, *folds))
        new, changed, rows, groups, *words = session.rows(sql.sum_due(self._schema, ROW_GROUP))[0]
        self._check(changed, rows)
        columns = sql.columns_of(words, self._schema)
        return Due(changed=changed, new=new, columns=columns, groups=groups if placed else None)

    def _write(self, session: Session, target: str, due: Due) -> tuple[int, int]:
        """Writes what is due; how many rows it changed, and how many it added."""
        if not due.changed and not due.new:
            return 0, 0
        plain = self._reload or tables.is_plain(session, self._table_name)
        if plain and not due.fits_in_place(self._schema, session.file.memory):
            updated = session.one(sql.delete_changed(target, self._schema)) if due.changed else 0
            return updated, session.one(sql.insert_due(target, self._schema, known=True)) - due.changed
        updated = session.one(sql.update_changed(target, self._schema, due.columns)) if due.changed else 0
        return updated, session.one(sql.insert_due(target, self._schema, known=False)) if due.new else 0

    def _check(self, found: int, expected: int) -> None:
        if found != expected:
            raise CacheError(
                f"{self._table_name}: {found:,} rows came in where there had to be {expected:,}; nothing was changed",
                hint="If somebody else wrote rows with the same key twice into the table, delete them "
                f"({', '.join(self._schema.key)}); if nobody did, this is a defect of DuckDB: please report it.",
            )

    def _compare(self, session: Session) -> MergeCounts:
        existing, loaded = session.one(f"SELECT count(*) FROM {self._table}"), self._loaded.rows
        if existing == 0 or loaded == 0:
            return MergeCounts(inserted=loaded, deleted=existing)
        matched = updated = 0
        by_part = tables.has_row_ids(session, self._shadow)
        statement = sql.compare(self._shadow, self._table, self._schema, part=by_part)
        for part in self._shadow_parts(session) if by_part else [()]:
            both, differ = session.rows(statement, part)[0]
            matched, updated = matched + both, updated + differ
        return MergeCounts(
            inserted=loaded - matched, updated=updated, unchanged=matched - updated, deleted=existing - matched
        )

    def _shadow_parts(self, session: Session) -> list[tuple[int, ...]]:
        last = session.one(f"SELECT max(rowid) FROM {self._shadow}")
        return list(replace(self._loaded, rows=last + 1).parts())

    def _replace(self, session: Session, strategy: ReloadStrategy) -> None:
        self._swap_or_refill(session, strategy)
        self._check(session.one(sql.count_rows(self._table, self._schema)), self._loaded.rows)

    def _swap_or_refill(self, session: Session, strategy: ReloadStrategy) -> None:
        if strategy is not ReloadStrategy.SWAP or not tables.is_plain(session, self._table_name):
            session.run(f"DELETE FROM {self._table}")
            session.run(sql.copy_rows(self._shadow, self._table, self._schema))
            return
        comments = tables.comments(session, self._table_name)
        session.run(f"DROP TABLE {self._table}")
        session.run(f"ALTER TABLE {self._shadow} RENAME TO {sql.quote(self._table_name)}")
        for comment in comments:
            session.run(comment)


def _incoming(schema: TableSchema) -> pa.Schema:
    """The columns of staging, as Arrow has them."""
    fields = [pa.field(f"c{place}", field.type) for place, field in enumerate(schema.arrow())]
    return pa.schema([*fields, pa.field("arrival", pa.int64())])
