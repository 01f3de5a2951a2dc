"""What a SQLite database says of its tables: columns, keys, and about how many rows."""

import re
import sqlite3

import pyarrow as pa

from afresh.core.errors import ConfigurationError, QueryFailed
from afresh.core.ports import SourceColumn, TableSummary
from afresh.core.schema import DATETIME, TIME, parse_type
from afresh.core.select import Output, Query, TableName
from afresh.sources.render import Dialect, quote, replace_minimum

_DECLARED = re.compile(r"\s*(?P<name>[^()]*?)\s*(?:\(\s*(?P<size>\d+)\s*(?:,\s*(?P<scale>\d+)\s*)?[^()]*\))?\s*")
_NAMED: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": TIME,
    "DATETIME": DATETIME,
    "TIMESTAMP": DATETIME,
    "NUMBER": pa.int64(),
}
_NUMERIC = ("NUMERIC", "DECIMAL", "NUMBER", "DEC", "MONEY")
_LONGEST_INTEGER = 18
_VIEW = "columns of the query"


def declared_type(declared: str) -> tuple[pa.DataType, int | None]:
    """The type of a column declared so, and its text length; SQLite enforces neither.

    Sizes are believed; a bare NUMBER is a whole number, as Oracle's ids and dates are; a bare NUMERIC or DECIMAL is
    `decimal(38,10)`; whatever has no type of its own is text.
    """
    match = _DECLARED.fullmatch(declared.upper())
    if match is None:
        return pa.string(), None
    name, size, scale = match["name"], int(match["size"] or 0), int(match["scale"] or 0)
    if name in _NUMERIC and size:
        return _numeric(size, scale)
    if name in _NAMED or name.startswith(("TIMESTAMP", "DATETIME")):
        return _NAMED.get(name, DATETIME), None
    if name in _NUMERIC:
        return pa.decimal128(38, 10), None
    return _by_affinity(name, size)


def _numeric(precision: int, scale: int) -> tuple[pa.DataType, int | None]:
    if scale == 0 and precision <= _LONGEST_INTEGER:
        return pa.int64(), None
    try:
        return parse_type(f"decimal({precision},{scale})")
    except ConfigurationError:
        return pa.decimal128(38, min(scale, 38)), None


def _by_affinity(name: str, size: int) -> tuple[pa.DataType, int | None]:
    """By the rules with which SQLite itself understands a declared type."""
    if "INT" in name:
        return pa.int64(), None
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return pa.string(), size or None
    if any(part in name for part in ("BLOB", "BINARY", "RAW")):
        return pa.binary(), None
    if any(part in name for part in ("REAL", "FLOA", "DOUB")):
        return pa.float64(), None
    return pa.string(), None


def table_columns(connection: sqlite3.Connection, table: TableName) -> tuple[SourceColumn, ...]:
    """The columns of a table or view, generated ones included; empty if there is none."""
    rows = connection.execute(
        'SELECT name, type, pk, "notnull" FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid',
        (table.name, table.schema or "main"),
    )
    columns = []
    for name, declared, position, not_null in rows:
        arrow, length = declared_type(declared)
        columns.append(
            SourceColumn(name=name, type=arrow, nullable=not (position or not_null), length=length, declared=declared)
        )
    return tuple(columns)


def table_key(connection: sqlite3.Connection, table: TableName) -> tuple[str, ...]:
    """The columns of the primary key, in its order; empty if there is none."""
    rows = connection.execute(
        "SELECT name FROM pragma_table_xinfo(?, ?) WHERE pk > 0 ORDER BY pk", (table.name, table.schema or "main")
    )
    return tuple(name for (name,) in rows)


def table_rows(connection: sqlite3.Connection, table: TableName, dialect: Dialect) -> int | None:
    """About how many rows: from the last ANALYZE, else the span of its rowids; None where both are missing.

    Neither reads the table: a count would. The rowids may be numbers of the user's own, which begin anywhere.
    """
    schema = quote(table.schema or "main", dialect)
    if connection.execute(f"SELECT 1 FROM {schema}.sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
        stat = connection.execute(
            f"SELECT max(CAST(stat AS INTEGER)) FROM {schema}.sqlite_stat1 WHERE tbl = ? COLLATE NOCASE", (table.name,)
        ).fetchone()[0]
        if stat is not None:
            return int(stat)
    try:
        place = f"{schema}.{quote(table.name, dialect)}"
        lowest, highest = connection.execute(
            f"SELECT (SELECT min(_rowid_) FROM {place}), (SELECT max(_rowid_) FROM {place})"
        ).fetchone()
    except sqlite3.OperationalError:
        return None
    if highest is None:
        kind = f"SELECT 1 FROM {schema}.sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
        return 0 if connection.execute(kind, (table.name,)).fetchone() else None
    return highest - lowest + 1 if isinstance(highest, int) and isinstance(lowest, int) else None


def tables(connection: sqlite3.Connection, schema: str | None, dialect: Dialect) -> tuple[TableSummary, ...]:
    """The tables and views of the file that are not SQLite's own, largest first."""
    place = quote(schema or "main", dialect)
    found = connection.execute(
        f"SELECT name, type FROM {place}.sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' ORDER BY name"
    ).fetchall()
    summaries = [
        TableSummary(
            table=TableName(name, schema),
            rows=table_rows(connection, TableName(name, schema), dialect) if kind == "table" else None,
            is_view=kind == "view",
        )
        for name, kind in found
    ]
    return tuple(sorted(summaries, key=lambda summary: -(summary.rows or 0)))


def query_columns(connection: sqlite3.Connection, query: Query, dialect: Dialect) -> tuple[SourceColumn, ...]:
    """The result columns of a query, with the types their source columns are declared with, or those it was given.

    It is asked through a temporary view, which tells declared types and reads no rows. What is computed has no
    declared type; such a column must be given one, for a guess from some rows could be wrong for the next.
    """
    given = {output.column.casefold(): output for output in query.outputs}
    sql = replace_minimum(query.sql, dialect.name, lambda: "NULL")
    connection.execute(f"CREATE TEMP VIEW {quote(_VIEW, dialect)} AS {sql}")
    rows = connection.execute("SELECT name, type FROM pragma_table_xinfo(?, 'temp') ORDER BY cid", (_VIEW,)).fetchall()
    _check_given(given, [name for name, _ in rows])
    return tuple(_query_column(name, declared, given.get(name.casefold())) for name, declared in rows)


def _check_given(given: dict[str, Output], names: list[str]) -> None:
    present = {name.casefold() for name in names}
    for folded, output in given.items():
        if folded not in present:
            raise QueryFailed(
                f"the query has no result column {output.column!r}", hint=f"Its columns are: {', '.join(names)}."
            )


def _query_column(name: str, declared: str, given: Output | None) -> SourceColumn:
    if given is not None:
        return SourceColumn(name=given.name, type=given.type, declared=declared)
    if not declared:
        raise ConfigurationError(
            f"the type of the query's column {name!r} is not known: it is computed, or declared without a type",
            hint=f'Give it one in the fetcher\'s options, such as: columns = {{ "{name}" = "decimal(15,2)" }}.',
        )
    arrow, length = declared_type(declared)
    return SourceColumn(name=name, type=arrow, length=length, declared=declared)
