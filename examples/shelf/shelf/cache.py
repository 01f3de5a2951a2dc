"""The cache, and the kind by which `shelf:///FILE` finds it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from afresh.core.errors import ConfigurationError
from afresh.core.kinds import CacheKind
from afresh.core.model import ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.core.ports import Actions, Cancellation, Capabilities, Leases, Stage, UpdateLog
from afresh.core.schema import Column, TableSchema
from shelf import tables
from shelf.database import RESERVED, Database
from shelf.log import ShelfLog
from shelf.rights import ShelfActions, ShelfLeases
from shelf.stage import ShelfStage

PREFIX = "shelf:///"


class ShelfCache:
    """A cache in one file. Nothing is left behind by a sync that dies: its rows were in memory."""

    capabilities = Capabilities(
        concurrent_writers=False,
        reload_strategies=frozenset({ReloadStrategy.TRUNCATE}),
        reserved_names=RESERVED,
    )

    def __init__(self, path: Path, config: CacheConfig) -> None:
        self._database = Database(path, config.lock_timeout.total_seconds())
        self.log: UpdateLog = ShelfLog(self._database)
        self.leases: Leases = ShelfLeases(self._database)
        self.actions: Actions = ShelfActions(self._database)

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        """The table as it was made."""
        return tables.describe(self._database, table_name)

    def create(self, table_name: str, schema: TableSchema) -> None:
        """Makes the table."""
        tables.create(self._database, table_name, schema)

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        """Widens the table."""
        tables.add_columns(self._database, table_name, columns)

    @contextmanager
    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> Iterator[Stage]:
        """Opens staging for one sync."""
        yield ShelfStage(self._database, table_name, schema, operation_id, cancel, reload=reload)

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        """Nothing is ever left."""
        return []

    def close(self) -> None:
        """Nothing is held open."""


def build(config: CacheConfig, base_directory: Path) -> ShelfCache:
    """The cache of a URL; connects to nothing."""
    if not config.url.startswith(PREFIX) or config.url == PREFIX:
        raise ConfigurationError(f"{config.url!r} is no URL of a shelf", hint=f"Write {PREFIX}cache.shelf.")
    return ShelfCache(base_directory / config.url.removeprefix(PREFIX), config)


SHELF = CacheKind(build=build)
