"""What is read from a source, as data; each source writes it as SQL of its own.

A fetcher builds a `Select` (or passes on a user's `Query`), a source renders and reads it. Column and table names are
only ever quoted, values only ever bound; the one text that reaches a statement as it is written is `Raw`, which
comes from the configuration (`where`) and has passed the read-only gate.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import pyarrow as pa

Value = int | str | Decimal | date | datetime
"""A bound value. A naive datetime is a wall clock reading of the source, an aware one an instant."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A table of a source, with its schema (owner) if it needs one."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Policy(StrEnum):
    """What happens to a value that its column's type cannot hold exactly. Whatever it is, it is counted."""

    STOP = "stop"
    """The sync fails and names the row."""
    NULL = "null"
    """The value is left out: null."""
    CLAMP = "clamp"
    """The nearest value that the type can hold takes its place; the sync fails where there is none."""
    TEXT = "text"
    """The column arrives as text, whatever the source's type is; every value has a text."""
    QUARANTINE = "quarantine"
    """The row is left out and written to the side table `DataQuarantine`, with the reason."""


@dataclass(frozen=True, slots=True)
class Output:
    """One column to read: its name in the source, its name in the result, the type it must arrive as.

    `declared` is the source's own name of the column's type, as its catalogue told it (empty: not known); a source
    reads by it which cast makes the value arrive exactly. `policy` says what happens to a value that does not fit.
    """

    column: str
    name: str
    type: pa.DataType
    declared: str = ""
    policy: Policy = Policy.STOP


@dataclass(frozen=True, slots=True)
class Compare:
    """`COALESCE(columns...) operator value`; one column needs no COALESCE, so that an index can serve it."""

    columns: tuple[str, ...]
    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    value: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    """All of the columns are null."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of the predicates holds."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the predicates holds."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class Raw:
    """A condition in the source's own SQL, as the configuration gives it."""

    sql: str


Predicate = Compare | IsNull | AllOf | AnyOf | Raw


@dataclass(frozen=True, slots=True)
class Select:
    """A read of one table: no joins, no grouping, no sorting (a source is spared that).

    `partitions` asks for that many reads side by side, cut by ranges of the column `partition_by` (by default one
    that the source finds: of the key, or the place where a row lies). `snapshot` names a state of the database
    that several reads share; only the source that gave it understands it.
    """

    table: TableName
    outputs: tuple[Output, ...]
    where: Predicate | None = None
    partitions: int = 1
    partition_by: str | None = None
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT of the user's; `:minimum_dt` in it is bound to the value, or to null for everything.

    `outputs` name its result columns and the types they must arrive as; empty means: as the source describes them.
    """

    sql: str
    minimum_dt: Value | None
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as a source sends it, with its bound parameters."""

    sql: str
    parameters: tuple[object, ...] = ()
