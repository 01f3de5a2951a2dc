"""Tables are made, described and widened. What SQLite does not keep of a column stands in a catalogue of ours."""

import json
from collections.abc import Sequence

from afresh.core.errors import ConfigurationError, SchemaDiffers
from afresh.core.schema import Column, TableSchema, parse_type
from shelf.database import RESERVED, Database, quote


def describe(database: Database, table_name: str) -> TableSchema | None:
    """The table as it was made; None if there is none."""
    if not database.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table_name):
        return None
    known = database.rows("SELECT Columns, KeyColumns FROM ShelfTable WHERE Name = ?", table_name)
    if not known:
        raise SchemaDiffers(f"{table_name}: the table was not made by this cache", hint="Rename it.")
    return TableSchema(columns=tuple(map(_column, json.loads(known[0][0]))), key=tuple(json.loads(known[0][1])))


def create(database: Database, table_name: str, schema: TableSchema) -> None:
    """Makes the table, with a unique key that cannot be null."""
    if table_name.lower() in RESERVED or table_name.lower().startswith("sqlite_"):
        raise ConfigurationError(f"{table_name!r} is reserved in this cache", hint="Give the table another name.")
    required = {column.name for column in schema.columns if not column.nullable} | set(schema.key)
    columns = [quote(name) + (" NOT NULL" if name in required else "") for name in schema.names]
    key = ", ".join(map(quote, schema.key))
    with database.writing() as connection:
        connection.execute(f"CREATE TABLE {quote(table_name)} ({', '.join(columns)}, PRIMARY KEY ({key}))")
        written = [json.dumps([_written(column) for column in schema.columns]), json.dumps(schema.key)]
        connection.execute("INSERT OR REPLACE INTO ShelfTable VALUES (?, ?, ?)", [table_name, *written])


def add_columns(database: Database, table_name: str, columns: Sequence[Column]) -> None:
    """Adds nullable columns, all or none: it is one transaction."""
    with database.writing() as connection:
        for column in columns:
            connection.execute(f"ALTER TABLE {quote(table_name)} ADD COLUMN {quote(column.name)}")
        ((known,),) = connection.execute("SELECT Columns FROM ShelfTable WHERE Name = ?", [table_name])
        wider = [*json.loads(known), *map(_written, columns)]
        connection.execute("UPDATE ShelfTable SET Columns = ? WHERE Name = ?", [json.dumps(wider), table_name])


def _written(column: Column) -> tuple[str, str, bool]:
    return column.name, column.type_name, column.nullable


def _column(written: tuple[str, str, bool]) -> Column:
    name, type_name, nullable = written
    kind, length = parse_type(type_name)
    return Column(name=name, type=kind, nullable=nullable, length=length)
