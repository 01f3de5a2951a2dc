"""Tables as they are: those we made, by the types that were recorded, and those of others, which are left alone."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from afresh.caches.sqlserver_catalogue import TableColumn, TableIndex
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_fields import Field
from afresh.caches.sqlserver_types import LONGEST_TEXT, key_storage, storage
from afresh.core.errors import SchemaDiffers
from afresh.core.schema import Column, TableSchema, parse_type

_NUMBERS = ("tinyint", "smallint", "int", "bigint", "decimal", "numeric", "money", "smallmoney")
_TEXTS = ("nvarchar", "varchar", "nchar", "char", "uniqueidentifier")
_INSTANTS = ("datetime2", "datetime", "smalldatetime")


def schema_of(
    table_name: str,
    columns: Sequence[TableColumn],
    indexes: Sequence[TableIndex],
    primary_key: Sequence[str],
    recorded: Mapping[str, str],
    wanted: TableSchema,
) -> TableSchema:
    """The table as our schema; `SchemaDiffers` if it has no key, or cannot hold our values."""
    if is_ours(columns, recorded):
        found = [_recorded(column, recorded[column.name]) for column in columns]
    else:
        found = _of_others(table_name, columns, wanted)
    return TableSchema(columns=tuple(found), key=_key(table_name, columns, indexes, primary_key, wanted))


def is_ours(columns: Sequence[TableColumn], recorded: Mapping[str, str]) -> bool:
    """Whether the table is the one that we made, and not one that somebody made again in another way."""
    return {column.name for column in columns} == set(recorded) and all(
        _as_recorded(column, recorded[column.name]) for column in columns
    )


def fields_of(table_name: str, columns: Sequence[TableColumn], schema: TableSchema, features: Features) -> list[Field]:
    """How the schema's columns get into the table, in the schema's order."""
    there = {column.name: column for column in columns}
    if missing := [name for name in schema.names if name not in there]:
        raise SchemaDiffers(f"{table_name}: the table has no column {', '.join(missing)}")
    keys = key_storage(schema)
    fields = []
    for place, column in enumerate(schema.columns, 1):
        found = there[column.name]
        fields.append(
            Field(
                name=column.name,
                type=column.type,
                source=f"[C{place}]",
                staged=_staged(found, column, keys),
                stored=found.declared,
                collation=found.collation,
                source_collation=features.collation if pa.types.is_string(column.type) else None,
                padded=found.base in ("char", "nchar"),
                nullable=found.nullable,
            )
        )
    return fields


def _staged(found: TableColumn, column: Column, keys: Mapping[str, str]) -> str:
    """The type in staging: as wide as what it goes to, so that an index on that serves, but never a narrower one."""
    if pa.types.is_string(column.type):
        if found.base == "uniqueidentifier":
            return "nvarchar(60)"
        return f"nvarchar({found.length if found.length is not None and found.length <= LONGEST_TEXT else 'max'})"
    if pa.types.is_binary(column.type):
        return found.declared
    return keys.get(column.name, storage(column))


def _recorded(column: TableColumn, name: str) -> Column:
    kind, length = parse_type(name)
    return Column(name=column.name, type=kind, nullable=column.nullable, length=length)


def _as_recorded(column: TableColumn, name: str) -> bool:
    kind, length = parse_type(name)
    if column.computed_by_server:
        return False
    if length is None and (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        # In a key it has a length that the type does not tell.
        return column.base == ("nvarchar" if pa.types.is_string(kind) else "varbinary")
    made = storage(Column(name=column.name, type=kind, length=length))
    if column.base in ("datetime2", "time"):
        # A compatible server may keep microseconds where ten times finer was asked for, which holds ours as well.
        return made.startswith(f"{column.base}(") and column.declared >= f"{column.base}(6)"
    return column.declared == made


def _of_others(table_name: str, columns: Sequence[TableColumn], wanted: TableSchema) -> list[Column]:
    found = []
    for column in columns:
        if column.name in wanted.names:
            found.append(_fitted(table_name, column, wanted.column(column.name)))
        elif not (column.nullable or column.has_default or column.computed_by_server):
            raise SchemaDiffers(
                f"{table_name}.{column.name}: the table says NOT NULL without a default, and the fetcher does not "
                "deliver it",
                hint="Give the column a default, let it be null, or add it to the fetcher.",
            )
    return found


def _fitted(table_name: str, column: TableColumn, asked: Column) -> Column:
    if column.computed_by_server:
        raise SchemaDiffers(
            f"{table_name}.{column.name}: the server computes this column ({column.declared}), so it cannot be written",
            hint="Leave it out of the fetcher, or load another column.",
        )
    if column.base not in _bases(asked.type):
        raise SchemaDiffers(
            f"{table_name}.{column.name}: the table has {column.declared}, where the fetcher delivers "
            f"{asked.type_name}; its values cannot be kept exactly"
        )
    # A length that is known beforehand is compared beforehand; else each value is looked at when it is staged.
    is_text = pa.types.is_string(asked.type) and column.base != "uniqueidentifier"
    length = column.length if is_text and asked.length is not None else None
    return Column(name=column.name, type=asked.type, nullable=column.nullable, length=length)


def _bases(kind: pa.DataType) -> Sequence[str]:
    """The types that may hold the values of one of ours: each value that they would change is refused."""
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return _NUMBERS
    if pa.types.is_string(kind):
        return _TEXTS
    if pa.types.is_timestamp(kind):
        return _INSTANTS
    if pa.types.is_floating(kind):
        return ("float", "real")
    return (storage(Column(name="", type=kind)).partition("(")[0],)


def _key(
    table_name: str,
    columns: Sequence[TableColumn],
    indexes: Sequence[TableIndex],
    primary_key: Sequence[str],
    wanted: TableSchema,
) -> tuple[str, ...]:
    """The key that is wanted, if some index keeps it unique; else the primary key."""
    nullable = {column.name for column in columns if column.nullable}
    keys = [
        tuple(name for name, _ in index.columns)
        for index in sorted(indexes, key=lambda index: not index.primary)
        if index.unique and not index.filter and not index.disabled
    ]
    keys = [key for key in keys if not nullable & set(key)] or [tuple(primary_key)]
    by_name = next((key for key in keys if set(key) == set(wanted.key)), keys[0])
    names = {column.name for column in columns}
    if not by_name or not names >= set(by_name):
        raise SchemaDiffers(
            f"{table_name}: the cache table has no primary key, and no unique index on columns that are never null",
            hint=f"Add PRIMARY KEY ({', '.join(wanted.key)}), or drop the table: the next sync makes it.",
        )
    return by_name
