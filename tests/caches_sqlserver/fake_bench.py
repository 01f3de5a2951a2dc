"""A bench on a fake server, for tests that look at what was sent."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from tests.caches_sqlserver.tsql_fake import FakeServer

from afresh.caches.sqlserver import SqlServerCache
from afresh.core.model import DataUpdate, MergeCounts, ReloadStrategy, UpdateType
from afresh.core.options import CacheConfig
from afresh.core.ports import Cancellation, Stage
from afresh.core.schema import TableSchema
from afresh.drivers.mssql_url import parse
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.kit_rig import Row, at, batch, completion

URL = "mssql://sa:hunter2@localhost/afresh"


class FakeBench:
    """A cache on a fake server, and the steps of a sync."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        config = CacheConfig(url=URL, lock_timeout=timedelta(seconds=2))
        self.cache = SqlServerCache(parse(URL), config, server.connect)
        self.started = 0

    def start(self, table_name: str = "Item") -> str:
        """Writes the open row; its operation."""
        self.started += 1
        operation_id = uuid4().hex
        self.cache.log.start(
            DataUpdate(
                table_name=table_name,
                source_system="Test",
                update_type=UpdateType.MASS,
                operation_id=operation_id,
                instance_id="test",
                start_dt=at(self.started),
            )
        )
        return operation_id

    @contextmanager
    def stage(
        self,
        schema: TableSchema,
        operation: str,
        *,
        reload: bool = False,
        cancel: Cancellation | None = None,
        table_name: str = "Item",
    ) -> Iterator[Stage]:
        """Staging as the engine opens it."""
        if self.cache.describe(table_name, schema) is None:
            self.cache.create(table_name, schema)
        used = cancel or ManualCancellation()
        with self.cache.stage(table_name, schema, operation, used, reload=reload) as stage:
            yield stage

    def merge(self, schema: TableSchema, rows: Sequence[Row], *, table_name: str = "Item") -> MergeCounts:
        """A whole sync that merges."""
        operation = self.start(table_name)
        with self.stage(schema, operation, table_name=table_name) as stage:
            stage.append(self.batch(schema, rows))
            return stage.merge(trust_source=False, complete=lambda counts: completion(operation, counts=counts))

    def reload(self, schema: TableSchema, strategy: ReloadStrategy, rows: Sequence[Row]) -> MergeCounts:
        """A whole sync that replaces."""
        operation = self.start()
        with self.stage(schema, operation, reload=True) as stage:
            stage.append(self.batch(schema, rows))
            stage.merge(trust_source=True)
            return stage.reload(strategy, lambda counts: completion(operation, counts=counts))

    def copied(self, path: Path) -> "FakeBench":
        """The same database on another server, whose features are known already."""
        self.server.copy_to(path)
        server = FakeServer(path, lacks=self.server.lacks, no_bulk=self.server.no_bulk)
        made = FakeBench(server)
        made.started = self.started
        made.cache._database._features = self.cache.features()
        return made

    def recover(self) -> None:
        """What the next start does."""
        self.cache.log.close_open(frozenset(), at(100))
        self.cache.clean(frozenset())

    def rows(self, table_name: str = "Item") -> list[Row]:
        """What another program reads."""
        return self.server.query(f'SELECT * FROM "dbo.{table_name}" ORDER BY 1')

    def sent(self, *words: str) -> list[str]:
        """What was sent that holds one of the words, in order."""
        return [sql for sql in self.server.sent if any(word in sql for word in words)]

    def leftovers(self) -> set[str]:
        """Tables that are neither data nor the cache's own."""
        return {name for name in self.server.tables() if name.startswith(("Staging", "Shadow", "Probe"))}

    @staticmethod
    def batch(schema: TableSchema, rows: Sequence[Row]) -> pa.RecordBatch:
        """The rows as a fetcher would deliver them."""
        return batch(schema, rows)


def fake_bench(directory: Path, *, lacks: tuple[str, ...] = (), no_bulk: tuple[str, ...] = ()) -> FakeBench:
    """A bench on a new fake server."""
    return FakeBench(FakeServer(directory / "fake.db", lacks=lacks, no_bulk=no_bulk))
