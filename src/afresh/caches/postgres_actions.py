"""What people asked for, in the PostgreSQL cache."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import psycopg

from afresh.caches.postgres_connection import Database
from afresh.caches.postgres_log import storable
from afresh.caches.postgres_tables import ACTION, writing_own
from afresh.core.actions import Action, ActionKind

_COLUMNS = '"ActionDT", "Who", "Action", "TableName", "SourceSystem", "OperationId", "Reason", "Argument"'
_INSERT = f'INSERT INTO {{action}} ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING "Id"'
_SELECT = f'SELECT "Id", {_COLUMNS} FROM {{action}}'
_LATEST = f"""
{_SELECT} WHERE "Id" IN (SELECT max("Id") FROM {{action}} GROUP BY "Action", "TableName", "SourceSystem") ORDER BY "Id"
"""


class PostgresActions:
    """`AfreshAction` in the cache's schema. Where it is not there yet nobody has asked for anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, action: Action) -> Action:
        texts = (
            action.who,
            str(action.kind),
            action.table_name,
            action.source_system,
            action.operation_id,
            action.reason,
            action.argument,
        )
        with writing_own(self._database) as connection:
            row = connection.execute(self._sql(_INSERT), (action.at, *map(storable, texts))).fetchone()
        return replace(action, sequence=row[0] if row else 0)

    def latest(self) -> Sequence[Action]:
        return self._select(_LATEST, ())

    def recent(
        self, *, table_name: str | None = None, after: int = 0, before: int | None = None, limit: int = 100
    ) -> Sequence[Action]:
        conditions, parameters = ['"Id" > $2'], list[object]([limit, after])
        if table_name is not None:
            parameters.append(storable(table_name))
            conditions.append(f'"TableName" = ${len(parameters)}')
        if before is not None:
            parameters.append(before)
            conditions.append(f'"Id" < ${len(parameters)}')
        return self._select(f'{_SELECT} WHERE {" AND ".join(conditions)} ORDER BY "Id" DESC LIMIT $1', parameters)

    def _select(self, statement: str, parameters: Sequence[object]) -> list[Action]:
        with self._database.connected() as connection:
            try:
                rows = connection.execute(self._sql(statement), tuple(parameters)).fetchall()
            except psycopg.errors.UndefinedTable:
                return []
        return [_action(*row) for row in rows]

    def _sql(self, statement: str) -> str:
        return statement.format(action=self._database.name(ACTION))


def _action(
    sequence: int, at: datetime, who: str, kind: str, table_name: str, source_system: str, *rest: str
) -> Action:
    operation_id, reason, argument = rest
    return Action(
        sequence=sequence,
        at=at.astimezone(UTC),
        who=who,
        kind=ActionKind(kind),
        table_name=table_name,
        source_system=source_system,
        operation_id=operation_id,
        reason=reason,
        argument=argument,
    )
