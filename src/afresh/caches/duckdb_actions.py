"""What people asked for, in the DuckDB cache."""

from collections.abc import Sequence
from dataclasses import replace

from afresh.caches.duckdb_connection import Database
from afresh.caches.duckdb_log import instant, make_own_tables
from afresh.caches.duckdb_session import Session
from afresh.caches.duckdb_tables import has_own_tables
from afresh.core.actions import Action, ActionKind

_SELECT = """
SELECT Id, epoch_us(ActionDT), Who, Action, TableName, SourceSystem, OperationId, Reason, Argument
FROM main.AfreshAction
"""
_LATEST = f"""
{_SELECT} WHERE Id IN (SELECT max(Id) FROM main.AfreshAction GROUP BY Action, TableName, SourceSystem) ORDER BY Id
"""


class DuckdbActions:
    """`AfreshAction` in the cache's own file. Where it is not there yet nobody has asked for anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, action: Action) -> Action:
        def work(session: Session) -> int:
            make_own_tables(session)
            sequence = session.one("SELECT nextval('main.AfreshActionId')")
            row = (
                sequence,
                action.at,
                action.who,
                str(action.kind),
                action.table_name,
                action.source_system,
                action.operation_id,
                action.reason,
                action.argument,
            )
            session.run("INSERT INTO main.AfreshAction VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            return sequence

        return replace(action, sequence=self._database.transact_in_turn(work))

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
        with self._database.reading() as session:
            if not has_own_tables(session):
                return []
            return [_action(*row) for row in session.rows(statement, parameters)]


def _action(sequence: int, at: int, who: str, kind: str, table_name: str, source_system: str, *rest: str) -> Action:
    operation_id, reason, argument = rest
    return Action(
        sequence=sequence,
        at=instant(at),
        who=who,
        kind=ActionKind(kind),
        table_name=table_name,
        source_system=source_system,
        operation_id=operation_id,
        reason=reason,
        argument=argument,
    )
