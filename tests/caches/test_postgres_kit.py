"""PostgreSQL passes the conformance kit."""

from collections.abc import Iterator

import pytest
from tests.caches.postgres_rig import PostgresRig, drop_made

from afresh.testing.cache_kit import CacheKit
from afresh.testing.kit_rig import Bench


@pytest.fixture(autouse=True)
def _schemas_are_dropped() -> Iterator[None]:
    yield
    drop_made()


class TestPostgresCache(PostgresRig, CacheKit):
    """All of the kit."""

    def dependants(self) -> list[str]:
        return [
            "CREATE TABLE noticed (id bigint)",
            'CREATE INDEX by_name ON "Item" ("Name", "Changed")',
            'CREATE UNIQUE INDEX once ON "Item" ("Id", "Name")',
            'CREATE VIEW odd_items AS SELECT * FROM "Item" WHERE "Id" % 2 = 1',
            "CREATE FUNCTION notice() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO noticed VALUES (new.\"Id\"); RETURN new; END' SET search_path FROM CURRENT",
            'CREATE TRIGGER notice AFTER INSERT ON "Item" FOR EACH ROW EXECUTE FUNCTION notice()',
        ]

    def test_view(self, bench: Bench) -> None:
        """Other programs read the same in the view LastDataUpdates; names of the specification are quoted here."""
        bench.end(bench.start("A"), rows=7)
        bench.end(bench.start("A"), rows=8)
        columns = '"TableName", "SourceSystem", "UpdateType", "NumberRecords", "WasSuccessful"'
        assert bench.execute(f'SELECT {columns} FROM "LastDataUpdates"') == [("A", "Kit", 3, 8, True)]
        columns = '"MinimumDT", "StartDT", "EndDT", "OperationId", "InstanceId", "RowsInserted", "RowsUpdated"'
        assert len(bench.execute(f'SELECT {columns}, "RowsUnchanged", "RowsDeleted" FROM "DataUpdate"')) == 2
