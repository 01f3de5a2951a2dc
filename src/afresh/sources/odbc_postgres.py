"""PostgreSQL through psqlODBC.

What that driver says and does that is not so: float8 comes as float32 (it is asked for as what it is); numerics without
digits get a scale of six, and infinite dates are dates (both are read as texts, and so are numerics without a whole
digit, for which other drivers have no room); booleans are texts (BoolsAsChar=0); the whole result is held in memory,
and with its own UseDeclareFetch a connection that is lost in mid-result ends the process (so results are read from a
cursor of ours); a timestamptz has no zone (the session's is UTC); its own ReadOnly refuses all but a plain SELECT (the
server's read-only transactions are used instead).
"""

import re
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import DATETIME, TIME, TIMESTAMP
from afresh.core.select import Output, TableName
from afresh.sources.odbc_profile import Cursor, Declared, Lists, Profile, Words
from afresh.sources.odbc_texts import dialect, text
from afresh.sources.render import Dialect

_SIZES = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_TEXTS = ("text", "character varying", "character")
_PLAIN: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "oid": pa.int64(),
    "real": pa.float64(),
    "double precision": pa.float64(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time without time zone": TIME,
    "timestamp without time zone": DATETIME,
    "timestamp with time zone": TIMESTAMP,
    "money": pa.decimal128(19, 2),
}
_CASTS = {
    "real": "{}::float8",
    "oid": "{}::int8",
    "money": "{}::numeric::varchar(30)",
    "date": "{}::varchar(20)",
    "time without time zone": "{}::varchar(20)",
    "timestamp without time zone": "{}::varchar(40)",
    "timestamp with time zone": "{}::varchar(40)",
}
_AS_THEY_ARE = {"boolean", "smallint", "integer", "bigint", "double precision", "bytea", *_TEXTS}
_INSTANT = "timestamp with time zone"
_BARE = pa.decimal128(38, 10)


def named(declared: str) -> tuple[str, tuple[int, ...]]:
    """The name of a type without its sizes, and the sizes."""
    found = _SIZES.search(declared)
    return _SIZES.sub("", declared), tuple(int(size) for size in found.groups() if size) if found else ()


def declared(name: str) -> Declared:
    """The type as which a column declared so arrives; of a numeric without digits `decimal(38,10)`."""
    base, sizes = named(name)
    if base == "numeric":
        return _numeric(sizes), None
    return _PLAIN.get(base, pa.string()), sizes[0] if sizes and base in _TEXTS else None


def _numeric(sizes: tuple[int, ...]) -> pa.DataType:
    if not sizes:
        return _BARE
    precision, scale = sizes[0], sizes[1] if len(sizes) > 1 else 0
    digits, places = (max(precision, scale), scale) if scale >= 0 else (precision - scale, 0)
    if digits > 38:
        return pa.string()
    return pa.int64() if places == 0 and digits <= 18 else pa.decimal128(digits, places)


def expression(output: Output, column: str) -> str:
    """The text of everything that the driver would not deliver as it is."""
    base, sizes = named(output.declared)
    if not output.declared:
        return column
    if pa.types.is_string(output.type) and base not in _TEXTS:
        return f"{column}::text"
    if base in _AS_THEY_ARE:
        return column
    if base == "numeric":
        whole = sizes and 0 <= (sizes[1] if len(sizes) > 1 else 0) < sizes[0]
        return column if whole else f"{column}::varchar({sum(map(abs, sizes)) + 3})" if sizes else f"{column}::text"
    return _CASTS.get(base, "{}::text").format(column)


def _stamp(value: datetime) -> str:
    return f"{'timestamp' if value.tzinfo is None else 'timestamptz'} '{value.isoformat(' ')}'"


def _words(value: str) -> str:
    quoted = text(value).replace("\\", "\\\\")
    return f"E{quoted}" if "\\" in value else quoted


def _dialect(zone: ZoneInfo) -> Dialect:
    del zone
    return dialect(
        "postgres", expression=expression, stamp=_stamp, day=lambda day: f"date '{day.isoformat()}'", words=_words
    )


def _relation(table: TableName) -> str:
    schema = f"n.nspname = {text(table.schema)}" if table.schema else "pg_table_is_visible(c.oid)"
    return (
        "(SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        f"WHERE c.relname = {text(table.name)} AND {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))"
    )


def _columns(table: TableName) -> str:
    """Domains count as the types they are of."""
    return (
        "WITH RECURSIVE found AS (SELECT a.attnum::int AS number, a.attname::text AS name, "
        "NOT a.attnotnull AS nullable, a.atttypid AS type, a.atttypmod AS modifier FROM pg_attribute AS a "
        f"WHERE a.attrelid = {_relation(table)} AND a.attnum > 0 AND NOT a.attisdropped "
        "AND has_column_privilege(a.attrelid, a.attnum, 'SELECT') UNION ALL "
        "SELECT number, name, nullable AND NOT t.typnotnull, t.typbasetype, t.typtypmod "
        "FROM found JOIN pg_type AS t ON t.oid = type WHERE t.typtype = 'd') "
        "SELECT name::varchar(100), format_type(type, modifier)::varchar(200), nullable::int::varchar(1) "
        "FROM found JOIN pg_type AS t ON t.oid = type WHERE t.typtype <> 'd' ORDER BY number"
    )


def _key(table: TableName) -> str:
    return (
        "SELECT a.attname::varchar(100) FROM pg_index AS i CROSS JOIN LATERAL "
        "unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place) JOIN pg_attribute AS a "
        "ON a.attrelid = i.indrelid AND a.attnum = k.number "
        f"WHERE i.indrelid = {_relation(table)} AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place"
    )


def _rows(table: TableName) -> str:
    return f"SELECT nullif(reltuples, -1)::bigint::varchar(20) FROM pg_class WHERE oid = {_relation(table)}"


def _tables(schema: str | None) -> str:
    only = f"n.nspname = {text(schema)}" if schema else "n.nspname NOT LIKE 'pg\\_%'"
    return (
        "SELECT n.nspname::varchar(100), c.relname::varchar(100), nullif(c.reltuples, -1)::bigint::varchar(20), "
        "pg_total_relation_size(c.oid)::varchar(20), (c.relkind = 'v')::int::varchar(1) "
        "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        f"WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND {only} "
        "AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE') "
        "AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY pg_total_relation_size(c.oid) DESC, 1, 2"
    )


def _query(sql: str, names: Sequence[str]) -> str:
    """A subquery that may give no row has its type all the same."""
    types = (f"pg_typeof((SELECT {name} FROM (\n{sql}\n) AS q LIMIT 0))::varchar(100)" for name in names)
    return f"SELECT {', '.join(types)}"


_RIGHTS = """
SELECT (privilege_type || ' on ' || table_schema || '.' || table_name)::varchar(300)
FROM information_schema.table_privileges WHERE grantee IN (current_user, 'PUBLIC')
AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
AND table_schema NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
"""

POSTGRES = Profile(
    name="postgres",
    driver="PostgreSQL Unicode",
    dialect=_dialect,
    declared=declared,
    keywords=MappingProxyType(
        {
            "BoolsAsChar": "0",
            "Protocol": "7.4-1",
            "UseDeclareFetch": "0",
            "MaxVarcharSize": "8190",
            "MaxLongVarcharSize": "1073741823",
            "UnknownSizes": "0",
            "ByteaAsLongVarBinary": "1",
            "ApplicationName": "afresh",
        }
    ),
    opening=(
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET TIME ZONE 'UTC'",
        "SET DateStyle = 'ISO, YMD'",
        "SET extra_float_digits = 1",
    ),
    begin=("COMMIT",),
    autocommit=False,
    cursor=Cursor(declare="DECLARE afresh NO SCROLL CURSOR FOR", fetch="FETCH {} FROM afresh", close="CLOSE afresh"),
    limit=lambda milliseconds: f"SET statement_timeout = {milliseconds}",
    session="SELECT pg_backend_pid()::varchar(20)",
    kill=lambda session: f"SELECT pg_cancel_backend({int(session)})::int",
    octets=lambda column: f"octet_length({column})",
    instants=lambda name: named(name)[0] == _INSTANT,
    lists=Lists(
        columns=_columns,
        key=_key,
        rows=_rows,
        tables=_tables,
        query=_query,
        account="SELECT current_user::varchar(100), version()::varchar(200)",
        rights=_RIGHTS,
        clock="SELECT (clock_timestamp() AT TIME ZONE 'UTC')::varchar(40)",
        oldest="SELECT (min(xact_start) AT TIME ZONE 'UTC')::varchar(40) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()",
    ),
    words=Words(
        refused_text=r"(?i)authentication failed|role .* does not exist|no pg_hba\.conf|permission denied|"
        r"no password supplied|not permitted to log in",
    ),
    read_only_sessions=True,
    tested="PostgreSQL with psqlODBC",
)
