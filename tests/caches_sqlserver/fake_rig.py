"""What the kit needs to know of a fake server."""

import re
import sqlite3
from datetime import UTC, datetime, time, timedelta
from datetime import date as date_type
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from tests.caches_sqlserver.sqlserver_limits import Limits
from tests.caches_sqlserver.tsql_fake import FakeServer

from afresh.caches.sqlserver import SqlServerCache
from afresh.caches.sqlserver_features import Features
from afresh.core.options import CacheConfig
from afresh.drivers.mssql_url import parse
from afresh.testing.kit_rig import Row

URL = "mssql://sa:secret@localhost/afresh"


def _in_schema(match: re.Match[str]) -> str:
    name = match[2][1:-1] if match[2].startswith('"') else match[2]
    return f'{match[1]} "dbo.{name}"'


class FakeRig(Limits):
    """A fake server in the kit's directory."""

    database_error: ClassVar[type[Exception]] = sqlite3.Error

    def server(self, directory: Path) -> FakeServer:
        return FakeServer(directory / "fake.db")

    def make_cache(self, directory: Path) -> SqlServerCache:
        config = CacheConfig(url=URL, lock_timeout=timedelta(seconds=20))
        cache = SqlServerCache(parse(URL), config, self.server(directory).connect)
        # Finding them out each time would take longer than the tests.
        cache._database._features = Features()
        return cache

    def execute(self, directory: Path, sql: str) -> list[Row]:
        server = self.server(directory)
        if "[dbo]" in sql or sql.startswith("CREATE"):
            server.batch(re.sub(r'"(\w+)" \("(\w+)"\)', r"[dbo].[\1] ([\2])", sql))
            return []
        return server.query(re.sub(r'\b(FROM|INTO|UPDATE) ("(?:[^"]|"")*"|\w+)', _in_schema, sql))

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        if value is None:
            return None
        if pa.types.is_boolean(kind):
            return {0: False, 1: True}[value]
        if pa.types.is_timestamp(kind) and kind.tz:
            assert isinstance(value, datetime)
            return value.replace(tzinfo=UTC)
        if pa.types.is_date(kind):
            return value if isinstance(value, date_type) else date_type.fromisoformat(value)
        if pa.types.is_time(kind):
            return value if isinstance(value, time) else time.fromisoformat(value)
        if pa.types.is_decimal(kind):
            assert isinstance(value, Decimal)
        return value

    def tables(self, directory: Path) -> set[str]:
        return self.server(directory).tables()

    def described(self, directory: Path) -> object:
        server = self.server(directory)
        catalogue = [server.query(f"SELECT * FROM {name} ORDER BY 1, 2, 3") for name in ("_column", "_index")]
        return catalogue, server.query("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")

    def dependants(self) -> list[str]:
        return [
            "CREATE TABLE [dbo].[noticed] ([id] int NOT NULL)",
            "CREATE INDEX [by_name] ON [dbo].[Item] ([Name], [Changed])",
            "CREATE UNIQUE INDEX [once] ON [dbo].[Item] ([Id], [Name])",
            "CREATE VIEW [dbo].[odd_items] AS SELECT [Id] FROM [dbo].[Item] WHERE [Id] % 2 = 1",
            'CREATE TRIGGER notice AFTER INSERT ON "dbo.Item" BEGIN INSERT INTO "dbo.noticed" VALUES (new."Id"); END',
        ]

    def watch_writes(self, directory: Path, table_name: str) -> None:
        server = self.server(directory)
        server.query("CREATE TABLE written (at INTEGER)")
        for event in ("INSERT", "UPDATE", "DELETE"):
            server.query(
                f'CREATE TRIGGER watch_{event} AFTER {event} ON "dbo.{table_name}" '
                "BEGIN INSERT INTO written VALUES (0); END"
            )

    def writes(self, directory: Path, table_name: str) -> int:
        ((rows,),) = self.server(directory).query("SELECT count(*) FROM written")
        return int(rows)
