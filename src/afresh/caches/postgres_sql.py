"""The SQL of the PostgreSQL cache: pure functions from names and schemas to text. Names are quoted here only.

Values are bound as `$1`, `$2`, ...; `t` is the table that is written, `s` the one that is read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from afresh.caches.postgres_types import native
from afresh.core.errors import ConfigurationError
from afresh.core.schema import TIMESTAMP, Column, TableSchema

LONGEST_NAME = 63
MOST_COLUMNS = 1_599
"""PostgreSQL's 1,600, less the one that staging needs."""

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def quote(name: str) -> str:
    """A name as an identifier; ConfigurationError for one that PostgreSQL cannot have, or would cut."""
    if not name or "\0" in name:
        raise ConfigurationError(f"{name!r} cannot be a name in PostgreSQL: it is empty or holds a NUL")
    if len(name.encode()) > LONGEST_NAME:
        raise ConfigurationError(
            f"{name!r} is longer than the {LONGEST_NAME} bytes that PostgreSQL keeps of a name",
            hint="Give it a shorter name.",
        )
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """A table in a schema."""
    return f"{quote(schema)}.{quote(name)}"


def working_name(kind: str, table_name: str, operation_id: str) -> str:
    """`Staging{Table}_{OperationId}` or `Shadow{Table}_{OperationId}`, with less of the table if it were too long."""
    room = LONGEST_NAME - len(kind) - 1 - len(operation_id)
    return f"{kind}{table_name.encode()[:room].decode(errors='ignore')}_{operation_id}"


def check_columns(columns: Sequence[Column]) -> None:
    """Raises ConfigurationError for columns that a table cannot have."""
    if len(columns) > MOST_COLUMNS:
        raise ConfigurationError(f"a table in PostgreSQL has at most {MOST_COLUMNS:,} columns, not {len(columns):,}")
    for column in columns:
        quote(column.name)
        if column.name in SYSTEM_COLUMNS:
            raise ConfigurationError(
                f"{column.name!r} is the name of a system column of PostgreSQL", hint="Give the column another name."
            )


def create_table(table: str, schema: TableSchema) -> str:
    """A table with its primary key.

    Texts have the database's own collation, so that they can be compared with other columns; as it is
    deterministic, texts are equal only if they are the same to the byte.
    """
    columns = [
        _definition(column, not_null=column.name in schema.key or not column.nullable) for column in schema.columns
    ]
    key = f"PRIMARY KEY ({_list(schema.key)})"
    return f"CREATE TABLE {table} (\n    " + ",\n    ".join([*columns, key]) + "\n)"


def add_columns(table: str, columns: Sequence[Column]) -> str:
    """Adds nullable columns in one statement."""
    added = ", ".join(f"ADD COLUMN {_definition(column, not_null=False)}" for column in columns)
    return f"ALTER TABLE {table} {added}"


def arrival_name(schema: TableSchema) -> str:
    """A name for the order of arrival that no column of the schema has."""
    name = "Arrival"
    while name in schema.names:
        name += "_"
    return name


def create_staging(staging: str, schema: TableSchema, collations: Mapping[str, str]) -> str:
    """An unlogged table of exactly the types that the Arrow columns have, and the order of arrival.

    Texts have the collations of the table's columns, so that the two can be compared. It is never vacuumed: it
    does not live that long.
    """
    columns = [f"{quote(column.name)} {_collated(column, collations)}" for column in schema.columns]
    columns.append(f"{quote(arrival_name(schema))} bigint")
    listed = ",\n    ".join(columns)
    return f"CREATE UNLOGGED TABLE {staging} (\n    {listed}\n) WITH (autovacuum_enabled = false)"


def create_plain_shadow(shadow: str, schema: TableSchema, collations: Mapping[str, str]) -> str:
    """An unlogged table for rows that will be copied into the table, unique by its key."""
    columns = [f"{quote(column.name)} {_collated(column, collations)}" for column in schema.columns]
    columns.append(f"PRIMARY KEY ({_list(schema.key)})")
    return f"CREATE UNLOGGED TABLE {shadow} (\n    " + ",\n    ".join(columns) + "\n)"


def create_twin(shadow: str, table: str, schema: TableSchema) -> list[str]:
    """A table defined as the table is, but for its indexes; of these it has the key only."""
    return [
        f"CREATE TABLE {shadow} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)",
        f"ALTER TABLE {shadow} ADD PRIMARY KEY ({_list(schema.key)})",
    ]


def unique_index(staging: str, schema: TableSchema) -> str:
    """Fails if two staged rows have the same key; else it tells the planner that none have. Texts go by bytes."""
    return f"CREATE UNIQUE INDEX ON {staging} ({', '.join(_bytewise(name, schema) for name in schema.key)})"


def deduplicate(staging: str, schema: TableSchema) -> str:
    """Deletes all but the newest row of each key: by stamp, null oldest, then by arrival.

    Stamps of one fold (parameters as in `merge`) count as the same. Only keys, stamps and arrivals are sorted.
    """
    order = [f"{_stamp_order(schema)} DESC NULLS LAST"] if schema.last_update else []
    order.append(f"{quote(arrival_name(schema))} DESC")
    return (
        f"DELETE FROM {staging} WHERE ctid IN (SELECT place FROM (\n"
        f"    SELECT ctid AS place, ROW_NUMBER() OVER (\n"
        f"        PARTITION BY {', '.join(_bytewise(name, schema) for name in schema.key)}\n"
        f"        ORDER BY {', '.join(order)}\n"
        f"    ) AS version FROM {staging}\n"
        f") AS versions WHERE version > 1)"
    )


def count_matched(source: str, table: str, schema: TableSchema) -> str:
    """How many rows of the source have a row of the same key in the table."""
    found = f"SELECT 1 FROM {table} AS t WHERE {_same_key(schema)}"
    return f"SELECT count(*) FROM {source} AS s WHERE EXISTS ({found})"


def late(source: str, table: str, schema: TableSchema) -> str:
    """How many rows of the source, stamped before the one parameter, are newer than the table's, and the oldest of
    their stamps; none if the table is empty."""
    stamp = quote(schema.stamp or "")
    found = f"SELECT 1 FROM {table} AS t WHERE {_same_key(schema)} AND t.{stamp} >= s.{stamp}"
    kind = native(schema.column(schema.stamp or "").type)
    return (
        f"SELECT count(*), min(s.{stamp}) FROM {source} AS s\n"
        f"WHERE s.{stamp} < $1::{kind} AND EXISTS (SELECT 1 FROM {table}) AND NOT EXISTS ({found})"
    )


def stamp_parameter(at: datetime, schema: TableSchema) -> datetime:
    """The instant as the schema's stamps are: as it is, or as a reading."""
    return at if schema.column(schema.stamp or "").type == TIMESTAMP else at.replace(tzinfo=None)


def count_changed(source: str, table: str, schema: TableSchema) -> str:
    """How many rows of the source have a row of the same key in the table in which some other column differs."""
    return f"SELECT count(*) FROM {source} AS s JOIN {table} AS t ON {_same_key(schema)} AND ({_differs(schema)})"


def compare(source: str, table: str, schema: TableSchema) -> str:
    """How many keys both tables have, and in how many of those some other column differs.

    Joined once where the columns of both fit into one row of PostgreSQL's, else twice.
    """
    if 2 * len(schema.columns) > MOST_COLUMNS:
        matched, changed = count_matched(source, table, schema), count_changed(source, table, schema)
        return f"SELECT ({matched}), ({changed})"
    joined = f"{source} AS s JOIN {table} AS t ON {_same_key(schema)}"
    return f"SELECT count(*), count(*) FILTER (WHERE {_differs(schema)}) FROM {joined}"


def insert(source: str, table: str, schema: TableSchema) -> str:
    """Copies the rows of the source, none of which is in the table."""
    names = _list(schema.names)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {source}"


def insert_new(source: str, table: str, schema: TableSchema) -> str:
    """Copies the rows of the source whose key is not in the table."""
    return f"{insert(source, table, schema)} ON CONFLICT ({_list(schema.key)}) DO NOTHING"


def merge(source: str, table: str, schema: TableSchema, *, trust_source: bool) -> str:
    """Inserts what is new and updates what differs; its row count is the sum of both.

    Unless the source is trusted, an older stamp does not replace a newer one, but inside a fold (two parameters for
    each: start, end), where the order is not known. MERGE rather than UPDATE and INSERT: half the time, as
    it joins once, and unlike ON CONFLICT it does not touch a row that stays as it is.
    """
    statement = f"MERGE INTO {table} AS t USING {source} AS s ON {_same_key(schema)}"
    if schema.values:
        condition = f"({_differs(schema)})"
        if schema.last_update and not trust_source:
            condition = f"{_not_older(schema)}\n  AND {condition}"
        assignments = ", ".join(f"{quote(name)} = s.{quote(name)}" for name in schema.values)
        statement += f"\nWHEN MATCHED AND {condition}\nTHEN UPDATE SET {assignments}"
    values = ", ".join(f"s.{quote(name)}" for name in schema.names)
    return f"{statement}\nWHEN NOT MATCHED THEN INSERT ({_list(schema.names)}) VALUES ({values})"


def fold_parameters(schema: TableSchema) -> tuple[datetime, ...]:
    """The parameters for the folds of the schema, as its stamps are: instants, or readings of a UTC clock."""
    if not _has_folds(schema):
        return ()
    aware = schema.column(schema.last_update or "").type == TIMESTAMP
    return tuple(at if aware else at.replace(tzinfo=None) for fold in schema.folds for at in fold)


def delete_missing(source: str, table: str, schema: TableSchema) -> str:
    """Deletes the rows of the table whose key is not in the source."""
    return f"DELETE FROM {table} AS t WHERE NOT EXISTS (SELECT 1 FROM {source} AS s WHERE {_same_key(schema)})"


def longest(staging: str, column: Column) -> str:
    """The length of the longest staged text."""
    return f"SELECT max(char_length({quote(column.name)})) FROM {staging}"


def _has_folds(schema: TableSchema) -> bool:
    return bool(schema.folds and schema.last_update) and pa.types.is_timestamp(
        schema.column(schema.last_update or "").type
    )


def _folds(schema: TableSchema) -> list[tuple[str, str]]:
    if not _has_folds(schema):
        return []
    kind = native(schema.column(schema.last_update or "").type)
    return [(f"${2 * n + 1}::{kind}", f"${2 * n + 2}::{kind}") for n in range(len(schema.folds))]


def _stamp_order(schema: TableSchema) -> str:
    stamp = quote(schema.last_update or "")
    folds = "".join(f" WHEN {stamp} >= {start} AND {stamp} < {end} THEN {start}" for start, end in _folds(schema))
    return f"CASE{folds} ELSE {stamp} END" if folds else stamp


def _not_older(schema: TableSchema) -> str:
    stamp = quote(schema.last_update or "")
    folds = "".join(
        f" OR (t.{stamp} >= {start} AND t.{stamp} < {end} AND s.{stamp} >= {start} AND s.{stamp} < {end})"
        for start, end in _folds(schema)
    )
    return f"(t.{stamp} IS NULL OR s.{stamp} >= t.{stamp}{folds})"


def _differs(schema: TableSchema) -> str:
    return " OR ".join(f"t.{quote(name)} IS DISTINCT FROM s.{quote(name)}" for name in schema.values) or "false"


def _same_key(schema: TableSchema) -> str:
    return " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in schema.key)


def _definition(column: Column, *, not_null: bool) -> str:
    return f"{quote(column.name)} {native(column.type, column.length)}" + (" NOT NULL" if not_null else "")


def _collated(column: Column, collations: Mapping[str, str]) -> str:
    collation = collations.get(column.name)
    return native(column.type) + (f" COLLATE {collation}" if collation else "")


def _bytewise(name: str, schema: TableSchema) -> str:
    return f'{quote(name)} COLLATE "C"' if pa.types.is_string(schema.column(name).type) else quote(name)


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)
