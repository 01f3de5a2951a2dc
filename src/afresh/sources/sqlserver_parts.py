"""Cuts the read of a table into ranges of one column, by a sample of its pages: no sort, no count.

The parts are of equal size where the sample tells the truth; together they are the table whatever it tells.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from afresh.core.ports import TableInfo
from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Predicate, Select, Value
from afresh.sources.sqlserver_session import Session
from afresh.sources.sqlserver_types import parse

_SAMPLED_ROWS = 4_000
_CUTTABLE = (
    *("tinyint", "smallint", "int", "bigint", "decimal", "numeric", "money", "smallmoney"),
    *("date", "datetime", "smalldatetime", "datetime2"),
)
"""Types whose order is the same here and there; texts are ordered by collations."""


def cut(session: Session, place: str, select: Select, count: int, described: TableInfo | None) -> Sequence[Select]:
    """The select in at most that many ranges; the whole of a view, of a table that is small, or has no such column."""
    column = _column(select, described)
    if count <= 1 or column is None or described is None or described.rows is None or described.rows < count:
        return (select,)
    quoted = "[" + column.replace("]", "]]") + "]"
    percent = min(max(100 * _SAMPLED_ROWS / described.rows, 0.001), 100)
    sample = f"TABLESAMPLE ({percent:.3f} PERCENT)" if percent < 100 else ""
    found = session.attempt(
        f"SELECT TOP ({4 * _SAMPLED_ROWS}) {quoted} FROM {place} {sample} WHERE {quoted} IS NOT NULL"
    )
    values: list[Value] = [_exact(row[0]) for row in found]
    ordered = sorted(values)
    if not ordered:
        return (select,)
    borders = list(dict.fromkeys(ordered[len(ordered) * number // count] for number in range(1, count)))
    return _between(select, column, borders)


def before(now: datetime, microseconds: object) -> datetime:
    """The instant so long before; the same if there is nothing to go back for."""
    return now - timedelta(microseconds=int(str(microseconds))) if microseconds is not None else now


def _column(select: Select, described: TableInfo | None) -> str | None:
    if described is None:
        return None
    name = select.partition_by or (described.key[0] if described.key else None)
    kinds = {column.name: parse(column.declared).name for column in described.columns}
    return name if name is not None and kinds.get(name) in _CUTTABLE else None


def _exact(value: object) -> Value:
    assert isinstance(value, int | Decimal | datetime) or hasattr(value, "year")
    return value  # type: ignore[return-value]  # one of the types above


def _between(select: Select, column: str, borders: Sequence[Value]) -> Sequence[Select]:
    """The ranges between borders; nulls belong to the first."""
    lower: list[Predicate] = [Compare((column,), ">=", border) for border in borders]
    upper: list[Predicate] = [Compare((column,), "<", border) for border in borders]
    first = AnyOf((upper[0], IsNull((column,))))
    middle = [AllOf((lower[place], upper[place + 1])) for place in range(len(lower) - 1)]
    own = [] if select.where is None else [select.where]
    return tuple(replace(select, where=AllOf((*own, part))) for part in (first, *middle, lower[-1]))
