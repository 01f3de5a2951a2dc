"""What a merge is about to write into a DuckDB table, and which way of writing takes less."""

from dataclasses import dataclass

import pyarrow as pa

from afresh.caches.duckdb_file import ROW_GROUP
from afresh.core.schema import TableSchema

_INSERTED = 3
"""What an inserted value takes, told in values that a checkpoint writes anew because their row group was updated:
inserted ones go through the log, too."""
_HELD_BYTES = 32
"""What an updated value takes of the memory at most until the transaction ends: as it was, and as it is."""
_MEMORY_SHARE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """How many rows are to be changed, the columns in which they differ from the table, and in how many row groups of
    it they are, if that is known; and how many rows are new."""

    changed: int
    new: int
    columns: tuple[str, ...]
    groups: int | None

    def fits_in_place(self, schema: TableSchema, memory: int) -> bool:
        """Whether to update the rows that changed takes less than to delete them and insert them anew, and a small part
        of the memory, in bytes, that DuckDB has.

        An update writes the columns that it changes, of all rows of the row groups that it touches. That is less where
        the rows lie together and differ in a few columns, as those of most windows; scattered ones are in all row
        groups. Columns of texts are left to inserts: DuckDB reads their old values piece by piece before it
        updates them, which takes ten times as long as those of numbers. So are doubles, because it updates none from
        0.0 to -0.0.
        """
        if self.groups is None or any(_left_to_inserts(schema.column(name).type) for name in self.columns):
            return False
        updated, inserted = self.changed * len(self.columns), self.changed * len(schema.columns)
        rewritten = self.groups * ROW_GROUP * len(self.columns)
        return rewritten <= inserted * _INSERTED and updated * _HELD_BYTES <= memory // _MEMORY_SHARE


def _left_to_inserts(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_floating(kind)
