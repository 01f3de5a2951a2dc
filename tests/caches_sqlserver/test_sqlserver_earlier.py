"""A SQL Server cache that an earlier version made is brought up to date by the first write."""

from pathlib import Path

from tests.caches.earlier import detailed
from tests.caches_sqlserver.fake_bench import FakeBench
from tests.caches_sqlserver.tsql_fake import FakeServer

from afresh.caches.sqlserver_own import later_indexes
from afresh.core.cause import Cause
from afresh.core.model import UpdateDetails
from afresh.testing.kit_rig import completion


def test_earlier_tables(tmp_path: Path) -> None:
    """The columns are added and the view is made anew; what was recorded before stays."""
    bench = FakeBench(FakeServer(tmp_path / "fake.db"))
    bench.cache.log.complete(completion(bench.start("Old")))
    for batch in (
        "DROP TABLE [dbo].[AfreshAction]",
        "DROP VIEW [dbo].[LastDataUpdates]",
        'ALTER TABLE "dbo.DataUpdate" DROP COLUMN "Details"',
        'ALTER TABLE "dbo.DataUpdate" DROP COLUMN "Cause"',
        "DELETE FROM _column WHERE object = 'dbo.DataUpdate' AND name IN ('Cause', 'Details')",
        "CREATE VIEW [dbo].[LastDataUpdates] AS SELECT [Id], [TableName] FROM [dbo].[DataUpdate]",
    ):
        bench.server.batch(batch)
    later = FakeBench(bench.server).cache
    detailed(later, "Item")
    item, old = later.log.history()
    assert (item.cause, item.details, old.cause, old.details) == (
        Cause.SOURCE_SLOW,
        UpdateDetails(batches=7),
        None,
        None,
    )
    assert [update.table_name for update in later.log.last_updates()] == ["Old"]
    assert list(later.actions.recent()) == []


def test_indexes(tmp_path: Path) -> None:
    """A log that lacks the indexes by which a span of time is found gets them with the first write of a process."""
    bench = FakeBench(FakeServer(tmp_path / "fake.db"))
    bench.cache.log.complete(completion(bench.start("Old")))
    known = _indexes(bench)
    for name in later_indexes("dbo"):
        bench.server.batch(f"DROP INDEX [{name}] ON [dbo].[DataUpdate]")
    assert known - _indexes(bench) == set(later_indexes("dbo"))
    later = FakeBench(bench.server)
    later.cache.log.complete(completion(later.start("Item")))
    assert _indexes(bench) == known


def _indexes(bench: FakeBench) -> set[str]:
    return {str(row[0]) for row in bench.server.query("SELECT name FROM _index WHERE object = 'dbo.DataUpdate'")}
