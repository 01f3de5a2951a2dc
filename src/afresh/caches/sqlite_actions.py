"""What people asked for, in the SQLite cache."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from afresh.caches.sqlite_connection import Database
from afresh.caches.sqlite_log import has_table, writing_own
from afresh.caches.sqlite_values import instant_text
from afresh.core.actions import Action, ActionKind

_SELECT = "SELECT Id, ActionDT, Who, Action, TableName, SourceSystem, OperationId, Reason, Argument FROM AfreshAction"
_INSERT = """
INSERT INTO AfreshAction (ActionDT, Who, Action, TableName, SourceSystem, OperationId, Reason, Argument)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_LATEST = f"""
{_SELECT} WHERE Id IN (SELECT max(Id) FROM AfreshAction GROUP BY Action, TableName, SourceSystem) ORDER BY Id
"""


class SqliteActions:
    """`AfreshAction` in the cache's own file. Where it is not there yet nobody has asked for anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, action: Action) -> Action:
        row = (
            instant_text(action.at),
            action.who,
            str(action.kind),
            action.table_name,
            action.source_system,
            action.operation_id,
            action.reason,
            action.argument,
        )
        with writing_own(self._database) as connection:
            return replace(action, sequence=connection.execute(_INSERT, row).lastrowid or 0)

    def latest(self) -> Sequence[Action]:
        return self._select(_LATEST, ())

    def recent(
        self, *, table_name: str | None = None, after: int = 0, before: int | None = None, limit: int = 100
    ) -> Sequence[Action]:
        conditions, parameters = ["Id > ?"], list[object]([after])
        if table_name is not None:
            conditions.append("TableName = ?")
            parameters.append(table_name)
        if before is not None:
            conditions.append("Id < ?")
            parameters.append(before)
        return self._select(
            f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY Id DESC LIMIT ?", (*parameters, limit)
        )

    def _select(self, statement: str, parameters: Sequence[object]) -> list[Action]:
        if not self._database.exists():
            return []
        with self._database.reading() as connection:
            if not has_table(connection, "AfreshAction"):
                return []
            return [_action(*row) for row in connection.execute(statement, tuple(parameters))]


def _action(sequence: int, at: str, who: str, kind: str, table_name: str, source_system: str, *rest: str) -> Action:
    operation_id, reason, argument = rest
    return Action(
        sequence=sequence,
        at=datetime.fromisoformat(at).replace(tzinfo=UTC),
        who=who,
        kind=ActionKind(kind),
        table_name=table_name,
        source_system=source_system,
        operation_id=operation_id,
        reason=reason,
        argument=argument,
    )
