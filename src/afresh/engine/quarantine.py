"""The side table of rows that were left out because a value did not fit, for columns with the policy `quarantine`."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from afresh.core.errors import CacheError
from afresh.core.model import DataUpdateTask, Misfit
from afresh.core.ports import Cache, Cancellation
from afresh.core.schema import TIMESTAMP, Column, TableSchema

NAME = "DataQuarantine"
SCHEMA = TableSchema(
    columns=(
        Column(name="RowId", type=pa.string(), length=64),
        Column(name="TableName", type=pa.string(), length=128),
        Column(name="RowKey", type=pa.string()),
        Column(name="ColumnName", type=pa.string(), length=128),
        Column(name="Reason", type=pa.string()),
        Column(name="Value", type=pa.string()),
        Column(name="OperationId", type=pa.string(), length=32),
        Column(name="SeenDT", type=TIMESTAMP),
    ),
    key=("RowId",),
    last_update="SeenDT",
)
"""One row for each table, row and column; seen again, it is written over. `RowId` is the SHA-256 of the three."""


def keep(misfits: Sequence[Misfit], task: DataUpdateTask, cache: Cache, now: datetime, cancel: Cancellation) -> None:
    """Writes the rows that were left out into the side table, in a transaction of its own, under the task's open
    DataUpdate row; makes the table if there is none."""
    if not misfits:
        return
    if cache.describe(NAME, SCHEMA) is None:
        try:
            cache.create(NAME, SCHEMA)
        except CacheError:  # another sync may have made it just now
            if cache.describe(NAME, SCHEMA) is None:
                raise
    with cache.stage(NAME, SCHEMA, task.operation_id, cancel, reload=False) as stage:
        stage.append(_rows(misfits, task, now))
        stage.merge(trust_source=True)


def _rows(misfits: Sequence[Misfit], task: DataUpdateTask, now: datetime) -> pa.RecordBatch:
    rows = [
        {
            "RowId": _row_id(task.table_name, misfit.key, misfit.column),
            "TableName": task.table_name,
            "RowKey": misfit.key,
            "ColumnName": misfit.column,
            "Reason": misfit.reason,
            "Value": misfit.value,
            "OperationId": task.operation_id,
            "SeenDT": now,
        }
        for misfit in misfits
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA.arrow())


def _row_id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
