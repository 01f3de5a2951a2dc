"""What a SQL Server database tells of itself: tables, columns, keys, and what our account may do."""

from collections.abc import Sequence
from typing import Any

from afresh.core.ports import Account, Cancellation, SourceColumn, TableInfo, TableSummary
from afresh.core.select import Output, Query, TableName
from afresh.sources import sqlserver_types as types
from afresh.sources.never import NEVER
from afresh.sources.render import replace_minimum
from afresh.sources.sqlserver_session import SNAPSHOT_ALLOWED, Session, Sessions

_COLUMNS = """
SELECT c.name, COALESCE(b.name, t.name), c.max_length, c.precision, c.scale, c.is_nullable
FROM sys.columns AS c INNER JOIN sys.types AS t ON t.user_type_id = c.user_type_id
LEFT JOIN sys.types AS b ON b.user_type_id = t.system_type_id AND t.is_user_defined = 1 AND t.is_assembly_type = 0
WHERE c.object_id = OBJECT_ID(?) ORDER BY c.column_id"""
_KEYS = """
SELECT i.name, i.is_primary_key, c.name FROM sys.indexes AS i
INNER JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.object_id = OBJECT_ID(?) AND i.is_unique = 1 AND i.is_disabled = 0 AND i.has_filter = 0
    AND k.is_included_column = 0
ORDER BY i.is_primary_key DESC, i.index_id, k.key_ordinal"""
_ROWS = "SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(?) AND p.index_id IN (0, 1)"
_TABLES = """
SELECT s.name, o.name, o.type, r.rows, r.pages FROM sys.objects AS o
INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN (
    SELECT p.object_id, SUM(CASE WHEN p.index_id IN (0, 1) THEN p.rows ELSE 0 END) AS rows, SUM(a.pages) AS pages
    FROM sys.partitions AS p LEFT JOIN (
        SELECT container_id, SUM(total_pages) AS pages FROM sys.allocation_units GROUP BY container_id
    ) AS a ON a.container_id = p.hobt_id GROUP BY p.object_id
) AS r ON r.object_id = o.object_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0"""
_STANDARD_TABLES = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, NULL, NULL FROM INFORMATION_SCHEMA.TABLES"
_ACCOUNT = "SELECT SUSER_SNAME(), CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(60))"
_RIGHTS = "SELECT permission_name FROM sys.fn_my_permissions(NULL, 'DATABASE')"
_WRITES = ("INSERT", "UPDATE", "DELETE", "ALTER", "CONTROL", "EXECUTE", "CREATE TABLE", "CREATE PROCEDURE")
_SEES_TRANSACTIONS = "SELECT COUNT(*) FROM sys.dm_tran_active_transactions"
_RESULT = "SELECT name, system_type_name FROM sys.dm_exec_describe_first_result_set(?, NULL, 0) ORDER BY column_ordinal"
_PAGE = 8192


class SqlServerCatalogue:
    """The catalogue of one source."""

    def __init__(self, sessions: Sessions, schema_name: str) -> None:
        self._sessions = sessions
        self._schema = schema_name

    def describe(self, table: TableName) -> TableInfo | None:
        """Columns, primary key (else a unique key without nulls), and rows as the server counts them along."""
        place = self.place(table)
        with self._sessions.open(NEVER) as session:
            columns = tuple(_column(*row) for row in session.rows(_COLUMNS, (place,)))
            if not columns:
                return None
            rows = session.rows(_ROWS, (place,))
            key = _key(session, place, {column.name for column in columns if not column.nullable})
        return TableInfo(columns=columns, key=key, rows=None if not rows or rows[0][0] is None else int(rows[0][0]))

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns as the server describes them, without running the query."""
        given = {output.column.casefold(): output for output in query.outputs}
        sql = replace_minimum(query.sql, "tsql", lambda: "CAST(NULL AS datetime2(7))")
        with self._sessions.open(NEVER) as session:
            found = session.rows(_RESULT, (sql,))
        return tuple(_result_column(str(name), str(told), given) for name, told in found)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """All that the account may see; a server without counts names them only."""
        with self._sessions.open(NEVER) as session:
            rows = session.attempt(_TABLES)
        if not rows:
            with self._sessions.open(NEVER) as session:
                rows = session.rows(_STANDARD_TABLES)
        found = [
            TableSummary(
                table=TableName(str(name), str(owner)),
                rows=None if count is None else int(count),
                size=None if pages is None else int(pages) * _PAGE,
                is_view=str(kind).strip() in ("V", "VIEW"),
            )
            for owner, name, kind, count, pages in rows
            if schema is None or owner == schema
        ]
        return sorted(found, key=lambda summary: -(summary.rows or 0))

    def account(self) -> Account:
        """The login, its rights to write, and what to ask for."""
        with self._sessions.open(NEVER) as session:
            user, version = session.rows(_ACCOUNT)[0]
        rights, snapshot, seen = (self._attempt(sql) for sql in (_RIGHTS, SNAPSHOT_ALLOWED, _SEES_TRANSACTIONS))
        held = None if not rights else tuple(str(row[0]) for row in rights if str(row[0]).upper() in _WRITES)
        advice = []
        if not seen:
            advice.append(f"GRANT VIEW SERVER STATE TO [{user}]; so that windows begin before open transactions do.")
        if snapshot and snapshot[0][0] != 1:
            advice.append("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON; so that a read sees one state.")
        return Account(user=str(user), version=f"SQL Server {version}", may_write=held, advice=tuple(advice))

    def key(self, table: TableName, cancel: Cancellation) -> tuple[str, ...]:
        """The key columns, to name a row in an error."""
        del cancel
        described = self.describe(table)
        return described.key if described is not None else ()

    def place(self, table: TableName) -> str:
        """The table's quoted name, with its schema."""
        return f"{_quoted(table.schema or self._schema)}.{_quoted(table.name)}"

    def _attempt(self, sql: str) -> list[tuple[Any, ...]]:
        with self._sessions.open(NEVER) as session:
            return session.attempt(sql)


def _column(name: str, base: str, length: int, precision: int, scale: int, nullable: object) -> SourceColumn:
    told = types.declared(str(base), int(length), int(precision), int(scale))
    arrow, characters = types.arrives_as(types.parse(told))
    return SourceColumn(name=str(name), type=arrow, nullable=bool(nullable), length=characters, declared=told)


def _result_column(name: str, told: str, given: dict[str, Output]) -> SourceColumn:
    if (output := given.get(name.casefold())) is not None:
        return SourceColumn(name=output.name, type=output.type, declared=told)
    arrow, characters = types.arrives_as(types.parse(told))
    return SourceColumn(name=name, type=arrow, length=characters, declared=told)


def _key(session: Session, place: str, not_null: set[str]) -> tuple[str, ...]:
    keys: dict[str, list[str]] = {}
    for index, _primary, column in session.rows(_KEYS, (place,)):
        keys.setdefault(str(index), []).append(str(column))
    return next((tuple(columns) for columns in keys.values() if set(columns) <= not_null), ())


def _quoted(name: str) -> str:
    return "[" + name.replace("]", "]]") + "]"
