"""Where a transaction of the simulator is put together: rows are picked, statements written, nothing is run yet."""

import sqlite3
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from afresh.jde.catalogue import tables
from afresh.sample.cardex import FIRST_MOVE_ID
from afresh.sample.changes import ChangeKind, Key, Operation, Stamp, Value
from afresh.sample.scale import MIS_DATA
from afresh.sample.tables import prefix, quoted
from afresh.sample.words import STATIONS, USERS, pad
from afresh.sample.world import FIRST_ADDRESS, FIRST_ITEM, FIRST_WORK_ORDER

Row: TypeAlias = dict[str, Any]
"""A row of the source by full column name."""

_TRIES = 8
_UPDATED = "LastUpdate"
_NEXT_NUMBERS = {
    "F4801": "WADOCO",
    "F3111": "WMUKID",
    "F31122": "WTUKID",
    "F4111": "ILUKID",
    "F4311": "PDDOCO",
    "F4211": "SDDOCO",
    MIS_DATA: "MisId",
}
_FIRST_ROWS = {
    "F4801": FIRST_WORK_ORDER,
    "F4101": FIRST_ITEM,
    "F0101": FIRST_ADDRESS,
    "F4111": FIRST_MOVE_ID,
}
"""Where the numbers of ordinary rows begin, behind those of the traps."""


def key_of(table: str, row: Mapping[str, Any]) -> Key:
    """The key of a row, as stored."""
    names = ("MisId",) if table == MIS_DATA else tables()[table].key
    return tuple(row[name] for name in names)


class NextNumbers:
    """Hands out numbers: never one twice, with gaps, and long before the rows that carry them are committed."""

    def __init__(self, connection: sqlite3.Connection, present: Set[str], random: Random) -> None:
        self._random = random
        self._last = {
            table: connection.execute(f"SELECT coalesce(max({quoted(column)}), 0) FROM {quoted(table)}").fetchone()[0]
            for table, column in _NEXT_NUMBERS.items()
            if table in present
        }

    def take(self, table: str) -> int:
        """The next number of a table's rows, or of its orders."""
        self._last[table] += self._random.choice((1, 1, 1, 2, 3))
        number: int = self._last[table]
        return number


@dataclass(slots=True, kw_only=True)
class Desk:
    """One transaction in the making. The stamp is the one taken when it was opened."""

    connection: sqlite3.Connection
    random: Random
    numbers: NextNumbers
    present: Set[str]
    taken: Set[tuple[str, Key]]
    """Rows that others are busy with, or that are to stay as they are."""
    stamp: Stamp
    in_order: bool = True
    """Whether rows with a later stamp are left alone."""
    operations: list[Operation] = field(default_factory=list)

    def pick(self, table: str, *, recent: bool = False) -> Row | None:
        """Some row that is free and not stamped later than now; None if none was found quickly.

        `recent` picks from the newest tenth.
        """
        high = self._extreme(table, "max")
        low = max(self._extreme(table, "min"), _FIRST_ROWS.get(table, 0))
        if recent:
            low = max(low, high - (high - low) // 10)
        for _ in range(_TRIES if low <= high else 0):
            row = self.first(table, "rowid >= ?", self.random.randint(low, high))
            if row is not None and self.free(table, row):
                return row
        return None

    def _extreme(self, table: str, which: str) -> int:
        found = self.connection.execute(f"SELECT {which}(rowid) FROM {quoted(table)}").fetchone()[0]
        return int(found or 0)

    def first(self, table: str, where: str, *values: Value) -> Row | None:
        """The first row for which that is so."""
        found = self.all(table, where, *values, limit=1)
        return found[0] if found else None

    def all(self, table: str, where: str, *values: Value, limit: int = 20) -> list[Row]:
        """The first rows for which that is so."""
        cursor = self.connection.execute(f"SELECT * FROM {quoted(table)} WHERE {where} LIMIT {limit}", values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def free(self, table: str, row: Row) -> bool:
        """Whether this transaction may change a row: nobody else is at it, and its stamp would not go back."""
        if (table, key_of(table, row)) in self.taken:
            return False
        return not self.in_order or self._not_later(table, row)

    def _not_later(self, table: str, row: Row) -> bool:
        if table == MIS_DATA:
            return str(row[_UPDATED] or row["MeasuredAt"]) <= self.stamp.latest_text
        stamp = tables()[table].stamp
        if stamp is None or stamp.time is None:
            return True
        return (row[stamp.date] or 0, row[stamp.time] or 0) <= self.stamp.latest

    # --------------------------------------------------------------------------------------------- statements

    def insert(self, table: str, template: Row, program: str = "", **values: Value) -> Row:
        """Adds a row like another one, but for some aliases and the stamp; returns it."""
        row = {**template, **self._named(table, values), **self._stamped(table, program, created=True)}
        columns = ", ".join(quoted(name) for name in row)
        sql = f"INSERT INTO {quoted(table)} ({columns}) VALUES ({', '.join('?' * len(row))})"
        self._add(ChangeKind.INSERT, table, key_of(table, row), sql, tuple(row.values()))
        return row

    def update(self, table: str, row: Row, program: str = "", **values: Value) -> None:
        """Changes some aliases of a row, and stamps it."""
        changed = {**self._named(table, values), **self._stamped(table, program, created=False)}
        self._set(ChangeKind.UPDATE, table, row, changed)

    def rewrite(self, table: str, row: Row, **values: Value) -> None:
        """Changes some aliases of a row without a stamp."""
        self._set(ChangeKind.REWRITE, table, row, self._named(table, values))

    def delete(self, table: str, row: Row) -> None:
        """Deletes a row."""
        key = key_of(table, row)
        self._add(ChangeKind.DELETE, table, key, f"DELETE FROM {quoted(table)} WHERE {_match(table)}", key)

    def _set(self, kind: ChangeKind, table: str, row: Row, changed: Row) -> None:
        assignments = ", ".join(f"{quoted(name)} = ?" for name in changed)
        sql = f"UPDATE {quoted(table)} SET {assignments} WHERE {_match(table)}"
        key = key_of(table, row)
        self._add(kind, table, key, sql, (*changed.values(), *key))

    def _add(self, kind: ChangeKind, table: str, key: Key, sql: str, values: tuple[Value, ...]) -> None:
        stamped = kind in (ChangeKind.INSERT, ChangeKind.UPDATE)
        stamp = self.stamp.instant if stamped else None
        self.operations.append(Operation(kind=kind, table=table, key=key, stamp=stamp, sql=sql, values=values))

    def _named(self, table: str, values: Mapping[str, Value]) -> Row:
        before = "" if table == MIS_DATA else prefix(tables()[table])
        return {before + alias: value for alias, value in values.items()}

    def _stamped(self, table: str, program: str, *, created: bool) -> Row:
        if table == MIS_DATA:
            return {"MeasuredAt": self.stamp.text, _UPDATED: None} if created else {_UPDATED: self.stamp.text}
        known = tables()[table]
        before = prefix(known)
        row: Row = {f"{before}USER": self.random.choice(USERS), f"{before}PID": pad(program, 10)}
        where = f"{before}JOBN" if table != "F4111" else f"{before}TERM"
        row[where] = self.random.choice(STATIONS)
        if known.stamp is not None and known.stamp.time is not None:
            row |= {known.stamp.date: self.stamp.date, known.stamp.time: self.stamp.time}
        return row


def _match(table: str) -> str:
    names = ("MisId",) if table == MIS_DATA else tables()[table].key
    return " AND ".join(f"{quoted(name)} = ?" for name in names)
