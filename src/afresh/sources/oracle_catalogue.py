"""What an Oracle database tells of itself: tables, columns, keys, and what our account may do."""

from collections.abc import Sequence

from afresh.core.errors import ConfigurationError
from afresh.core.ports import Account, Cancellation, SourceColumn, TableInfo, TableSummary
from afresh.core.schema import parse_type
from afresh.core.select import Output, Query, TableName
from afresh.sources import oracle_types
from afresh.sources.never import NEVER
from afresh.sources.oracle_options import OracleOptions
from afresh.sources.oracle_session import Session, Sessions
from afresh.sources.render import replace_minimum

_COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE, CASE WHEN DATA_TYPE = 'RAW' THEN DATA_LENGTH ELSE CHAR_LENGTH END, "
    "DATA_PRECISION, DATA_SCALE, NULLABLE FROM ALL_TAB_COLUMNS WHERE OWNER = :1 AND TABLE_NAME = :2 ORDER BY COLUMN_ID"
)
_KEY = (
    "SELECT C.CONSTRAINT_NAME, C.CONSTRAINT_TYPE, L.POSITION, L.COLUMN_NAME FROM ALL_CONSTRAINTS C "
    "JOIN ALL_CONS_COLUMNS L ON L.OWNER = C.OWNER AND L.CONSTRAINT_NAME = C.CONSTRAINT_NAME "
    "WHERE C.OWNER = :1 AND C.TABLE_NAME = :2 AND C.CONSTRAINT_TYPE IN ('P', 'U') AND C.STATUS = 'ENABLED'"
)
_UNIQUE_INDEX = (
    "SELECT I.INDEX_NAME, 'I', L.COLUMN_POSITION, L.COLUMN_NAME FROM ALL_INDEXES I "
    "JOIN ALL_IND_COLUMNS L ON L.INDEX_OWNER = I.OWNER AND L.INDEX_NAME = I.INDEX_NAME "
    "WHERE I.TABLE_OWNER = :1 AND I.TABLE_NAME = :2 AND I.UNIQUENESS = 'UNIQUE'"
)
_ROWS = "SELECT NUM_ROWS FROM ALL_TABLES WHERE OWNER = :1 AND TABLE_NAME = :2"
_SYNONYM = (
    "SELECT TABLE_OWNER, TABLE_NAME FROM ALL_SYNONYMS WHERE OWNER IN (:1, 'PUBLIC') AND SYNONYM_NAME = :2 "
    "AND DB_LINK IS NULL"
)
_OTHERS = "OWNER NOT IN (SELECT USERNAME FROM ALL_USERS WHERE ORACLE_MAINTAINED = 'Y')"
_TABLES = f"SELECT OWNER, TABLE_NAME, NUM_ROWS, BLOCKS * 8192 FROM ALL_TABLES WHERE {_OTHERS} AND NESTED = 'NO'"
_VIEWS = f"SELECT OWNER, VIEW_NAME FROM ALL_VIEWS WHERE {_OTHERS}"
_SYSTEM_RIGHTS = (
    "SELECT PRIVILEGE FROM SESSION_PRIVS WHERE PRIVILEGE LIKE 'INSERT ANY%' OR PRIVILEGE LIKE 'UPDATE ANY%' "
    "OR PRIVILEGE LIKE 'DELETE ANY%' OR PRIVILEGE LIKE 'DROP ANY%' OR PRIVILEGE LIKE 'ALTER ANY%' "
    "OR PRIVILEGE LIKE 'EXECUTE ANY%' OR PRIVILEGE LIKE 'CREATE ANY%' OR PRIVILEGE IN ('CREATE TABLE', 'SYSDBA')"
)
_TABLE_RIGHTS = (
    "SELECT DISTINCT PRIVILEGE, TABLE_SCHEMA || '.' || TABLE_NAME FROM ALL_TAB_PRIVS "
    "WHERE PRIVILEGE IN ('INSERT', 'UPDATE', 'DELETE', 'ALTER') "
    "AND (GRANTEE = USER OR GRANTEE IN (SELECT ROLE FROM SESSION_ROLES)) AND ROWNUM <= 20"
)
_SESSIONS = (
    "SELECT LIMIT FROM USER_RESOURCE_LIMITS WHERE RESOURCE_NAME = 'SESSIONS_PER_USER' AND LIMIT NOT IN ('UNLIMITED')"
)


class OracleCatalogue:
    """The catalogue of one source."""

    def __init__(self, name: str, options: OracleOptions, sessions: Sessions) -> None:
        self._name = name
        self._options = options
        self._sessions = sessions
        self._bare_number = parse_type(options.bare_number)[0]

    def describe(self, table: TableName) -> TableInfo | None:
        """Columns, primary key (else a unique key without nulls), and the rows of the last statistics."""
        with self._sessions.open(NEVER, f"describe {table}") as session:
            place = self._place(session, table)
            if place is None:
                return None
            columns = tuple(self._column(*row) for row in session.rows(_COLUMNS, place))
            rows = session.rows(_ROWS, place)
            return TableInfo(
                columns=columns,
                key=_key(session, place, {column.name for column in columns if not column.nullable}),
                rows=rows[0][0] if rows else None,
            )

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns as the database describes them; a computed number is as `bare_number` says."""
        given = {output.column.casefold(): output for output in query.outputs}
        sql = replace_minimum(query.sql, "oracle", lambda: "NULL")
        with self._sessions.open(NEVER, "describe query") as session:
            described = session.columns(sql)
        return tuple(self._result_column(info, given.get(info[0].casefold())) for info in described)

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        """All that the account may read, but for Oracle's own."""
        with self._sessions.open(NEVER, "list tables") as session:
            tables = [
                TableSummary(table=TableName(name, owner), rows=rows, size=size)
                for owner, name, rows, size in session.rows(_TABLES)
            ]
            views = [TableSummary(table=TableName(name, owner), is_view=True) for owner, name in session.rows(_VIEWS)]
        found = [summary for summary in (*tables, *views) if schema is None or summary.table.schema == schema]
        return sorted(found, key=lambda summary: -(summary.rows or 0))

    def account(self) -> Account:
        """The account, its rights to write, and what to ask for."""
        with self._sessions.open(NEVER, "check rights") as session:
            user = str(session.rows("SELECT USER FROM DUAL")[0][0])
            rights = [privilege for (privilege,) in session.rows(_SYSTEM_RIGHTS)]
            rights += [f"{privilege} on {table}" for privilege, table in session.rows(_TABLE_RIGHTS)]
            limits = session.rows(_SESSIONS)
            advice = [] if self._sees_transactions(session) else [f"GRANT SELECT ON V_$TRANSACTION TO {user};"]
            if limits:
                advice.append(f"The profile allows {limits[0][0]} sessions: `max_sessions` must not be more.")
            return Account(
                user=user, version=f"Oracle {session.version}", may_write=tuple(rights), advice=tuple(advice)
            )

    def key(self, table: TableName, cancel: Cancellation) -> tuple[str, ...]:
        """The key columns, to name a row in an error."""
        described = self.describe(table)
        return described.key if described is not None else ()

    def _sees_transactions(self, session: Session) -> bool:
        try:
            session.rows("SELECT MIN(START_DATE) FROM V$TRANSACTION")
        except self._sessions.driver.Error:
            return False
        return True

    def _place(self, session: Session, table: TableName) -> tuple[str, str] | None:
        """Owner and name of the table; a synonym counts as what it stands for."""
        owner = table.schema or self._options.schema_name or str(session.rows("SELECT USER FROM DUAL")[0][0])
        if session.rows(f"SELECT 1 FROM ({_COLUMNS}) WHERE ROWNUM = 1", (owner, table.name)):
            return owner, table.name
        if table.schema is None and (found := session.rows(_SYNONYM, (owner, table.name))):
            return str(found[0][0]), str(found[0][1])
        other = (owner.upper(), table.name.upper())
        if other != (owner, table.name) and session.rows(f"SELECT 1 FROM ({_COLUMNS}) WHERE ROWNUM = 1", other):
            raise ConfigurationError(
                f"source {self._name}: there is no table {table}, but there is {other[0]}.{other[1]}",
                hint="Oracle's names are upper case unless they were quoted; write them so.",
            )
        return None

    def _column(
        self, name: str, data_type: str, length: int | None, precision: int | None, scale: int | None, nullable: str
    ) -> SourceColumn:
        told = oracle_types.declared(data_type, length, precision, scale)
        arrow, characters = oracle_types.arrives_as(oracle_types.parse(told), self._bare_number)
        return SourceColumn(name=name, type=arrow, nullable=nullable != "N", length=characters, declared=told)

    def _result_column(self, info: Sequence[object], given: Output | None) -> SourceColumn:
        told = _described_type(info)
        if given is not None:
            return SourceColumn(name=given.name, type=given.type, declared=told)
        arrow, characters = oracle_types.arrives_as(oracle_types.parse(told), self._bare_number)
        return SourceColumn(name=str(info[0]), type=arrow, length=characters, declared=told)


_FROM_DRIVER = {
    "DB_TYPE_VARCHAR": "VARCHAR2",
    "DB_TYPE_NVARCHAR": "NVARCHAR2",
    "DB_TYPE_TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE",
    "DB_TYPE_TIMESTAMP_LTZ": "TIMESTAMP WITH LOCAL TIME ZONE",
    "DB_TYPE_INTERVAL_DS": "INTERVAL DAY TO SECOND",
    "DB_TYPE_INTERVAL_YM": "INTERVAL YEAR TO MONTH",
    "DB_TYPE_LONG_RAW": "LONG RAW",
}


def _described_type(info: Sequence[object]) -> str:
    """The type's name from a DB-API description: name, type, display size, size, precision, scale, null."""
    kind = str(getattr(info[1], "name", info[1]))
    name = _FROM_DRIVER.get(kind, kind.removeprefix("DB_TYPE_"))
    precision, scale = info[4], info[5]
    if name == "NUMBER":
        told = isinstance(precision, int) and precision > 0 and isinstance(scale, int) and scale != -127
        return f"NUMBER({precision},{scale})" if told else "NUMBER"
    if name in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE"):
        digits = scale if isinstance(scale, int) else 9
        return name.replace("TIMESTAMP", f"TIMESTAMP({digits})", 1)
    return name


def _key(session: Session, place: tuple[str, str], not_null: set[str]) -> tuple[str, ...]:
    """The primary key, else the first unique constraint or index whose columns are all not null."""
    keys: dict[tuple[str, str], dict[int, str]] = {}
    for statement in (_KEY, _UNIQUE_INDEX):
        for name, kind, position, column in session.rows(statement, place):
            keys.setdefault((kind, name), {})[position] = column
    for _, columns in sorted(keys.items(), key=lambda item: ("PUI".index(item[0][0]), item[0][1])):
        found = tuple(columns[position] for position in sorted(columns))
        if set(found) <= not_null:
            return found
    return ()
