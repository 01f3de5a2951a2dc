"""The audit log and the leases of the SQLite cache."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from afresh.caches import spans
from afresh.caches import sqlite_sql as sql
from afresh.caches.remembered import Remembered
from afresh.caches.sqlite_connection import Database
from afresh.caches.sqlite_values import instant_text
from afresh.core.cause import Cause
from afresh.core.details import cause_from, from_json, to_json
from afresh.core.errors import AlreadyRunning, UpdateLost
from afresh.core.model import (
    FAILED_RECORDS,
    RUNNING_RECORDS,
    Completion,
    DataUpdate,
    MergeCounts,
    Outcome,
    UpdateType,
)
from afresh.core.ports import Lease

_INSERT = """
INSERT INTO DataUpdate (
    TableName, SourceSystem, UpdateType, StartDT, NumberRecords, MinimumDT, OperationId, InstanceId, Reason
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_COMPLETE = """
UPDATE DataUpdate SET
    EndDT = ?, WasSuccessful = ?, NumberRecords = ?, SourceDT = ?, RowsInserted = ?, RowsUpdated = ?,
    RowsUnchanged = ?, RowsDeleted = ?, RowsDuplicate = ?, Outcome = ?, ErrorMessage = ?, Cause = ?, Details = ?
WHERE OperationId = ? AND NumberRecords = -2
"""
_SCHEDULES = """
WITH RECURSIVE names (TableName) AS (
    SELECT min(TableName) FROM DataUpdate
    UNION ALL
    SELECT (SELECT min(d.TableName) FROM DataUpdate AS d WHERE d.TableName > names.TableName)
    FROM names WHERE names.TableName IS NOT NULL
), schedules AS (
    SELECT n.TableName, t.UpdateType, (
        SELECT max(s.Id) FROM DataUpdate AS s
        WHERE s.TableName = n.TableName AND s.UpdateType = t.UpdateType AND s.WasSuccessful = 1
    ) AS LastId
    FROM names AS n CROSS JOIN (SELECT 1 AS UpdateType UNION ALL SELECT 2 UNION ALL SELECT 3) AS t
    WHERE n.TableName IS NOT NULL
)
"""
"""Each table and type with its last success, from index entry to index entry: a long log is not read for it."""
_LAST = f"""{_SCHEDULES}
SELECT u.Id, u.OperationId FROM schedules AS l CROSS JOIN DataUpdate AS u ON u.Id = l.LastId ORDER BY u.Id
"""
_ROWS = "SELECT u.* FROM json_each(?) AS wanted CROSS JOIN DataUpdate AS u ON u.Id = wanted.value"
_FAILURES = f"""{_SCHEDULES}
SELECT u.* FROM schedules AS l CROSS JOIN DataUpdate AS u
    ON u.TableName = l.TableName AND u.UpdateType = l.UpdateType AND u.WasSuccessful = 0
    AND u.Id > coalesce(l.LastId, 0)
ORDER BY u.Id DESC
"""
_PURGE = """
DELETE FROM DataUpdate WHERE StartDT < ? AND NumberRecords <> -2 AND Id NOT IN (SELECT Id FROM LastDataUpdates)
"""
_FENCE = """
INSERT INTO AfreshLease (Name, Holder, Fence, ExpiresDT) VALUES ('', '', 1, '')
ON CONFLICT (Name) DO UPDATE SET Fence = Fence + 1 RETURNING Fence
"""
"""The next fence: all leases draw from the row without a name, so that one given back and taken again has a new one."""
_HELD = """
SELECT Name, Holder, Fence, ExpiresDT FROM AfreshLease WHERE Name <> '' AND substr(Name, 1, ?) = ? ORDER BY Name
"""
_FAILURES_KEPT = 100


class SqliteUpdateLog:
    """`DataUpdate` and `LastDataUpdates` in the cache's own file. A file that is not there yet is an empty log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = Remembered()

    def start(self, update: DataUpdate) -> None:
        row = (
            update.table_name,
            update.source_system,
            int(update.update_type),
            instant_text(update.start_dt),
            RUNNING_RECORDS,
            _optional(update.minimum_dt),
            update.operation_id,
            update.instance_id,
            update.reason,
        )
        with self._writing() as connection:
            holder = connection.execute(
                "SELECT InstanceId FROM DataUpdate WHERE TableName = ? AND NumberRecords = -2", (update.table_name,)
            ).fetchone()
            if holder is not None:
                raise AlreadyRunning(f"{update.table_name}: a sync by {holder['InstanceId']} has not ended")
            connection.execute(_INSERT, row)

    def complete(self, completion: Completion) -> None:
        with self._writing() as connection:
            complete_open(connection, completion)

    def last_updates(self) -> Sequence[DataUpdate]:
        with self._reading() as connection:
            if connection is None:
                return []
            wanted = [(row["Id"], row["OperationId"]) for row in connection.execute(_LAST)]
            return self._last.rows(wanted, lambda ids: map(_update, connection.execute(_ROWS, (json.dumps(ids),))))

    def failures(self) -> Mapping[str, Sequence[DataUpdate]]:
        found: dict[str, list[DataUpdate]] = {}
        for update in self._select(_FAILURES):
            updates = found.setdefault(update.table_name, [])
            if len(updates) < _FAILURES_KEPT:
                updates.append(update)
        return found

    def history(
        self,
        *,
        table_name: str | None = None,
        open_only: bool = False,
        operation_id: str | None = None,
        outcome: Outcome | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> Sequence[DataUpdate]:
        # Few rows are open, and few of a table did not succeed: they are found by an index of their own, from which an
        # order by the row's number would lead away. A table has fewer rows than an outcome.
        few = table_name is not None and outcome not in (None, Outcome.SUCCEEDED)
        conditions, parameters = ["true"], list[object]()
        if table_name is not None:
            conditions.append("TableName = ?")
            parameters.append(table_name)
        if open_only:
            conditions.append("NumberRecords = -2")
        if few:
            conditions.append("UpdateType IN (1, 2, 3) AND WasSuccessful = 0")
        of_outcome = "Outcome = ?" if table_name is None else "+Outcome = ?"
        for condition, value in (("OperationId = ?", operation_id), (of_outcome, outcome)):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)
        plus = "+" if open_only or few else ""
        for condition, values in spans.conditions(self.history, since=since, until=until, before=before):
            conditions.append(condition.format(start=f"{plus}StartDT", id="Id"))
            parameters += [instant_text(value) if isinstance(value, datetime) else value for value in values]
        start = f"{plus}StartDT DESC, " if since or until else ""
        statement = f"SELECT * FROM DataUpdate WHERE {' AND '.join(conditions)} ORDER BY {start}{plus}Id DESC LIMIT ?"
        return self._select(statement, (*parameters, limit))

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        with self._writing() as connection:
            rows = connection.execute("SELECT * FROM DataUpdate WHERE NumberRecords = -2").fetchall()
            dead = [row["OperationId"] for row in rows if row["InstanceId"] not in live_instances]
            for operation_id in dead:
                complete_open(
                    connection,
                    Completion(
                        operation_id=operation_id,
                        end_dt=now,
                        outcome=Outcome.INTERRUPTED,
                        number_records=FAILED_RECORDS,
                        error_message="The process that ran it ended before the sync did.",
                        cause=Cause.SERVICE_OFF,
                    ),
                )
            marks = ", ".join("?" * len(dead))
            closed = connection.execute(f"SELECT * FROM DataUpdate WHERE OperationId IN ({marks})", dead).fetchall()
        return [_update(row) for row in closed]

    def purge(self, before: datetime) -> int:
        with self._writing() as connection:
            return connection.execute(_PURGE, (instant_text(before),)).rowcount

    def _select(self, statement: str, parameters: Sequence[object] = ()) -> list[DataUpdate]:
        with self._reading() as connection:
            return [_update(row) for row in connection.execute(statement, tuple(parameters))] if connection else []

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection that sees one state of the log; None while there is no log."""
        if not self._database.exists():
            yield None
            return
        with self._database.reading() as connection:
            connection.row_factory = sqlite3.Row
            yield connection if has_table(connection, "DataUpdate") else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with writing_own(self._database) as connection:
            connection.row_factory = sqlite3.Row
            yield connection


class SqliteLeases:
    """Leases as rows of `AfreshLease`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        with writing_own(self._database) as connection:
            found = connection.execute(
                "SELECT Holder, Fence, ExpiresDT FROM AfreshLease WHERE Name = ?", (name,)
            ).fetchone()
            if found is not None and found[0] != holder and _instant(found[2]) > now:
                return None
            fence = found[1] if found is not None and found[0] == holder else connection.execute(_FENCE).fetchone()[0]
            lease = Lease(name=name, holder=holder, fence=fence, expires=now + ttl)
            connection.execute(
                "INSERT OR REPLACE INTO AfreshLease (Name, Holder, Fence, ExpiresDT) VALUES (?, ?, ?, ?)",
                (name, holder, fence, instant_text(lease.expires)),
            )
        return lease

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        renewed = Lease(name=lease.name, holder=lease.holder, fence=lease.fence, expires=now + ttl)
        with writing_own(self._database) as connection:
            changed = connection.execute(
                "UPDATE AfreshLease SET ExpiresDT = ? WHERE Name = ? AND Holder = ? AND Fence = ?",
                (instant_text(renewed.expires), lease.name, lease.holder, lease.fence),
            ).rowcount
        return renewed if changed else None

    def release(self, lease: Lease) -> None:
        with writing_own(self._database) as connection:
            connection.execute(
                "DELETE FROM AfreshLease WHERE Name = ? AND Holder = ? AND Fence = ?",
                (lease.name, lease.holder, lease.fence),
            )

    def held(self, prefix: str) -> Sequence[Lease]:
        if not self._database.exists():
            return []
        with self._database.reading() as connection:
            if not has_table(connection, "AfreshLease"):
                return []
            rows = connection.execute(_HELD, (len(prefix), prefix)).fetchall()
        return [Lease(name=row[0], holder=row[1], fence=row[2], expires=_instant(row[3])) for row in rows]


@contextmanager
def writing_own(database: Database) -> Iterator[sqlite3.Connection]:
    """A write transaction on the cache's own tables, which are made, or brought up to date, if need be."""
    with database.writing() as connection:
        if not _has(connection, "index", sql.MADE_LAST):
            _make_own_tables(connection)
        yield connection


def _make_own_tables(connection: sqlite3.Connection) -> None:
    for statement in sql.OWN_TABLES.split(";"):
        connection.execute(statement)
    there = {row[0] for row in connection.execute("SELECT name FROM pragma_table_info('DataUpdate')")}
    for name in sql.LATER_COLUMNS:
        if name not in there:
            connection.execute(f"ALTER TABLE DataUpdate ADD COLUMN {name} TEXT")


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the table is there: before the first write, or where an earlier version wrote last, it may not be."""
    return _has(connection, "table", name)


def _has(connection: sqlite3.Connection, kind: str, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = ? AND name = ?", (kind, name)).fetchone()
    return found is not None


def open_operations(connection: sqlite3.Connection) -> frozenset[str]:
    """The operations whose DataUpdate row is open."""
    if not has_table(connection, "DataUpdate"):
        return frozenset()
    return frozenset(
        row[0] for row in connection.execute("SELECT OperationId FROM DataUpdate WHERE NumberRecords = -2")
    )


def check_open(connection: sqlite3.Connection, operation_id: str) -> None:
    """Raises `UpdateLost` unless the DataUpdate row of the operation is still open: the fence of every write."""
    found = connection.execute(
        "SELECT 1 FROM DataUpdate WHERE OperationId = ? AND NumberRecords = -2", (operation_id,)
    ).fetchone()
    if found is None:
        raise UpdateLost(f"the update {operation_id} is not open any more: another instance closed it")


def complete_open(connection: sqlite3.Connection, completion: Completion) -> None:
    """Ends the open row within the caller's transaction; raises `UpdateLost` if it is not open any more."""
    counts = completion.counts
    row = (
        instant_text(completion.end_dt),
        completion.outcome is Outcome.SUCCEEDED,
        completion.number_records,
        _optional(completion.source_dt),
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.deleted,
        counts.duplicates,
        str(completion.outcome),
        completion.error_message,
        completion.cause,
        to_json(completion.details),
        completion.operation_id,
    )
    if connection.execute(_COMPLETE, row).rowcount != 1:
        raise UpdateLost(f"the update {completion.operation_id} is not open any more: another instance closed it")


def _later(row: sqlite3.Row, name: str) -> str | None:
    """The value of a column that is not there before the first write of this version."""
    found: str | None = row[name] if name in row.keys() else None  # noqa: SIM118 - a row is no mapping
    return found


def _optional(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _optional_instant(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _update(row: sqlite3.Row) -> DataUpdate:
    return DataUpdate(
        table_name=row["TableName"],
        source_system=row["SourceSystem"],
        update_type=UpdateType(row["UpdateType"]),
        operation_id=row["OperationId"],
        instance_id=row["InstanceId"],
        start_dt=_instant(row["StartDT"]),
        minimum_dt=_optional_instant(row["MinimumDT"]),
        source_dt=_optional_instant(row["SourceDT"]),
        end_dt=_optional_instant(row["EndDT"]),
        was_successful=None if row["WasSuccessful"] is None else bool(row["WasSuccessful"]),
        number_records=row["NumberRecords"],
        counts=MergeCounts(
            inserted=row["RowsInserted"],
            updated=row["RowsUpdated"],
            unchanged=row["RowsUnchanged"],
            deleted=row["RowsDeleted"],
            duplicates=row["RowsDuplicate"],
        ),
        outcome=None if row["Outcome"] is None else Outcome(row["Outcome"]),
        error_message=row["ErrorMessage"],
        cause=cause_from(_later(row, "Cause")),
        reason=row["Reason"],
        details=from_json(_later(row, "Details")),
        sequence=row["Id"],
    )
