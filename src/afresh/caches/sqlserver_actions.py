"""What people asked for, in the SQL Server cache."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from afresh.caches.sqlserver_database import Database
from afresh.caches.sqlserver_log import aware, naive, take_turn
from afresh.caches.sqlserver_own import OwnNames, OwnTables
from afresh.caches.sqlserver_session import Session
from afresh.core.actions import Action, ActionKind

_LIST = (
    "a.[Id], a.[ActionDT], a.[Who], a.[Action], a.[TableName], a.[SourceSystem], a.[OperationId], a.[Reason], "
    "a.[Argument]"
)


class SqlServerActions:
    """`AfreshAction` in the schema of the data. While it is not there nobody has asked for anything."""

    def __init__(self, database: Database, own: OwnTables) -> None:
        self._database = database
        self._own = own

    def record(self, action: Action) -> Action:
        self._own.ensure()
        sequence = self._database.transact(lambda session: _record(session, self._own.names, action))
        return replace(action, sequence=sequence)

    def latest(self) -> Sequence[Action]:
        table = self._own.names.action
        return self._select(
            f"SELECT {_LIST} FROM {table} AS a WHERE a.[Id] IN (\n"
            f"    SELECT MAX([Id]) FROM {table} GROUP BY [Action], [TableName], [SourceSystem]\n"
            ") ORDER BY a.[Id]"
        )

    def recent(
        self, *, table_name: str | None = None, after: int = 0, before: int | None = None, limit: int = 100
    ) -> Sequence[Action]:
        conditions, parameters = ["a.[Id] > ?"], list[object]([after])
        if table_name is not None:
            conditions.append("a.[TableName] = ?")
            parameters.append(table_name)
        if before is not None:
            conditions.append("a.[Id] < ?")
            parameters.append(before)
        return self._select(
            f"SELECT TOP ({int(limit)}) {_LIST} FROM {self._own.names.action} AS a "
            f"WHERE {' AND '.join(conditions)} ORDER BY a.[Id] DESC",
            *parameters,
        )

    def _select(self, statement: str, *parameters: object) -> list[Action]:
        if not self._own.there():
            return []
        with self._database.session() as session:
            return [_action(row) for row in session.rows(statement, *parameters)]


def _record(session: Session, own: OwnNames, action: Action) -> int:
    values: dict[str, object] = {
        "ActionDT": naive(action.at),
        "Who": action.who,
        "Action": str(action.kind),
        "TableName": action.table_name,
        "SourceSystem": action.source_system,
        "OperationId": action.operation_id,
        "Reason": action.reason,
        "Argument": action.argument,
    }
    names = ", ".join(f"[{name}]" for name in values)
    marks = ", ".join("?" * len(values))
    # In turn, so that the highest number is ours.
    take_turn(session, own)
    session.run(f"INSERT INTO {own.action} ({names}) VALUES ({marks})", *values.values())
    return session.number(f"SELECT MAX([Id]) FROM {own.action}")


def _action(row: Sequence[Any]) -> Action:
    sequence, at, who, kind, table_name, source_system, operation_id, reason, argument = row
    return Action(
        sequence=int(sequence),
        at=aware(at),
        who=who,
        kind=ActionKind(kind),
        table_name=table_name,
        source_system=source_system,
        operation_id=operation_id,
        reason=reason,
        argument=argument,
    )
