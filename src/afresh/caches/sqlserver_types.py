"""Our types as SQL Server keeps them, and the limits of a table, known before the first row is read."""

from collections.abc import Mapping

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.schema import Column, TableSchema

LONGEST_TEXT = 4000
"""Characters of the longest nvarchar that is not `max`."""
CLUSTERED_KEY = 900
OTHER_KEY = 1700
"""Bytes of a key: in the table's own order, and in an index beside it."""
ROW = 8060
"""Bytes of a row's part that cannot be moved off the page."""
MOST_COLUMNS = 1023
"""One less than SQL Server has: a staging table has one more than its table."""

_LEAST_KEY_TEXT = 32
_ROW_HEAD = 9
_PLAIN: Mapping[str, tuple[str, int]] = {
    "bool": ("bit", 1),
    "int16": ("smallint", 2),
    "int32": ("int", 4),
    "int64": ("bigint", 8),
    "double": ("float(53)", 8),
    "date32[day]": ("date", 3),
    "time64[us]": ("time(7)", 5),
    "timestamp[us]": ("datetime2(7)", 8),
    "timestamp[us, tz=UTC]": ("datetime2(7)", 8),
}


def storage(column: Column) -> str:
    """The type of a column outside the key that holds the values exactly. An instant is kept as UTC."""
    if pa.types.is_string(column.type):
        short = column.length is not None and column.length <= LONGEST_TEXT
        return f"nvarchar({column.length if short else 'max'})"
    if pa.types.is_binary(column.type):
        return "varbinary(max)"
    if pa.types.is_decimal(column.type):
        return f"decimal({column.type.precision},{column.type.scale})"
    return _PLAIN[str(column.type)][0]


def key_storage(schema: TableSchema) -> Mapping[str, str]:
    """The types of the key columns: texts and bytes without a length share what the other columns leave of the key.

    ConfigurationError that names the columns if no index can hold such a key.
    """
    columns = [schema.column(name) for name in schema.key]
    fixed = sum(_key_bytes(column) or 0 for column in columns)
    open_ended = [column for column in columns if _key_bytes(column) is None]
    # A key in the table's own order where it fits.
    room = next((limit - fixed for limit in (CLUSTERED_KEY, OTHER_KEY) if _suffices(limit - fixed, open_ended)), None)
    if room is None:
        raise ConfigurationError(
            f"the key ({', '.join(schema.key)}) is longer than the {OTHER_KEY} bytes that SQL Server indexes: "
            + ", ".join(f"{column.name} is {column.type_name}" for column in columns),
            hint="A text takes two bytes a character. Declare its real length, as in text(30), or choose another key.",
        )
    share = room // len(open_ended) if open_ended else 0
    return {column.name: _key_type(column, share) for column in columns}


def is_clustered(schema: TableSchema) -> bool:
    """Whether the key fits the table's own order."""
    columns = [schema.column(name) for name in schema.key]
    fixed = sum(_key_bytes(column) or 0 for column in columns)
    open_ended = [column for column in columns if _key_bytes(column) is None]
    return _suffices(CLUSTERED_KEY - fixed, open_ended)


def check_limits(table_name: str, schema: TableSchema) -> None:
    """ConfigurationError, naming what is too large, for a table that SQL Server cannot have."""
    if len(schema.columns) > MOST_COLUMNS:
        raise ConfigurationError(
            f"{table_name}: {len(schema.columns):,} columns, where a SQL Server table can have {MOST_COLUMNS:,} here",
            hint="Leave out the columns that nobody reads.",
        )
    key_storage(schema)
    total = _ROW_HEAD + (len(schema.columns) + 7) // 8
    for column in schema.columns:
        total += _row_bytes(column)
        if total > ROW:
            raise ConfigurationError(
                f"{table_name}.{column.name}: with this column a row is longer than the {ROW:,} bytes that SQL Server "
                "keeps on a page",
                hint="Leave out columns, or choose narrower types.",
            )


def _suffices(room: int, open_ended: list[Column]) -> bool:
    return room >= 0 if not open_ended else room // len(open_ended) >= 2 * _LEAST_KEY_TEXT


def _key_bytes(column: Column) -> int | None:
    """The bytes that a column takes of a key at most; None if it takes what there is."""
    if pa.types.is_string(column.type):
        return None if column.length is None else 2 * column.length
    if pa.types.is_binary(column.type):
        return None
    return _fixed_bytes(column)


def _key_type(column: Column, share: int) -> str:
    if pa.types.is_binary(column.type):
        return f"varbinary({share})"
    if pa.types.is_string(column.type) and column.length is None:
        return f"nvarchar({share // 2})"
    return storage(column)


def _row_bytes(column: Column) -> int:
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        return 2
    return _fixed_bytes(column)


def _fixed_bytes(column: Column) -> int:
    if pa.types.is_decimal(column.type):
        return next(size for digits, size in ((9, 5), (19, 9), (28, 13), (38, 17)) if column.type.precision <= digits)
    return _PLAIN[str(column.type)][1]
