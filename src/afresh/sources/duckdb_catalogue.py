"""What a DuckDB database says of its tables and of queries."""

from typing import Any

import pyarrow as pa

from afresh.core.errors import QueryFailed
from afresh.core.ports import SourceColumn, TableInfo, TableSummary
from afresh.core.select import Output, Query, TableName
from afresh.sources.duckdb_session import columns, rows
from afresh.sources.duckdb_types import arrives

_MAIN = "main"
_HERE = "database_name = current_database()"


def describe(connection: Any, table: TableName) -> TableInfo | None:
    """Columns, key and about how many rows; None if there is no such table or view."""
    found = rows(
        connection,
        f"SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE {_HERE} AND schema_name = ? "
        "AND lower(table_name) = lower(?) ORDER BY column_index",
        (table.schema or _MAIN, table.name),
    )
    if not found:
        return None
    return TableInfo(
        columns=tuple(
            SourceColumn(name=name, type=arrives(declared), nullable=nullable, declared=declared)
            for name, declared, nullable in found
        ),
        key=key(connection, table),
        rows=next((summary.rows for summary in tables(connection, table.schema) if summary.table == table), None),
    )


def key(connection: Any, table: TableName) -> tuple[str, ...]:
    """The columns of the primary key, in its order; empty if there is none."""
    found = rows(
        connection,
        f"SELECT constraint_column_names FROM duckdb_constraints() WHERE {_HERE} AND schema_name = ? "
        "AND lower(table_name) = lower(?) AND constraint_type = 'PRIMARY KEY'",
        (table.schema or _MAIN, table.name),
    )
    return tuple(found[0][0]) if found else ()


def tables(connection: Any, schema: str | None) -> tuple[TableSummary, ...]:
    """The tables and views of one schema, or of all, largest first."""
    found = rows(
        connection,
        f"SELECT schema_name, table_name, estimated_size, false FROM duckdb_tables() WHERE {_HERE} "
        f"UNION ALL SELECT schema_name, view_name, NULL, true FROM duckdb_views() WHERE {_HERE} AND NOT internal",
    )
    summaries = [
        TableSummary(table=TableName(name, None if home == _MAIN and schema is None else home), rows=size, is_view=view)
        for home, name, size, view in found
        if schema is None or home == schema
    ]
    return tuple(sorted(summaries, key=lambda summary: (-(summary.rows or 0), str(summary.table))))


def query_columns(found: Any, query: Query) -> tuple[SourceColumn, ...]:
    """The result columns of a query, those that its outputs name as they name them."""
    given = {output.column.casefold(): output for output in query.outputs}
    told = columns(found)
    for folded, output in given.items():
        if folded not in {name.casefold() for name in told}:
            raise QueryFailed(
                f"the query has no result column {output.column!r}", hint=f"Its columns are: {', '.join(told)}."
            )
    return tuple(_column(name, declared, given.get(name.casefold())) for name, declared in told.items())


def _column(name: str, declared: str, given: Output | None) -> SourceColumn:
    kind: pa.DataType = given.type if given is not None else arrives(declared)
    return SourceColumn(name=given.name if given is not None else name, type=kind, declared=declared)


def outputs(found: Any) -> tuple[Output, ...]:
    """Outputs for all columns of a relation, as the types in which they arrive."""
    return tuple(Output(name, name, arrives(declared), declared) for name, declared in columns(found).items())
