"""The kit: a table is replaced by what was read, and nobody notices but by the rows."""

import pytest

from afresh.core.errors import CacheError, SuspiciousExtract
from afresh.core.model import MergeCounts, Outcome, ReloadStrategy
from afresh.core.plan import check_shrink
from afresh.core.ports import Stage
from afresh.testing.kit_rig import ITEMS, PLAIN, Bench, CacheRig, Row, at, batch, completion

OLD: list[Row] = [(number, "old", at(0)) for number in range(50)]
NEW: list[Row] = [(number, "new" if number % 2 else "old", at(number % 2)) for number in range(10, 60)]


class ReloadKit(CacheRig):
    """Reloading, in each way that the cache has."""

    def test_reload_into_empty(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Into an empty table everything is inserted."""
        assert bench.reload(ITEMS, strategy, OLD) == MergeCounts(inserted=50)
        assert bench.rows() == OLD

    def test_replaces(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Afterwards the table holds what was read, no more, and the counts compare it with what was there."""
        bench.merge(ITEMS, OLD)
        before = bench.tables()
        assert bench.reload(ITEMS, strategy, NEW) == MergeCounts(inserted=10, updated=20, unchanged=20, deleted=10)
        assert bench.rows() == NEW
        assert bench.tables() == before

    def test_trusts_the_source(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Rows whose stamp went back, or is gone, are as the source has them."""
        bench.merge(ITEMS, [(1, "a", at(5)), (2, "b", at(5))])
        bench.reload(ITEMS, strategy, [(1, "A", at(4)), (2, "B", None)])
        assert bench.rows() == [(1, "A", at(4)), (2, "B", None)]

    def test_unchanged_reload_writes_nothing(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """A table that is as the source is not written."""
        bench.merge(ITEMS, OLD)
        self.watch_writes(bench.directory, "Item")
        assert bench.reload(ITEMS, strategy, OLD) == MergeCounts(unchanged=50)
        assert self.writes(bench.directory, "Item") == 0

    def test_to_nothing(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """An empty source makes an empty table, if it comes to that."""
        bench.merge(ITEMS, OLD)
        assert bench.reload(ITEMS, strategy, []) == MergeCounts(deleted=50)
        assert bench.rows() == []

    def test_duplicates_over_batches(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """A key that comes in several batches ends as its newest version; the shadow counts it once."""
        with bench.stage(ITEMS, reload=True) as stage:
            for rows in ([(1, "new", at(2)), (2, "old", at(1))], [(1, "old", at(1)), (2, "new", at(2))]):
                stage.append(batch(ITEMS, rows))
                stage.merge(trust_source=True)
            assert stage.sizes() == (0, 2)
            assert stage.reload(strategy) == MergeCounts(inserted=2)
        assert bench.rows() == [(1, "new", at(2)), (2, "new", at(2))]

    def test_sizes(self, bench: Bench) -> None:
        """Before anything is replaced, the sizes of the table and of what was read are known exactly."""
        bench.merge(ITEMS, OLD)
        with bench.stage(ITEMS, reload=True) as stage:
            assert stage.sizes() == (50, 0)
            stage.append(batch(ITEMS, [*NEW, *NEW[:5]]))
            stage.merge(trust_source=True)
            assert stage.sizes() == (50, 50)
            stage.append(batch(ITEMS, NEW[:7]))
            stage.merge(trust_source=True)
            assert stage.sizes() == (50, 50)

    @pytest.mark.parametrize(("read", "replaces"), [(0, False), (24, False), (25, True)])
    def test_shrink_guard(self, bench: Bench, strategy: ReloadStrategy, read: int, replaces: bool) -> None:
        """By the sizes that the stage tells, less than half of the table stops the sync before anything is lost."""
        bench.need(strategy)
        bench.merge(ITEMS, OLD)
        before = bench.tables()

        def replace(stage: Stage) -> None:
            if read:
                stage.append(batch(ITEMS, [*OLD[:read], *OLD[:read]]))
            stage.merge(trust_source=True)
            existing, loaded = stage.sizes()
            check_shrink("Item", existing=existing, loaded=loaded, retained_ratio=0.5, allowed=False)
            assert stage.reload(strategy) == MergeCounts(unchanged=read, deleted=50 - read)

        def sync() -> None:
            with bench.stage(ITEMS, reload=True) as stage:
                replace(stage)

        if replaces:
            sync()
        else:
            with pytest.raises(SuspiciousExtract, match="Item"):
                sync()
        assert bench.rows() == (OLD[:read] if replaces else OLD)
        assert bench.tables() == before

    def test_abandoned(self, bench: Bench) -> None:
        """A reload that is not carried out leaves the table as it was, and nothing beside it."""
        bench.merge(ITEMS, OLD)
        before = bench.tables()

        def abandon() -> None:
            with bench.stage(ITEMS, reload=True) as stage:
                stage.append(batch(ITEMS, NEW))
                stage.merge(trust_source=True)
                assert bench.rows() == OLD
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            abandon()
        assert bench.rows() == OLD
        assert bench.tables() == before

    def test_reload_fails_with_completion(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """If the update cannot be completed, the table stays as it was."""
        bench.merge(ITEMS, OLD)
        operation = bench.start()

        def fail() -> None:
            with bench.stage(ITEMS, reload=True, operation_id=operation) as stage:
                stage.append(batch(ITEMS, NEW))
                stage.merge(trust_source=True)
                stage.reload(strategy, lambda counts: completion(operation, rows=1 // 0))

        with pytest.raises(ZeroDivisionError):
            fail()
        assert bench.rows() == OLD
        bench.end(operation, Outcome.FAILED)
        assert bench.reload(ITEMS, strategy, NEW).deleted == 10

    def test_dependants_survive(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Indexes, triggers and views of the table are there afterwards, and work."""
        bench.merge(ITEMS, OLD)
        for made in self.dependants():
            bench.execute(made)
        before = self.described(bench.directory)
        bench.reload(ITEMS, strategy, NEW)
        assert self.described(bench.directory) == before
        assert bench.execute("SELECT count(*) FROM odd_items") == [(sum(1 for row in NEW if row[0] % 2),)]
        bench.merge(ITEMS, [(99, "again", at(9))])
        assert bench.execute("SELECT count(*) FROM noticed WHERE id = 99") == [(1,)]
        bench.reload(ITEMS, strategy, OLD)
        assert self.described(bench.directory) == before
        assert bench.execute("SELECT count(*) FROM odd_items") == [(25,)]

    def test_unique_index_holds(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Rows that break a unique index of the table stop the reload, and everything stays as it was."""
        bench.merge(PLAIN, [(1, "a"), (2, "b")])
        bench.execute('CREATE UNIQUE INDEX names ON "Item" ("Name")')
        with pytest.raises(CacheError):
            bench.reload(PLAIN, strategy, [(1, "a"), (2, "a"), (3, "c")])
        assert bench.rows(PLAIN) == [(1, "a"), (2, "b")]
        with pytest.raises(self.database_error):
            bench.execute("INSERT INTO \"Item\" VALUES (9, 'a')")

    def test_column_added_before(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """A table that has got a column since is reloaded with it."""
        bench.merge(PLAIN, [(1, "a")])
        bench.cache.add_columns("Item", [ITEMS.column("Changed")])
        bench.reload(ITEMS, strategy, [(1, "a", at(1))])
        assert bench.rows() == [(1, "a", at(1))]
        found = bench.cache.describe("Item", ITEMS)
        assert found is not None
        assert found.column("Changed") == ITEMS.column("Changed")

    def test_rebuild_indexes(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Rebuilding the indexes keeps rows and indexes, and needs the update to be open."""
        bench.merge(ITEMS, OLD)
        for made in self.dependants():
            bench.execute(made)
        before = self.described(bench.directory)
        with bench.stage(ITEMS, reload=True) as stage:
            stage.append(batch(ITEMS, NEW))
            stage.merge(trust_source=True)
            stage.reload(strategy)
            stage.rebuild_indexes()
        assert bench.rows() == NEW
        assert self.described(bench.directory) == before

    def test_reload_then_merge(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """A reloaded table takes merges as before, with its key."""
        bench.reload(ITEMS, strategy, OLD)
        assert bench.merge(ITEMS, [(1, "hourly", at(1)), (99, "hourly", at(1))]) == MergeCounts(inserted=1, updated=1)
        found = bench.cache.describe("Item", ITEMS)
        assert found is not None
        assert found.key == ("Id",)

    def test_many_reloads(self, bench: Bench, strategy: ReloadStrategy) -> None:
        """Reload after reload leaves no table behind and gives the last state."""
        bench.merge(ITEMS, OLD)
        before = bench.tables()
        for rows in (NEW, OLD, [], NEW, OLD[:1]):
            bench.reload(ITEMS, strategy, rows[:20], rows[20:])
        assert bench.rows() == OLD[:1]
        assert bench.tables() == before

    def dependants(self) -> list[str]:
        """Statements that make an index, a unique one, a view `odd_items`, and a trigger that fills `noticed`."""
        return [
            "CREATE TABLE noticed (id INTEGER)",
            'CREATE INDEX by_name ON "Item" ("Name", "Changed")',
            'CREATE UNIQUE INDEX once ON "Item" ("Id", "Name")',
            'CREATE VIEW odd_items AS SELECT * FROM "Item" WHERE "Id" % 2 = 1',
            'CREATE TRIGGER notice AFTER INSERT ON "Item" BEGIN INSERT INTO noticed VALUES (new."Id"); END',
        ]
