"""DuckDB passes the conformance kit."""

from tests.caches_duckdb.duckdb_rig import DuckdbRig

from afresh.core.model import ReloadStrategy
from afresh.testing.cache_kit import CacheKit
from afresh.testing.kit_rig import Bench


class TestDuckdbCache(DuckdbRig, CacheKit):
    """The kit on one file."""

    def dependants(self) -> list[str]:
        return [
            "CREATE TABLE noticed (id BIGINT)",
            'CREATE INDEX by_name ON "Item" ("Name", "Changed")',
            'CREATE UNIQUE INDEX once ON "Item" ("Id", "Name")',
            'CREATE VIEW odd_items AS SELECT * FROM "Item" WHERE "Id" % 2 = 1',
            'CREATE TRIGGER notice AFTER INSERT ON "Item" REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT INSERT INTO noticed SELECT "Id" FROM added',
        ]

    def kill(self, bench: Bench, strategy: ReloadStrategy | None, moment: str, count: int) -> None:
        """The file is open to one process at a time, so ours gives it to the one that will die."""
        bench.cache.close()
        super().kill(bench, strategy, moment, count)

    def kill_after(self, bench: Bench, strategy: ReloadStrategy, seconds: float) -> None:
        """The same."""
        bench.cache.close()
        super().kill_after(bench, strategy, seconds)
