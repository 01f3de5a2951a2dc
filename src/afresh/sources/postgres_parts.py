"""Cuts a read of a PostgreSQL table: by the blocks that it lies in, or by ranges of a column.

Blocks need no key, read each page once, and are even however the keys are spread. Ranges are cut at quantiles of a
sample of rows, so that they hold about as many rows each, however uneven the values are.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from afresh.core.errors import ConfigurationError
from afresh.core.select import AllOf, Predicate, Raw, Select
from afresh.sources.postgres_catalogue import columns_sql, relation
from afresh.sources.postgres_session import Connection
from afresh.sources.postgres_texts import DIALECT, text
from afresh.sources.render import quote

_SAMPLE_ROWS = 30_000
_LEAST_BLOCKS = 8
"""Fewer blocks than this for each part are not worth a session."""
_PLACE = """
SELECT c.relkind::text, a.amname = 'heap', pg_relation_size(c.oid) / current_setting('block_size')::bigint,
    c.reltuples::float8
FROM pg_class AS c LEFT JOIN pg_am AS a ON a.oid = c.relam WHERE c.oid = ({relation})
"""
_SAMPLED = ("r", "p", "m")
_STORED = ("r", "m")


def cut(connection: Connection, select: Select, count: int) -> tuple[Select, ...]:
    """At most so many selects that together have each row once; one where the table cannot be cut."""
    found = connection.execute(_PLACE.format(relation=relation(select.table)).encode()).fetchone()
    if found is None or count < 2:
        return (select,)
    kind, heap, blocks, rows = found
    if select.partition_by is not None:
        conditions = _ranges(connection, select, count, rows) if kind in _SAMPLED else ()
    else:
        conditions = _blocks(blocks, count) if kind in _STORED and heap else ()
    return tuple(_where(select, condition) for condition in conditions) or (select,)


def _blocks(blocks: int, count: int) -> tuple[str, ...]:
    """The last part has no end: it takes what the file has grown by since."""
    count = min(count, blocks // _LEAST_BLOCKS)
    if count < 2:
        return ()
    bounds = [f"'({blocks * place // count},0)'::tid" for place in range(1, count)]
    return _between("ctid", bounds, "")


def _ranges(connection: Connection, select: Select, count: int, rows: float) -> tuple[str, ...]:
    """Bounds are values of the column; a value that fills several parts is one bound."""
    known = {name: declared for name, declared, _ in connection.execute(columns_sql(select.table).encode())}
    if select.partition_by is None or select.partition_by not in known:
        raise ConfigurationError(
            f"{select.table}: there is no column {select.partition_by!r} to cut by, or the account may not read it",
            hint=f"Correct `partition_by`; there are: {', '.join(known)}.",
        )
    declared = known[select.partition_by]
    column = quote(select.partition_by, DIALECT)
    bounds = [f"{text(bound)}::{declared}" for bound in _quantiles(connection, select, column, count, rows)]
    return _between(column, bounds, f" OR {column} IS NULL") if bounds else ()


def _quantiles(connection: Connection, select: Select, column: str, count: int, rows: float) -> Sequence[str]:
    """Values between which about as many rows of the table lie each; the sample is of whole blocks, and small."""
    percent = 100.0 if rows <= _SAMPLE_ROWS else max(100.0 * _SAMPLE_ROWS / rows, 0.001)
    shares = ", ".join(f"{place / count:.6f}" for place in range(1, count))
    owner = f"{quote(select.table.schema, DIALECT)}." if select.table.schema else ""
    table = owner + quote(select.table.name, DIALECT)
    found = connection.execute(
        f"SELECT DISTINCT q.bound::text, q.bound FROM (SELECT unnest(percentile_disc(ARRAY[{shares}]) "
        f"WITHIN GROUP (ORDER BY {column})) AS bound FROM {table} TABLESAMPLE SYSTEM ({percent:.6f})) AS q "
        "WHERE q.bound IS NOT NULL ORDER BY q.bound".encode()
    ).fetchall()
    return [bound for bound, _ in found]


def _between(column: str, bounds: Sequence[str], nulls: str) -> tuple[str, ...]:
    """Conditions for below the first bound (nulls are there), between them, and from the last one on."""
    inner = [f"{column} >= {low} AND {column} < {high}" for low, high in pairwise(bounds)]
    return (f"{column} < {bounds[0]}{nulls}", *inner, f"{column} >= {bounds[-1]}")


def _where(select: Select, condition: str) -> Select:
    parts: tuple[Predicate, ...] = (Raw(condition),) if select.where is None else (select.where, Raw(condition))
    return replace(select, where=AllOf(parts) if len(parts) > 1 else parts[0])
