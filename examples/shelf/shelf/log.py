"""The audit log. A row holds the update whole, and beside it the columns that other programs and the view read."""

import pickle
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from afresh.core.cause import Cause
from afresh.core.errors import AlreadyRunning, UpdateLost
from afresh.core.model import FAILED_RECORDS, Completion, DataUpdate, Outcome, UpdateType
from shelf.database import Database

FAILURES = 100
EVER = datetime.min.replace(tzinfo=UTC)
COLUMNS = (
    "TableName, SourceSystem, UpdateType, OperationId, InstanceId, StartDT, MinimumDT, EndDT, SourceDT, WasSuccessful, "
    "NumberRecords, RowsInserted, RowsUpdated, RowsUnchanged, RowsDeleted, Outcome, ErrorMessage, Whole"
)


class ShelfLog:
    """`DataUpdate` and `LastDataUpdates`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, update: DataUpdate) -> None:
        """Writes the open row, unless the table has one."""
        with self._database.writing() as connection:
            if any(one.table_name == update.table_name for one in _open(connection)):
                raise AlreadyRunning(f"{update.table_name}: an update of it is open")
            ((last,),) = connection.execute("SELECT coalesce(max(Sequence), 0) FROM DataUpdate")
            _write(connection, replace(update, sequence=last + 1))

    def complete(self, completion: Completion) -> None:
        """Ends the open row."""
        with self._database.writing() as connection:
            end(connection, completion)

    def last_updates(self) -> Sequence[DataUpdate]:
        """The view."""
        return self._updates("SELECT Whole FROM LastDataUpdates ORDER BY Sequence")

    def failures(self) -> Mapping[str, Sequence[DataUpdate]]:
        """What ended without success since the last success of its type, newest first."""
        since: dict[tuple[str, UpdateType], int] = {
            (update.table_name, update.update_type): update.sequence for update in self.last_updates()
        }
        found: dict[str, list[DataUpdate]] = {}
        for update in self._updates("SELECT Whole FROM DataUpdate WHERE NOT WasSuccessful ORDER BY Sequence DESC"):
            mine = found.setdefault(update.table_name, [])
            if update.sequence > since.get((update.table_name, update.update_type), 0) and len(mine) < FAILURES:
                mine.append(update)
        return {name: updates for name, updates in found.items() if updates}

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
        """Updates, those recorded last first; those of a span of time in the order of their starts."""
        everything = self._updates("SELECT Whole FROM DataUpdate")
        timed = since is not None or until is not None

        def place(update: DataUpdate, sequence: int) -> tuple[datetime, int]:
            return (update.start_dt if timed else EVER, sequence)

        # One that is gone stands where the one recorded before it does.
        nearest = max((one for one in everything if one.sequence <= (before or 0)), key=_sequence, default=None)
        found = [
            update
            for update in everything
            if (table_name is None or update.table_name == table_name)
            and (not open_only or update.end_dt is None)
            and (operation_id is None or update.operation_id == operation_id)
            and (outcome is None or update.outcome is outcome)
            and (since is None or update.start_dt >= since)
            and (until is None or update.start_dt < until)
            and (before is None or (nearest and place(update, update.sequence) < place(nearest, before)))
        ]
        return sorted(found, key=lambda update: place(update, update.sequence), reverse=True)[:limit]

    def close_open(self, live_instances: frozenset[str], now: datetime) -> Sequence[DataUpdate]:
        """Ends what belongs to nobody who lives."""
        with self._database.writing() as connection:
            dead = [update for update in _open(connection) if update.instance_id not in live_instances]
            for update in dead:
                interrupted = Completion(
                    operation_id=update.operation_id,
                    end_dt=now,
                    outcome=Outcome.INTERRUPTED,
                    number_records=FAILED_RECORDS,
                    cause=Cause.SERVICE_OFF,
                )
                end(connection, interrupted)
        ended = {update.operation_id for update in dead}
        return [update for update in self._updates("SELECT Whole FROM DataUpdate") if update.operation_id in ended]

    def purge(self, before: datetime) -> int:
        """Deletes ended rows, but no latest success."""
        kept = {update.sequence for update in self.last_updates()}
        old = [
            update.sequence
            for update in self._updates("SELECT Whole FROM DataUpdate WHERE EndDT IS NOT NULL")
            if update.start_dt < before and update.sequence not in kept
        ]
        if old:
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM DataUpdate WHERE Sequence = ?", [(one,) for one in old])
        return len(old)

    def _updates(self, query: str) -> list[DataUpdate]:
        # Only this cache writes these rows; what others may write is no place for pickle.
        return [pickle.loads(whole) for (whole,) in self._database.rows(query)]  # noqa: S301


def _sequence(update: DataUpdate) -> int:
    return update.sequence


def is_open(connection: sqlite3.Connection, operation_id: str) -> bool:
    """Whether the update has not been ended."""
    return any(update.operation_id == operation_id for update in _open(connection))


def end(connection: sqlite3.Connection, completion: Completion) -> None:
    """Ends the open row in the transaction of the connection: data and success come together."""
    for update in _open(connection):
        if update.operation_id == completion.operation_id:
            ended = replace(
                update,
                end_dt=completion.end_dt,
                was_successful=completion.outcome is Outcome.SUCCEEDED,
                number_records=completion.number_records,
                counts=completion.counts,
                source_dt=completion.source_dt,
                outcome=completion.outcome,
                error_message=completion.error_message,
                cause=completion.cause,
                details=completion.details,
            )
            return _write(connection, ended)
    raise UpdateLost(f"the update {completion.operation_id} is not open")


def _open(connection: sqlite3.Connection) -> list[DataUpdate]:
    rows = connection.execute("SELECT Whole FROM DataUpdate WHERE NumberRecords = -2").fetchall()
    return [pickle.loads(whole) for (whole,) in rows]  # noqa: S301


def _write(connection: sqlite3.Connection, update: DataUpdate) -> None:
    instants = (update.start_dt, update.minimum_dt, update.end_dt, update.source_dt)
    values = [
        *(update.table_name, update.source_system, int(update.update_type), update.operation_id, update.instance_id),
        *(instant and instant.isoformat() for instant in instants),
        *(update.was_successful, update.number_records, update.counts.inserted, update.counts.updated),
        *(update.counts.unchanged, update.counts.deleted, update.outcome, update.error_message, pickle.dumps(update)),
    ]
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(
        f"INSERT OR REPLACE INTO DataUpdate (Sequence, {COLUMNS}) VALUES ({marks})", [update.sequence, *values]
    )
