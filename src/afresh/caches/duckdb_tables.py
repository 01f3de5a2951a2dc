"""What DuckDB's catalogue says of a cache table, and what we recorded of it: its key, and the lengths of its texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from afresh.caches import duckdb_sql as sql
from afresh.caches.duckdb_session import Session
from afresh.core.errors import SchemaDiffers
from afresh.core.schema import Column, TableSchema, parse_type

_HERE = "database_name = current_database() AND schema_name = 'main'"
_THIS = f"{_HERE} AND lower(table_name) = lower(?)"
_TABLES = f"SELECT table_name FROM duckdb_tables() WHERE {_HERE} AND NOT temporary"
_COLUMNS = f"""
SELECT column_name, data_type, NOT is_nullable, is_generated, column_default IS NOT NULL
FROM duckdb_columns() WHERE {_THIS} ORDER BY column_index
"""
_RECORDED = "SELECT ColumnName, Type, KeyPosition FROM main.AfreshColumn WHERE lower(TableName) = lower(?)"
_PRIMARY_KEY = f"""
SELECT constraint_column_names FROM duckdb_constraints() WHERE {_THIS} AND constraint_type = 'PRIMARY KEY'
"""
_DEPENDANTS = f"""
SELECT count(*) FROM (
    SELECT 1 FROM duckdb_indexes() WHERE {_THIS}
    UNION ALL SELECT 1 FROM duckdb_triggers() WHERE {_THIS}
    UNION ALL SELECT 1 FROM duckdb_constraints() WHERE {_THIS} AND constraint_type <> 'NOT NULL'
)
"""
_INDEXES = f"SELECT index_name, sql FROM duckdb_indexes() WHERE {_THIS} AND sql IS NOT NULL ORDER BY index_oid"
_COMMENTS = f"""
SELECT NULL, comment FROM duckdb_tables() WHERE {_THIS} AND comment IS NOT NULL
UNION ALL SELECT column_name, comment FROM duckdb_columns() WHERE {_THIS} AND comment IS NOT NULL
"""
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeColumn:
    """A column as the catalogue has it; `filled` says that the database gives it values of its own."""

    name: str
    type: str
    not_null: bool
    generated: bool
    filled: bool


def table_names(session: Session) -> list[str]:
    """The names of all tables of the cache."""
    return [row[0] for row in session.rows(_TABLES)]


def stored_rows(session: Session, table_name: str) -> int:
    """The rows that the table takes room for: those that are deleted, but not vacuumed yet, included."""
    return session.one(f"SELECT coalesce(max(estimated_size), 0) FROM duckdb_tables() WHERE {_THIS}", (table_name,))


def has_own_tables(session: Session) -> bool:
    """Whether the cache's own tables are there; the one made last decides."""
    return bool(session.rows(f"{_TABLES} AND table_name = 'AfreshAction'"))


def native_columns(session: Session, table_name: str) -> list[NativeColumn]:
    """The table's columns, in order; none if there is no such table."""
    return [
        NativeColumn(name=name, type=kind, not_null=not_null, generated=generated, filled=generated or default)
        for name, kind, not_null, generated, default in session.rows(_COLUMNS, (table_name,))
    ]


def described(session: Session, table_name: str, wanted: TableSchema) -> TableSchema | None:
    """The table's schema; None if there is none; `SchemaDiffers` without a key, or for a column that is not exact."""
    natives = native_columns(session, table_name)
    if not natives:
        return None
    _check_kind(session, table_name)
    recorded = _recorded(session, table_name)
    natives = [native for native in natives if native.name in wanted.names or not native.generated]
    key = _key(session, table_name, natives, recorded)
    if not key:
        raise SchemaDiffers(
            f"{table_name}: the cache table has no primary key, and was not made by this cache",
            hint=f"Make it again with PRIMARY KEY ({', '.join(wanted.key)}), or drop it: the next sync makes it.",
        )
    lengths = {name: parse_type(kind)[1] for name, (kind, _place) in recorded.items()}
    return TableSchema(columns=tuple(_column(table_name, native, lengths) for native in natives), key=key)


def record(session: Session, table_name: str, columns: Sequence[Column], key: Sequence[str] = ()) -> None:
    """Remembers columns of a table that we made."""
    session.run(
        "INSERT INTO main.AfreshColumn SELECT ?, unnest(?), unnest(?), unnest(?), unnest(?)",
        (
            table_name,
            list(range(len(columns))),
            [column.name for column in columns],
            [column.type_name for column in columns],
            [key.index(column.name) if column.name in key else None for column in columns],
        ),
    )


def forget(session: Session, table_name: str) -> None:
    """Forgets the columns of a table."""
    session.run("DELETE FROM main.AfreshColumn WHERE lower(TableName) = lower(?)", (table_name,))


def is_recorded(session: Session, table_name: str) -> bool:
    """Whether we made the table."""
    return bool(_recorded(session, table_name))


def is_plain(session: Session, table_name: str) -> bool:
    """Whether a table is as we make them: nothing depends on it or restricts it that a swap would lose."""
    if not is_recorded(session, table_name) or any(column.filled for column in native_columns(session, table_name)):
        return False
    return session.one(_DEPENDANTS, (table_name,) * 3) == 0


def has_row_ids(session: Session, table: str) -> bool:
    """Whether `rowid` is where a row is in the table, a quoted name, and not a column of that name."""
    return session.one("SELECT count(*) FROM pragma_table_info(?) WHERE lower(name) = 'rowid'", (table,)) == 0


def twin(session: Session, table_name: str, table: str) -> str:
    """The statement that makes an empty table with the same columns in the same order."""
    columns = [
        sql.column(native.name, native.type, not_null=native.not_null)
        for native in native_columns(session, table_name)
        if not native.generated
    ]
    return sql.create_table(table, columns)


def comments(session: Session, table_name: str) -> list[str]:
    """Statements that give the table the comments that it has now."""
    table = sql.qualified(table_name)
    return [
        f"COMMENT ON {f'TABLE {table}' if name is None else f'COLUMN {table}.{sql.quote(name)}'} IS {sql.text(comment)}"
        for name, comment in session.rows(_COMMENTS, (table_name,) * 2)
    ]


def indexes(session: Session, table_name: str) -> list[tuple[str, str]]:
    """Names and definitions of the table's indexes, in order of making."""
    return [(name, definition) for name, definition in session.rows(_INDEXES, (table_name,))]


def _check_kind(session: Session, table_name: str) -> None:
    found = session.rows(f"SELECT sql FROM duckdb_tables() WHERE {_THIS}", (table_name,))
    if not found:
        raise SchemaDiffers(f"{table_name}: what has this name in the cache is a view")
    if " COLLATE " in found[0][0] and not is_recorded(session, table_name):
        raise SchemaDiffers(
            f"{table_name}: a column of the cache table has a collation, which takes texts for equal that differ",
            hint="Make the table again without COLLATE, or drop it: the next sync makes it.",
        )


def _recorded(session: Session, table_name: str) -> dict[str, tuple[str, int | None]]:
    if not has_own_tables(session):
        return {}
    return {name: (kind, place) for name, kind, place in session.rows(_RECORDED, (table_name,))}


def _key(
    session: Session, table_name: str, natives: Sequence[NativeColumn], recorded: dict[str, tuple[str, int | None]]
) -> tuple[str, ...]:
    placed = sorted((place, name) for name, (_kind, place) in recorded.items() if place is not None)
    key = tuple(name for _place, name in placed)
    # A table that somebody dropped and made again in another way is not what was recorded.
    if key and set(key) <= {native.name for native in natives if native.not_null}:
        return key
    found = session.rows(_PRIMARY_KEY, (table_name,))
    return tuple(found[0][0]) if found else ()


def _column(table_name: str, native: NativeColumn, lengths: dict[str, int | None]) -> Column:
    place = f"{table_name}.{native.name}"
    if native.generated:
        raise SchemaDiffers(
            f"{place}: the database computes the column by itself, so it cannot hold what is read",
            hint="Leave the column out of the fetcher, or make it an ordinary one.",
        )
    kind = _arrow(native.type)
    if kind is None:
        raise SchemaDiffers(
            f"{place}: the column is {native.type}, which cannot hold our values exactly", hint="Alter its type."
        )
    length = lengths.get(native.name) if pa.types.is_string(kind) else None
    return Column(name=native.name, type=kind, nullable=not native.not_null, length=length)


def _arrow(kind: str) -> pa.DataType | None:
    match = _DECIMAL.fullmatch(kind)
    if match is not None:
        return pa.decimal128(int(match[1]), int(match[2]))
    return sql.ARROW_TYPES.get(kind)
