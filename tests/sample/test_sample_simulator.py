"""The simulator: the same again, every kind of change, and the awkward ones on purpose."""

import shutil
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.sample.sample_files import NOW, content, rows, value

from afresh.core.errors import ConfigurationError, SourceUnavailable
from afresh.jde.catalogue import tables
from afresh.sample.changes import Change, ChangeKind, stamp_at
from afresh.sample.scale import MIS_DATA
from afresh.sample.simulator import Simulator
from afresh.sample.source import create
from afresh.sample.traps import SIMULATED, MadeBy, traps
from afresh.testing.clock import ManualClock

SECOND = timedelta(seconds=1)
CHICAGO = ZoneInfo("America/Chicago")


def live(path: Path, *, seconds: int = 15, settle: bool = True, start: datetime = NOW, **settings: Any) -> list[Change]:
    """What a simulator does in that time, a step each second."""
    clock = ManualClock(start)
    changes = []
    with Simulator(path, clock=clock, **{"transactions_per_second": 40.0, **settings}) as simulator:
        for _ in range(seconds):
            clock.advance(SECOND)
            changes += simulator.step()
        if settle:
            changes += simulator.settle()
    return changes


def stamps_of(path: Path, name: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Date and time stamp of all rows of a table by key."""
    table = tables()[name]
    assert table.stamp is not None
    found = rows(path, f"SELECT {table.stamp.date}, {table.stamp.time}, {', '.join(table.key)} FROM {name}")
    return {row[2:]: row[:2] for row in found}


def test_same_seed_and_clock_do_the_same(own_sample: Path, tmp_path: Path) -> None:
    """Changes and data depend on the seed, the file and the clock alone."""
    twin = Path(shutil.copy(own_sample, tmp_path / "twin.db"))
    other = Path(shutil.copy(own_sample, tmp_path / "other.db"))
    changes = live(own_sample, seed=4)
    assert live(twin, seed=4) == changes
    assert content(own_sample) == content(twin)
    assert live(other, seed=5) != changes


def test_changes_tell_all(own_sample: Path) -> None:
    """Every row that differs afterwards was told as changed, and every told insert and delete is there."""
    before = keyed(own_sample)
    changes = live(own_sample)
    after = keyed(own_sample)
    told = {(change.table, change.key) for change in changes}
    assert {row for row in before.keys() | after.keys() if before.get(row) != after.get(row)} <= told
    inserted = {(c.table, c.key) for c in changes if c.kind is ChangeKind.INSERT}
    deleted = {(c.table, c.key) for c in changes if c.kind is ChangeKind.DELETE}
    assert inserted - deleted == after.keys() - before.keys()
    assert deleted - inserted == before.keys() - after.keys()


def keyed(path: Path) -> dict[tuple[str, tuple[Any, ...]], set[tuple[Any, ...]]]:
    """All rows by table and key."""
    found: dict[tuple[str, tuple[Any, ...]], set[tuple[Any, ...]]] = {}
    for table in (*tables(), MIS_DATA):
        key = tables()[table].key if table in tables() else ("MisId",)
        for row in rows(path, f"SELECT {', '.join(key)}, * FROM {table}"):
            found.setdefault((table, row[: len(key)]), set()).add(row)
    return found


def test_every_table_and_kind_of_change_occurs(own_sample: Path) -> None:
    """Within half a minute all tables change, in all the ways they do at real sites."""
    seen = Counter((change.table, change.kind) for change in live(own_sample, seconds=30))
    assert {table for table, _ in seen} == {*tables(), MIS_DATA}
    grown = {table for table, kind in seen if kind is ChangeKind.INSERT}
    assert grown == {"F4801", "F3112", "F3111", "F31122", "F4111", "F4211", "F4311", MIS_DATA}
    assert {table for table, kind in seen if kind is ChangeKind.DELETE} == {"F4211"}
    assert {table for table, kind in seen if kind is ChangeKind.REWRITE} == {"F4111"}
    assert {table for table, kind in seen if kind is ChangeKind.UPDATE} == {*tables(), MIS_DATA} - {"F4111"}


def test_late_commits_have_stamps_before_their_commit(own_sample: Path) -> None:
    """A late transaction is visible only seconds after its stamp; before that no reader sees its row."""
    clock = ManualClock(NOW)
    late = []
    with Simulator(own_sample, clock=clock, transactions_per_second=20, late_commits=0.2) as simulator:
        for _ in range(60):
            before = keys_of_orders(own_sample)
            clock.advance(SECOND)
            for change in simulator.step():
                assert change.committed == clock.now()
                assert change.stamp is None or change.kind is ChangeKind.INSERT or change.stamp <= clock.now()
                if change.stamp and change.committed - change.stamp > timedelta(seconds=5):
                    late.append(change)
                    if change.table == "F4801" and change.kind is ChangeKind.INSERT:
                        assert change.key not in before
    assert len(late) > 50
    assert max(change.committed - change.stamp for change in late if change.stamp) <= timedelta(seconds=34)
    assert {change.kind for change in late} == {ChangeKind.INSERT, ChangeKind.UPDATE}


def keys_of_orders(path: Path) -> set[tuple[int, ...]]:
    """The work orders that a reader sees."""
    return set(rows(path, "SELECT WADOCO FROM F4801"))


def test_without_late_commits_and_skew_stamps_are_punctual(own_sample: Path) -> None:
    """Each awkwardness can be turned off."""
    changes = live(own_sample, late_commits=0.0, future_stamps=0.0, clock_skew=timedelta(0))
    assert all(0 <= (c.committed - c.stamp).total_seconds() <= 2 for c in changes if c.stamp)


def test_settle_makes_a_quiet_point(own_sample: Path) -> None:
    """Settling commits everything held back, once; without it held back transactions are lost."""
    twin = Path(shutil.copy(own_sample, own_sample.with_name("twin.db")))
    settled = live(own_sample, late_commits=0.5, seconds=10)
    lost = live(twin, late_commits=0.5, seconds=10, settle=False)
    assert settled[: len(lost)] == lost
    assert len(settled) > len(lost) * 1.5
    clock = ManualClock(NOW)
    with Simulator(own_sample, clock=clock) as simulator:
        clock.advance(10 * SECOND)
        simulator.step()
        simulator.settle()
        assert simulator.settle() == []


def test_same_second_updates(own_sample: Path) -> None:
    """A work order is changed twice with one stamp, and holds the second change."""
    changes = live(own_sample, same_second=0.5, late_commits=0.0)
    stamps = Counter((c.key, c.stamp) for c in changes if c.table == "F4801" and c.kind is ChangeKind.UPDATE)
    twice = [key for (key, _), count in stamps.items() if count > 1]
    assert len(twice) > 10
    priorities = {value(own_sample, "SELECT WAPRTS FROM F4801 WHERE WADOCO = ?", *key) for key in twice}
    assert priorities & set("456789")


def test_rewritten_rows_keep_their_stamp(own_sample: Path) -> None:
    """A ledger row gets another batch and G/L date while its creation stamp stays."""
    sql = "SELECT ILUKID, ILCRDJ, ILTDAY, ILICU, ILDGL, ILUSER FROM F4111"
    before = {row[0]: row for row in rows(own_sample, sql)}
    rewritten = [c for c in live(own_sample) if c.kind is ChangeKind.REWRITE]
    after = {row[0]: row for row in rows(own_sample, sql)}
    old = [c.key[0] for c in rewritten if c.key[0] in before]
    assert len(old) > 5
    assert all(c.stamp is None for c in rewritten)
    assert all(before[key][1:3] == after[key][1:3] and before[key][5] == after[key][5] for key in old)
    assert all(before[key][3:5] != after[key][3:5] for key in old)


def test_purged_lines_were_at_999(own_sample: Path) -> None:
    """Deleted are sales order lines at 999 only, and nothing of them is left."""
    before = {row[:4]: row[4] for row in rows(own_sample, "SELECT SDDOCO, SDDCTO, SDKCOO, SDLNID, SDNXTR FROM F4211")}
    changes = [change for change in live(own_sample) if change.table == "F4211"]
    deleted = [c for c in changes if c.kind is ChangeKind.DELETE]
    shipped = {c.key for c in changes if c.kind is ChangeKind.UPDATE}
    assert len(deleted) > 5
    assert all(c.key in shipped or before[c.key] == "999" for c in deleted)
    assert all(c.stamp is None for c in deleted)
    left = set(rows(own_sample, "SELECT SDDOCO, SDDCTO, SDKCOO, SDLNID FROM F4211"))
    assert not left & {c.key for c in deleted}


def test_future_stamps_are_rare_and_never_overtaken(own_sample: Path) -> None:
    """Some new work orders are stamped days ahead; they are left alone until that time has come."""
    changes = live(own_sample, future_stamps=0.3)
    future = [c for c in changes if c.table == "F4801" and c.stamp and c.stamp > NOW + timedelta(hours=1)]
    assert len(future) > 5
    assert {c.kind for c in future} == {ChangeKind.INSERT}
    keys = {c.key for c in future}
    assert not [c for c in changes if c.key in keys and c.kind is ChangeKind.UPDATE and c.table == "F4801"]


def test_numbers_become_visible_with_gaps_and_out_of_order(own_sample: Path) -> None:
    """Next numbers are handed out before the commit: a cursor on the highest number would lose rows."""
    changes = live(own_sample, late_commits=0.2)
    numbers = [int(c.key[0] or 0) for c in changes if c.table == "F4111" and c.kind is ChangeKind.INSERT]
    assert numbers != sorted(numbers)
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) - min(numbers) > len(numbers)


def test_stamps_of_a_row_never_go_back(own_sample: Path) -> None:
    """However late and skewed, the newest version of a row has its newest stamp."""
    changes = live(own_sample, seconds=30, late_commits=0.3, clock_skew=timedelta(seconds=8), same_second=0.3)
    newest: dict[tuple[str, Any], datetime] = {}
    for change in changes:
        if change.stamp is not None:
            row = change.table, change.key
            assert change.stamp >= newest.get(row, change.stamp)
            newest[row] = change.stamp
    assert Counter((c.table, c.key) for c in changes if c.stamp).most_common(1)[0][1] > 1


def test_backward_stamps_if_asked_for(own_sample: Path) -> None:
    """Two servers with different clocks: a work order may get a stamp older than the one it had."""
    changes = live(own_sample, backward_stamps=0.8, seconds=30)
    newest: dict[Any, datetime] = {}
    back = 0
    for change in changes:
        if change.table == "F4801" and change.stamp is not None:
            back += change.stamp < newest.get(change.key, change.stamp)
            newest[change.key] = max(change.stamp, newest.get(change.key, change.stamp))
    assert back > 3


def test_stamps_are_the_wall_clock(own_sample: Path) -> None:
    """What stands in the row is the told instant on the source's wall clock."""
    changes = live(own_sample, seconds=5)
    deleted = {(c.table, c.key) for c in changes if c.kind is ChangeKind.DELETE}
    last = {(c.table, c.key): c.stamp for c in changes if c.table != MIS_DATA and c.stamp}
    last = {row: stamp for row, stamp in last.items() if row not in deleted}
    assert len(last) > 50
    stored = {table: stamps_of(own_sample, table) for table in {table for table, _ in last}}
    for (table, key), instant in last.items():
        expected = stamp_at(instant, CHICAGO)
        assert stored[table][key] == (expected.date, expected.time)


def test_the_repeated_hour(own_sample: Path) -> None:
    """While the clocks are set back life goes on: the second pass changes rows stamped in the first, and the
    readings of their stamps go back."""
    start = datetime(2027, 11, 7, 6, 59, 30, tzinfo=UTC)
    changes = live(own_sample, start=start, seconds=60, transactions_per_second=15.0, clock_skew=timedelta(0))
    first = {c.key for c in changes if c.table == "F4801" and c.committed < start + timedelta(seconds=29)}
    second = [c for c in changes if c.table == "F4801" and c.committed > start + timedelta(seconds=32)]
    assert any(c.key in first and c.kind is ChangeKind.UPDATE for c in second)
    readings = {stamp_at(c.stamp, CHICAGO).time for c in changes if c.stamp and c.stamp < start + timedelta(days=1)}
    assert min(readings) < 10_030
    assert max(readings) > 15_929


def test_traps_of_the_file_stay(own_sample: Path) -> None:
    """The simulator leaves the rows of the traps as they are."""
    kept = {(t.table, tuple(key.values())) for t in traps(NOW, CHICAGO) for key in t.keys}
    assert not kept & {(c.table, c.key) for c in live(own_sample, seconds=30)}


def test_listed_traps_are_those_it_makes() -> None:
    """The simulator's traps are listed with those of the file, each shown by a test here."""
    assert {trap.name for trap in SIMULATED} == {
        "late commit",
        "same-second update",
        "rewritten row",
        "deleted row",
        "future insert",
        "numbers out of order",
    }
    assert {trap.made_by for trap in SIMULATED} == {MadeBy.SIMULATOR}


def test_a_part_of_the_tables_is_enough(tmp_path: Path) -> None:
    """A sample with a few tables is kept changing too."""
    path = create(tmp_path / "part.db", rows=2_000, now=NOW, only=("F4801", "F4111")).path
    assert {change.table for change in live(path)} == {"F4801", "F4111"}


def test_readers_see_whole_transactions(own_sample: Path) -> None:
    """A reader keeps its state of the database while transactions go on, and no writer waits for it."""
    with closing(sqlite3.connect(own_sample, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        [(before,)] = reader.execute("SELECT count(*) FROM F4801").fetchall()
        assert live(own_sample)
        assert reader.execute("SELECT count(*) FROM F4801").fetchall() == [(before,)]
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM F4801").fetchone()[0] > before


def test_run_in_real_time(own_sample: Path) -> None:
    """`run` steps until it is told to stop, and settles."""

    class SystemClock:
        def now(self) -> datetime:
            return datetime.now(UTC)

        def sleep(self, duration: timedelta) -> None:
            raise AssertionError("it waits for the stop instead")

        def steady(self) -> timedelta | None:
            return None

    orders = "SELECT count(*) FROM MisData"
    before = value(own_sample, orders)
    stop = threading.Event()
    with Simulator(own_sample, clock=SystemClock(), transactions_per_second=200, late_commits=0.0) as simulator:
        thread = threading.Thread(target=simulator.run, args=(stop,))
        thread.start()
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while value(own_sample, orders) == before and datetime.now(UTC) < deadline:
            stop.wait(0.05)
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
    assert value(own_sample, orders) > before


@pytest.mark.parametrize("pace", [0.0, -1.0])
def test_a_pace_is_needed(own_sample: Path, pace: float) -> None:
    """A simulator without a pace is refused."""
    with pytest.raises(ConfigurationError, match="above 0"):
        Simulator(own_sample, clock=ManualClock(NOW), transactions_per_second=pace)


def test_a_source_is_needed(tmp_path: Path) -> None:
    """A file that is not there, or holds no table of the sample, is refused."""
    with pytest.raises(SourceUnavailable, match="no sample source"):
        Simulator(tmp_path / "none.db", clock=ManualClock(NOW))
    assert not (tmp_path / "none.db").exists()
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        connection.execute("CREATE TABLE other (a)")
    with pytest.raises(ConfigurationError, match="no table"):
        Simulator(tmp_path / "empty.db", clock=ManualClock(NOW))


def test_a_source_that_is_gone_is_told(own_sample: Path) -> None:
    """A table that somebody dropped meanwhile is an error of the house, with the driver's as its cause."""
    clock = ManualClock(NOW)
    with Simulator(own_sample, clock=clock, transactions_per_second=100) as simulator:
        with closing(sqlite3.connect(own_sample)) as connection:
            connection.execute("DROP TABLE F4801")
        clock.advance(SECOND)
        with pytest.raises(SourceUnavailable, match="no such table") as raised:
            simulator.step()
    assert isinstance(raised.value.__cause__, sqlite3.OperationalError)
