"""What is sent to the server, in which order, and what becomes of it if any of it fails. On the fake server."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from tests.caches_sqlserver.fake_bench import FakeBench, fake_bench
from tests.caches_sqlserver.tsql_words import FakeError

from afresh.caches.sqlserver_errors import KeyTaken
from afresh.caches.sqlserver_features import Bulk
from afresh.core.errors import AfreshError, BadValue, CacheError, CacheLocked, CacheUnavailable, Cancelled
from afresh.core.model import MergeCounts, Outcome, ReloadStrategy
from afresh.core.schema import Column, TableSchema
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.kit_rig import ITEMS, PLAIN, Row, at, completion

OLD: list[Row] = [(number, "old", at(0)) for number in range(6)]
NEW: list[Row] = [(number, "new" if number % 2 else "old", at(number % 2)) for number in range(2, 8)]
MERGED = sorted([*OLD[:2], *NEW])
TEXT_KEY = TableSchema(columns=(Column(name="K", type=pa.string()), Column(name="V", type=pa.int64())), key=("K",))


class PanicException(BaseException):
    """What the driver's Rust core raises."""


@pytest.fixture
def bench(tmp_path: Path) -> FakeBench:
    """A cache on a fake server that has every feature."""
    return fake_bench(tmp_path)


def seen(bench: FakeBench) -> list[Row]:
    """The table's rows with instants as the kit writes them."""
    return [(number, name, changed.replace(tzinfo=at(0).tzinfo)) for number, name, changed in bench.rows()]


def test_order_of_a_merge(bench: FakeBench) -> None:
    """Rows are copied into a committed staging table; then one transaction updates, inserts and writes the log row."""
    bench.merge(ITEMS, OLD)
    bench.server.sent.clear()
    bench.merge(ITEMS, NEW)
    words = [
        "CREATE TABLE [afresh].[StagingItem_",
        "BULK ARROW [afresh].[StagingItem_",
        "DELETE FROM [afresh].[StagingItem_",
        "SELECT COUNT_BIG(*) FROM [afresh].[StagingItem_",
        "BEGIN TRANSACTION",
        "SELECT 1 FROM [dbo].[DataUpdate]",
        "UPDATE t SET",
        "INSERT INTO [dbo].[Item]",
        "UPDATE [dbo].[DataUpdate] SET [EndDT]",
        "COMMIT TRANSACTION",
        "DROP TABLE [afresh].[StagingItem_",
    ]
    staged = bench.server.sent[next(n for n, sql in enumerate(bench.server.sent) if words[0] in sql) :]
    found = [word for sql in staged for word in words if word in sql]
    assert found == words


def test_rows_gather_into_few_copies(bench: FakeBench) -> None:
    """What comes in small pieces goes over in one bulk copy, for each opens a connection of its own."""
    bench.merge(ITEMS, OLD)
    bench.server.sent.clear()
    operation = bench.start()
    with bench.stage(ITEMS, operation) as stage:
        for row in NEW:
            stage.append(bench.batch(ITEMS, [row]))
        assert not bench.sent("BULK")
        stage.merge(trust_source=False)
        assert len(bench.sent("BULK")) == 1
        stage.append(bench.batch(ITEMS, NEW[:1]))
        assert stage.merge(trust_source=False) == MergeCounts(unchanged=1)
    assert len(bench.sent("BULK")) == 2
    assert seen(bench) == MERGED


def test_session_is_set_up(bench: FakeBench) -> None:
    """Every connection counts without NOCOUNT's trap, ends transactions on errors, and waits for locks only so long."""
    bench.merge(PLAIN, [(1, "a")])
    settings = [sql for sql in bench.server.sent if "SET NOCOUNT ON" in sql]
    assert "SET XACT_ABORT ON" in settings[-1]
    assert "SET LOCK_TIMEOUT 2000" in settings[-1]
    assert len(settings) >= bench.server.connections


def test_nothing_is_bound_beside_names_of_users(bench: FakeBench) -> None:
    """No statement that holds a table's or column's name has a parameter: drivers take a `?` in a name for one."""
    schema = TableSchema(columns=(Column(name="Id?", type=pa.int64()), ITEMS.columns[2]), key=("Id?",))
    bench.merge(schema, [(1, at(0))], table_name="Odd?")
    assert all("?" not in re.sub(r"\[[^\]]*\]", "", sql) for sql in bench.server.sent if "[Odd?]" in sql)


@pytest.mark.parametrize(
    ("strategy", "way"),
    [(None, "merge"), (ReloadStrategy.SWAP, "switch"), (ReloadStrategy.SWAP, "replace"), (ReloadStrategy.TRUNCATE, "")],
    ids=["merge", "switch", "replace", "refill"],
)
def test_failure_of_any_statement(tmp_path: Path, strategy: ReloadStrategy | None, way: str) -> None:
    """Whichever statement fails, the table is the old or, with success recorded, the new one; nothing is left over."""
    begun = fake_bench(tmp_path, lacks=("SWITCH",) if way == "replace" else ())
    begun.merge(ITEMS, OLD)
    add_index(begun)
    for number in itertools.count():
        bench = begun.copied(tmp_path / f"{number}.db")
        if not fails_at(bench, number, sync_of(strategy), MERGED if strategy is None else NEW):
            break
    assert number > 12


def sync_of(strategy: ReloadStrategy | None) -> Callable[[FakeBench], object]:
    """A sync of the new rows."""
    return lambda bench: bench.merge(ITEMS, NEW) if strategy is None else bench.reload(ITEMS, strategy, NEW)


def add_index(bench: FakeBench) -> None:
    """A secondary index of the user's, and one that the user has disabled."""
    bench.server.batch("CREATE NONCLUSTERED INDEX [ByName] ON [dbo].[Item] ([Name])")
    bench.server.batch("CREATE NONCLUSTERED INDEX [Idle] ON [dbo].[Item] ([Changed])")
    bench.server.batch("ALTER INDEX [Idle] ON [dbo].[Item] DISABLE")


def fails_at(bench: FakeBench, number: int, sync: Callable[[FakeBench], object], new: list[Row]) -> bool:
    """Lets the statement of that number fail, checks what is left, and says whether there was such a statement."""
    start = len(bench.server.sent)
    failed: list[str] = []

    def fail(sql: str) -> None:
        if len(bench.server.sent) - start == number + 1 and not failed:
            failed.append(sql)
            raise FakeError("Communication link failure; it was told to fail")

    bench.server.before = fail
    error: AfreshError | None = None
    try:
        sync(bench)
    except AfreshError as raised:
        error = raised
    bench.server.before = lambda _sql: None
    succeeded = len(bench.cache.log.history()) == 2 and bench.cache.log.history()[0].was_successful is True
    state = seen(bench)
    assert state == (new if succeeded else OLD), failed
    if error is None and failed:
        # Only what is on the way out anyway, such as dropping, or going back to the usual timeout, may fail quietly.
        assert succeeded, failed
    assert bench.server.open_connections == 0
    bench.recover()
    assert bench.leftovers() == set()
    assert bench.server.query("SELECT name, disabled FROM _index WHERE object = 'dbo.Item' AND kind = 2") == [
        ("ByName", 0),
        ("Idle", 1),
    ]
    if number % 5 == 0:
        sync(bench)
        assert seen(bench) == new
    return bool(failed)


def test_dropped_though_the_connection_is_gone(bench: FakeBench) -> None:
    """If the stage's connection is lost, another one drops what it made."""
    bench.merge(ITEMS, OLD)
    bench.server.fail("UPDATE t SET", FakeError("Communication link failure"))
    bench.server.fail("IF @@TRANCOUNT", FakeError("Connection not open"), times=2)
    with pytest.raises(CacheUnavailable):
        bench.merge(ITEMS, NEW)
    assert bench.leftovers() == set()
    assert seen(bench) == OLD


def test_panic_in_bulk_copy(bench: FakeBench) -> None:
    """Where bulk copy fails, even by a panic of the driver's core, what it may have sent is deleted, and the rows are
    inserted instead."""
    bench.merge(ITEMS, OLD)
    bench.server.fail("BULK ARROW", PanicException("called unwrap on None"))
    assert bench.merge(ITEMS, NEW) == MergeCounts(inserted=2, updated=2, unchanged=2)
    assert seen(bench) == MERGED
    assert len(bench.sent("WHERE [Arrival] >= 0")) == 1
    assert bench.leftovers() == set()


def test_rows_that_do_not_arrive(bench: FakeBench) -> None:
    """A staging table that does not hold every row that was sent fails the sync, and nothing of it is in the table."""
    bench.merge(ITEMS, OLD)
    operation = bench.start()
    with bench.stage(ITEMS, operation) as stage:
        stage.append(bench.batch(ITEMS, NEW))
        bench.server.before = lambda sql: lose_a_row(bench) if "ROW_NUMBER" in sql else None
        with pytest.raises(CacheError, match="6 rows were sent to staging, and it holds 5"):
            stage.merge(trust_source=True)
    bench.server.before = lambda _sql: None
    assert seen(bench) == OLD


def lose_a_row(bench: FakeBench) -> None:
    """What a load that was cut leaves."""
    bench.server.before = lambda _sql: None
    (staging,) = bench.server.tables() & bench.leftovers()
    bench.server.query(f'DELETE FROM "afresh.{staging}" WHERE "Arrival" = 2')


def test_deadlock_victims_try_again(bench: FakeBench) -> None:
    """A merge that was chosen as the victim of a deadlock is done again at once."""
    bench.merge(ITEMS, OLD)
    bench.server.fail("INSERT INTO .dbo...Item", FakeError("Serialization failure; deadlock"), times=2)
    assert bench.merge(ITEMS, NEW) == MergeCounts(inserted=2, updated=2, unchanged=2)
    assert seen(bench) == MERGED


def test_lock_timeout_ends(bench: FakeBench) -> None:
    """A lock that nobody gives back ends the sync with a transient error."""
    bench.merge(ITEMS, OLD)
    bench.server.fail("UPDATE t SET", FakeError("Lock request time out period exceeded"), times=1_000)
    with pytest.raises(CacheLocked):
        bench.merge(ITEMS, NEW)
    assert seen(bench) == OLD
    assert bench.leftovers() == set()


def test_switch_waits_little_at_a_time(bench: FakeBench) -> None:
    """Waiting for readers to let go of the table is done in short turns, so that those who come later get theirs."""
    bench.merge(ITEMS, OLD)
    bench.server.fail("TRUNCATE TABLE .dbo", FakeError("Lock request time out period exceeded"))
    bench.reload(ITEMS, ReloadStrategy.SWAP, NEW)
    assert seen(bench) == NEW
    assert len(bench.sent("ALTER TABLE [dbo].[ShadowItem_")) == 1
    assert bench.sent("SET LOCK_TIMEOUT")[-2:] != []


def test_switch_has_the_indexes_of_the_table(bench: FakeBench) -> None:
    """The shadow gets the table's indexes, because a switch asks for them."""
    bench.merge(ITEMS, OLD)
    bench.server.batch("CREATE NONCLUSTERED INDEX [ByName] ON [dbo].[Item] ([Name])")
    bench.reload(ITEMS, ReloadStrategy.SWAP, NEW)
    assert len(bench.sent("CREATE NONCLUSTERED INDEX [ByName] ON [dbo].[ShadowItem_")) == 1
    assert len(bench.sent("SWITCH TO [dbo].[Item]")) == 1
    assert seen(bench) == NEW


@pytest.mark.parametrize("refused", ["TRUNCATE TABLE .dbo", "SWITCH TO .dbo", "CREATE NONCLUSTERED INDEX .* ON .dbo"])
def test_rows_are_replaced_where_a_switch_is_refused(bench: FakeBench, refused: str) -> None:
    """Where the server refuses the switch (foreign keys, bound views), the rows that differ are replaced."""
    bench.merge(ITEMS, OLD)
    bench.server.batch("CREATE NONCLUSTERED INDEX [ByName] ON [dbo].[Item] ([Name])")
    bench.cache.features()
    bench.server.fail(refused, FakeError("Cannot truncate table because it is being referenced by a FOREIGN KEY"))
    counts = bench.reload(ITEMS, ReloadStrategy.SWAP, NEW)
    assert counts == MergeCounts(inserted=2, updated=2, unchanged=2, deleted=2)
    assert seen(bench) == NEW
    assert len(bench.sent("DELETE t FROM [dbo].[Item]")) == 1


def test_refill_takes_away_secondary_indexes_alone(bench: FakeBench) -> None:
    """Only indexes that are neither unique nor disabled by somebody are disabled, and exactly those are rebuilt."""
    bench.merge(ITEMS, OLD)
    add_index(bench)
    bench.server.batch("CREATE UNIQUE NONCLUSTERED INDEX [Once] ON [dbo].[Item] ([Id])")
    bench.server.sent.clear()
    bench.reload(ITEMS, ReloadStrategy.TRUNCATE, NEW)
    assert bench.sent("ALTER INDEX", "TRUNCATE TABLE [dbo]", "INSERT INTO [dbo].[Item]") == [
        "ALTER INDEX [ByName] ON [dbo].[Item] DISABLE",
        "TRUNCATE TABLE [dbo].[Item]",
        bench.sent("INSERT INTO [dbo].[Item]")[0],
        "ALTER INDEX [ByName] ON [dbo].[Item] REBUILD",
    ]


def test_refill_of_a_referenced_table(bench: FakeBench) -> None:
    """Where TRUNCATE is refused, the rows are deleted in the same transaction."""
    bench.merge(ITEMS, OLD)
    bench.cache.features()
    bench.server.fail("TRUNCATE TABLE .dbo", FakeError("it is being referenced by a FOREIGN KEY constraint"))
    bench.reload(ITEMS, ReloadStrategy.TRUNCATE, NEW)
    assert "DELETE FROM [dbo].[Item]" in bench.server.sent
    assert seen(bench) == NEW


def test_rebuild_leaves_disabled_indexes(bench: FakeBench) -> None:
    """Rebuilding all indexes does not enable one that somebody disabled."""
    bench.merge(ITEMS, OLD)
    add_index(bench)
    operation = bench.start()
    with bench.stage(ITEMS, operation) as stage:
        bench.server.sent.clear()
        stage.rebuild_indexes()
    assert bench.sent("ALTER INDEX") == [
        "ALTER INDEX [PK] ON [dbo].[Item] REBUILD",
        "ALTER INDEX [ByName] ON [dbo].[Item] REBUILD",
    ]


@pytest.mark.parametrize("reload", [False, True])
def test_keys_that_are_one_to_the_server(bench: FakeBench, reload: bool) -> None:
    """Two keys that differ in blanks at the end alone stop the sync, which names them; nothing is merged into one."""
    bench.merge(TEXT_KEY, [("b", 0)])

    def sync() -> None:
        with bench.stage(TEXT_KEY, bench.start(), reload=reload) as stage:
            stage.append(bench.batch(TEXT_KEY, [("a", 1), ("a ", 2), ("b", 3)]))
            stage.merge(trust_source=True)

    with pytest.raises(BadValue, match=r"Item.*K 'x") as caught:
        sync()
    assert isinstance(caught.value.__cause__, KeyTaken)
    assert bench.rows() == [("b", 0)]


def test_key_that_is_there_in_another_spelling(bench: FakeBench) -> None:
    """A key that the table has with other blanks at the end stops the sync, too."""
    bench.merge(TEXT_KEY, [("a ", 1)])
    with pytest.raises(BadValue, match="two keys of the source are one key"):
        bench.merge(TEXT_KEY, [("a", 2)])
    assert bench.rows() == [("a ", 1)]
    bench.recover()
    assert bench.merge(TEXT_KEY, [("a ", 3)]) == MergeCounts(updated=1)


def test_key_taken_by_somebody_else(bench: FakeBench) -> None:
    """A key that somebody inserts meanwhile is an error of the cache, not of the value."""
    bench.merge(ITEMS, OLD)
    bench.server.fail("INSERT INTO .dbo...Item", FakeError("Cannot insert duplicate key in object"))
    with pytest.raises(KeyTaken):
        bench.merge(ITEMS, NEW)


@pytest.mark.parametrize(
    "moment",
    ["BULK ARROW", "DELETE FROM .afresh", "UPDATE t SET", "INSERT INTO .dbo...Item", "CREATE TABLE .dbo...Shadow"],
)
def test_cancelled_in_a_statement(bench: FakeBench, moment: str) -> None:
    """A request that comes while a statement runs breaks it off; what was made is dropped all the same."""
    bench.merge(ITEMS, OLD)
    cancel = ManualCancellation()

    def request(sql: str) -> None:
        if re.search(moment, sql):
            cancel.request()
            raise FakeError("Operation canceled")

    bench.server.before = request
    operation = bench.start()

    def sync() -> None:
        with bench.stage(ITEMS, operation, cancel=cancel, reload="Shadow" in moment) as stage:
            stage.append(bench.batch(ITEMS, NEW))
            stage.merge(trust_source=True)

    with pytest.raises(Cancelled):
        sync()
    bench.server.before = lambda _sql: None
    bench.cache.log.complete(completion(operation, outcome=Outcome.CANCELLED, rows=-1))
    assert seen(bench) == OLD
    assert bench.leftovers() == set()
    assert bench.server.open_connections == 0


def test_cancelled_between_pieces_of_a_copy(bench: FakeBench) -> None:
    """Bulk copy, which cannot be broken off, ends with the piece that it is at."""
    bench.merge(ITEMS, OLD)
    cancel = ManualCancellation()
    many = [(number, "x", None) for number in range(25_000)]
    operation = bench.start()

    def sync() -> None:
        with bench.stage(ITEMS, operation, cancel=cancel) as stage:
            stage.append(bench.batch(ITEMS, many))
            bench.server.before = lambda sql: cancel.request() if "BULK" in sql else None
            stage.merge(trust_source=True)

    with pytest.raises(Cancelled):
        sync()
    assert bench.leftovers() == set()


def test_length_is_known_before_the_copy(bench: FakeBench) -> None:
    """A text that is too long for its column, an emoji counting twice, is refused before anything is sent."""
    schema = TableSchema(columns=(PLAIN.columns[0], Column(name="Name", type=pa.string(), length=4)), key=("Id",))
    assert bench.merge(schema, [(1, "🙂🙂"), (2, "üüüü"), (3, None)]) == MergeCounts(inserted=3)
    with pytest.raises(BadValue, match=r"Item\.Name: a value of 5 characters, where the column takes 4"):
        bench.merge(schema, [(1, "🙂🙂x")])


def test_plain_server(tmp_path: Path) -> None:
    """On a server that lacks every feature that can be done without, everything still works, by plainer means."""
    bench = fake_bench(tmp_path, lacks=LACKING, no_bulk=("arrow", "rows"))
    features = bench.cache.features()
    assert (features.hints, features.switch, features.truncate, features.try_convert) == (False,) * 4
    assert (features.disable_index, features.rebuild_index, features.collation) == (False, False, None)
    assert (features.staging_schema, features.bulk) == ("dbo", Bulk.INSERTS)
    bench.merge(ITEMS, OLD)
    bench.server.batch("CREATE NONCLUSTERED INDEX [ByName] ON [dbo].[Item] ([Name])")
    bench.server.sent.clear()
    assert bench.merge(ITEMS, NEW) == MergeCounts(inserted=2, updated=2, unchanged=2)
    assert bench.reload(ITEMS, ReloadStrategy.SWAP, OLD) == MergeCounts(updated=2, unchanged=4, deleted=2)
    assert bench.reload(ITEMS, ReloadStrategy.TRUNCATE, NEW).deleted == 2
    assert seen(bench) == NEW
    dropped = bench.sent("DROP INDEX", "CREATE NONCLUSTERED INDEX")
    assert [sql.partition(" ON ")[0] for sql in dropped] == [
        "DROP INDEX [ByName]",
        "CREATE NONCLUSTERED INDEX [ByName]",
    ]
    assert not [sql for sql in bench.server.sent for lacking in LACKING if re.search(lacking, sql)]
    assert bench.leftovers() == set()


LACKING = (
    "HOLDLOCK",
    "SWITCH",
    "TRUNCATE",
    "TRY_CONVERT",
    "ALTER INDEX",
    "CREATE SCHEMA",
    "COLLATE Latin1",
    "LOCK_TIMEOUT",
    "XACT_ABORT",
    "SET LANGUAGE",
)


def test_bulk_copy_of_rows(tmp_path: Path) -> None:
    """A server that takes bulk copy of tuples alone is given tuples."""
    bench = fake_bench(tmp_path, no_bulk=("arrow",))
    assert bench.cache.features().bulk is Bulk.ROWS
    bench.merge(ITEMS, OLD)
    assert seen(bench) == OLD


def test_ddl_that_is_not_undone(tmp_path: Path) -> None:
    """Where a rollback does not undo DDL, no index is taken away."""
    bench = fake_bench(tmp_path)
    bench.server.fail(r"CREATE TABLE .*\[Probe_", FakeError("not in a transaction"), times=2)
    bench.merge(ITEMS, OLD)
    assert not bench.cache.features().atomic_ddl
    add_index(bench)
    bench.server.sent.clear()
    bench.reload(ITEMS, ReloadStrategy.TRUNCATE, NEW)
    assert not bench.sent("ALTER INDEX", "DROP INDEX")


def test_unreachable_while_probing(tmp_path: Path) -> None:
    """A connection that breaks while features are found out is an error, not a missing feature."""
    bench = fake_bench(tmp_path)
    bench.server.fail("HOLDLOCK", FakeError("Communication link failure"))
    with pytest.raises(CacheUnavailable):
        bench.merge(ITEMS, OLD)
    assert bench.merge(ITEMS, OLD) == MergeCounts(inserted=6)
    assert bench.cache.features().hints


def test_clean_leaves_the_living(bench: FakeBench) -> None:
    """Only tables of operations that are not live are dropped; data tables with similar names stay."""
    bench.merge(ITEMS, OLD)
    dead, live = "d" * 32, bench.start()
    for name in (f"[afresh].[StagingItem_{dead}]", f"[dbo].[ShadowItem_{dead}]", f"[afresh].[StagingItem_{live}]"):
        bench.server.batch(f"CREATE TABLE {name} ([C1] int NULL)")
    bench.server.batch("CREATE TABLE [dbo].[StagingArea] ([C1] int NULL)")
    assert set(bench.cache.clean(frozenset())) == {f"StagingItem_{dead}", f"ShadowItem_{dead}"}
    assert {"StagingArea", f"StagingItem_{live}", "Item"} <= bench.server.tables()


def test_busy_managed_server_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A managed database that is being moved is connected to again before anybody hears of it."""
    bench = fake_bench(tmp_path)
    monkeypatch.setattr("afresh.caches.sqlserver_database._PAUSE_SECONDS", 0.0)
    connect, refusals = bench.server.connect, [1, 1]

    def refuse(text: str, seconds: int) -> object:
        if refusals:
            refusals.pop()
            raise FakeError("Database 'x' on server 'y' is not currently available. Error 40613")
        return connect(text, seconds)

    monkeypatch.setattr(bench.cache._database, "_connect", refuse)
    bench.merge(ITEMS, OLD)
    assert refusals == []
