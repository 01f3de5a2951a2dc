"""MySQL and MariaDB through MariaDB's ODBC driver.

What that driver says and does that is not so: unsigned numbers in the upper half of
their range are -1 (the largest are read as text, the others as larger signed ones); dates that are none,
such as 0000-00-00, are null or end the process (dates are read as text, so that `0000-00-00` can be told from null
and goes the way of its column's policy); fractions of a TIMESTAMP are cut; times beyond a day are an error (text); a
FLOAT is single; a decimal without a whole digit has no room for its zero, so that a negative one is cut (text); the
whole result is held in memory (tables are read in pages by their key).
"""

import re
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import DATETIME, TIME, TIMESTAMP
from afresh.core.select import Output, TableName
from afresh.sources.odbc_profile import Declared, Lists, Profile, Words
from afresh.sources.odbc_texts import dialect, text
from afresh.sources.render import Dialect

_DECLARED = re.compile(r"(?P<name>[a-z0-9]+)\s*(?:\((?P<size>\d+)(?:,(?P<scale>\d+))?\))?(?P<rest>.*)", re.DOTALL)
_PLAIN: dict[str, pa.DataType] = {
    "tinyint": pa.int16(),
    "smallint": pa.int16(),
    "mediumint": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "year": pa.int16(),
    "float": pa.float64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "datetime": DATETIME,
    "timestamp": TIMESTAMP,
    "time": TIME,
}
_UNSIGNED: dict[str, pa.DataType] = {
    "tinyint": pa.int16(),
    "smallint": pa.int32(),
    "mediumint": pa.int32(),
    "int": pa.int64(),
    "bigint": pa.decimal128(20, 0),
}
_BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_CASTS = {
    "date": "CAST({} AS CHAR(10))",
    "datetime": "CAST({} AS CHAR(26))",
    "timestamp": "CONCAT(CAST({} AS CHAR(26)), 'Z')",
    "time": "CAST({} AS CHAR(17))",
    "decimal": "CAST({} AS CHAR(67))",
    "float": "({} + 0e0)",
    "bit": "CAST({} + 0 AS CHAR(20))",
    "uuid": "CAST({} AS CHAR(36))",
    "inet4": "CAST({} AS CHAR(15))",
    "inet6": "CAST({} AS CHAR(45))",
}
_MOST_DIGITS = 38
_ORDERED = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "char", "varchar", "date", "datetime")


def _parts(declared: str) -> tuple[str, int, int, bool]:
    found = _DECLARED.match(declared.lower())
    if found is None:
        return "", 0, 0, False
    return found["name"], int(found["size"] or 0), int(found["scale"] or 0), "unsigned" in found["rest"]


def declared(name: str) -> Declared:
    """The type as which a column declared so arrives. `tinyint(1)` may hold more than true and false, so it is a
    number; what has no type of its own (enum, set, json) is text."""
    base, size, scale, unsigned = _parts(name)
    if base == "decimal":
        return pa.decimal128(size, scale) if size <= 38 else pa.string(), None
    if base == "bit":
        return pa.bool_() if size <= 1 else pa.int64() if size < 64 else pa.decimal128(20, 0), None
    if base in _BYTES:
        return pa.binary(), None
    if base in ("char", "varchar"):
        return pa.string(), size or None
    return (_UNSIGNED if unsigned and base in _UNSIGNED else _PLAIN).get(base, pa.string()), None


def expression(output: Output, column: str) -> str:
    """The text of everything that the driver would not deliver as it is."""
    base, size, scale, unsigned = _parts(output.declared)
    if base == "decimal" and scale < size <= _MOST_DIGITS:
        return column
    if base == "bigint" and unsigned:
        return f"CAST({column} AS CHAR(20))"
    if unsigned and base in _UNSIGNED:
        return f"CAST({column} AS SIGNED)"
    return _CASTS.get(base, "{}").format(column)


def ordered(name: str) -> bool:
    """Whether a key column of that type is ordered as its literals compare."""
    return _parts(name)[0] in _ORDERED


def _stamp(value: datetime) -> str:
    """The session's zone is UTC, so an instant is written as its reading there."""
    plain = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return f"'{plain.isoformat(' ')}'"


def _words(value: str) -> str:
    """What a backslash means depends on the session, so a text with one is written as its bytes."""
    quoted = text(value)
    return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4)" if "\\" in value else quoted


def _dialect(zone: ZoneInfo) -> Dialect:
    del zone
    return dialect(
        "mysql",
        expression=expression,
        stamp=_stamp,
        day=lambda day: f"'{day.isoformat()}'",
        words=_words,
        quotes=("`", "`"),
    )


def _place(table: TableName) -> str:
    schema = text(table.schema) if table.schema else "DATABASE()"
    return f"TABLE_SCHEMA = {schema} AND TABLE_NAME = {text(table.name)}"


def _columns(table: TableName) -> str:
    return (
        "SELECT CAST(COLUMN_NAME AS CHAR(64)), CAST(COLUMN_TYPE AS CHAR(2000)), IF(IS_NULLABLE = 'YES', '1', '0') "
        f"FROM INFORMATION_SCHEMA.COLUMNS WHERE {_place(table)} ORDER BY ORDINAL_POSITION"
    )


def _key(table: TableName) -> str:
    return (
        "SELECT CAST(COLUMN_NAME AS CHAR(64)) FROM INFORMATION_SCHEMA.STATISTICS "
        f"WHERE {_place(table)} AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX"
    )


def _rows(table: TableName) -> str:
    return f"SELECT CAST(TABLE_ROWS AS CHAR(20)) FROM INFORMATION_SCHEMA.TABLES WHERE {_place(table)}"


def _tables(schema: str | None) -> str:
    only = (
        f"TABLE_SCHEMA = {text(schema)}"
        if schema
        else "TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
    )
    return (
        "SELECT CAST(TABLE_SCHEMA AS CHAR(64)), CAST(TABLE_NAME AS CHAR(64)), CAST(TABLE_ROWS AS CHAR(20)), "
        "CAST(DATA_LENGTH + INDEX_LENGTH AS CHAR(20)), IF(TABLE_TYPE LIKE '%VIEW', '1', '0') "
        f"FROM INFORMATION_SCHEMA.TABLES WHERE {only} ORDER BY DATA_LENGTH + INDEX_LENGTH DESC, 1, 2"
    )


def _query_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "datetime(6)"
    if pa.types.is_time(kind):
        return "time(6)"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_decimal(kind):
        return "decimal"
    if kind == pa.int64():
        return "bigint(20) unsigned"
    return "float" if pa.types.is_float32(kind) else ""


def _limit(milliseconds: int) -> str:
    """MariaDB reads the first comment, MySQL the second."""
    mariadb, mysql = (
        f"/*M! , max_statement_time = {milliseconds / 1000:g} */",
        f"/*!50708 , max_execution_time = {milliseconds} */",
    )
    return f"SET time_zone = '+00:00' {mariadb} {mysql}"


_HOST = "SUBSTRING_INDEX(CURRENT_USER(), '@', -1)"
_NAME = f"LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH({_HOST}) - 1)"
# An account that may read `mysql` is told of the others' rights, too.
_WRITES = (
    "PRIVILEGE_TYPE IN ('INSERT', 'UPDATE', 'DELETE', 'DROP', 'ALTER', 'CREATE') "
    f"AND GRANTEE = CONCAT('''', {_NAME}, '''@''', {_HOST}, '''')"
)
_RIGHTS = f"""
SELECT CAST(CONCAT(PRIVILEGE_TYPE, ' on everything') AS CHAR(300))
FROM INFORMATION_SCHEMA.USER_PRIVILEGES WHERE {_WRITES}
UNION ALL SELECT CAST(CONCAT(PRIVILEGE_TYPE, ' on ', TABLE_SCHEMA) AS CHAR(300))
FROM INFORMATION_SCHEMA.SCHEMA_PRIVILEGES WHERE {_WRITES}
UNION ALL SELECT CAST(CONCAT(PRIVILEGE_TYPE, ' on ', TABLE_SCHEMA, '.', TABLE_NAME) AS CHAR(300))
FROM INFORMATION_SCHEMA.TABLE_PRIVILEGES WHERE {_WRITES}
"""


def _process(user: str) -> str:
    name, _, host = user.rpartition("@")
    return f"GRANT PROCESS ON *.* TO '{name}'@'{host}'"


MYSQL = Profile(
    name="mysql",
    driver="MariaDB Unicode",
    server="SERVER",
    dialect=_dialect,
    declared=declared,
    keywords=MappingProxyType({"CHARSET": "utf8mb4", "NO_PROMPT": "1"}),
    opening=("SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"),
    begin=(
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    limit=_limit,
    session="SELECT CAST(CONNECTION_ID() AS CHAR(20))",
    kill=lambda session: f"KILL QUERY {int(session)}",
    octets=lambda column: f"OCTET_LENGTH({column})",
    instants=lambda name: _parts(name)[0] == "timestamp",
    query_types=_query_type,
    pages=True,
    ordered=ordered,
    lists=Lists(
        columns=_columns,
        key=_key,
        rows=_rows,
        tables=_tables,
        account="SELECT CAST(CURRENT_USER() AS CHAR(200)), CAST(VERSION() AS CHAR(200))",
        rights=_RIGHTS,
        clock="SELECT CAST(UTC_TIMESTAMP(6) AS CHAR(26))",
        oldest="SELECT CAST(MIN(trx_started) AS CHAR(26)) FROM INFORMATION_SCHEMA.INNODB_TRX "
        "WHERE trx_mysql_thread_id <> CONNECTION_ID()",
        oldest_right=_process,
    ),
    words=Words(
        refused=("28",),
        unavailable=("08", "HYT", "40001", "HY001"),
        refused_text=r"(?i)access denied|command denied|is not allowed to connect|unknown database",
        unavailable_text=r"(?i)can't connect|lost connection|gone away|deadlock|lock wait|too many connections|"
        r"server shutdown|malformed|unknown mysql server host|connection was killed|(?:read|write) error:|"
        r"error in server handshake|broken pipe|connection reset",
    ),
    read_only_sessions=True,
    tested="MariaDB with MariaDB's ODBC driver",
)
