"""The SQL of the DuckDB cache: pure functions from names and schemas to text. Names are quoted here only.

Columns of staging are called by their place (`c0`, `c1`, ...), so that no name can be in the way of `arrival`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, TableSchema

OWN_TABLES = """
CREATE SEQUENCE IF NOT EXISTS main.DataUpdateId;
CREATE SEQUENCE IF NOT EXISTS main.AfreshFence;
CREATE SEQUENCE IF NOT EXISTS main.AfreshActionId;
CREATE TABLE IF NOT EXISTS main.DataUpdate (
    Id BIGINT NOT NULL,
    TableName VARCHAR NOT NULL,
    SourceSystem VARCHAR NOT NULL,
    UpdateType INTEGER NOT NULL,
    StartDT TIMESTAMPTZ NOT NULL,
    EndDT TIMESTAMPTZ,
    WasSuccessful BOOLEAN,
    NumberRecords BIGINT NOT NULL,
    MinimumDT TIMESTAMPTZ,
    SourceDT TIMESTAMPTZ,
    OperationId VARCHAR NOT NULL,
    InstanceId VARCHAR NOT NULL,
    RowsInserted BIGINT NOT NULL DEFAULT 0,
    RowsUpdated BIGINT NOT NULL DEFAULT 0,
    RowsUnchanged BIGINT NOT NULL DEFAULT 0,
    RowsDeleted BIGINT NOT NULL DEFAULT 0,
    RowsDuplicate BIGINT NOT NULL DEFAULT 0,
    Outcome VARCHAR,
    Reason VARCHAR NOT NULL DEFAULT '',
    ErrorMessage VARCHAR
);
ALTER TABLE main.DataUpdate ADD COLUMN IF NOT EXISTS Cause VARCHAR;
ALTER TABLE main.DataUpdate ADD COLUMN IF NOT EXISTS Details VARCHAR;
CREATE OR REPLACE VIEW main.LastDataUpdates AS
SELECT * FROM main.DataUpdate WHERE Id IN (
    SELECT max(Id) FROM main.DataUpdate WHERE WasSuccessful GROUP BY TableName, UpdateType
);
CREATE TABLE IF NOT EXISTS main.AfreshLease (
    Name VARCHAR NOT NULL,
    Holder VARCHAR NOT NULL,
    Fence BIGINT NOT NULL,
    ExpiresDT TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS main.AfreshColumn (
    TableName VARCHAR NOT NULL,
    Position INTEGER NOT NULL,
    ColumnName VARCHAR NOT NULL,
    Type VARCHAR NOT NULL,
    KeyPosition INTEGER
);
CREATE TABLE IF NOT EXISTS main.AfreshAction (
    Id BIGINT NOT NULL,
    ActionDT TIMESTAMPTZ NOT NULL,
    Who VARCHAR NOT NULL,
    Action VARCHAR NOT NULL,
    TableName VARCHAR NOT NULL,
    SourceSystem VARCHAR NOT NULL,
    OperationId VARCHAR NOT NULL,
    Reason VARCHAR NOT NULL,
    Argument VARCHAR NOT NULL
);
"""
"""What the cache keeps for itself; what an earlier version made gets the columns that it lacks.

Keys, and lengths of texts, are in AfreshColumn: our tables have no constraints but NOT NULL, because DuckDB swaps no
table that has an index."""

RESERVED = frozenset({"dataupdate", "lastdataupdates", "afreshlease", "afreshcolumn", "afreshaction"})

STAGING = "temp.main.afresh_staging"
DUE = "temp.main.afresh_due"
"""What the present merge writes: the staged rows by arrival; whether the table has them already, and at which row id;
and in which columns they differ, as bits of numbers."""

_BITS = 62

_PLAIN_TYPES: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    TIME: "TIME",
    TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    DATETIME: "TIMESTAMP",
}
ARROW_TYPES: dict[str, pa.DataType] = {name: arrow for arrow, name in _PLAIN_TYPES.items()}
"""The Arrow types of DuckDB's types, as its catalogue calls them, but for decimals."""


def quote(name: str) -> str:
    """A name as an identifier; ConfigurationError for the few that DuckDB cannot have."""
    if not name or "\0" in name:
        raise ConfigurationError(f"{name!r} cannot be a name in DuckDB: it is empty or holds a NUL")
    return '"' + name.replace('"', '""') + '"'


def qualified(table_name: str) -> str:
    """A table of the cache as an identifier, which no temporary one can hide."""
    return f"main.{quote(table_name)}"


def storage(arrow: pa.DataType) -> str:
    """The type of a column that holds values of the Arrow type exactly."""
    if pa.types.is_decimal128(arrow):
        return f"DECIMAL({arrow.precision},{arrow.scale})"
    return _PLAIN_TYPES[arrow]


def column(name: str, kind: str, *, not_null: bool) -> str:
    """The definition of a column."""
    return f"{quote(name)} {kind}" + (" NOT NULL" if not_null else "")


def create_table(table: str, columns: Sequence[str]) -> str:
    """A table of these definitions."""
    return f"CREATE TABLE {table} (\n    " + ",\n    ".join(columns) + "\n)"


def create_staging(schema: TableSchema) -> str:
    """An empty temporary table for the rows in order of arrival; it takes the place of the one before."""
    columns = [f"c{place} {storage(column.type)}" for place, column in enumerate(schema.columns)]
    return f"CREATE OR REPLACE TEMP TABLE {_bare(STAGING)} ({', '.join(columns)}, arrival BIGINT)"


def create_due(schema: TableSchema) -> str:
    """An empty temporary table for what a merge is going to write."""
    words = "".join(f", d{place} BIGINT" for place in range(len(_words(schema))))
    return f"CREATE OR REPLACE TEMP TABLE {_bare(DUE)} (arrival BIGINT, known BOOLEAN, place BIGINT{words})"


def note(found: str) -> str:
    """Adds what a query finds to what is due, by making that table anew.

    DuckDB 2.0.0 loses what a second INSERT of one transaction brings into a table if the first one brought nothing and
    the second fills row groups. So no transaction of ours inserts into any table more than once.
    """
    return f"CREATE OR REPLACE TEMP TABLE {_bare(DUE)} AS SELECT * FROM {DUE} UNION ALL {found}"


def count_keys(schema: TableSchema) -> str:
    """How many different keys are staged, and how many rows."""
    each = f"SELECT count(*) AS rows FROM {STAGING} GROUP BY {', '.join(_places(schema, schema.key))}"
    return f"SELECT count(*), coalesce(sum(rows), 0) FROM ({each})"


def count_rows(table: str, schema: TableSchema) -> str:
    """How many rows are really there: a bare count(*) is answered without a look at them."""
    return f"SELECT count(*) FILTER (WHERE hash({quote(schema.key[0])}) >= 0) FROM {table}"


def deduplicate(schema: TableSchema) -> str:
    """Deletes all but the newest row of each key: by stamp, null oldest, then by arrival.

    Stamps inside one fold count as equal (parameters: `deduplicate_parameters`).
    """
    key = ", ".join(_places(schema, schema.key))
    stamp = f"{_ranked_stamp(schema)} DESC NULLS LAST, " if schema.last_update else ""
    return (
        f"DELETE FROM {STAGING} WHERE arrival IN (SELECT arrival FROM (\n"
        f"    SELECT arrival, ROW_NUMBER() OVER (\n"
        f"        PARTITION BY {key} ORDER BY {stamp}arrival DESC\n"
        f"    ) AS version FROM {STAGING}\n"
        f") WHERE version > 1)"
    )


def deduplicate_parameters(schema: TableSchema) -> list[datetime]:
    """Start, end and start of each fold."""
    if not schema.last_update:
        return []
    return [_instant(at, schema) for start, end in schema.folds for at in (start, end, start)]


def fill(table: str, schema: TableSchema) -> str:
    """All staged rows into a table that has none."""
    return f"INSERT INTO {table} ({_list(schema.names)}) SELECT {_all(schema)} FROM {STAGING} AS s"


def find_changed(table: str, schema: TableSchema, *, trust_source: bool, placed: bool) -> str:
    """The staged rows of an interval of arrival that differ from the table's, and are not older, as `DUE` has them;
    without row ids unless they are `placed`.

    Parameters: the interval, then those of `fold_parameters`.
    """
    condition = _differs(schema)
    if schema.last_update and not trust_source:
        condition = f"{_not_older(schema)}\n  AND {condition}"
    found = ", ".join(["s.arrival", "true", "t.rowid" if placed else "NULL", *_words(schema)])
    some = f"SELECT * FROM {STAGING} WHERE arrival >= ? AND arrival < ?"
    return f"SELECT {found}\nFROM ({some}) AS s JOIN {table} AS t ON {_same_key(schema)}\nWHERE {condition}"


def find_new(table: str, schema: TableSchema) -> str:
    """The staged rows whose key the table does not have, as `DUE` has them.

    DuckDB looks only at the row groups that can have the keys in question in an outer join, which this stays as long
    as the condition does not say that the table's key is null; in NOT EXISTS it looks at all.
    """
    found = ", ".join(["s.arrival", "false", "NULL", *("NULL" for _ in _words(schema))])
    ours, theirs = _pairs(schema, schema.key)[0]
    return (
        f"SELECT {found}\nFROM {table} AS t RIGHT JOIN {STAGING} AS s ON {_same_key(schema)}\n"
        f"WHERE s.{theirs} IS DISTINCT FROM t.{quote(ours)}"
    )


def sum_due(schema: TableSchema, row_group: int) -> str:
    """How many rows are due that the table does not have, how many that it has, how many staged rows the latter are,
    in how many row groups of the table they are, and the bits of the columns in which they differ."""
    words = "".join(f", coalesce(bit_or(d{place}), 0)" for place in range(len(_words(schema))))
    new = f"SELECT count(*) FROM {DUE} WHERE NOT known"
    return (
        f"SELECT ({new}), count(*), count(DISTINCT arrival), count(DISTINCT place // {row_group}){words} "
        f"FROM {DUE} WHERE known"
    )


def columns_of(words: Sequence[int], schema: TableSchema) -> tuple[str, ...]:
    """The columns whose bits are set."""
    return tuple(name for place, name in enumerate(schema.values) if words[place // _BITS] & 1 << place % _BITS)


def fold_parameters(schema: TableSchema, *, trust_source: bool) -> list[datetime]:
    """Start, end, start and end of each fold."""
    if trust_source or not schema.last_update:
        return []
    return [_instant(at, schema) for start, end in schema.folds for at in (start, end, start, end)]


def late(table: str, schema: TableSchema, shadow: str | None = None) -> str:
    """How many rows of staging, or of the shadow, stamped before the one parameter, are newer than the table's, and
    the oldest of their stamps, in microseconds since 1970; none if the table is empty."""
    stamp = schema.stamp or ""
    columns = [(quote(name), quote(name) if shadow else place) for name, place in _pairs(schema, [*schema.key, stamp])]
    *key, (ours, theirs) = columns
    same = " AND ".join(f"t.{one} = s.{other}" for one, other in key)
    return (
        f"SELECT count(*), epoch_us(min(s.{theirs}))\n"
        f"FROM {table} AS t RIGHT JOIN (SELECT * FROM {shadow or STAGING} WHERE {theirs} < ?) AS s ON {same}\n"
        f"WHERE (t.{ours} >= s.{theirs}) IS NOT TRUE AND EXISTS (SELECT 1 FROM {table})"
    )


def stamp_parameter(at: datetime, schema: TableSchema) -> datetime:
    """The instant as the schema's stamps are."""
    return _instant(at, schema)


def delete_changed(table: str, schema: TableSchema) -> str:
    """Takes out the rows that changed, to be inserted as they are now."""
    return f"DELETE FROM {table} AS t USING ({_due(schema.key, schema, 'known')}) AS s WHERE {_same_key(schema)}"


def update_changed(table: str, schema: TableSchema, names: Sequence[str]) -> str:
    """Changes these columns of the rows that changed, where they are."""
    assigned = ", ".join(f"{quote(name)} = s.{place}" for name, place in _pairs(schema, names))
    rows = _due([*schema.key, *names], schema, "known")
    return f"UPDATE {table} AS t SET {assigned} FROM ({rows}) AS s WHERE {_same_key(schema)}"


def insert_due(table: str, schema: TableSchema, *, known: bool) -> str:
    """Inserts the rows that are new; with `known` those that changed, too."""
    rows = _due(schema.names, schema, "true" if known else "NOT known")
    return f"INSERT INTO {table} ({_list(schema.names)}) {rows}"


def compare(shadow: str, table: str, schema: TableSchema, *, part: bool) -> str:
    """How many keys both tables have, and in how many of those some other column differs.

    With `part` only for an interval of the shadow's row ids, its two parameters.
    """
    differs = _each_differs("t", "s", [(quote(name), quote(name)) for name in schema.values])
    same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in schema.key)
    rows = f"SELECT {_list(schema.names)} FROM {shadow}" + (" WHERE rowid >= ? AND rowid < ?" if part else "")
    return f"SELECT count(*), count(*) FILTER (WHERE {differs}) FROM ({rows}) AS s JOIN {table} AS t ON {same}"


def copy_rows(shadow: str, table: str, schema: TableSchema) -> str:
    """Fills the table from the shadow."""
    names = _list(schema.names)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {shadow}"


def text(value: str) -> str:
    """A text as a literal, for statements that take no parameters."""
    return "'" + value.replace("'", "''") + "'"


def _due(names: Sequence[str], schema: TableSchema, condition: str) -> str:
    places = ", ".join(_places(schema, names))
    return f"SELECT {places} FROM {STAGING} WHERE arrival IN (SELECT arrival FROM {DUE} WHERE {condition})"


def _ranked_stamp(schema: TableSchema) -> str:
    stamp = _place(schema, schema.last_update or "")
    if not schema.folds:
        return stamp
    spans = " ".join(f"WHEN {stamp} >= ? AND {stamp} < ? THEN ?" for _ in schema.folds)
    return f"CASE {spans} ELSE {stamp} END"


def _not_older(schema: TableSchema) -> str:
    old, new = f"t.{quote(schema.last_update or '')}", f"s.{_place(schema, schema.last_update or '')}"
    folds = "".join(f" OR ({old} >= ? AND {old} < ? AND {new} >= ? AND {new} < ?)" for _ in schema.folds)
    return f"({old} IS NULL OR {new} >= {old}{folds})"


def _instant(at: datetime, schema: TableSchema) -> datetime:
    """As the stamp's own type, so that both sides of a comparison are of one."""
    return at.astimezone(UTC).replace(tzinfo=None) if schema.column(schema.last_update or "").type == DATETIME else at


def _differs(schema: TableSchema) -> str:
    return _each_differs("t", "s", [(quote(name), place) for name, place in _pairs(schema, schema.values)])


def _each_differs(left: str, right: str, pairs: Sequence[tuple[str, str]]) -> str:
    each = [f"{left}.{one} IS DISTINCT FROM {right}.{other}" for one, other in pairs]
    return f"({' OR '.join(each)})" if each else "false"


def _words(schema: TableSchema) -> list[str]:
    """Numbers whose bits say in which columns a row differs, 0.0 and -0.0 included, which DuckDB takes for equal."""
    bits = []
    for place, (name, staged) in enumerate(_pairs(schema, schema.values)):
        differs = f"t.{quote(name)} IS DISTINCT FROM s.{staged}"
        if pa.types.is_floating(schema.column(name).type):
            differs += f" OR signbit(t.{quote(name)}) IS DISTINCT FROM signbit(s.{staged})"
        bits.append(f"(({differs})::BIGINT << {place % _BITS})")
    return [" | ".join(bits[start : start + _BITS]) for start in range(0, len(bits), _BITS)]


def _same_key(schema: TableSchema) -> str:
    return " AND ".join(f"t.{quote(name)} = s.{place}" for name, place in _pairs(schema, schema.key))


def _place(schema: TableSchema, name: str) -> str:
    return _places(schema, [name])[0]


def _places(schema: TableSchema, names: Sequence[str]) -> list[str]:
    places = {name: f"c{place}" for place, name in enumerate(schema.names)}
    return [places[name] for name in names]


def _pairs(schema: TableSchema, names: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(names, _places(schema, names), strict=True))


def _all(schema: TableSchema) -> str:
    return ", ".join(f"s.{place}" for place in _places(schema, schema.names))


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)


def _bare(table: str) -> str:
    return table.rpartition(".")[2]
