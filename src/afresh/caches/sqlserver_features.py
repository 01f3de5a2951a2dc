"""What the server at hand can do, found out by trying; nothing here is taken from its version or name."""

from dataclasses import dataclass
from enum import StrEnum


class Bulk(StrEnum):
    """How rows are loaded: by the driver's bulk copy of Arrow data, of tuples, or by bound inserts."""

    ARROW = "arrow"
    ROWS = "rows"
    INSERTS = "inserts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features that SQL Server has and a server that speaks its language may lack.

    `collation` compares texts code point by code point; None if the server has no such collation. `hints` stands
    for UPDLOCK with HOLDLOCK. `atomic_ddl` says that a rollback undoes what was created.
    """

    collation: str | None = "Latin1_General_100_BIN2"
    hints: bool = True
    try_convert: bool = True
    truncate: bool = True
    switch: bool = True
    disable_index: bool = True
    rebuild_index: bool = True
    atomic_ddl: bool = True
    staging_schema: str = "afresh"
    bulk: Bulk = Bulk.ARROW

    @property
    def locked(self) -> str:
        """What follows a table's name so that the rows looked at, and the gaps between them, stay as they are."""
        return " WITH (UPDLOCK, HOLDLOCK)" if self.hints else ""

    @property
    def exact(self) -> str:
        """What follows a text so that it is compared exactly."""
        return f" COLLATE {self.collation}" if self.collation else ""
