"""Databases behind ODBC of which little has to be known: any, SQLite, DB2, SQL Server.

What is written here of DB2 and SQL Server is from documentation, and was tried on no server.
"""

from types import MappingProxyType
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import DATETIME, TIME, parse_type
from afresh.core.select import Output, TableName, Value
from afresh.sources.odbc_profile import Declared, Lists, Profile, Words
from afresh.sources.odbc_texts import dialect, text, wall
from afresh.sources.render import Dialect, Use
from afresh.sources.sqlite import bind
from afresh.sources.sqlite_catalogue import declared_type


def _standard(zone: ZoneInfo) -> Dialect:
    """The escapes that every driver has to understand."""
    return dialect(
        "",
        stamp=lambda value: f"{{ts '{wall(value, zone).isoformat(' ', 'auto')}'}}",
        day=lambda day: f"{{d '{day.isoformat()}'}}",
    )


def _schema_tables(schema: str | None) -> str:
    only = f"TABLE_SCHEMA = {text(schema)}" if schema else "UPPER(TABLE_SCHEMA) <> 'INFORMATION_SCHEMA'"
    return (
        "SELECT TABLE_SCHEMA, TABLE_NAME, NULL, NULL, CASE WHEN TABLE_TYPE = 'VIEW' THEN '1' ELSE '0' END "
        f"FROM INFORMATION_SCHEMA.TABLES WHERE {only} ORDER BY 1, 2"
    )


GENERIC = Profile(
    name="generic",
    dialect=_standard,
    declared=lambda declared: parse_type(declared),
    lists=Lists(tables=_schema_tables),
    wraps=False,
    snapshot_reads=False,
    tested="psqlODBC and libsqliteodbc, as if nothing were known of their databases",
)


# ------------------------------------------------------------------------------------------------------- SQLite


def _sqlite_expression(output: Output, column: str) -> str:
    """SQLite types values, not columns, and the driver believes the declared type: so a number is read as the text
    from which it can be read back, whatever it is. A double has up to 17 digits, fewer where those are enough."""
    affinity = declared_type(output.declared)[0]
    if pa.types.is_binary(output.type) or pa.types.is_binary(affinity):
        return column
    if pa.types.is_string(output.type):
        return column if pa.types.is_string(affinity) else f"CAST({column} AS TEXT)"
    real = f"CASE {column} WHEN 9e999 THEN 'inf' WHEN -9e999 THEN '-inf' ELSE CASE "
    real += f"WHEN CAST(printf('%!.15g', {column}) AS REAL) = {column} THEN printf('%!.15g', {column}) "
    real += f"ELSE printf('%!.17g', {column}) END END"
    return f"CASE typeof({column}) WHEN 'real' THEN {real} ELSE CAST({column} AS TEXT) END"


def _sqlite_guard(output: Output, column: str) -> str:
    """The driver ends a text at NUL, and gives a text or number as bytes where the column is declared as such."""
    if pa.types.is_binary(output.type) or pa.types.is_binary(declared_type(output.declared)[0]):
        wrong = f"typeof({column}) NOT IN ('blob', 'null')"
    elif pa.types.is_string(output.type):
        wrong = f"typeof({column}) = 'text' AND instr(CAST({column} AS BLOB), x'00') > 0"
    else:
        return ""
    return f"CASE WHEN {wrong} THEN abs(-9223372036854775807 - 1) ELSE 1 END"


def _sqlite_literal(value: Value | None, use: Use) -> str:
    """As the kind `sqlite` binds it; a floor reaches below every form in which a stamp may be stored."""
    bound = None if value is None else bind(value, use)
    if bound is None:
        return "NULL"
    return text(bound) if isinstance(bound, str) else str(bound)


def _sqlite(zone: ZoneInfo) -> Dialect:
    del zone
    return Dialect(name="sqlite", bind=lambda value, use: value, literal=_sqlite_literal, expression=_sqlite_expression)


def _pragma(table: TableName) -> str:
    return f"pragma_table_xinfo({text(table.name)}, {text(table.schema or 'main')})"


SQLITE = Profile(
    name="sqlite",
    driver="SQLite3",
    dialect=_sqlite,
    declared=declared_type,
    keywords=MappingProxyType({"StepAPI": "1", "NoCreat": "1", "BigInt": "1", "LongNames": "0"}),
    opening=("PRAGMA query_only = ON",),
    begin=("BEGIN", "SELECT count(*) FROM sqlite_master"),
    octets=lambda column: f"length(CAST({column} AS BLOB))",
    guard=_sqlite_guard,
    lists=Lists(
        columns=lambda table: (
            f"SELECT name, type, CASE WHEN pk > 0 OR \"notnull\" THEN '0' ELSE '1' END FROM {_pragma(table)} "
            "WHERE hidden <> 1 ORDER BY cid"
        ),
        key=lambda table: f"SELECT name FROM {_pragma(table)} WHERE pk > 0 ORDER BY pk",
        tables=lambda schema: (
            "SELECT NULL, name, NULL, NULL, CASE type WHEN 'view' THEN '1' ELSE '0' END "
            "FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
        ),
        account="SELECT 'the user of this process', 'SQLite ' || sqlite_version()",
    ),
    words=Words(unavailable_text=r"(?i)database is locked|unable to open|connect failed|disk i/o|not a database"),
    read_only_sessions=True,
    tested="SQLite with libsqliteodbc",
)


# ---------------------------------------------------------------------------------------------------------- DB2


_DB2_TYPES: dict[str, pa.DataType] = {
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "REAL": pa.float64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": TIME,
    "TIMESTAMP": DATETIME,
    "BLOB": pa.binary(),
    "BINARY": pa.binary(),
    "VARBINARY": pa.binary(),
}


def _sized(declared: str) -> tuple[str, list[int]]:
    name, _, sizes = declared.partition("(")
    return name.strip(), [int(size) for size in sizes.rstrip(")").split(",") if size.strip()]


def _db2_declared(declared: str) -> Declared:
    name, sizes = _sized(declared)
    if name == "DECIMAL" and len(sizes) == 2:
        return pa.int64() if sizes[1] == 0 and sizes[0] <= 18 else pa.decimal128(sizes[0], sizes[1]), None
    if name in ("CHARACTER", "VARCHAR", "GRAPHIC", "VARGRAPHIC"):
        return pa.string(), sizes[0] if sizes else None
    return _DB2_TYPES.get(name, pa.string()), None


def _db2_expression(output: Output, column: str) -> str:
    name, _ = _sized(output.declared)
    if name in ("DATE", "TIMESTAMP"):
        form = "YYYY-MM-DD" if name == "DATE" else "YYYY-MM-DD HH24:MI:SS.FF6"
        return f"VARCHAR_FORMAT({column}, '{form}')"
    casts = {
        "REAL": "DOUBLE({})",
        "DECFLOAT": "VARCHAR({})",
        "TIME": "CHAR({}, JIS)",
        "XML": "XMLSERIALIZE({} AS CLOB)",
    }
    return casts.get(name, "{}").format(column)


def _db2(zone: ZoneInfo) -> Dialect:
    return dialect(
        "",
        expression=_db2_expression,
        stamp=lambda value: f"TIMESTAMP('{wall(value, zone).isoformat(' ', 'microseconds')}')",
        day=lambda day: f"DATE('{day.isoformat()}')",
    )


def _db2_place(table: TableName) -> str:
    schema = text(table.schema) if table.schema else "CURRENT SCHEMA"
    return f"TABSCHEMA = {schema} AND TABNAME = {text(table.name)}"


DB2 = Profile(
    name="db2",
    driver="IBM DB2 ODBC DRIVER",
    server="Hostname",
    dialect=_db2,
    declared=_db2_declared,
    keywords=MappingProxyType({"Protocol": "TCPIP", "ConnectType": "1"}),
    opening=("SET CURRENT ISOLATION = CS",),
    octets=lambda column: f"LENGTH({column})",
    wraps=True,
    lists=Lists(
        columns=lambda table: (
            "SELECT COLNAME, RTRIM(TYPENAME) || CASE WHEN TYPENAME = 'DECIMAL' THEN '(' || RTRIM(CHAR(LENGTH)) || ',' "
            "|| RTRIM(CHAR(SCALE)) || ')' WHEN TYPENAME IN ('CHARACTER', 'VARCHAR', 'GRAPHIC', 'VARGRAPHIC') "
            "THEN '(' || RTRIM(CHAR(LENGTH)) || ')' ELSE '' END, CASE NULLS WHEN 'Y' THEN '1' ELSE '0' END "
            f"FROM SYSCAT.COLUMNS WHERE {_db2_place(table)} ORDER BY COLNO"
        ),
        key=lambda table: (
            f"SELECT COLNAME FROM SYSCAT.COLUMNS WHERE {_db2_place(table)} AND KEYSEQ IS NOT NULL ORDER BY KEYSEQ"
        ),
        rows=lambda table: f"SELECT RTRIM(CHAR(NULLIF(CARD, -1))) FROM SYSCAT.TABLES WHERE {_db2_place(table)}",
        tables=lambda schema: (
            "SELECT RTRIM(TABSCHEMA), RTRIM(TABNAME), RTRIM(CHAR(NULLIF(CARD, -1))), NULL, "
            "CASE TYPE WHEN 'V' THEN '1' ELSE '0' END "
            "FROM SYSCAT.TABLES WHERE TYPE IN ('T', 'V', 'A') AND "
            + (f"TABSCHEMA = {text(schema)}" if schema else "TABSCHEMA NOT LIKE 'SYS%'")
            + " ORDER BY CARD DESC, 1, 2"
        ),
        account="SELECT CURRENT USER, SERVICE_LEVEL FROM TABLE(SYSPROC.ENV_GET_INST_INFO()) AS I",
        clock="SELECT VARCHAR_FORMAT(CURRENT TIMESTAMP - CURRENT TIMEZONE, 'YYYY-MM-DD HH24:MI:SS.FF6') "
        "FROM SYSIBM.SYSDUMMY1",
    ),
    words=Words(
        unavailable=("08", "HYT", "40001", "57"),
        refused_text=r"(?i)SQL30082N|SQL0551N|SQL1060N|authorization",
        unavailable_text=r"(?i)SQL30081N|SQL1224N|SQL0911N",
    ),
    snapshot_reads=False,
)


# --------------------------------------------------------------------------------------------------- SQL Server


def _sqlserver(zone: ZoneInfo) -> Dialect:
    return dialect(
        "tsql",
        stamp=lambda value: f"'{wall(value, zone).isoformat('T', 'milliseconds')}'",
        day=lambda day: f"'{day.isoformat()}'",
        quotes=("[", "]"),
    )


SQLSERVER = Profile(
    name="sqlserver",
    driver="ODBC Driver 18 for SQL Server",
    dialect=_sqlserver,
    declared=lambda declared: parse_type(declared),
    keywords=MappingProxyType({"ApplicationIntent": "ReadOnly", "APP": "afresh"}),
    octets=lambda column: f"DATALENGTH({column})",
    wraps=False,
    lists=Lists(
        tables=_schema_tables,
        account="SELECT SUSER_SNAME(), LEFT(@@VERSION, 200)",
        clock="SELECT CONVERT(varchar(30), SYSUTCDATETIME(), 121)",
    ),
    snapshot_reads=False,
)
