"""The source of the trial: a real server behind a proxy, with tables that another program keeps changing."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from afresh.core.schema import DATETIME, Column
from afresh.testing.proxy import Proxy, proxied
from afresh.testing.scratch import scratch
from afresh.testing.source_kit_rig import SourceRig

COLUMNS = (
    Column(name="Id", type=pa.int64(), nullable=False),
    Column(name="Version", type=pa.int32()),
    Column(name="Name", type=pa.string(), length=400),
    Column(name="Amount", type=pa.decimal128(15, 2)),
    Column(name="Changed", type=DATETIME),
)

Row = tuple[int, int, str, Decimal, datetime]
"""A row of the trial's tables, by `COLUMNS`."""


def row(table: str, number: int, version: int, changed: datetime) -> Row:
    """The row as its version has it: each value tells of the others, so that a mixture is seen."""
    name = f"{table} {number} version {version} ".ljust(380, "abcdefghij"[version % 10])
    return number, version, name, Decimal(number * 100 + version) / 100, changed


@dataclass(kw_only=True)
class Origin(ABC):
    """A database of its own on a server, an account that may only read it, and the proxy by which it is reached."""

    kind: ClassVar[str]
    snapshots: ClassVar[bool] = True
    rig: SourceRig
    directory: Path
    proxy: Proxy

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """The settings of the kind by which the service reaches it, through the proxy, impatiently."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes the account."""

    @abstractmethod
    def discard(self) -> None:
        """Drops the account."""

    @abstractmethod
    def set_password(self, *, right: bool) -> None:
        """Gives the account the password that the service knows, or another."""

    @abstractmethod
    def sessions(self) -> int:
        """How many sessions the account has on the server, as the server counts them."""

    @abstractmethod
    def end_sessions(self) -> None:
        """Ends them, as an administrator does."""

    @abstractmethod
    def rows(self, table: str) -> list[Row]:
        """The table's rows by their Id, read without the service."""

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """While open, another program has the table for itself; where that is without meaning for a reader, nothing
        is done."""
        del table
        yield

    # ------------------------------------------------------------------------------------ what others do to it

    def create(self, table: str, rows: Sequence[Row]) -> None:
        """Makes a table with these rows."""
        columns = {column.name: self.rig.ddl(column) for column in COLUMNS}
        self.rig.execute(self.directory, self.rig.create_sql(self.directory, table, columns, ("Id",)))
        self.write(table, rows)

    def write(self, table: str, rows: Sequence[Row], gone: Sequence[int] = ()) -> None:
        """Puts rows in the place of those with their Ids, and deletes others, in one transaction."""
        place, key = self.rig.place(self.directory, table), self.rig.quote("Id")
        out = ", ".join(map(str, [*gone, *(one[0] for one in rows)]))
        statements = [f"DELETE FROM {place} WHERE {key} IN ({out})"]
        if rows:
            values = ", ".join(f"({', '.join(map(self.rig.literal, COLUMNS, one))})" for one in rows)
            named = ", ".join(self.rig.quote(column.name) for column in COLUMNS)
            statements.append(f"INSERT INTO {place} ({named}) VALUES {values}")
        self.rig.execute(self.directory, "BEGIN", *statements, "COMMIT")

    @contextmanager
    def without(self, table: str) -> Iterator[None]:
        """While open, there is no table of that name."""
        here, there = (self.rig.place(self.directory, name) for name in (table, f"{table}Away"))
        self.rig.execute(self.directory, self.rename(here, there, f"{table}Away"))
        yield
        self.rig.execute(self.directory, self.rename(there, here, table))

    @abstractmethod
    def rename(self, old: str, new: str, name: str) -> str:
        """The statement that renames a table, given its old and new place and its new name."""

    @contextmanager
    def renamed_column(self, table: str, *, filled: bool) -> Iterator[None]:
        """While open, the column Version has another name; with `filled`, one of its name is there with texts."""
        place = self.rig.place(self.directory, table)
        version, away = self.rig.quote("Version"), self.rig.quote("VersionAway")
        move = f"ALTER TABLE {place} RENAME COLUMN {{}} TO {{}}"
        self.rig.execute(self.directory, move.format(version, away))
        if filled:
            self.rig.execute(
                self.directory,
                f"ALTER TABLE {place} ADD {version} {self.rig.ddl(COLUMNS[2])}",
                f"UPDATE {place} SET {version} = 'a text'",
            )
        yield
        if filled:
            self.rig.execute(self.directory, f"ALTER TABLE {place} DROP COLUMN {version}")
        self.rig.execute(self.directory, move.format(away, version))


@contextmanager
def origin_of(make: type[Origin], rig: SourceRig) -> Iterator[Origin]:
    """An origin with an empty database, dropped in the end."""
    with scratch() as directory:
        rig.prepare(directory)
        try:
            with proxied(rig.target(directory)) as proxy:
                origin = make(rig=rig, directory=directory, proxy=proxy)
                origin.prepare()
                try:
                    yield origin
                finally:
                    origin.discard()
        finally:
            rig.discard(directory)
