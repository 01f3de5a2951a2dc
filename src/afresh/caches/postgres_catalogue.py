"""What the catalogue says of a cache table: columns, key, collations."""

from dataclasses import dataclass
from typing import Any

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_connection import Connection, Database
from afresh.caches.postgres_types import known
from afresh.core.errors import SchemaDiffers
from afresh.core.schema import Column, TableSchema

_TABLE = """
SELECT oid, relkind, relhasrules, row_security_active(oid) FROM pg_class
WHERE relname = $1 AND relnamespace = to_regnamespace($2) AND relkind NOT IN ('i', 'I', 'S', 'c')
"""
_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT attnum, atttypid AS type, atttypmod AS modifier, attnotnull AS not_null FROM pg_attribute
    WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT b.attnum, d.typbasetype, d.typtypmod, b.not_null OR d.typnotnull FROM base AS b
    JOIN pg_type AS d ON d.oid = b.type AND d.typtype = 'd'
)
SELECT a.attname,
    CASE WHEN n.nspname = 'pg_catalog' THEN t.typname ELSE format('%s.%s', n.nspname, t.typname) END,
    b.modifier, b.not_null, a.attgenerated <> '', a.attidentity,
    CASE WHEN k.collname <> 'default' THEN format('%I.%I', kn.nspname, k.collname) END,
    coalesce(k.collisdeterministic, true)
FROM base AS b
JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attnum = b.attnum
JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_collation AS k ON k.oid = a.attcollation
LEFT JOIN pg_namespace AS kn ON kn.oid = k.collnamespace
ORDER BY a.attnum
"""
_KEY = """
SELECT a.attname FROM pg_index AS i
CROSS JOIN unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = $1 AND i.indisprimary AND i.indisvalid
ORDER BY k.position
"""
_TABLE_KINDS = ("r", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeColumn:
    """A column as the catalogue has it, domains resolved. `collation` is an identifier; none if it is the default."""

    name: str
    type: str
    modifier: int
    not_null: bool
    generated: bool
    identity: str
    collation: str | None
    deterministic: bool


def table_id(database: Database, connection: Connection, table_name: str) -> int | None:
    """The table's object id; None if there is none; `SchemaDiffers` if it is something that cannot be merged into."""
    found = connection.execute(_TABLE, (table_name, sql.quote(database.schema))).fetchone()
    if found is None:
        return None
    oid, kind, has_rules, row_security = found
    if kind not in _TABLE_KINDS:
        raise SchemaDiffers(f"{table_name}: what has this name in the cache is not a table")
    if has_rules and connection.execute("SELECT 1 FROM pg_rewrite WHERE ev_class = $1", (oid,)).fetchone():
        raise SchemaDiffers(
            f"{table_name}: the table has rules, with which PostgreSQL does not merge",
            hint="Drop the rules (triggers can stand for them).",
        )
    if row_security:
        raise SchemaDiffers(
            f"{table_name}: row security hides rows of the table from the cache's user",
            hint="Let the cache's user own the table, or give it BYPASSRLS.",
        )
    return int(oid)


def native_columns(connection: Connection, oid: int) -> list[NativeColumn]:
    """The table's columns, in order."""
    return [_native(row) for row in connection.execute(_COLUMNS, (oid,))]


def collations(connection: Connection, oid: int) -> dict[str, str]:
    """The collations that are not the database's own, by column."""
    return {column.name: column.collation for column in native_columns(connection, oid) if column.collation}


def described(connection: Connection, table_name: str, oid: int, wanted: TableSchema) -> TableSchema:
    """The table's schema; `SchemaDiffers` for a table without a key, or with a column that is not exact."""
    key = tuple(row[0] for row in connection.execute(_KEY, (oid,)))
    if not key:
        raise SchemaDiffers(
            f"{table_name}: the cache table has no primary key",
            hint=f"ALTER TABLE ... ADD PRIMARY KEY ({', '.join(wanted.key)}), or drop it: the next sync makes it.",
        )
    columns = [
        _column(table_name, column, wanted)
        for column in native_columns(connection, oid)
        if column.name in wanted.names or not _filled_by_database(column)
    ]
    return TableSchema(columns=tuple(columns), key=key)


def _filled_by_database(column: NativeColumn) -> bool:
    return column.generated or column.identity != ""


def _column(table_name: str, column: NativeColumn, wanted: TableSchema) -> Column:
    place = f"{table_name}.{column.name}"
    if column.generated or column.identity == "a":
        raise SchemaDiffers(
            f"{place}: the database fills the column by itself (GENERATED ALWAYS), so it cannot hold what is read",
            hint="Leave the column out of the fetcher, or alter it (DROP EXPRESSION, SET GENERATED BY DEFAULT).",
        )
    if not column.deterministic:
        raise SchemaDiffers(
            f"{place}: its collation {column.collation} takes texts for equal that differ",
            hint="Give the column a deterministic collation.",
        )
    asked = wanted.column(column.name) if column.name in wanted.names else None
    found = known(column.type, column.modifier, asked)
    if isinstance(found, str):
        raise SchemaDiffers(f"{place}: the column cannot hold our values exactly: {found}", hint="Alter its type.")
    kind, length = found
    return Column(name=column.name, type=kind, nullable=not column.not_null, length=length)


def _native(row: tuple[Any, ...]) -> NativeColumn:
    name, kind, modifier, not_null, generated, identity, collation, deterministic = row
    return NativeColumn(
        name=name,
        type=kind,
        modifier=modifier,
        not_null=not_null,
        generated=generated,
        identity=identity,
        collation=collation,
        deterministic=deterministic,
    )
