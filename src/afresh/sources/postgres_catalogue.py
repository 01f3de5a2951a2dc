"""What a PostgreSQL database says of its tables: columns with their exact types, keys, sizes."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from afresh.core.errors import QueryFailed
from afresh.core.ports import SourceColumn, TableSummary
from afresh.core.select import Output, Query, TableName
from afresh.sources.postgres_session import Connection
from afresh.sources.postgres_texts import DIALECT, text
from afresh.sources.postgres_types import arrives
from afresh.sources.render import replace_minimum

_RELATION = """
SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = {name} AND {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_TYPES = """
SELECT name, format_type(type, modifier), nullable FROM (
    WITH RECURSIVE found AS (
        {columns}
        UNION ALL
        SELECT number, name, nullable AND NOT t.typnotnull, t.typbasetype, t.typtypmod
        FROM found JOIN pg_type AS t ON t.oid = type WHERE t.typtype = 'd'
    )
    SELECT * FROM found
) AS c JOIN pg_type AS t ON t.oid = type WHERE t.typtype <> 'd' ORDER BY number
"""
"""Columns by the types that their domains are of."""

_TABLE_COLUMNS = """
    SELECT a.attnum::int AS number, a.attname::text AS name, NOT a.attnotnull AS nullable, a.atttypid AS type,
        a.atttypmod AS modifier
    FROM pg_attribute AS a WHERE a.attrelid = ({relation}) AND a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
"""
_RESULT_COLUMNS = """
    SELECT number::int, name, true AS nullable, type, modifier
    FROM unnest($1::text[], $2::oid[], $3::int[]) WITH ORDINALITY AS r (name, type, modifier, number)
"""
_KEYS = """
SELECT i.indisprimary, array(
    SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index AS i WHERE i.indrelid = ({relation}) AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
        SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE k.place <= i.indnkeyatts AND NOT a.attnotnull)
ORDER BY NOT i.indisprimary, i.indnkeyatts, i.indexrelid LIMIT 1
"""
"""The primary key, else the narrowest unique index over columns that are never null."""

_SIZES = """
    SELECT sum(nullif(l.reltuples, -1))::bigint AS rows,
        sum(l.relpages::bigint + coalesce(t.relpages, 0)) * current_setting('block_size')::int AS size
    FROM pg_class AS l LEFT JOIN pg_class AS t ON t.oid = l.reltoastrelid
    WHERE l.relkind IN ('r', 'm', 'f') AND (
        l.oid = c.oid OR c.relkind = 'p' AND l.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf))
"""
"""Estimates of the last VACUUM or ANALYZE, of all partitions where there are such."""

_TABLES = f"""
SELECT n.nspname::text, c.relname::text, s.rows, s.size::bigint, c.relkind = 'v'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN LATERAL ({_SIZES}) AS s
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND ($1::text IS NULL OR n.nspname = $1)
    AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY s.size DESC NULLS LAST, s.rows DESC NULLS LAST, 1, 2
"""


def relation(table: TableName) -> str:
    """SQL that gives the table's oid; without a schema, of the one that a statement would find."""
    schema = f"n.nspname = {text(table.schema)}" if table.schema else "pg_table_is_visible(c.oid)"
    return _RELATION.format(name=text(table.name), schema=schema)


def columns_sql(table: TableName) -> str:
    """SQL that gives the columns that may be read: name, declared type, whether it may be null."""
    return _TYPES.format(columns=_TABLE_COLUMNS.format(relation=relation(table)))


def columns(rows: Sequence[tuple[Any, ...]], bare_numeric: pa.DataType) -> tuple[SourceColumn, ...]:
    """The columns that such SQL gave."""
    found = []
    for name, declared, nullable in rows:
        kind, length = arrives(declared, bare_numeric)
        found.append(SourceColumn(name=name, type=kind, nullable=nullable, length=length, declared=declared))
    return tuple(found)


def table_key(connection: Connection, table: TableName) -> tuple[str, ...]:
    """The columns that identify a row; empty if the database does not know any."""
    found = connection.execute(_KEYS.format(relation=relation(table)).encode()).fetchone()
    return tuple(found[1]) if found else ()


def table_rows(connection: Connection, table: TableName) -> int | None:
    """About how many rows."""
    asked = f"SELECT s.rows FROM pg_class AS c CROSS JOIN LATERAL ({_SIZES}) AS s WHERE c.oid = ({relation(table)})"
    found = connection.execute(asked.encode()).fetchone()
    return int(found[0]) if found and found[0] is not None else None


def tables(connection: Connection, schema: str | None) -> tuple[TableSummary, ...]:
    """The tables, views and foreign tables that may be read, largest first; a partitioned table is one."""
    return tuple(
        TableSummary(table=TableName(name, owner), rows=rows, size=size, is_view=is_view)
        for owner, name, rows, size, is_view in connection.execute(_TABLES.encode(), (schema,))
    )


def query_columns(connection: Connection, query: Query, bare_numeric: pa.DataType) -> tuple[SourceColumn, ...]:
    """The result columns of a query, which is planned and gives no row."""
    sql = replace_minimum(query.sql, DIALECT.name, lambda: "NULL")
    cursor = connection.execute(f"SELECT * FROM (\n{sql}\n) AS q LIMIT 0".encode())
    result = cursor.pgresult
    assert result is not None
    places = range(result.nfields)
    names = [(result.fname(place) or b"").decode() for place in places]
    described = connection.execute(
        _TYPES.format(columns=_RESULT_COLUMNS).encode(),
        (names, [result.ftype(place) for place in places], [result.fmod(place) for place in places]),
    ).fetchall()
    found = columns(described, bare_numeric)
    given = [(output, _found(found, output)) for output in query.outputs]
    told = {column.name: output for output, column in given}
    return tuple(_as_told(column, told.get(column.name)) for column in found)


def _found(columns_: Sequence[SourceColumn], output: Output) -> SourceColumn:
    """The one column that an output of a query means, whatever the case."""
    same = [column for column in columns_ if column.name.casefold() == output.column.casefold()]
    if len(same) == 1:
        return same[0]
    exact = [column for column in same if column.name == output.column]
    if len(exact) == 1:
        return exact[0]
    if same:
        raise QueryFailed(f"the query has more than one result column {output.column!r}", hint="Rename all but one.")
    names = ", ".join(column.name for column in columns_)
    raise QueryFailed(f"the query has no result column {output.column!r}", hint=f"It has: {names}.")


def _as_told(column: SourceColumn, given: Output | None) -> SourceColumn:
    if given is None:
        return column
    return SourceColumn(name=given.name, type=given.type, declared=column.declared)


def with_declared(
    place: str, outputs: Sequence[Output], known: Sequence[SourceColumn], *, exact: bool
) -> tuple[Output, ...]:
    """The outputs with the types that their columns are declared as now, of a table (`exact` names) or a query;
    QueryFailed for a column that is not there."""
    found = []
    declared = {column.name: column.declared for column in known}
    for output in outputs:
        name = output.column if exact else _found(known, output).name
        if name not in declared:
            raise QueryFailed(
                f"{place}: there is no column {output.column!r}, or the account may not read it",
                hint=f"There are: {', '.join(declared)}.",
            )
        found.append(Output(name, output.name, output.type, declared=declared[name], policy=output.policy))
    return tuple(found)
