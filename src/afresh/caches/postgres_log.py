"""The audit log of the PostgreSQL cache."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from afresh.caches import spans
from afresh.caches.postgres_connection import Connection, Database
from afresh.caches.postgres_tables import LAST, LOG, writing_own
from afresh.caches.remembered import Remembered
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

_INSERT = """
INSERT INTO {log} (
    "TableName", "SourceSystem", "UpdateType", "StartDT", "NumberRecords", "MinimumDT", "OperationId", "InstanceId",
    "Reason"
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_COMPLETE = """
UPDATE {log} SET
    "EndDT" = $1, "WasSuccessful" = $2, "NumberRecords" = $3, "SourceDT" = $4, "RowsInserted" = $5,
    "RowsUpdated" = $6, "RowsUnchanged" = $7, "RowsDeleted" = $8, "RowsDuplicate" = $9, "Outcome" = $10,
    "ErrorMessage" = $11, "Cause" = $12, "Details" = $13
WHERE "OperationId" = $14 AND "NumberRecords" = -2
"""
_CLOSE = """
UPDATE {log} SET
    "EndDT" = $1, "WasSuccessful" = false, "NumberRecords" = $2, "Outcome" = $3, "ErrorMessage" = $4,
    "Cause" = $5
WHERE "NumberRecords" = -2 AND "InstanceId" <> ALL ($6::text[])
RETURNING *
"""
_OPEN = 'SELECT 1 FROM {log} WHERE "OperationId" = $1 AND "NumberRecords" = -2 FOR NO KEY UPDATE'
_HOLDER = 'SELECT "InstanceId" FROM {log} WHERE "TableName" = $1 AND "NumberRecords" = -2'
_SCHEDULES = """
WITH RECURSIVE names ("TableName") AS (
    SELECT min("TableName") FROM {log}
    UNION ALL
    SELECT (SELECT min(d."TableName") FROM {log} AS d WHERE d."TableName" > names."TableName")
    FROM names WHERE names."TableName" IS NOT NULL
), schedules AS (
    SELECT n."TableName", t."UpdateType", (
        SELECT max(s."Id") FROM {log} AS s
        WHERE s."TableName" = n."TableName" AND s."UpdateType" = t."UpdateType" AND s."WasSuccessful"
    ) AS "LastId"
    FROM names AS n CROSS JOIN (VALUES (1), (2), (3)) AS t ("UpdateType")
    WHERE n."TableName" IS NOT NULL
)
"""
"""Each table and type with its last success, from index entry to index entry: a long log is not read for it."""
_LAST = (
    _SCHEDULES
    + """
SELECT u."Id", u."OperationId" FROM schedules AS l CROSS JOIN LATERAL (
    SELECT s."Id", s."OperationId" FROM {log} AS s WHERE s."Id" = l."LastId" LIMIT 1
) AS u ORDER BY u."Id"
"""
)
"""The limit keeps the planner from reading the log for a join."""
_ROWS = 'SELECT * FROM {log} WHERE "Id" = ANY ($1::bigint[])'
_FAILURES = (
    _SCHEDULES
    + """
SELECT u.* FROM schedules AS l CROSS JOIN LATERAL (
    SELECT * FROM {log} AS f
    WHERE f."TableName" = l."TableName" AND f."UpdateType" = l."UpdateType" AND NOT f."WasSuccessful"
    AND f."Id" > coalesce(l."LastId", 0)
) AS u ORDER BY u."Id" DESC
"""
)
_PURGE = """
DELETE FROM {log}
WHERE "StartDT" < $1 AND "NumberRecords" <> -2 AND "Id" NOT IN (SELECT "Id" FROM {last})
"""
_FAILURES_KEPT = 100


class PostgresUpdateLog:
    """`DataUpdate` and `LastDataUpdates` in the cache's schema. Where they are not there yet the log is empty."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = Remembered()

    def start(self, update: DataUpdate) -> None:
        row = (
            storable(update.table_name),
            storable(update.source_system),
            int(update.update_type),
            update.start_dt,
            RUNNING_RECORDS,
            update.minimum_dt,
            update.operation_id,
            update.instance_id,
            storable(update.reason),
        )
        with writing_own(self._database) as connection:
            holder = connection.execute(self._sql(_HOLDER), (storable(update.table_name),)).fetchone()
            if holder is not None:
                raise AlreadyRunning(f"{update.table_name}: a sync by {holder[0]} has not ended")
            try:
                connection.execute(self._sql(_INSERT), row)
            except psycopg.errors.UniqueViolation as error:
                if error.diag.constraint_name != "DataUpdateOpen":
                    raise
                raise AlreadyRunning(f"{update.table_name}: another sync started just now") from error

    def complete(self, completion: Completion) -> None:
        with writing_own(self._database) as connection:
            complete_open(self._database, connection, completion)

    def last_updates(self) -> Sequence[DataUpdate]:
        """The rows that are not known are read after the numbers, and are the same then: they have ended."""
        with self._database.connected() as connection:
            try:
                wanted = [(row[0], row[1]) for row in connection.execute(self._sql(_LAST))]
            except psycopg.errors.UndefinedTable:
                return []
        return self._last.rows(wanted, lambda ids: self._select(_ROWS, (ids,)))

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
        asked: list[tuple[str, Sequence[object]]] = [('"NumberRecords" = -2', ())] if open_only else []
        for condition, value in (
            ('"TableName" = ?', _optional(table_name)),
            ('"OperationId" = ?', operation_id),
            ('"Outcome" = ?', _optional(outcome)),
        ):
            if value is not None:
                asked.append((condition, (value,)))
        asked += spans.conditions(self.history, since=since, until=until, before=before)
        conditions, parameters = ["true"], list[object]([limit])
        for condition, values in asked:
            conditions.append(_numbered(condition.format(start='"StartDT"', id='"Id"'), len(parameters)))
            parameters += values
        where, order = " AND ".join(conditions), '"StartDT" DESC, "Id" DESC' if since or until else '"Id" DESC'
        return self._select(f"SELECT * FROM {{log}} WHERE {where} ORDER BY {order} LIMIT $1", parameters)

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        """One statement, which waits for a transaction that is just completing such a row and then leaves it alone."""
        parameters = (
            now,
            FAILED_RECORDS,
            str(Outcome.INTERRUPTED),
            "The process that ran it ended before the sync did.",
            str(Cause.SERVICE_OFF),
            sorted(live_instances),
        )
        with writing_own(self._database) as connection, connection.cursor(row_factory=dict_row) as cursor:
            return [_update(row) for row in cursor.execute(self._sql(_CLOSE), parameters)]

    def purge(self, before: datetime) -> int:
        with writing_own(self._database) as connection:
            return connection.execute(self._sql(_PURGE), (before,)).rowcount

    def _select(self, statement: str, parameters: Sequence[object] = ()) -> list[DataUpdate]:
        with self._database.connected() as connection, connection.cursor(row_factory=dict_row) as cursor:
            try:
                cursor.execute(self._sql(statement), tuple(parameters))
            except psycopg.errors.UndefinedTable:
                return []
            return [_update(row) for row in cursor]

    def _sql(self, statement: str) -> str:
        return _named(self._database, statement)


def check_open(database: Database, connection: Connection, operation_id: str) -> None:
    """Raises `UpdateLost` unless the DataUpdate row of the operation is still open: the fence of every write.

    The row stays locked until the transaction ends, so that nobody can close it while we write under it.
    """
    if connection.execute(_named(database, _OPEN), (operation_id,)).fetchone() is None:
        raise _lost(operation_id)


def complete_open(database: Database, connection: Connection, completion: Completion) -> None:
    """Ends the open row within the caller's transaction; raises `UpdateLost` if it is not open any more."""
    counts = completion.counts
    row = (
        completion.end_dt,
        completion.outcome is Outcome.SUCCEEDED,
        completion.number_records,
        completion.source_dt,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.deleted,
        counts.duplicates,
        str(completion.outcome),
        _optional(completion.error_message),
        _optional(completion.cause),
        _optional(to_json(completion.details)),
        completion.operation_id,
    )
    if connection.execute(_named(database, _COMPLETE), row).rowcount != 1:
        raise _lost(completion.operation_id)


def _numbered(condition: str, known: int) -> str:
    """Each mark as the number of its parameter, after so many that are known."""
    first, *rest = condition.split("?")
    return first + "".join(f"${known + number}{part}" for number, part in enumerate(rest, start=1))


def _named(database: Database, statement: str) -> str:
    return statement.format(log=database.name(LOG), last=database.name(LAST))


def _lost(operation_id: str) -> UpdateLost:
    return UpdateLost(f"the update {operation_id} is not open any more: another instance closed it")


def storable(text: str) -> str:
    """PostgreSQL's texts hold no NUL; an error message that quotes one says so in another way."""
    return text.replace("\0", "\\0")


def _optional(text: str | None) -> str | None:
    return None if text is None else storable(str(text))


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def _update(row: DictRow) -> DataUpdate:
    start: Any = _utc(row["StartDT"])
    return DataUpdate(
        table_name=row["TableName"],
        source_system=row["SourceSystem"],
        update_type=UpdateType(row["UpdateType"]),
        operation_id=row["OperationId"],
        instance_id=row["InstanceId"],
        start_dt=start,
        minimum_dt=_utc(row["MinimumDT"]),
        source_dt=_utc(row["SourceDT"]),
        end_dt=_utc(row["EndDT"]),
        was_successful=row["WasSuccessful"],
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
        cause=cause_from(row.get("Cause")),
        reason=row["Reason"],
        details=from_json(row.get("Details")),
        sequence=row["Id"],
    )
