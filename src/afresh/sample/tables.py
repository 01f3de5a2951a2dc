"""The sample's tables in SQL: JD Edwards' ones as the catalogue has them, and `MisData`."""

import sqlite3
from collections.abc import Iterable, Sequence

from afresh.jde.catalogue import JdeColumn, JdeTable, tables
from afresh.sample.scale import MIS_DATA

KEYLESS = frozenset({"F0005"})
"""Tables whose key no constraint holds, so that the same key can be there twice."""

_MIS_SQL = """CREATE TABLE "MisData" (
  "MisId" INTEGER PRIMARY KEY,
  "WorkOrder" INTEGER NOT NULL,
  "LotNumber" TEXT NOT NULL,
  "Characteristic" TEXT NOT NULL,
  "ResultValue" TEXT,
  "ResultText" TEXT,
  "Unit" TEXT,
  "Inspector" TEXT,
  "MeasuredAt" TEXT NOT NULL,
  "LastUpdate" TEXT
)"""

_INDEXES = {
    "F4801": (("SRST",), ("TRDJ", "DOCO")),
    "F3112": (("MCU", "OPST"),),
    "F3111": (("DOCO",),),
    "F31122": (("DOCO",), ("YST", "USER", "UPMJ", "PBDT")),
    "F4101": (("LITM",),),
    "F4102": (("ITM", "MCU"),),
    "F4108": (("ITM", "MCU"),),
    "F4111": (("DOCO",),),
    "F4211": (("ITM", "MCU"),),
    "F4311": (("ITM", "MCU"),),
    "F3002": (("ITM",),),
}


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: int | str) -> str:
    """A value in SQL."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def prefix(table: JdeTable) -> str:
    """What stands before the aliases in the column names of a table."""
    first = table.columns[0]
    return first.name.removesuffix(first.alias)


def create_sql(name: str, first: Sequence[str] = ()) -> str:
    """CREATE TABLE with the columns `first` and no others, or with all of them for none."""
    if name == MIS_DATA:
        return _MIS_SQL
    table = tables()[name]
    return _create(table, [table.column(column) for column in first] or table.columns)


def completed_sql(name: str, first: Sequence[str]) -> str:
    """CREATE TABLE with the columns `first` before all others."""
    table = tables()[name]
    rest = [column for column in table.columns if column.name not in set(first)]
    return _create(table, [*(table.column(column) for column in first), *rest])


def _create(table: JdeTable, columns: Iterable[JdeColumn]) -> str:
    lines = [_column(column) for column in columns]
    if table.name not in KEYLESS:
        key = ", ".join(quoted(name) for name in table.key)
        lines.append(f"CONSTRAINT {quoted(table.name + '_PK')} PRIMARY KEY ({key})")
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {quoted(table.name)} (\n  {body}\n)"


def _column(column: JdeColumn) -> str:
    kind = column.oracle_type if column.length else "INTEGER"
    default = literal(" " * column.length if column.length else 0)
    required = " NOT NULL" if column.key_position else ""
    return f"{quoted(column.name)} {kind}{required} DEFAULT {default}"


def complete(connection: sqlite3.Connection, name: str, first: Sequence[str]) -> None:
    """Adds to a table made with the columns `first` all others, without touching its rows.

    Short rows read as the defaults of the columns they lack. Changing the text of the definition takes no time,
    where a hundred ALTER TABLE take a tenth of a second; a SQLite that forbids it gets those.
    """
    version = connection.execute("PRAGMA schema_version").fetchone()[0]
    connection.execute("PRAGMA writable_schema = ON")
    try:
        connection.execute(
            "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", (completed_sql(name, first), name)
        )
        connection.execute(f"PRAGMA schema_version = {version + 1}")
    except sqlite3.OperationalError:
        add_columns(connection, name, first)
    finally:
        connection.execute("PRAGMA writable_schema = OFF")


def add_columns(connection: sqlite3.Connection, name: str, first: Sequence[str]) -> None:
    """Does what `complete` does, by ALTER TABLE."""
    for column in tables()[name].columns:
        if column.name not in set(first):
            connection.execute(f"ALTER TABLE {quoted(name)} ADD COLUMN {_column(column)}")


def index_sql(name: str, *, stamps: bool) -> list[str]:
    """CREATE INDEX for some of the indexes that sites have; with `stamps`, also for the one a kind DBA added."""
    if name == MIS_DATA:
        return ['CREATE INDEX "MisData_LastUpdate" ON "MisData" ("LastUpdate")'] if stamps else []
    table = tables()[name]
    lists = [[prefix(table) + alias for alias in index] for index in _INDEXES.get(name, ())]
    if name in KEYLESS:
        lists.append(list(table.key))
    if stamps and table.stamp:
        lists.append([column for column in (table.stamp.date, table.stamp.time) if column])
    return [_index(name, number, columns) for number, columns in enumerate(lists, start=2)]


def _index(table: str, number: int, columns: Sequence[str]) -> str:
    listed = ", ".join(quoted(column) for column in columns)
    return f"CREATE INDEX {quoted(f'{table}_{number}')} ON {quoted(table)} ({listed})"
