"""The SQL of the SQLite cache: pure functions from names and schemas to text. Names are quoted here only."""

import re
from collections.abc import Sequence

import pyarrow as pa

from afresh.caches.sqlite_values import instant_text
from afresh.core.errors import ConfigurationError
from afresh.core.schema import Column, TableSchema

OWN_TABLES = """
CREATE TABLE IF NOT EXISTS DataUpdate (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    TableName TEXT NOT NULL,
    SourceSystem TEXT NOT NULL,
    UpdateType INTEGER NOT NULL CHECK (UpdateType IN (1, 2, 3)),
    StartDT TEXT NOT NULL,
    EndDT TEXT,
    WasSuccessful INTEGER CHECK (WasSuccessful IN (0, 1)),
    NumberRecords INTEGER NOT NULL,
    MinimumDT TEXT,
    SourceDT TEXT,
    OperationId TEXT NOT NULL UNIQUE,
    InstanceId TEXT NOT NULL,
    RowsInserted INTEGER NOT NULL DEFAULT 0,
    RowsUpdated INTEGER NOT NULL DEFAULT 0,
    RowsUnchanged INTEGER NOT NULL DEFAULT 0,
    RowsDeleted INTEGER NOT NULL DEFAULT 0,
    RowsDuplicate INTEGER NOT NULL DEFAULT 0,
    Outcome TEXT,
    Reason TEXT NOT NULL DEFAULT '',
    ErrorMessage TEXT,
    Cause TEXT,
    Details TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS DataUpdateOpen ON DataUpdate (TableName) WHERE NumberRecords = -2;
CREATE INDEX IF NOT EXISTS DataUpdateByTable ON DataUpdate (TableName, UpdateType, WasSuccessful, Id);
CREATE INDEX IF NOT EXISTS DataUpdateByStart ON DataUpdate (StartDT);
CREATE INDEX IF NOT EXISTS DataUpdateOfTable ON DataUpdate (TableName, Id);
CREATE INDEX IF NOT EXISTS DataUpdateByOutcome ON DataUpdate (Outcome, Id);
CREATE VIEW IF NOT EXISTS LastDataUpdates AS
SELECT * FROM DataUpdate WHERE Id IN (
    SELECT max(Id) FROM DataUpdate WHERE WasSuccessful = 1 GROUP BY TableName, UpdateType
);
CREATE TABLE IF NOT EXISTS AfreshLease (
    Name TEXT NOT NULL PRIMARY KEY,
    Holder TEXT NOT NULL,
    Fence INTEGER NOT NULL,
    ExpiresDT TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS AfreshColumn (
    TableName TEXT NOT NULL,
    Position INTEGER NOT NULL,
    ColumnName TEXT NOT NULL,
    Type TEXT NOT NULL,
    PRIMARY KEY (TableName, ColumnName)
) STRICT;
CREATE TABLE IF NOT EXISTS AfreshAction (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    ActionDT TEXT NOT NULL,
    Who TEXT NOT NULL,
    Action TEXT NOT NULL,
    TableName TEXT NOT NULL,
    SourceSystem TEXT NOT NULL,
    OperationId TEXT NOT NULL,
    Reason TEXT NOT NULL,
    Argument TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS AfreshActionLatest ON AfreshAction (Action, TableName, SourceSystem, Id);
CREATE INDEX IF NOT EXISTS DataUpdateOfTableByStart ON DataUpdate (TableName, StartDT);
CREATE INDEX IF NOT EXISTS DataUpdateOfOutcomeByStart ON DataUpdate (Outcome, StartDT);
"""
"""What the cache keeps for itself. Types that SQLite cannot tell apart (a decimal is text) are in AfreshColumn."""

MADE_LAST = "DataUpdateOfOutcomeByStart"
"""Where this index is there, all of it is."""

LATER_COLUMNS = ("Cause", "Details")
"""Columns of DataUpdate that tables made by earlier versions lack."""

RESERVED = frozenset(
    {"dataupdate", "lastdataupdates", "afreshlease", "afreshcolumn", "afreshaction", "sqlite_sequence"}
)

_GROUPED = 50
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_EXTRAS = re.compile(r"\b(CHECK|COLLATE|CONSTRAINT|DEFAULT|GENERATED|REFERENCES|UNIQUE|FOREIGN)\b", re.IGNORECASE)


def quote(name: str) -> str:
    """A name as an identifier; ConfigurationError for the few that SQLite cannot have."""
    if not name or "\0" in name:
        raise ConfigurationError(f"{name!r} cannot be a name in SQLite: it is empty or holds a NUL")
    return '"' + name.replace('"', '""') + '"'


def storage(arrow: pa.DataType) -> str:
    """The type of a STRICT column that holds values of the Arrow type exactly."""
    if pa.types.is_boolean(arrow) or pa.types.is_integer(arrow):
        return "INTEGER"
    if pa.types.is_floating(arrow):
        return "REAL"
    if pa.types.is_binary(arrow):
        return "BLOB"
    return "TEXT"


def create_table(table: str, schema: TableSchema) -> str:
    """A STRICT table with its primary key; `table` is quoted already."""
    columns = [
        _definition(column, not_null=column.name in schema.key or not column.nullable) for column in schema.columns
    ]
    key = f"PRIMARY KEY ({_list(schema.key)})"
    return f"CREATE TABLE {table} (\n    " + ",\n    ".join([*columns, key]) + "\n) STRICT"


def is_plain(definition: str) -> bool:
    """Whether a CREATE TABLE text, of SQLite's own catalogue, has nothing that `create_table` would not write."""
    return _EXTRAS.search(_QUOTED.sub("", definition)) is None


def add_column(table: str, column: Column) -> str:
    """Adds a nullable column."""
    return f"ALTER TABLE {table} ADD COLUMN {_definition(column, not_null=False)}"


def create_staging(staging: str, schema: TableSchema) -> str:
    """A temporary table without types or constraints: values land as they are, in order of arrival."""
    return f"CREATE TEMP TABLE {staging} ({_list(schema.names)})"


def insert_staging(staging: str, schema: TableSchema) -> str:
    """One row, bound by position."""
    return f"INSERT INTO {staging} VALUES ({', '.join('?' * len(schema.columns))})"


def deduplicate(staging: str, schema: TableSchema) -> str:
    """Deletes all but the newest row of each key: by stamp, null oldest, then by arrival.

    Only key and stamp go through the sort, not whole rows. Stamps inside one fold count as equal (three parameters
    for each: start, end, start).
    """
    arrival = _arrival(schema)
    order = [f"{_ranked_stamp(schema)} DESC"] if schema.last_update else []
    return (
        f"DELETE FROM {staging} WHERE {arrival} IN (SELECT arrival FROM (\n"
        f"    SELECT {arrival} AS arrival, ROW_NUMBER() OVER (\n"
        f"        PARTITION BY {_list(schema.key)} ORDER BY {', '.join([*order, f'{arrival} DESC'])}\n"
        f"    ) AS version FROM {staging}\n"
        f") WHERE version > 1)"
    )


def deduplicate_parameters(schema: TableSchema) -> tuple[str, ...]:
    """The parameters that `deduplicate` needs for the folds of the schema."""
    if not schema.last_update:
        return ()
    return tuple(instant_text(at) for start, end in schema.folds for at in (start, end, start))


def count_matched(staging: str, table: str, schema: TableSchema) -> str:
    """How many staged rows have a row of the same key in the table."""
    found = f"SELECT 1 FROM {table} AS t WHERE {_same_key('t', 's', schema)}"
    return f"SELECT count(*) FROM {staging} AS s WHERE EXISTS ({found})"


def late(source: str, table: str, schema: TableSchema) -> str:
    """How many rows of the source, stamped before the one parameter, are newer than the table's, and the oldest of
    their stamps; none if the table is empty."""
    stamp = quote(schema.stamp or "")
    found = f"SELECT 1 FROM {table} AS t WHERE {_same_key('t', 's', schema)} AND t.{stamp} >= s.{stamp}"
    return (
        f"SELECT count(*), min(s.{stamp}) FROM {source} AS s\n"
        f"WHERE s.{stamp} < ? AND EXISTS (SELECT 1 FROM {table}) AND NOT EXISTS ({found})"
    )


def merge(staging: str, table: str, schema: TableSchema, *, trust_source: bool) -> str:
    """Inserts what is new and updates what differs; its row count is the sum of both.

    Unless the source is trusted, an older stamp does not replace a newer one, but inside a fold (four parameters
    for each: start, end, start, end), where the order is not known.
    """
    names = _list(schema.names)
    statement = f"INSERT INTO {table} AS t ({names})\nSELECT {names} FROM {staging} WHERE true\n"
    on_conflict = f"ON CONFLICT ({_list(schema.key)}) DO"
    if not schema.values:
        return f"{statement}{on_conflict} NOTHING"
    assignments = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in schema.values)
    condition = _differs("t", "excluded", schema)
    if schema.last_update and not trust_source:
        condition = f"{_not_older(schema)}\n  AND {condition}"
    return f"{statement}{on_conflict} UPDATE SET {assignments}\nWHERE {condition}"


def fold_parameters(schema: TableSchema, *, trust_source: bool) -> tuple[str, ...]:
    """The parameters that `merge` needs for the folds of the schema."""
    if trust_source or not schema.last_update or not schema.values:
        return ()
    return tuple(instant_text(at) for start, end in schema.folds for at in (start, end, start, end))


def compare(shadow: str, table: str, schema: TableSchema) -> str:
    """How many keys both tables have, and in how many of those some other column differs."""
    differs = _differs("t", "s", schema) if schema.values else "false"
    # The limit keeps the comparison out of the aggregate, which can hold no more than 2,000 columns of both tables.
    each = f"SELECT {differs} AS differs FROM {shadow} AS s JOIN {table} AS t ON {_same_key('t', 's', schema)} LIMIT -1"
    return f"SELECT count(*), coalesce(sum(differs), 0) FROM (\n    {each}\n)"


def copy_rows(shadow: str, table: str, schema: TableSchema) -> str:
    """Fills the table from the shadow."""
    names = _list(schema.names)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {shadow}"


def _arrival(schema: TableSchema) -> str:
    """SQLite's own row number, by whichever of its names is not a column of the table."""
    taken = {name.lower() for name in schema.names}
    for name in ("rowid", "oid", "_rowid_"):
        if name not in taken:
            return name
    raise ConfigurationError("a table with columns rowid, oid and _rowid_ at once cannot be kept in SQLite")


def _ranked_stamp(schema: TableSchema) -> str:
    stamp = quote(schema.last_update or "")
    if not schema.folds:
        return stamp
    spans = " ".join(f"WHEN {stamp} >= ? AND {stamp} < ? THEN ?" for _ in schema.folds)
    return f"CASE {spans} ELSE {stamp} END"


def _differs(left: str, right: str, schema: TableSchema) -> str:
    """Whether some column outside the key differs, in groups: SQLite refuses expressions deeper than 1,000."""
    each = [f"{left}.{quote(name)} IS NOT {right}.{quote(name)}" for name in schema.values]
    groups = [each[start : start + _GROUPED] for start in range(0, len(each), _GROUPED)]
    return "(" + "\n    OR ".join(f"({' OR '.join(group)})" for group in groups) + ")"


def _not_older(schema: TableSchema) -> str:
    stamp = quote(schema.last_update or "")
    folds = "".join(
        f" OR (t.{stamp} >= ? AND t.{stamp} < ? AND excluded.{stamp} >= ? AND excluded.{stamp} < ?)"
        for _ in schema.folds
    )
    return f"(t.{stamp} IS NULL OR excluded.{stamp} >= t.{stamp}{folds})"


def _definition(column: Column, *, not_null: bool) -> str:
    return f"{quote(column.name)} {storage(column.type)}" + (" NOT NULL" if not_null else "")


def _same_key(left: str, right: str, schema: TableSchema) -> str:
    return " AND ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in schema.key)


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)
