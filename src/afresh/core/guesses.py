"""What the columns of a table suggest: which may tell when a row was changed, and whose types need a decision.

Names and types only: no row is looked at, so each guess comes with its reason, for a person to judge.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from afresh.core.ports import SourceColumn
from afresh.core.schema import DATETIME, TIMESTAMP

_TAIL = r"(?:_?(?:at|on|by_?date|date(?:_?time)?|dt|dttm|time(?:_?stamp)?|ts|utc|tmstmp|stamp))?"
_CHANGED = re.compile(
    rf"(?:.*_)?(?:sys|row|rec|record)?_?(?:last|date|time|dt|dte)?_?"
    rf"(?:upd|update|updated|mod|modif|modified|modification|chg|change|changed|edited|touched|maint){_TAIL}",
    re.IGNORECASE,
)
_CREATED = re.compile(
    rf"(?:.*_)?(?:sys|row|rec|record)?_?(?:date|dt|time)?_?"
    rf"(?:create|created|creation|crt|insert|inserted|added|entry|entered){_TAIL}",
    re.IGNORECASE,
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BARE = re.compile(r"(?:number|numeric|decimal|dec)", re.IGNORECASE)
_LARGE = re.compile(r".*(?:lob|image|bytea|varbinary\(max\)|long|xml|json).*", re.IGNORECASE)
_VERSION = re.compile(r"rowversion", re.IGNORECASE)
_FLOAT = re.compile(r"(?:float|real|double).*", re.IGNORECASE)
_MONEY = re.compile(r"(?:small)?money", re.IGNORECASE)

STAMPS = (TIMESTAMP, DATETIME, pa.date32())


@dataclass(frozen=True, slots=True, kw_only=True)
class StampGuess:
    """A column that may be the last-update column. `cursor_type` is what has to be said of it where its own type does
    not tell; `sure` if nothing but a person's word is missing."""

    column: str
    reason: str
    nullable: bool
    creation: bool = False
    cursor_type: str | None = None
    sure: bool = False


def stamps(columns: Sequence[SourceColumn]) -> tuple[StampGuess, ...]:
    """The candidates, likeliest first; those that tell a change before those that tell a creation."""
    found = [guess for column in columns if (guess := _stamp(column)) is not None]
    return tuple(sorted(found, key=lambda guess: (guess.creation, not guess.sure)))


def doubts(columns: Sequence[SourceColumn]) -> tuple[tuple[str, str], ...]:
    """Columns whose types need a decision, each with what is assumed and what may be said instead."""
    return tuple((column.name, reason) for column in columns for reason in _doubts(column))


def _stamp(column: SourceColumn) -> StampGuess | None:
    name = "_".join(_WORDS.split(column.name))
    if _VERSION.fullmatch(column.declared):
        return None
    creation = _CHANGED.fullmatch(name) is None
    if creation and _CREATED.fullmatch(name) is None:
        return None
    told = "was created" if creation else "was changed"
    if column.type in STAMPS:
        kind = column.declared or str(column.type)
        return StampGuess(
            column=column.name,
            reason=f"it is named like the time when a row {told}, and is a {kind}",
            nullable=column.nullable,
            creation=creation,
            sure=not creation,
        )
    if pa.types.is_string(column.type) and not name.lower().endswith("by"):
        return StampGuess(
            column=column.name,
            reason=f"it is named like the time when a row {told}, but is a text; if it holds readings such as "
            "2026-01-31 12:00:00, give it a type",
            nullable=column.nullable,
            creation=creation,
            cursor_type="datetime",
        )
    return None


def _doubts(column: SourceColumn) -> Iterator[str]:
    declared = column.declared.strip()
    if not declared and pa.types.is_string(column.type):
        yield "the source declares no type; it is read as text"
    elif _BARE.fullmatch(declared):
        yield f"a bare {declared} says nothing of its digits; it is read as {_named(column.type)}"
    elif _FLOAT.fullmatch(declared):
        yield f"{declared} is binary floating point; if these are amounts, say how many digits count"
    elif _MONEY.fullmatch(declared):
        yield f"{declared} is read as {_named(column.type)}"
    elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type) or _LARGE.fullmatch(declared):
        yield f"{declared or 'binary'} may be large; leave it out of `columns` if nobody needs it"
    elif pa.types.is_decimal(column.type) and column.type.precision == 38 and "38" not in declared:
        yield f"{declared} has more digits than a decimal; it is read as {_named(column.type)}"


def _named(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return str(kind)
