"""Cuts the read of a table into ranges, by a sample of its blocks: no sort, no count, no right beyond SELECT.

The parts are of equal size where the sample tells the truth; together they are the table whatever it tells.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from afresh.core.ports import TableInfo
from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Predicate, Raw, Select, Value
from afresh.sources.oracle_session import Session

_SAMPLED_ROWS = 4000
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ORDER = {digit: number for number, digit in enumerate(_DIGITS)}
_SCN = "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL"


def scn(session: Session) -> str:
    """The number of the database's present state."""
    return str(int(session.rows(_SCN)[0][0]))


def cut(session: Session, select: Select, count: int, described: TableInfo | None) -> Sequence[Select]:
    """The select in at most that many ranges; the whole of a view, or of a table too small to be worth it."""
    if count <= 1 or described is None or described.rows is None or described.rows < count:
        return (select,)
    percent = min(max(100 * _SAMPLED_ROWS / described.rows, 0.001), 99.999)
    place = ".".join(_quoted(part) for part in (select.table.schema, select.table.name) if part)
    column = _quoted(select.partition_by) if select.partition_by else "ROWIDTOCHAR(ROWID)"
    found = [
        value
        for (value,) in session.rows(f"SELECT {column} FROM {place} SAMPLE BLOCK ({percent:.3f})")
        if value is not None
    ]
    if select.partition_by:
        borders = _borders(
            [value for value in found if isinstance(value, int | float | Decimal | str | datetime)], count
        )
        return _ranges(select, select.partition_by, borders)
    by_place = _borders(found, count, key=lambda rowid: [_ORDER.get(digit, 0) for digit in rowid])
    return _rowid_ranges(select, by_place)


def _borders(sample: list[Any], count: int, key: Any = None) -> list[Any]:
    """Values that cut the sample into parts of equal size; fewer where many rows have one value."""
    ordered = sorted(sample, key=key)
    if not ordered:
        return []
    places = (len(ordered) * number // count for number in range(1, count))
    return list(dict.fromkeys(ordered[place] for place in places))


def _rowid_ranges(select: Select, borders: Sequence[str]) -> Sequence[Select]:
    def at(rowid: str, operator: str) -> Predicate:
        return Raw(f"ROWID {operator} CHARTOROWID('{''.join(digit for digit in rowid if digit in _ORDER)}')")

    return _between(select, [at(border, ">=") for border in borders], [at(border, "<") for border in borders], None)


def _ranges(select: Select, column: str, borders: Sequence[Any]) -> Sequence[Select]:
    values: list[Value] = [Decimal(repr(border)) if isinstance(border, float) else border for border in borders]
    lower: list[Predicate] = [Compare((column,), ">=", value) for value in values]
    upper: list[Predicate] = [Compare((column,), "<", value) for value in values]
    return _between(select, lower, upper, IsNull((column,)))


def _between(
    select: Select, lower: Sequence[Predicate], upper: Sequence[Predicate], nulls: Predicate | None
) -> Sequence[Select]:
    """The ranges between borders; nulls belong to the first."""
    if not lower:
        return (select,)
    first: Predicate = AnyOf((upper[0], nulls)) if nulls is not None else upper[0]
    middle = [AllOf((lower[place], upper[place + 1])) for place in range(len(lower) - 1)]
    own = [] if select.where is None else [select.where]
    return tuple(replace(select, where=AllOf((*own, part))) for part in (first, *middle, lower[-1]))


def _quoted(name: str | None) -> str:
    return '"' + (name or "").replace('"', '""') + '"'
