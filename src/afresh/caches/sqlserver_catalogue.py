"""What the server's catalogue says of a table: columns, keys and indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from afresh.caches.sqlserver_names import quote
from afresh.core.errors import CacheError

Row = tuple[Any, ...]


class Reads(Protocol):
    """A session, as far as reading goes."""

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """All rows of a SELECT."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column as the table has it. `computed_by_server` are values that nobody may write."""

    name: str
    base: str
    declared: str
    length: int | None
    collation: str | None
    nullable: bool
    has_default: bool
    computed_by_server: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableIndex:
    """An index: its columns in order (with whether that is descending), and the columns it only carries along."""

    name: str
    unique: bool
    primary: bool
    constraint: bool
    clustered: bool
    plain: bool
    disabled: bool
    filter: str | None
    fill_factor: int
    columns: tuple[tuple[str, bool], ...]
    included: tuple[str, ...]

    @property
    def secondary(self) -> bool:
        """Whether nothing but speed depends on it, so that it can be made again after a load."""
        return self.plain and not (self.unique or self.primary or self.constraint or self.clustered or self.disabled)

    def definition(self, table: str, *, name: str | None = None) -> str:
        """What makes it on that (quoted) table."""
        unique = "UNIQUE " if self.unique else ""
        kind = "CLUSTERED" if self.clustered else "NONCLUSTERED"
        keys = ", ".join(f"{quote(column)} {'DESC' if descending else 'ASC'}" for column, descending in self.columns)
        parts = [f"CREATE {unique}{kind} INDEX {quote(name or self.name)} ON {table} ({keys})"]
        if self.included:
            parts.append(f"INCLUDE ({', '.join(quote(column) for column in self.included)})")
        if self.filter:
            parts.append(f"WHERE {self.filter}")
        if self.fill_factor:
            parts.append(f"WITH (FILLFACTOR = {self.fill_factor})")
        return " ".join(parts)


_COLUMNS = """
SELECT i.COLUMN_NAME, i.DATA_TYPE, i.CHARACTER_MAXIMUM_LENGTH, i.NUMERIC_PRECISION, i.NUMERIC_SCALE,
    i.DATETIME_PRECISION, i.COLLATION_NAME, i.IS_NULLABLE, CASE WHEN i.COLUMN_DEFAULT IS NULL THEN 0 ELSE 1 END,
    CASE WHEN c.is_identity = 1 OR c.is_computed = 1 THEN 1 ELSE 0 END
FROM INFORMATION_SCHEMA.COLUMNS AS i
LEFT JOIN sys.columns AS c ON c.object_id = OBJECT_ID(?) AND c.name = i.COLUMN_NAME
WHERE i.TABLE_SCHEMA = ? AND i.TABLE_NAME = ? ORDER BY i.ORDINAL_POSITION
"""
_STANDARD_COLUMNS = """
SELECT i.COLUMN_NAME, i.DATA_TYPE, i.CHARACTER_MAXIMUM_LENGTH, i.NUMERIC_PRECISION, i.NUMERIC_SCALE,
    i.DATETIME_PRECISION, i.COLLATION_NAME, i.IS_NULLABLE, CASE WHEN i.COLUMN_DEFAULT IS NULL THEN 0 ELSE 1 END, 0
FROM INFORMATION_SCHEMA.COLUMNS AS i
WHERE i.TABLE_SCHEMA = ? AND i.TABLE_NAME = ? ORDER BY i.ORDINAL_POSITION
"""
_INDEXES = """
SELECT i.name, i.is_unique, i.is_primary_key, i.is_unique_constraint, i.type, i.is_disabled, i.filter_definition,
    i.fill_factor, k.key_ordinal, k.is_descending_key, k.is_included_column, c.name
FROM sys.indexes AS i
INNER JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.object_id = OBJECT_ID(?) AND i.is_hypothetical = 0
ORDER BY i.index_id, k.key_ordinal, k.index_column_id
"""
_PRIMARY_KEY = """
SELECT k.COLUMN_NAME FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS c
INNER JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS k
    ON k.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = c.CONSTRAINT_NAME
WHERE c.CONSTRAINT_TYPE = 'PRIMARY KEY' AND c.TABLE_SCHEMA = ? AND c.TABLE_NAME = ? ORDER BY k.ORDINAL_POSITION
"""
_TABLES = """
SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES
WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA IN (?, ?) ORDER BY TABLE_SCHEMA, TABLE_NAME
"""
_EXISTS = "SELECT 1 FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?"
_RECORDED = "SELECT ColumnName, Type FROM {own} WHERE TableName = ?"

_CLUSTERED, _NONCLUSTERED = 1, 2
_FINEST = 7
_SIZED = ("nvarchar", "varchar", "nchar", "char", "varbinary", "binary")
_SCALED = ("datetime2", "time", "datetimeoffset")


def exists(session: Reads, schema: str, name: str) -> bool:
    """Whether there is a table or view of that name."""
    return bool(session.rows(_EXISTS, schema, name))


def tables(session: Reads, schema: str, other_schema: str) -> list[tuple[str, str]]:
    """Schema and name of all tables in the two schemas."""
    return [(str(row[0]), str(row[1])) for row in session.rows(_TABLES, schema, other_schema)]


def columns(session: Reads, schema: str, name: str) -> list[TableColumn]:
    """The columns of a table in order; none if there is no such table. A server whose catalogue is the standard's
    alone does not tell what it computes."""
    try:
        found = session.rows(_COLUMNS, f"{quote(schema)}.{quote(name)}", schema, name)
    except CacheError as error:
        if error.transient:
            raise
        found = session.rows(_STANDARD_COLUMNS, schema, name)
    return [_column(row) for row in found]


def indexes(session: Reads, schema: str, name: str) -> list[TableIndex]:
    """The indexes of a table, its primary key's first where the server keeps them so; none of a server that does not
    tell of them."""
    found: dict[str, list[Row]] = {}
    try:
        rows = session.rows(_INDEXES, f"{quote(schema)}.{quote(name)}")
    except CacheError as error:
        if error.transient:
            raise
        rows = []
    for row in rows:
        found.setdefault(str(row[0]), []).append(row)
    return [_index(index, rows) for index, rows in found.items()]


def primary_key(session: Reads, schema: str, name: str) -> tuple[str, ...]:
    """The columns of the primary key, for servers whose indexes do not tell."""
    return tuple(str(row[0]) for row in session.rows(_PRIMARY_KEY, schema, name))


def recorded_types(session: Reads, own_columns: str, table_name: str) -> Mapping[str, str]:
    """The types with which we made the table's columns, by the name of the column; empty for a table of others."""
    return {str(row[0]): str(row[1]) for row in session.rows(_RECORDED.format(own=own_columns), table_name)}


def _column(row: Row) -> TableColumn:
    name, base, length, precision, scale, fraction, collation, nullable, has_default, computed = row
    base = str(base).lower()
    declared = base
    if base in _SIZED:
        declared = f"{base}({'max' if length == -1 else length})"
    elif base in ("decimal", "numeric"):
        declared = f"{base}({precision},{scale})"
    elif base in _SCALED:
        declared = f"{base}({_FINEST if fraction is None else fraction})"
    elif base == "float":
        declared = "float(53)"
    return TableColumn(
        name=str(name),
        base=base,
        declared=declared,
        length=length if base in _SIZED and length != -1 else None,
        collation=None if collation is None else str(collation),
        nullable=str(nullable).upper() == "YES",
        has_default=bool(has_default),
        # A column of the type timestamp is a row version in SQL Server.
        computed_by_server=bool(computed) or base in ("timestamp", "rowversion"),
    )


def _index(name: str, rows: Sequence[Row]) -> TableIndex:
    _, unique, primary, constraint, kind, disabled, condition, fill, *_ = rows[0]
    return TableIndex(
        name=name,
        unique=bool(unique),
        primary=bool(primary),
        constraint=bool(constraint),
        clustered=kind == _CLUSTERED,
        plain=kind in (_CLUSTERED, _NONCLUSTERED),
        disabled=bool(disabled),
        filter=None if condition is None else str(condition),
        fill_factor=int(fill or 0),
        columns=tuple((str(row[11]), bool(row[9])) for row in rows if row[8] and not row[10]),
        included=tuple(str(row[11]) for row in rows if row[10]),
    )
