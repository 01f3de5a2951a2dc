"""The audit log of the SQL Server cache."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from afresh.caches import spans
from afresh.caches.sqlserver_database import Database
from afresh.caches.sqlserver_own import COLUMNS, OwnNames, OwnTables
from afresh.caches.sqlserver_session import Session
from afresh.core.cause import Cause
from afresh.core.details import cause_from, from_json, to_json
from afresh.core.errors import AlreadyRunning, UpdateLost
from afresh.core.model import FAILED_RECORDS, Completion, DataUpdate, MergeCounts, Outcome, UpdateType

_FAILURES_KEPT = 100
_LIST = ", ".join(f"u.[{name}]" for name in COLUMNS)


class SqlServerUpdateLog:
    """`DataUpdate` and `LastDataUpdates` in the schema of the data. While they are not there the log is empty."""

    def __init__(self, database: Database, own: OwnTables) -> None:
        self._database = database
        self._own = own

    def start(self, update: DataUpdate) -> None:
        self._own.ensure()
        self._database.transact(lambda session: _start(session, self._own.names, update))

    def complete(self, completion: Completion) -> None:
        self._database.transact(lambda session: complete_open(session, self._own.names, completion))

    def last_updates(self) -> Sequence[DataUpdate]:
        return self._select(f"SELECT {_LIST} FROM {self._own.names.last} AS u ORDER BY u.[Id]")

    def failures(self) -> Mapping[str, Sequence[DataUpdate]]:
        table = self._own.names.update
        statement = (
            f"SELECT {_LIST} FROM {table} AS u WHERE u.[WasSuccessful] = 0 AND u.[Id] > (\n"
            f"    SELECT COALESCE(MAX(l.[Id]), 0) FROM {table} AS l\n"
            "    WHERE l.[TableName] = u.[TableName] AND l.[UpdateType] = u.[UpdateType] AND l.[WasSuccessful] = 1\n"
            ") ORDER BY u.[Id] DESC"
        )
        found: dict[str, list[DataUpdate]] = {}
        for update in self._select(statement):
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
        conditions, parameters = list[str](), list[object]()
        if table_name is not None:
            conditions.append("u.[TableName] = ?")
            parameters.append(table_name)
        if open_only:
            conditions.append("u.[NumberRecords] = -2")
        for condition, value in (("u.[OperationId] = ?", operation_id), ("u.[Outcome] = ?", outcome)):
            if value is not None:
                conditions.append(condition)
                parameters.append(str(value))
        for condition, values in spans.conditions(self.history, since=since, until=until, before=before):
            conditions.append(condition.format(start="u.[StartDT]", id="u.[Id]"))
            parameters += [naive(value) if isinstance(value, datetime) else value for value in values]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order = "u.[StartDT] DESC, u.[Id] DESC" if since or until else "u.[Id] DESC"
        return self._select(
            f"SELECT TOP ({int(limit)}) {_LIST} FROM {self._own.names.update} AS u{where} ORDER BY {order}",
            *parameters,
        )

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        self._own.ensure()
        return self._database.transact(lambda session: _close_open(session, self._own.names, live_instances, now))

    def purge(self, before: datetime) -> int:
        table = self._own.names.update
        # The rows are chosen before any is locked, so that purging never waits for a sync that is being completed.
        chosen = (
            f"SELECT u.[Id] FROM {table} AS u WHERE u.[StartDT] < ? AND u.[NumberRecords] <> -2 "
            f"AND u.[Id] NOT IN (SELECT l.[Id] FROM {self._own.names.last} AS l)"
        )
        if not self._own.there():
            return 0
        with self._database.session() as session:
            ids = [row[0] for row in session.rows(chosen, naive(before))]
            return sum(session.changed(f"DELETE FROM {table} WHERE [Id] = ?", found) for found in ids)

    def _select(self, statement: str, *parameters: object) -> list[DataUpdate]:
        if not self._own.there():
            return []
        with self._database.session() as session:
            return [_update(row) for row in session.rows(statement, *parameters)]


def check_open(session: Session, own: OwnNames, operation_id: str) -> None:
    """Raises `UpdateLost` unless the operation's row is open now. Locks nothing: `hold_open` is the fence."""
    statement = f"SELECT 1 FROM {own.update} WHERE [OperationId] = ? AND [NumberRecords] = -2"
    if session.one(statement, operation_id) is None:
        raise _lost(operation_id)


def hold_open(session: Session, own: OwnNames, operation_id: str) -> None:
    """The fence, as the last statement of every transaction that writes data: raises `UpdateLost` unless the row is
    open, and keeps it so until the commit. It writes the row, which no server can do without locking it, and comes
    last, so that nobody who reads the log waits for data being merged."""
    statement = f"UPDATE {own.update} SET [NumberRecords] = -2 WHERE [OperationId] = ? AND [NumberRecords] = -2"
    if session.changed(statement, operation_id) != 1:
        raise _lost(operation_id)


def complete_open(session: Session, own: OwnNames, completion: Completion) -> None:
    """Ends the open row within the caller's transaction; raises `UpdateLost` if it is not open any more."""
    counts = completion.counts
    values: dict[str, object | None] = {
        "EndDT": naive(completion.end_dt),
        "WasSuccessful": int(completion.outcome is Outcome.SUCCEEDED),
        "NumberRecords": completion.number_records,
        "SourceDT": _optional(completion.source_dt),
        "RowsInserted": counts.inserted,
        "RowsUpdated": counts.updated,
        "RowsUnchanged": counts.unchanged,
        "RowsDeleted": counts.deleted,
        "RowsDuplicate": counts.duplicates,
        "Outcome": str(completion.outcome),
        "ErrorMessage": completion.error_message,
        "Cause": None if completion.cause is None else str(completion.cause),
        "Details": to_json(completion.details),
    }
    # A null is written, not bound: drivers have to ask the server what type it should have.
    assignments = ", ".join(f"[{name}] = {'NULL' if value is None else '?'}" for name, value in values.items())
    parameters = [value for value in values.values() if value is not None]
    statement = f"UPDATE {own.update} SET {assignments} WHERE [OperationId] = ? AND [NumberRecords] = -2"
    if session.changed(statement, *parameters, completion.operation_id) != 1:
        raise _lost(completion.operation_id)


def open_operations(session: Session, own: OwnNames) -> frozenset[str]:
    """The operations whose DataUpdate row is open."""
    return frozenset(
        str(row[0]) for row in session.rows(f"SELECT [OperationId] FROM {own.update} WHERE [NumberRecords] = -2")
    )


def take_turn(session: Session, own: OwnNames) -> None:
    """Makes those who start updates or take leases come one after another: all write the lease without a name."""
    session.changed(f"UPDATE {own.lease} SET [Fence] = [Fence] + 1 WHERE [Name] = N''")


def naive(at: datetime) -> datetime:
    """An instant as it is bound and stored: UTC, without saying so. Drivers shift what has a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def aware(at: datetime) -> datetime:
    """A stored instant."""
    return at.replace(tzinfo=UTC)


def _start(session: Session, own: OwnNames, update: DataUpdate) -> None:
    take_turn(session, own)
    holder = session.one(
        f"SELECT [InstanceId] FROM {own.update} WHERE [TableName] = ? AND [NumberRecords] = -2", update.table_name
    )
    if holder is not None:
        raise AlreadyRunning(f"{update.table_name}: a sync by {holder[0]} has not ended")
    values: dict[str, object] = {
        "TableName": update.table_name,
        "SourceSystem": update.source_system,
        "UpdateType": int(update.update_type),
        "StartDT": naive(update.start_dt),
        "NumberRecords": update.number_records,
        "OperationId": update.operation_id,
        "InstanceId": update.instance_id,
        "Reason": update.reason,
    }
    if update.minimum_dt is not None:
        values["MinimumDT"] = naive(update.minimum_dt)
    names = ", ".join(f"[{name}]" for name in values)
    marks = ", ".join("?" * len(values))
    session.run(f"INSERT INTO {own.update} ({names}) VALUES ({marks})", *values.values())


def _close_open(session: Session, own: OwnNames, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
    take_turn(session, own)
    found = session.rows(f"SELECT {_LIST} FROM {own.update} AS u WHERE u.[NumberRecords] = -2 ORDER BY u.[Id]")
    closed = list[DataUpdate]()
    for update in (_update(row) for row in found):
        if update.instance_id in live_instances:
            continue
        ended = Completion(
            operation_id=update.operation_id,
            end_dt=now,
            outcome=Outcome.INTERRUPTED,
            number_records=FAILED_RECORDS,
            error_message="The process that ran it ended before the sync did.",
            cause=Cause.SERVICE_OFF,
        )
        try:
            complete_open(session, own, ended)
        except UpdateLost:
            # It ended by itself since it was looked at.
            continue
        statement = f"SELECT {_LIST} FROM {own.update} AS u WHERE u.[Id] = ?"
        closed.extend(_update(row) for row in session.rows(statement, update.sequence))
    return closed


def _lost(operation_id: str) -> UpdateLost:
    return UpdateLost(f"the update {operation_id} is not open any more: another instance closed it")


def _optional(at: datetime | None) -> datetime | None:
    return None if at is None else naive(at)


def _optional_aware(at: datetime | None) -> datetime | None:
    return None if at is None else aware(at)


def _update(row: Sequence[Any]) -> DataUpdate:
    found = dict(zip(COLUMNS, row, strict=True))
    return DataUpdate(
        table_name=found["TableName"],
        source_system=found["SourceSystem"],
        update_type=UpdateType(found["UpdateType"]),
        operation_id=found["OperationId"],
        instance_id=found["InstanceId"],
        start_dt=aware(found["StartDT"]),
        minimum_dt=_optional_aware(found["MinimumDT"]),
        source_dt=_optional_aware(found["SourceDT"]),
        end_dt=_optional_aware(found["EndDT"]),
        was_successful=None if found["WasSuccessful"] is None else bool(found["WasSuccessful"]),
        number_records=int(found["NumberRecords"]),
        counts=MergeCounts(
            inserted=int(found["RowsInserted"]),
            updated=int(found["RowsUpdated"]),
            unchanged=int(found["RowsUnchanged"]),
            deleted=int(found["RowsDeleted"]),
            duplicates=int(found["RowsDuplicate"]),
        ),
        outcome=None if found["Outcome"] is None else Outcome(found["Outcome"]),
        error_message=found["ErrorMessage"],
        cause=cause_from(found["Cause"]),
        reason=found["Reason"],
        details=from_json(found["Details"]),
        sequence=int(found["Id"]),
    )
