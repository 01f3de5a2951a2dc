"""Finding out what a server can do, by doing it to a table of our own that is dropped again."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from uuid import uuid4

import pyarrow as pa

from afresh.caches import sqlserver_catalogue as catalogue
from afresh.caches.sqlserver_features import Bulk, Features
from afresh.caches.sqlserver_load import copy_arrow, copy_rows
from afresh.caches.sqlserver_names import made_name, quote, quote_table
from afresh.caches.sqlserver_parameters import Row
from afresh.caches.sqlserver_session import Session
from afresh.core.errors import AfreshError, CacheUnavailable
from afresh.core.schema import DATETIME, TIME

_BULK_SECONDS = 30
_SAMPLES: Sequence[tuple[str, str, pa.DataType, object]] = (
    ("C1", "bigint", pa.int64(), -(2**63)),
    ("C2", "nvarchar(20)", pa.string(), "ü🙂 "),
    ("C3", "nvarchar(max)", pa.string(), "é" * 5_000),
    ("C4", "decimal(38,4)", pa.decimal128(38, 4), Decimal("-9999999999999999999999999999999999.0001")),
    ("C5", "datetime2(7)", DATETIME, datetime.fromisoformat("0001-01-01 23:59:59.999999")),
    ("C6", "date", pa.date32(), date(9999, 12, 31)),
    ("C7", "time(7)", TIME, time(23, 59, 59, 999_999)),
    ("C8", "bit", pa.bool_(), True),
    ("C9", "float(53)", pa.float64(), -1.7976931348623157e308),
    ("C10", "varbinary(max)", pa.binary(), b"\0\1" * 5_000),
    ("C11", "smallint", pa.int16(), -5),
    ("C12", "int", pa.int32(), 2**31 - 1),
)
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
            bulk=_bulk(session, place),
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


def _bulk(session: Session, schema: str) -> Bulk:
    """The first way of loading by which values of all types arrive as they were sent, and nulls as nulls."""
    table = quote_table(schema, made_name("ProbeBulk", "", uuid4().hex))
    columns = [name for name, _stored, _kind, _value in _SAMPLES]
    arrow = pa.table({name: pa.array([value, None], kind) for name, _stored, kind, value in _SAMPLES})
    rows = [tuple(row.values()) for row in arrow.to_pylist()]
    loads: Sequence[tuple[Bulk, Callable[[], None]]] = (
        (Bulk.ARROW, lambda: copy_arrow(session, table, arrow.to_reader(), columns, timeout=_BULK_SECONDS)),
        (Bulk.ROWS, lambda: copy_rows(session, table, iter(rows), columns, timeout=_BULK_SECONDS)),
    )
    definitions = ", ".join(f"[{name}] {stored} NULL" for name, stored, _kind, _value in _SAMPLES)
    session.run(f"CREATE TABLE {table} ({definitions})")
    try:
        return next((bulk for bulk, load in loads if _arrives(session, table, load, rows)), Bulk.INSERTS)
    finally:
        with suppress(AfreshError):
            session.run(f"DROP TABLE {table}")


def _arrives(session: Session, table: str, load: Callable[[], None], rows: Sequence[Row]) -> bool:
    arrived = False
    with suppress(AfreshError):
        load()
        listed = ", ".join(f"[{name}]" for name, _stored, _kind, _value in _SAMPLES)
        found = session.rows(f"SELECT {listed} FROM {table} ORDER BY [C1] DESC")
        arrived = found == list(rows)
    if not arrived:
        with suppress(AfreshError):
            session.run(f"DELETE FROM {table}")
    return arrived
