"""How a column of staging meets its column of the table: assigned, found by its key, compared exactly.

Three traps are dealt with here. `=` ignores trailing blanks of texts and trailing zeros of bytes, so lengths are
compared too. Texts are compared in the collation of the column, so that its index serves, and code point by code
point besides. And a column of a table that others made has its own type: what is staged is converted to that type
(never the other way round, which would keep the index from being used).
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_names import quote

Exactness = Literal["plain", "text", "bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column on its way. `source` is the quoted name where it comes from, of the type `staged`; `stored` is
    the type that the table keeps it in, in `collation`. `padded` says that this type fills up with blanks."""

    name: str
    type: pa.DataType
    source: str
    staged: str
    stored: str
    collation: str | None = None
    source_collation: str | None = None
    padded: bool = False
    nullable: bool = True

    @property
    def target(self) -> str:
        """The quoted name in the table."""
        return quote(self.name)

    @property
    def exactness(self) -> Exactness:
        """What has to be seen to when values are compared."""
        if self.stored.startswith(("nvarchar", "varchar", "nchar", "char")):
            return "text"
        return "bytes" if self.stored.startswith("varbinary") else "plain"

    @property
    def converted(self) -> bool:
        """Whether the table keeps another type than is staged."""
        return _family(self.staged) != _family(self.stored)

    def within(self) -> "Field":
        """The same column on its way from a table that has the names and types of the table itself."""
        return Field(
            name=self.name,
            type=self.type,
            source=self.target,
            staged=self.stored,
            stored=self.stored,
            collation=self.collation,
            source_collation=self.collation,
            padded=self.padded,
            nullable=self.nullable,
        )


def value(field: Field) -> str:
    """What is assigned to the column, from the row `s`."""
    return f"CONVERT({field.stored}, {_readable(field)})" if field.converted else f"s.{field.source}"


def same(field: Field, features: Features) -> list[str]:
    """The conditions under which `t` and `s` have the same value of a key column; an index serves the first."""
    left, right = f"t.{field.target}", value(field)
    if field.exactness == "plain":
        return [f"{left} = {right}"]
    if field.exactness == "bytes":
        return [f"{left} = {right}", f"DATALENGTH({left}) = DATALENGTH({right})"]
    own = f" COLLATE {field.collation}" if field.collation and field.collation != field.source_collation else ""
    conditions = [f"{left} = {right}{own}"]
    if field.collation != features.collation:
        conditions.append(f"{left}{features.exact} = {right}{features.exact}")
    if not field.padded:
        conditions.append(f"DATALENGTH({left}) = DATALENGTH({right})")
    return conditions


def differs(field: Field, features: Features) -> str:
    """Whether the rows `t` and `s` have different values in a column; null and null are the same."""
    left, right = f"t.{field.target}", value(field)
    exact = features.exact if field.exactness == "text" else ""
    unlike = [f"{left}{exact} <> {right}{exact}"]
    if field.exactness != "plain" and not field.padded:
        unlike.append(f"DATALENGTH({left}) <> DATALENGTH({right})")
    if field.nullable:
        source = f"s.{field.source}"
        unlike.append(f"({left} IS NULL AND {source} IS NOT NULL)")
        unlike.append(f"({left} IS NOT NULL AND {source} IS NULL)")
    return " OR ".join(unlike)


def loses(field: Field, features: Features) -> str | None:
    """Whether the table's type changes the value of the row `s`; None if it never does."""
    if not field.converted:
        return None
    convert = "TRY_CONVERT" if features.try_convert else "CONVERT"
    source = f"s.{field.source}"
    there = f"{convert}({field.stored}, {_readable(field)})"
    back = f"CONVERT({field.staged}, {there})"
    exact = features.exact if pa.types.is_string(field.type) else ""
    unlike = f"{back}{exact} <> {source}{exact}"
    if field.exactness != "plain" and not field.padded:
        unlike += f" OR DATALENGTH({back}) <> DATALENGTH({source})"
    if field.stored == "uniqueidentifier":
        # Its letters come back in capitals, whatever they were.
        unlike = f"UPPER({back}){exact} <> UPPER({source}){exact}"
    return f"{source} IS NOT NULL AND ({there} IS NULL OR {unlike})"


def _readable(field: Field) -> str:
    """The staged value; a text in the column's collation, whose code page it is converted to."""
    return f"s.{field.source} COLLATE {field.collation}" if field.collation else f"s.{field.source}"


def _family(declared: str) -> str:
    """Types within one family hold the same values but for their length, which is checked before."""
    if declared.startswith("nvarchar"):
        return "nvarchar"
    if declared.startswith("varbinary"):
        return "varbinary"
    return declared.replace("numeric(", "decimal(")
