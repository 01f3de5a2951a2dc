"""The SQL of the SQL Server cache's data: pure functions from names and columns to text.

In these statements `t` is the table (or the shadow of a reload) and `s` what flows into it. There is no MERGE: an
UPDATE of what differs and an INSERT of what is new count separately, are safe next to other writers with the locks
they ask for, and are understood by every server that speaks T-SQL.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_fields import Field, differs, loses, same, value
from afresh.caches.sqlserver_names import quote
from afresh.core.schema import TableSchema

ARRIVAL = "[Arrival]"
"""The column of staging by which later rows are told from earlier ones. All others are C1, C2, ..."""

_GROUPED = 25


def create_table(table: str, columns: Sequence[str], key: Sequence[str], *, clustered: bool) -> str:
    """A table with its primary key, whose name the server makes up; `columns` are definitions."""
    order = "CLUSTERED" if clustered else "NONCLUSTERED"
    lines = [*columns, f"PRIMARY KEY {order} ({listed(key)})"]
    return f"CREATE TABLE {table} (\n    " + ",\n    ".join(lines) + "\n)"


def definition(name: str, stored: str, collation: str | None, *, nullable: bool) -> str:
    """One column of a table."""
    collate = f" COLLATE {collation}" if collation else ""
    return f"{quote(name)} {stored}{collate} {'NULL' if nullable else 'NOT NULL'}"


def add_columns(table: str, definitions: Sequence[str]) -> str:
    """Adds all of the columns, or none."""
    return f"ALTER TABLE {table} ADD " + ", ".join(definitions)


def create_staging(staging: str, fields: Sequence[Field]) -> str:
    """A table without a key, in which values land as they are, with the number of their arrival."""
    columns = [
        f"{field.source} {field.staged}{f' COLLATE {field.source_collation}' if field.source_collation else ''} NULL"
        for field in fields
    ]
    return f"CREATE TABLE {staging} (\n    " + ",\n    ".join([*columns, f"{ARRIVAL} bigint NOT NULL"]) + "\n)"


def insert_staging(staging: str, fields: Sequence[Field]) -> str:
    """One row, bound by position; for servers without bulk copy."""
    names = ", ".join([*(field.source for field in fields), ARRIVAL])
    return f"INSERT INTO {staging} ({names}) VALUES ({', '.join('?' * (len(fields) + 1))})"


def deduplicate(staging: str, key: Sequence[Field], stamp: Field | None, schema: TableSchema) -> str:
    """Deletes all but the newest row of each key: by stamp, null oldest, then by arrival.

    Only key, stamp and arrival go through the sort. Keys are told apart exactly, by their length too. Stamps inside
    one fold count as equal.
    """
    parts = [part for field in key for part in _identity(field)]
    order = []
    if stamp is not None:
        order = [f"CASE WHEN {stamp.source} IS NULL THEN 1 ELSE 0 END", f"{_ranked(stamp, schema)} DESC"]
    return (
        f"DELETE FROM {staging} WHERE {ARRIVAL} IN (SELECT r.{ARRIVAL} FROM (\n"
        f"    SELECT {ARRIVAL}, ROW_NUMBER() OVER (\n"
        f"        PARTITION BY {', '.join(parts)} ORDER BY {', '.join([*order, f'{ARRIVAL} DESC'])}\n"
        f"    ) AS [Version] FROM {staging}\n"
        ") AS r WHERE r.[Version] > 1)"
    )


def update(
    source: str, table: str, schema: TableSchema, fields: Sequence[Field], features: Features, *, trust_source: bool
) -> str | None:
    """Updates the rows that differ; None for a table of nothing but its key.

    Unless the source is trusted, an older stamp does not replace a newer one, but inside a fold, where the order is
    not known.
    """
    key, values = split(schema, fields)
    if not values:
        return None
    conditions = [_any(values, features)]
    stamp = _stamp(schema, fields)
    if stamp is not None and not trust_source:
        conditions.insert(0, _not_older(stamp, schema, features))
    assignments = ",\n    ".join(f"{field.target} = {value(field)}" for field in values)
    return (
        f"UPDATE t SET\n    {assignments}\n"
        f"FROM {table} AS t{features.locked}\n"
        f"INNER JOIN {source} AS s ON {_joined(key, features)}\n"
        f"WHERE {' AND '.join(conditions)}"
    )


def insert(source: str, table: str, schema: TableSchema, fields: Sequence[Field], features: Features) -> str:
    """Inserts the rows whose key the table has not."""
    key, _values = split(schema, fields)
    return (
        f"INSERT INTO {table} ({listed([field.name for field in fields])})\n"
        f"SELECT {', '.join(value(field) for field in fields)}\n"
        f"FROM {source} AS s WHERE NOT EXISTS (\n"
        f"    SELECT 1 FROM {table} AS t{features.locked} WHERE {_joined(key, features)}\n"
        ")"
    )


def late(
    source: str, table: str, schema: TableSchema, fields: Sequence[Field], features: Features, before: datetime
) -> str:
    """How many rows of the source, stamped before the instant, are newer than the table's, and the oldest of their
    stamps, as a text; none if the table is empty."""
    key, _values = split(schema, fields)
    stamp = next(field for field in fields if field.name == schema.stamp)
    return (
        f"SELECT COUNT_BIG(*), CONVERT(nvarchar(27), MIN(s.{stamp.source}), 126)\n"
        f"FROM {source} AS s WHERE s.{stamp.source} < {instant(before)}\n"
        f"AND EXISTS (SELECT 1 FROM {table}) AND NOT EXISTS (\n"
        f"    SELECT 1 FROM {table} AS t WHERE {_joined(key, features)} AND t.{stamp.target} >= {value(stamp)}\n"
        ")"
    )


def delete_gone(source: str, table: str, schema: TableSchema, fields: Sequence[Field], features: Features) -> str:
    """Deletes the rows whose key the source has not."""
    key, _values = split(schema, fields)
    return (
        f"DELETE t FROM {table} AS t{features.locked} WHERE NOT EXISTS (\n"
        f"    SELECT 1 FROM {source} AS s WHERE {_joined(key, features)}\n"
        ")"
    )


def compare(source: str, table: str, schema: TableSchema, fields: Sequence[Field], features: Features) -> str:
    """How many keys both tables have, and in how many of those some other column differs."""
    key, values = split(schema, fields)
    differing = f"CASE WHEN {_any(values, features)} THEN 1 ELSE 0 END" if values else "0"
    return (
        f"SELECT COUNT_BIG(*), COALESCE(SUM(CAST(r.[Differs] AS bigint)), 0) FROM (\n"
        f"    SELECT {differing} AS [Differs] FROM {source} AS s\n"
        f"    INNER JOIN {table} AS t ON {_joined(key, features)}\n"
        ") AS r"
    )


def copy_rows(source: str, table: str, names: Sequence[str]) -> str:
    """Fills a table that is empty."""
    return f"INSERT INTO {table} ({listed(names)}) SELECT {listed(names)} FROM {source}"


def find_loss(staging: str, field: Field, features: Features) -> str | None:
    """Finds a staged value that the table's type would change; None if that cannot be."""
    condition = loses(field, features)
    if condition is None:
        return None
    return f"SELECT TOP (1) CONVERT(nvarchar(60), s.{field.source}) FROM {staging} AS s WHERE {condition}"


def find_collision(staging: str, key: Sequence[Field], features: Features) -> str:
    """Finds a key that is staged twice, as the table's key compares."""
    grouped = ", ".join(_as_stored(field) for field in key)
    shown = ", ".join(f"MIN({_shown(field)})" for field in key)
    return f"SELECT TOP (1) {shown} FROM {staging} AS s GROUP BY {grouped} HAVING COUNT(*) > 1"


def find_other_spelling(staging: str, table: str, key: Sequence[Field], features: Features) -> str:
    """Finds a staged key that the table has in another spelling, where its own comparison sees no difference."""
    equal = [f"t.{field.target} = {_as_stored(field)}" for field in key]
    exact = " AND ".join(condition for field in key for condition in same(field, features))
    return (
        f"SELECT TOP (1) {', '.join(_shown(field) for field in key)} FROM {staging} AS s\n"
        f"INNER JOIN {table} AS t ON {' AND '.join(equal)}\nWHERE NOT ({exact})"
    )


def split(schema: TableSchema, fields: Sequence[Field]) -> tuple[list[Field], list[Field]]:
    """The columns of the key, and the others."""
    key = [next(field for field in fields if field.name == name) for name in schema.key]
    return key, [field for field in fields if field.name not in schema.key]


def listed(names: Sequence[str]) -> str:
    """Quoted names."""
    return ", ".join(quote(name) for name in names)


def _identity(field: Field) -> list[str]:
    kind = field.exactness
    return [field.source] if kind == "plain" else [field.source, f"DATALENGTH({field.source})"]


def _as_stored(field: Field) -> str:
    collate = f" COLLATE {field.collation}" if field.exactness == "text" and field.collation else ""
    return f"{value(field)}{collate}"


def _shown(field: Field) -> str:
    return f"CONVERT(nvarchar(60), s.{field.source})"


def _joined(key: Sequence[Field], features: Features) -> str:
    return " AND ".join(condition for field in key for condition in same(field, features))


def _any(values: Sequence[Field], features: Features) -> str:
    """Whether some column differs, in groups: the server's parser goes no deeper than its stack."""
    each = [differs(field, features) for field in values]
    groups = [each[start : start + _GROUPED] for start in range(0, len(each), _GROUPED)]
    return "(" + "\n    OR ".join(f"({' OR '.join(group)})" for group in groups) + ")"


def _stamp(schema: TableSchema, fields: Sequence[Field]) -> Field | None:
    return next((field for field in fields if field.name == schema.last_update), None)


def _ranked(stamp: Field, schema: TableSchema) -> str:
    if not schema.folds:
        return stamp.source
    spans = " ".join(
        f"WHEN {stamp.source} >= {instant(start)} AND {stamp.source} < {instant(end)} THEN {instant(start)}"
        for start, end in schema.folds
    )
    return f"CASE {spans} ELSE {stamp.source} END"


def _not_older(stamp: Field, schema: TableSchema, features: Features) -> str:
    left, right = f"t.{stamp.target}", value(stamp)
    exact = features.exact if stamp.exactness == "text" else ""
    folds = "".join(
        f"\n    OR ({left} >= {instant(start)} AND {left} < {instant(end)}"
        f" AND {right} >= {instant(start)} AND {right} < {instant(end)})"
        for start, end in schema.folds
    )
    return f"({left} IS NULL OR {right}{exact} >= {left}{exact}{folds})"


def instant(at: datetime) -> str:
    """An instant as the server reads it in every language. It is written, not bound, because the statement holds
    names of the user's, in which a driver may take a `?` for a parameter; it consists of digits alone."""
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"CONVERT(datetime2(7), '{text}', 126)"
