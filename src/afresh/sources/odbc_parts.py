"""Cuts the read of a table over ODBC into ranges of its key, where the database keeps its rows in the key's order.

The borders are found by walking along the key, row by row and without a sort: so parts are of equal size, as far as the
database's estimate of the rows is right; together they are the table, whatever it says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pyarrow as pa

from afresh.core.ports import SourceColumn
from afresh.core.select import AllOf, Predicate, Raw, Select
from afresh.sources.odbc_catalogue import SMALL, Teller
from afresh.sources.odbc_session import Session
from afresh.sources.render import quote


def cut(session: Session, teller: Teller, select: Select, count: int) -> Sequence[Select]:
    """The select in at most that many ranges of the key's first column; the whole where that holds no whole numbers,
    or another column is asked for, which the rows do not lie in the order of."""
    found = teller.table(session, select.table)
    if count < 2 or found is None or not found.key or found.rows is None or found.rows < count:
        return (select,)
    column = next(column for column in found.columns if column.name == found.key[0])
    if select.partition_by not in (None, column.name) or not _counts(column):
        return (select,)
    name = f"{quote(select.table.name, teller.dialect)}.{quote(column.name, teller.dialect)}"
    borders = list(_borders(session, teller, select, name, count - 1, found.rows // count))
    if not borders:
        return (select,)
    inner = (f"{name} >= {low} AND {name} < {high}" for low, high in pairwise(borders))
    conditions = (f"{name} < {borders[0]}", *inner, f"{name} >= {borders[-1]}")
    return tuple(_where(select, Raw(condition)) for condition in conditions)


def _borders(session: Session, teller: Teller, select: Select, name: str, count: int, rows: int) -> Iterator[int]:
    """At most so many values of the key, about so many rows from each other."""
    owner = f"{quote(select.table.schema, teller.dialect)}." if select.table.schema else ""
    place = f"{owner}{quote(select.table.name, teller.dialect)}"
    before = ""
    for _ in range(count):
        sql = f"SELECT CAST({name} AS CHAR(20)) FROM {place}{before} ORDER BY {name} LIMIT 1 OFFSET {rows}"
        answer = session.rows(sql, SMALL)
        if not answer:
            return
        border = int(answer[0][0])
        if before != (before := f" WHERE {name} >= {border}"):
            yield border


def _counts(column: SourceColumn) -> bool:
    kind = column.type
    return pa.types.is_integer(kind) or (pa.types.is_decimal128(kind) and kind.scale == 0)


def _where(select: Select, condition: Predicate) -> Select:
    where = condition if select.where is None else AllOf((select.where, condition))
    return replace(select, where=where)
