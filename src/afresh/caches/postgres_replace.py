"""Replacing a table's rows in the table itself: readers with any snapshot see the old rows or the new ones."""

import psycopg

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_connection import Connection
from afresh.core.model import MergeCounts
from afresh.core.schema import TableSchema


def replace_rows(connection: Connection, shadow: str, table: str, schema: TableSchema, *, loaded: int) -> MergeCounts:
    """Within the caller's transaction, makes the table hold the shadow's rows, writing only what differs.

    References to rows that stay are kept. Where a row takes the unique value of another that is yet to change, the
    rows are deleted and inserted instead. The table must be locked against other writers.
    """
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found is not None
    existing = int(found[0])
    if existing == 0:
        connection.execute(sql.insert(shadow, table, schema))
        return MergeCounts(inserted=loaded)
    deleted = connection.execute(sql.delete_missing(shadow, table, schema)).rowcount
    matched = existing - deleted
    inserted = loaded - matched
    try:
        with connection.transaction():
            written = connection.execute(sql.merge(shadow, table, schema, trust_source=True)).rowcount
    except psycopg.errors.UniqueViolation:
        written = inserted + _count_changed(connection, shadow, table, schema)
        connection.execute(f"DELETE FROM {table}")
        connection.execute(sql.insert(shadow, table, schema))
    updated = written - inserted
    return MergeCounts(inserted=inserted, updated=updated, unchanged=matched - updated, deleted=deleted)


def _count_changed(connection: Connection, shadow: str, table: str, schema: TableSchema) -> int:
    found = connection.execute(sql.count_changed(shadow, table, schema)).fetchone()
    assert found is not None
    return int(found[0])
