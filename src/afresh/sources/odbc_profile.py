"""How one database behind ODBC differs from another, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.select import Output, TableName
from afresh.sources.render import Dialect

Declared = tuple[pa.DataType, int | None]
"""The type as which a column arrives, and its text length if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """SQL that asks a catalogue; each gives all its values as texts.

    `columns`: name, declared type, 1 if it may be null. `key`: names of the primary key's columns in their order.
    `tables`: schema, name, rows, bytes, 1 for a view, largest first. `account`: user and version. `rights`: what the
    account could write by. `rows`: an estimate. `clock`: the present instant, UTC, as `YYYY-MM-DD HH:MM:SS.ffffff`.
    `oldest`: the same of the oldest open transaction; `oldest_right`: what to grant a user who may not ask that, if
    there is such a right. `query`: the declared types of a query's columns, given their quoted names. An empty one
    cannot be asked.
    """

    columns: Callable[[TableName], str] | None = None
    key: Callable[[TableName], str] | None = None
    rows: Callable[[TableName], str] | None = None
    tables: Callable[[str | None], str] | None = None
    query: Callable[[str, Sequence[str]], str] | None = None
    account: str = ""
    rights: str = ""
    clock: str = ""
    oldest: str = ""
    oldest_right: Callable[[str], str] = lambda user: ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """By which errors of a driver one knows what happened: SQLSTATEs by their beginning, and regular expressions."""

    refused: tuple[str, ...] = ("28", "42501")
    unavailable: tuple[str, ...] = ("08", "HYT", "40001", "40P01", "53", "57P", "25006")
    refused_text: str = r"(?i)login failed|access denied|permission denied|authentication failed"
    unavailable_text: str = r"(?i)lost connection|gone away|deadlock|connection reset|server closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How a result is read through a cursor: what stands before the SELECT, what fetches so many rows, what ends it."""

    declare: str
    fetch: str
    close: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One database with its usual driver.

    `dialect` makes the SQL, given the zone of the source. `declared` gives the type of a column by the database's own
    name of it. `keywords` are of the connection string. `opening` are the statements of a new session, `begin` those
    that fix one state of the database; `limit` writes the one by which the server ends a statement after so many
    milliseconds. `session` asks for what `kill` needs to break off a statement of it from another session.

    `octets` writes the size of a column's value; with it, rows with large values are read apart from the others, for
    the driver's memory is as wide as the widest value of any row. `guard` writes a condition on a column that holds,
    or fails the statement where the driver would deliver another value than there is; empty if it cannot. `instants`
    says of a declared type that it is read as text with its offset. `temporal` says that the driver's own dates may be
    asked for; else they are read as text, because a date that is none would end the process. `wraps` says that a query
    may stand in FROM, and `query_types` names the declared type by which a result column of a query is read there. A
    driver that would keep whole results in memory reads them through a `cursor`; or `pages` says that the database has
    none, so that a table is read in pages by its key, if all of it is `ordered` as literals compare.
    """

    name: str
    dialect: Callable[[ZoneInfo], Dialect]
    declared: Callable[[str], Declared]
    driver: str = ""
    server: str = "Server"
    keywords: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    opening: tuple[str, ...] = ()
    begin: tuple[str, ...] = ()
    autocommit: bool = True
    limit: Callable[[int], str] | None = None
    session: str = ""
    kill: Callable[[str], str] | None = None
    octets: Callable[[str], str] | None = None
    guard: Callable[[Output, str], str] | None = None
    instants: Callable[[str], bool] = lambda declared: False
    temporal: bool = False
    wraps: bool = True
    ordered: Callable[[str], bool] = lambda declared: False
    query_types: Callable[[pa.DataType], str] = lambda kind: ""
    pages: bool = False
    cursor: Cursor | None = None
    lists: Lists = field(default_factory=Lists)
    words: Words = field(default_factory=Words)
    snapshot_reads: bool = True
    read_only_sessions: bool = False
    tested: str = ""
    """With what it was tested; empty if it was written from documentation and tried on no server."""
