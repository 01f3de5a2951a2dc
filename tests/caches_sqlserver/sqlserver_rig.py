"""The kit's bench on a real server: a schema of its own in the database of AFRESH_TEST_SQLSERVER_URL, emptied before
each test. Nothing outside of that schema, and of the one for its staging tables, is touched."""

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from tests.caches_sqlserver import sqlserver_gaps
from tests.caches_sqlserver.sqlserver_limits import Limits

from afresh.caches.sqlserver import SqlServerCache
from afresh.caches.sqlserver_names import quote
from afresh.core.options import CacheConfig
from afresh.drivers.mssql_url import Settings, parse
from afresh.testing.kit_rig import Row, Trial

VARIABLE = "AFRESH_TEST_SQLSERVER_URL"
URL = os.environ.get(VARIABLE, "")
DRIVER = "mssql-python"
SCHEMA, STAGING = "afresh_kit", "afresh_kit_staging"

_NAMED = re.compile(r'\b(FROM|INTO|UPDATE|TABLE|ON|JOIN) ("(?:[^"]|"")*"|[A-Za-z_]\w*)(?!\.)|"(?:[^"]|"")*"')
_INDEXED = re.compile(r'CREATE (?:UNIQUE )?INDEX \w+ ON "Item" \("Name"')
_DROPS = """
SELECT 'DROP VIEW ' + QUOTENAME(TABLE_SCHEMA) + '.' + QUOTENAME(TABLE_NAME) FROM INFORMATION_SCHEMA.VIEWS
WHERE TABLE_SCHEMA IN ('{schema}', '{staging}')
UNION ALL
SELECT 'DROP TABLE ' + QUOTENAME(TABLE_SCHEMA) + '.' + QUOTENAME(TABLE_NAME) FROM INFORMATION_SCHEMA.TABLES
WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA IN ('{schema}', '{staging}')
"""
_TABLES = """
SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES
WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA IN ('{schema}', '{staging}')
"""
_DESCRIBED = (
    "SELECT o.name, o.type, m.definition FROM sys.objects AS o LEFT JOIN sys.sql_modules AS m "
    "ON m.object_id = o.object_id WHERE o.schema_id = SCHEMA_ID('{schema}') AND o.type IN ('U', 'V', 'TR') ORDER BY 1",
    "SELECT o.name, i.name, i.type, i.is_unique, i.is_disabled, c.name, k.key_ordinal, k.is_included_column "
    "FROM sys.indexes AS i INNER JOIN sys.objects AS o ON o.object_id = i.object_id "
    "INNER JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id "
    "INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id "
    "WHERE o.schema_id = SCHEMA_ID('{schema}') AND o.type = 'U' ORDER BY 1, 2, 7, 6",
    "SELECT o.name, c.name, c.column_id, c.system_type_id, c.max_length, c.precision, c.scale, c.is_nullable, "
    "c.collation_name FROM sys.columns AS c INNER JOIN sys.objects AS o ON o.object_id = c.object_id "
    "WHERE o.schema_id = SCHEMA_ID('{schema}') AND o.type = 'U' ORDER BY 1, 3",
)
_PAGES = """
SELECT MIN(p.hobt_id) FROM sys.partitions AS p INNER JOIN sys.objects AS o ON o.object_id = p.object_id
WHERE o.name = '{table}' AND o.schema_id = SCHEMA_ID('{schema}') AND p.index_id < 2
"""


def settings() -> Settings:
    """Where the tests' schema is."""
    return replace(parse(URL), schema=SCHEMA, staging_schema=STAGING)


class SqlServerRig(Limits):
    """What the kit needs to know of a real server."""

    database_error = Exception
    gaps = MappingProxyType({**sqlserver_gaps.GAPS, **sqlserver_gaps.READING})

    def trial(self) -> Trial:
        return Trial(kind="mssql", product="SQL Server", version=_version(), by=f"mssql-python {version(DRIVER)}")

    def make_cache(self, directory: Path) -> SqlServerCache:
        if not (directory / "begun").exists():
            (directory / "begun").touch()
            _empty()
        return SqlServerCache(settings(), CacheConfig(url="mssql://", lock_timeout=timedelta(seconds=20)))

    def execute(self, directory: Path, sql: str) -> list[Row]:
        with _connected() as cursor:
            if _INDEXED.match(sql):
                # A text without a length is no key of an index; the kit's index is on one that somebody shortened.
                cursor.execute(f"ALTER TABLE [{SCHEMA}].[Item] ALTER COLUMN [Name] nvarchar(200) NULL")
            cursor.execute(sql if f"[{SCHEMA}]" in sql else _NAMED.sub(_in_schema, sql))
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        if value is not None and pa.types.is_timestamp(kind) and kind.tz:
            return value.replace(tzinfo=UTC)
        return value

    def tables(self, directory: Path) -> set[str]:
        return {str(row[0]) for row in _rows(_TABLES.format(schema=SCHEMA, staging=STAGING))}

    def described(self, directory: Path) -> object:
        return [_rows(query.format(schema=SCHEMA)) for query in _DESCRIBED]

    def watch_writes(self, directory: Path, table_name: str) -> None:
        written, table = f"[{SCHEMA}].[written]", f"[{SCHEMA}].{quote(table_name)}"
        _rows(f"CREATE TABLE {written} (rows bigint NOT NULL)")
        _rows(f"INSERT INTO {written} SELECT -COALESCE(({_PAGES.format(schema=SCHEMA, table=table_name)}), 0)")
        _rows(
            f"CREATE TRIGGER [{SCHEMA}].[watch] ON {table} AFTER INSERT, UPDATE, DELETE AS "
            f"INSERT INTO {written} SELECT COUNT(*) FROM inserted UNION ALL SELECT COUNT(*) FROM deleted"
        )

    def writes(self, directory: Path, table_name: str) -> int:
        written = f"[{SCHEMA}].[written]"
        ((rows,),) = _rows(f"SELECT COALESCE(SUM(rows), 0) FROM {written} WHERE rows >= 0")
        # A switch fires no trigger, but then the table has other pages.
        moved = _rows(
            f"SELECT 1 FROM {written} WHERE rows < 0 "
            f"AND rows <> -COALESCE(({_PAGES.format(schema=SCHEMA, table=table_name)}), 0)"
        )
        return int(rows) + len(moved)

    def dependants(self) -> list[str]:
        """As the kit's, in T-SQL; the trigger counts its own rows aloud, as most do."""
        return [
            f"CREATE TABLE [{SCHEMA}].[noticed] (id bigint NOT NULL)",
            f"ALTER TABLE [{SCHEMA}].[Item] ALTER COLUMN [Name] nvarchar(200) NULL",
            f"CREATE INDEX [by_name] ON [{SCHEMA}].[Item] ([Name], [Changed])",
            f"CREATE UNIQUE INDEX [once] ON [{SCHEMA}].[Item] ([Id], [Name])",
            f"CREATE VIEW [{SCHEMA}].[odd_items] AS SELECT [Id], [Name] FROM [{SCHEMA}].[Item] WHERE [Id] % 2 = 1",
            f"CREATE TRIGGER [{SCHEMA}].[notice] ON [{SCHEMA}].[Item] AFTER INSERT AS "
            f"INSERT INTO [{SCHEMA}].[noticed] SELECT [Id] FROM inserted",
        ]


def _in_schema(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    name = match[2][1:-1].replace('""', '"') if match[2].startswith('"') else match[2]
    return f"{match[1]} [{SCHEMA}].[{name.replace(']', ']]')}]"


@contextmanager
def _connected() -> Iterator[Any]:
    driver: Any = importlib.import_module("mssql_python")
    connection = driver.connect(settings().connection_string(), autocommit=True, timeout=15)
    try:
        yield connection.cursor()
    finally:
        connection.close()


def _rows(sql: str) -> list[Row]:
    with _connected() as cursor:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@cache
def _version() -> str:
    ((found,),) = _rows("SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion'))")
    return str(found)


def _empty() -> None:
    for schema in (SCHEMA, STAGING):
        if not _rows(f"SELECT 1 FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = '{schema}'"):
            _rows(f"CREATE SCHEMA [{schema}]")
            # So that those who read do not wait for those who write; a server without it does that by itself.
            with suppress(Exception):
                _rows("ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE")
    for (drop,) in _rows(_DROPS.format(schema=SCHEMA, staging=STAGING)):
        _rows(drop)
