"""Makes a sample source: one SQLite file with the 16 known JD Edwards tables and `MisData`."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from afresh.core.errors import ConfigurationError
from afresh.jde.catalogue import tables
from afresh.sample import cardex, masters, mis, orders
from afresh.sample.columns import Columns, Values
from afresh.sample.draws import Ints
from afresh.sample.scale import MIS_DATA, TABLES, row_counts
from afresh.sample.tables import complete, create_sql, index_sql, literal, prefix, quoted
from afresh.sample.traps import Trap, traps
from afresh.sample.wall import Wall, reading_seconds
from afresh.sample.world import World

Progress: TypeAlias = Callable[[str, int], None]
"""Told a table and the rows it has so far."""

_CHUNK = 20_000
_NO_COUNTS: Mapping[str, int] = MappingProxyType({})

_ROWS: Mapping[str, Callable[[World, Ints], Columns]] = MappingProxyType(
    {
        "F0005": masters.codes,
        "F0006": masters.business_units,
        "F0101": masters.addresses,
        "F4101": masters.items,
        "F4102": masters.item_branches,
        "F4104": masters.cross_references,
        "F41021": masters.locations,
        "F4108": masters.lots,
        "F3002": masters.bills,
        "F4801": orders.work_orders,
        "F3112": orders.routing,
        "F3111": orders.parts,
        "F31122": orders.hours,
        "F4311": orders.purchase_lines,
        "F4211": orders.sales_lines,
        MIS_DATA: mis.results,
        "F4111": cardex.moves,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSummary:
    """What was made."""

    path: Path
    rows: Mapping[str, int]
    """Rows of each table, its traps included."""
    traps: tuple[Trap, ...]
    """The traps in these tables, and those of the simulator."""
    size_bytes: int

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


def create(
    path: Path,
    *,
    now: datetime,
    rows: int = 200_000,
    seed: int = 1,
    time_zone: str = "America/Chicago",
    progress: Progress | None = None,
    only: Sequence[str] = (),
    table_rows: Mapping[str, int] = _NO_COUNTS,
    stamp_indexes: bool = False,
    invalid_dates: bool = False,
) -> SampleSummary:
    """Makes the file with about that many rows in all; the same arguments make the same rows.

    Rows are stamped in the zone's wall clock over the two years before `now`. `table_rows` sets the size of single
    tables, `only` leaves out all others. `stamp_indexes` adds indexes led by the change stamp, which real sites do
    not have. `invalid_dates` adds rows with dates that are none. Memory does not depend on the number of rows. The
    file appears when it is complete; ConfigurationError if there is one already, or the sizes cannot be.
    """
    if path.exists():
        raise ConfigurationError(f"{path} exists already", hint="Delete it or choose another place.")
    counts = row_counts(rows, table_rows)
    chosen = _chosen(only)
    zone = ZoneInfo(time_zone)
    present = reading_seconds(now.astimezone(zone).replace(tzinfo=None))
    world = World(seed=seed, counts=counts, wall=Wall(now=present))
    held = tuple(t for t in traps(now, zone, invalid_dates=invalid_dates) if t.table in chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as directory:
        making = Path(directory) / path.name
        with closing(_open(making)) as connection:
            made = {name: _make(connection, name, world, held, progress) for name in chosen}
            for name in chosen:
                for statement in index_sql(name, stamps=stamp_indexes):
                    connection.execute(statement)
            connection.execute("ANALYZE")  # so that a reader can tell about how many rows there are, without counting
            connection.execute("PRAGMA journal_mode = WAL")
        making.replace(path)
    return SampleSummary(path=path, rows=made, traps=held, size_bytes=path.stat().st_size)


def _chosen(only: Sequence[str]) -> tuple[str, ...]:
    for name in only:
        if name not in TABLES:
            raise ConfigurationError(f"the sample has no table {name!r}", hint=f"The tables are: {', '.join(TABLES)}.")
    return tuple(name for name in TABLES if not only or name in only)


def _open(path: Path) -> sqlite3.Connection:
    """A connection that is fast and unsafe: a file that is not completed is thrown away."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection


def _make(
    connection: sqlite3.Connection, name: str, world: World, held: Sequence[Trap], progress: Progress | None
) -> int:
    """Makes and fills one table; returns its rows.

    It starts with the columns that the rows fill, so that they stay short; the others come after.
    """
    first = _names(name, _ROWS[name](world, np.arange(0)))
    connection.execute(create_sql(name, first))
    connection.execute("BEGIN")
    done = 0
    for chunk in _chunks(world.counts[name]):
        _insert(connection, name, first, _ROWS[name](world, chunk), len(chunk))
        done += len(chunk)
        if progress:
            progress(name, done)
    connection.execute("COMMIT")
    if name != MIS_DATA:
        complete(connection, name, first)
    return done + _add_traps(connection, name, held)


def _chunks(count: int) -> Iterator[Ints]:
    for start in range(0, count, _CHUNK):
        yield np.arange(start, min(start + _CHUNK, count))


def _names(name: str, columns: Columns) -> list[str]:
    before = "" if name == MIS_DATA else prefix(tables()[name])
    key = () if name == MIS_DATA else tables()[name].key
    filled = [before + alias for alias in columns]
    return [*filled, *(column for column in key if column not in filled)]


def _insert(connection: sqlite3.Connection, name: str, first: Sequence[str], columns: Columns, count: int) -> None:
    """Inserts rows; values that are the same for all of them stand in the statement."""
    each: list[Sequence[Any]] = []
    values = []
    for value in columns.values():
        if isinstance(value, int | str):
            values.append(literal(value))
        else:
            values.append("?")
            each.append(_listed(value))
    names = ", ".join(quoted(column) for column in first[: len(columns)])
    statement = f"INSERT INTO {quoted(name)} ({names}) VALUES ({', '.join(values)})"
    connection.executemany(statement, zip(*each, strict=True))


def _listed(values: Values) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values  # type: ignore[return-value]


def _add_traps(connection: sqlite3.Connection, name: str, held: Sequence[Trap]) -> int:
    rows = [row for trap in held if trap.table == name for row in trap.rows]
    for row in rows:
        names = ", ".join(quoted(column) for column in row)
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {quoted(name)} ({names}) VALUES ({marks})", tuple(row.values()))
    return len(rows)
