"""The audit log of the DuckDB cache. Instants travel as microseconds: the driver's own would need another package."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from afresh.caches import duckdb_sql as sql
from afresh.caches import spans
from afresh.caches.duckdb_connection import Database
from afresh.caches.duckdb_session import Session
from afresh.caches.duckdb_tables import has_own_tables
from afresh.core.cause import Cause
from afresh.core.details import cause_from, from_json, to_json
from afresh.core.errors import AlreadyRunning, CacheError, UpdateLost
from afresh.core.model import (
    FAILED_RECORDS,
    RUNNING_RECORDS,
    Completion,
    DataUpdate,
    MergeCounts,
    Outcome,
    UpdateType,
)

_NAMES = (
    "Id",
    "TableName",
    "SourceSystem",
    "UpdateType",
    "StartDT",
    "EndDT",
    "WasSuccessful",
    "NumberRecords",
    "MinimumDT",
    "SourceDT",
    "OperationId",
    "InstanceId",
    "RowsInserted",
    "RowsUpdated",
    "RowsUnchanged",
    "RowsDeleted",
    "RowsDuplicate",
    "Outcome",
    "Reason",
    "ErrorMessage",
    "Cause",
    "Details",
)
_SELECT = "SELECT " + ", ".join(f"epoch_us({name})" if name.endswith("DT") else name for name in _NAMES)
_INSERT = """
INSERT INTO main.DataUpdate (
    Id, TableName, SourceSystem, UpdateType, StartDT, NumberRecords, MinimumDT, OperationId, InstanceId, Reason
) VALUES (nextval('main.DataUpdateId'), ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_COMPLETE = """
UPDATE main.DataUpdate SET
    EndDT = ?, WasSuccessful = ?, NumberRecords = ?, SourceDT = ?, RowsInserted = ?, RowsUpdated = ?,
    RowsUnchanged = ?, RowsDeleted = ?, RowsDuplicate = ?, Outcome = ?, ErrorMessage = ?, Cause = ?, Details = ?
WHERE OperationId = ? AND NumberRecords = -2
"""
_TOUCH = "UPDATE main.DataUpdate SET NumberRecords = -2 WHERE OperationId = ? AND NumberRecords = -2"
"""Writes what is there, so that whoever ends the row meanwhile is in conflict with us: a mere look would not do."""
_FAILURES = f"""
{_SELECT} FROM main.DataUpdate AS u WHERE NOT WasSuccessful AND Id > (
    SELECT coalesce(max(Id), 0) FROM main.DataUpdate AS s
    WHERE s.TableName = u.TableName AND s.UpdateType = u.UpdateType AND s.WasSuccessful
) QUALIFY row_number() OVER (PARTITION BY TableName ORDER BY Id DESC) <= 100 ORDER BY Id DESC
"""
_PURGE = """
DELETE FROM main.DataUpdate
WHERE StartDT < ? AND NumberRecords <> -2 AND Id NOT IN (SELECT Id FROM main.LastDataUpdates)
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DuckdbUpdateLog:
    """`DataUpdate` and `LastDataUpdates` in the cache's own file. A file that is not there yet is an empty log.

    While another process has the file, reads are answered by the published copy.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, update: DataUpdate) -> None:
        row = (
            update.table_name,
            update.source_system,
            int(update.update_type),
            update.start_dt,
            RUNNING_RECORDS,
            update.minimum_dt,
            update.operation_id,
            update.instance_id,
            update.reason,
        )

        def work(session: Session) -> None:
            make_own_tables(session)
            holder = session.rows(
                "SELECT InstanceId FROM main.DataUpdate WHERE TableName = ? AND NumberRecords = -2",
                (update.table_name,),
            )
            if holder:
                raise AlreadyRunning(f"{update.table_name}: a sync by {holder[0][0]} has not ended")
            if session.rows("SELECT 1 FROM main.DataUpdate WHERE OperationId = ?", (update.operation_id,)):
                raise CacheError(f"{update.table_name}: there is an update {update.operation_id} already")
            session.run(_INSERT, row)

        self._database.transact_in_turn(work)

    def complete(self, completion: Completion) -> None:
        def work(session: Session) -> None:
            make_own_tables(session)
            complete_open(session, completion)

        self._database.transact_in_turn(work)

    def last_updates(self) -> Sequence[DataUpdate]:
        return self._select(f"{_SELECT} FROM main.LastDataUpdates ORDER BY Id")

    def failures(self) -> Mapping[str, Sequence[DataUpdate]]:
        found: dict[str, list[DataUpdate]] = {}
        for update in self._select(_FAILURES):
            found.setdefault(update.table_name, []).append(update)
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
        conditions, parameters = ["true"], list[object]()
        if table_name is not None:
            conditions.append("TableName = ?")
            parameters.append(table_name)
        if open_only:
            conditions.append("NumberRecords = -2")
        for condition, value in (("OperationId = ?", operation_id), ("Outcome = ?", outcome)):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)
        for condition, values in spans.conditions(self.history, since=since, until=until, before=before):
            conditions.append(condition.format(start="StartDT", id="Id"))
            parameters += values
        where, order = " AND ".join(conditions), "StartDT DESC, Id DESC" if since or until else "Id DESC"
        statement = f"{_SELECT} FROM main.DataUpdate WHERE {where} ORDER BY {order} LIMIT ?"
        return self._select(statement, (*parameters, limit))

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        def work(session: Session) -> list[DataUpdate]:
            make_own_tables(session)
            rows = session.rows(f"{_SELECT} FROM main.DataUpdate WHERE NumberRecords = -2 ORDER BY Id")
            dead = [update for update in map(_update, rows) if update.instance_id not in live_instances]
            return [_closed(session, update.operation_id, now) for update in dead]

        return self._database.transact_in_turn(work)

    def purge(self, before: datetime) -> int:
        def work(session: Session) -> int:
            make_own_tables(session)
            return session.one(_PURGE, (before,))

        return self._database.transact_in_turn(work)

    def _select(self, statement: str, parameters: Sequence[object] = ()) -> list[DataUpdate]:
        if not self._database.exists():
            return []
        with self._database.reading() as session:
            if not has_own_tables(session):
                return []
            return [_update(row) for row in session.rows(statement, parameters)]


def make_own_tables(session: Session) -> None:
    """Makes the cache's own tables if they are not there, in the caller's transaction."""
    if not has_own_tables(session):
        for statement in sql.OWN_TABLES.split(";"):
            if statement.strip():
                session.run(statement)


def open_operations(session: Session) -> frozenset[str]:
    """The operations whose DataUpdate row is open."""
    if not has_own_tables(session):
        return frozenset()
    return frozenset(row[0] for row in session.rows("SELECT OperationId FROM main.DataUpdate WHERE NumberRecords = -2"))


def hold_open(session: Session, operation_id: str) -> None:
    """Raises `UpdateLost` unless the DataUpdate row of the operation is open, and stays so until the transaction ends:
    the fence of every write."""
    if session.one(_TOUCH, (operation_id,)) != 1:
        raise _lost(operation_id)


def complete_open(session: Session, completion: Completion) -> None:
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
        completion.error_message,
        None if completion.cause is None else str(completion.cause),
        to_json(completion.details),
        completion.operation_id,
    )
    if session.one(_COMPLETE, row) != 1:
        raise _lost(completion.operation_id)


def instant(microseconds: int) -> datetime:
    """The instant so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _closed(session: Session, operation_id: str, now: datetime) -> DataUpdate:
    complete_open(
        session,
        Completion(
            operation_id=operation_id,
            end_dt=now,
            outcome=Outcome.INTERRUPTED,
            number_records=FAILED_RECORDS,
            error_message="The process that ran it ended before the sync did.",
            cause=Cause.SERVICE_OFF,
        ),
    )
    (row,) = session.rows(f"{_SELECT} FROM main.DataUpdate WHERE OperationId = ?", (operation_id,))
    return _update(row)


def _lost(operation_id: str) -> UpdateLost:
    return UpdateLost(f"the update {operation_id} is not open any more: another instance closed it")


def _optional(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else instant(microseconds)


def _update(row: tuple[Any, ...]) -> DataUpdate:
    found = dict(zip(_NAMES, row, strict=True))
    return DataUpdate(
        table_name=found["TableName"],
        source_system=found["SourceSystem"],
        update_type=UpdateType(found["UpdateType"]),
        operation_id=found["OperationId"],
        instance_id=found["InstanceId"],
        start_dt=instant(found["StartDT"]),
        minimum_dt=_optional(found["MinimumDT"]),
        source_dt=_optional(found["SourceDT"]),
        end_dt=_optional(found["EndDT"]),
        was_successful=found["WasSuccessful"],
        number_records=found["NumberRecords"],
        counts=MergeCounts(
            inserted=found["RowsInserted"],
            updated=found["RowsUpdated"],
            unchanged=found["RowsUnchanged"],
            deleted=found["RowsDeleted"],
            duplicates=found["RowsDuplicate"],
        ),
        outcome=None if found["Outcome"] is None else Outcome(found["Outcome"]),
        error_message=found["ErrorMessage"],
        cause=cause_from(found["Cause"]),
        reason=found["Reason"],
        details=from_json(found["Details"]),
        sequence=found["Id"],
    )
