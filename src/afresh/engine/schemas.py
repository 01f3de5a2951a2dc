"""What the syncs of this process saw of the columns of source and cache."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime

from afresh.core.drift import Drift
from afresh.core.schema import TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSeen:
    """The columns that the source was seen to have, and what the cache table lacked.

    `looked_at` is when the source was last asked; `compared_at` when a sync last compared the answer with the cache.
    `lacked` are columns of the source that the cache table lacked, the last time it lacked any; the sync that sees it
    adds them.
    """

    schema: TableSchema
    looked_at: datetime
    compared_at: datetime
    differences: tuple[str, ...] = ()
    lacked: tuple[str, ...] = ()
    lacked_at: datetime | None = None


class Schemas:
    """Remembers the last comparison of each table, from whatever thread; asks nobody anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, SchemaSeen] = {}

    def note(self, table_name: str, schema: TableSchema, drift: Drift, at: datetime) -> None:
        """A sync of the table compares source and cache now."""
        with self._lock:
            before = self._seen.get(table_name)
            # A fetcher that has asked again gives another object, also where it says the same.
            same = before is not None and before.schema is schema
            lacked = tuple(column.name for column in drift.added) if not drift.differences else ()
            now = SchemaSeen(
                schema=schema,
                looked_at=before.looked_at if before is not None and same else at,
                compared_at=at,
                differences=drift.differences,
                lacked=lacked,
                lacked_at=at if lacked else None,
            )
            if before is not None and not lacked:
                now = replace(now, lacked=before.lacked, lacked_at=before.lacked_at)
            self._seen[table_name] = now

    def of(self, table_name: str) -> SchemaSeen | None:
        """What was last seen of a table; None before its first sync in this process."""
        with self._lock:
            return self._seen.get(table_name)
