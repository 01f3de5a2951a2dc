"""Finding out what a server can do, by doing it to a table of our own that is dropped again."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pyarrow as pa

from afresh.caches import sqlserver_catalogue as catalogue
from afresh.caches.sqlserver_features import Bulk, Features
from afresh.caches.sqlserver_load import copy_arrow, copy_rows
from afresh.caches.sqlserver_names import made_name, quote, quote_table
from afresh.caches.sqlserver_session import Session
from afresh.core.errors import AfreshError, CacheUnavailable

_BULK_SECONDS = 30
_COLLATIONS = ("Latin1_General_100_BIN2", "Latin1_General_BIN2", "Latin1_General_BIN")


def probe(session: Session, schema: str, staging_schema: str) -> Features:
    """The features of the server. Raises if not even a plain table can be made: then nothing can be kept here."""
    place = _staging_schema(session, schema, staging_schema)
    tables = [quote_table(place, made_name(f"Probe{number}", "", uuid4().hex)) for number in (1, 2)]
    try:
        for table in tables:
            session.run(f"CREATE TABLE {table} ([C1] int NOT NULL PRIMARY KEY CLUSTERED, [C2] nvarchar(10) NULL)")
        features = _probe_tables(session, *tables)
        return replace(
            features,
            staging_schema=place,
            collation=next((name for name in _COLLATIONS if _has_collation(session, name)), None),
            atomic_ddl=_ddl_is_atomic(session, place),
            bulk=_bulk(session, tables[1]),
        )
    finally:
        for table in tables:
            with suppress(AfreshError):
                session.run(f"DROP TABLE {table}")


def _probe_tables(session: Session, table: str, other: str) -> Features:
    def works(*statements: str) -> bool:
        return _works(session, statements)

    hints = works(f"SELECT COUNT(*) FROM {table} AS t WITH (UPDLOCK, HOLDLOCK)")
    index = f"CREATE NONCLUSTERED INDEX [ByC2] ON {table} ([C2])"
    disable, rebuild = f"ALTER INDEX [ByC2] ON {table} DISABLE", f"ALTER INDEX [ByC2] ON {table} REBUILD"
    has_index = works(index)
    return Features(
        hints=hints,
        try_convert=works("SELECT TRY_CONVERT(int, N'x')"),
        rebuild_index=has_index and works(rebuild),
        disable_index=has_index and works(disable, rebuild),
        truncate=works(f"INSERT INTO {table} ([C1]) VALUES (1)", f"TRUNCATE TABLE {table}"),
        switch=works(f"DROP INDEX [ByC2] ON {table}", f"ALTER TABLE {table} SWITCH TO {other}"),
    )


def _works(session: Session, statements: Sequence[str]) -> bool:
    try:
        for statement in statements:
            session.run(statement)
    except CacheUnavailable:
        raise
    except AfreshError:
        return False
    return True


def _staging_schema(session: Session, schema: str, staging_schema: str) -> str:
    """The schema of ours, made if it may be; else the one that the data is in."""
    found = session.rows("SELECT 1 FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = ?", staging_schema)
    if not found and not _works(session, [f"CREATE SCHEMA {quote(staging_schema)}"]):
        return schema
    table = quote_table(staging_schema, made_name("Probe", "", uuid4().hex))
    return staging_schema if _works(session, [f"CREATE TABLE {table} ([C1] int)", f"DROP TABLE {table}"]) else schema


def _has_collation(session: Session, name: str) -> bool:
    """Whether it is there, and tells `a` from `A`."""
    with suppress(AfreshError):
        return session.number(f"SELECT CASE WHEN N'a' COLLATE {name} = N'A' COLLATE {name} THEN 1 ELSE 0 END") == 0
    return False


def _ddl_is_atomic(session: Session, schema: str) -> bool:
    name = made_name("Probe", "", uuid4().hex)
    with suppress(AfreshError):
        session.run("BEGIN TRANSACTION")
        session.run(f"CREATE TABLE {quote_table(schema, name)} ([C1] int)")
        session.roll_back()
        if not catalogue.exists(session, schema, name):
            return True
        session.run(f"DROP TABLE {quote_table(schema, name)}")
    return False


def _bulk(session: Session, table: str) -> Bulk:
    """The first way of loading by which a row arrives as it was sent."""
    row = (7, "ü")
    arrow = pa.table({"C1": pa.array([row[0]], pa.int32()), "C2": pa.array([row[1]], pa.string())})
    loads: Sequence[tuple[Bulk, Callable[[], None]]] = (
        (Bulk.ARROW, lambda: copy_arrow(session, table, arrow.to_reader(), ["C1", "C2"], timeout=_BULK_SECONDS)),
        (Bulk.ROWS, lambda: copy_rows(session, table, iter([row]), ["C1", "C2"], timeout=_BULK_SECONDS)),
    )
    for bulk, load in loads:
        with suppress(AfreshError):
            load()
            if session.rows(f"SELECT [C1], [C2] FROM {table}") == [row]:
                session.run(f"DELETE FROM {table}")
                return bulk
        with suppress(AfreshError):
            session.run(f"DELETE FROM {table}")
    return Bulk.INSERTS
