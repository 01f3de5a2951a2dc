"""The service: checks, recovery, purging, and stopping in good order."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import DAILY, HOUR, HOURLY, MASS, Rig, in_thread, item, make_rig, table_config, wait_for

from afresh.caches.sqlite import SqliteCache
from afresh.core.errors import CacheUnavailable, ConfigurationError, SourceUnavailable
from afresh.core.events import (
    Checked,
    CheckFailed,
    ClockWentBack,
    LeftoversDropped,
    RunsMissed,
    ServiceStarted,
    ServiceStopped,
    ServiceStopping,
    SyncEnded,
    UpdatesClosed,
    UpdatesPurged,
)
from afresh.core.model import Outcome, UpdateType
from afresh.core.options import ScheduleConfig
from afresh.engine.cancellation import CancelToken
from afresh.engine.instance import new_instance_id
from afresh.testing.clock import START
from afresh.testing.failpoints import Failing, Failpoint

DEAD = new_instance_id().rsplit("/", 2)[0] + "/1/deadbeef"
"""An instance of this machine and this process id, but of another process."""


def ended(rig: Rig) -> list[tuple[UpdateType, Outcome]]:
    """How the syncs so far ended."""
    return [(event.task.update_type, event.outcome) for event in rig.of(SyncEnded)]


@contextmanager
def running(rig: Rig) -> Iterator[threading.Thread]:
    """The service's loop in a thread of its own, stopped at once in the end."""
    thread = in_thread(rig.service.run)
    try:
        yield thread
    finally:
        rig.service.stop(at_once=True)
        thread.join(20)
        assert not thread.is_alive()


def test_day_of_a_table(directory: Path) -> None:
    """A Mass first, then an Hourly each hour, a Daily each day, and after a week a Mass again."""
    rig = make_rig(directory, rows=[item(1)])
    for _ in range(24 * 7 + 2):
        rig.service.tick()
        rig.clock.advance(HOUR)
    types = [update_type for update_type, _outcome in ended(rig)]
    assert types == [MASS, *([HOURLY] * 23 + [DAILY]) * 6, *[HOURLY] * 23, MASS, HOURLY]
    assert {outcome for _type, outcome in ended(rig)} == {Outcome.SUCCEEDED}


def test_nothing_due_nothing_done(directory: Path) -> None:
    """A check at which nothing is due runs nothing, and says so."""
    rig = make_rig(directory)
    rig.service.tick()
    rig.service.tick()
    assert len(ended(rig)) == 1
    assert [len(event.due) for event in rig.of(Checked)] == [1, 0]


def test_failures_back_off(directory: Path) -> None:
    """A table that fails is tried after one check interval, then two, four and so on, at most one interval."""
    rig = make_rig(directory, [table_config(mass=None, daily=None)], rows=[item(1)])
    rig.source.fail_after = (0, SourceUnavailable("no line"))
    for _ in range(4 * 60):
        rig.service.tick()
        rig.clock.advance(timedelta(minutes=1))
    minutes = [(event.at - START) / timedelta(minutes=1) for event in rig.of(SyncEnded)]
    assert minutes == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_downtime_is_one_run(directory: Path) -> None:
    """After the service was off, one run catches up, and the runs that were missed are reported once."""
    rig = make_rig(directory, [table_config(mass=None, daily=None)])
    rig.service.tick()
    rig.clock.advance(5 * HOUR + timedelta(minutes=10))
    rig.service.tick()
    rig.service.tick()
    assert len(ended(rig)) == 2
    assert [(event.table_name, event.missed, event.since) for event in rig.of(RunsMissed)] == [("Item", 4, START)]


def test_clock_set_back(directory: Path) -> None:
    """When the clock went back the table is due, with a warning, and its order goes on by recording."""
    rig = make_rig(directory)
    rig.service.tick()
    rig.clock.advance(-5 * HOUR)
    rig.service.tick()
    rig.service.tick()
    assert [(event.table_name, event.last) for event in rig.of(ClockWentBack)] == [("Item", START)]
    assert len(ended(rig)) == 2


def test_cache_errors_do_not_end_the_service(directory: Path) -> None:
    """A check that the cache does not answer is an event; the next one goes on, and recovers then."""
    missing = directory / "not yet"
    rig = make_rig(missing)
    rig.service.tick()
    (failed,) = rig.of(CheckFailed)
    assert "does not exist" in failed.error
    assert failed.hint
    missing.mkdir()
    assert str(rig.service.facts().hindered) == failed.error
    rig.service.tick()
    assert rig.service.facts().hindered is None
    assert ended(rig) == [(MASS, Outcome.SUCCEEDED)]
    assert len(rig.of(ServiceStarted)) == 1


def test_recovery_is_tried_again_as_a_whole(directory: Path) -> None:
    """If the cache fails in the middle of the recovery, the next check does all of it, with one heartbeat."""
    rig = make_rig(directory)
    cache = rig.cache

    class Flaky(SqliteCache):
        tries = 0

        def clean(self, live_operations: frozenset[str]) -> list[str]:
            Flaky.tries += 1
            if Flaky.tries == 1:
                raise CacheUnavailable("the disk sleeps")
            return list(cache.clean(live_operations))

    flaky = make_rig(directory, cache=Flaky(directory / "cache.db", rig.service.options.cache))
    flaky.service.tick()
    flaky.service.tick()
    assert (len(flaky.of(CheckFailed)), len(flaky.of(ServiceStarted))) == (1, 1)
    assert len([thread for thread in threading.enumerate() if thread.name == "afresh-heartbeat"]) == 1


def test_dead_instances_are_closed(directory: Path) -> None:
    """At the start open updates of dead instances are ended as interrupted, and their shadows dropped."""
    dead = make_rig(directory, [table_config(mass=ScheduleConfig(interval=HOUR, prepurge_data=True))], instance_id=DEAD)
    dead.service.recover()
    _leave_behind(directory)
    rig = make_rig(directory)
    rig.service.tick()
    rig.clock.advance(timedelta(minutes=1))
    rig.service.tick()
    (closed,) = rig.of(UpdatesClosed)
    assert closed.tables == ("Item",)
    (dropped,) = rig.of(LeftoversDropped)
    assert [name[:10] for name in dropped.names] == ["ShadowItem"]
    outcomes = [update.outcome for update in rig.history()]
    assert sorted(outcomes, key=str) == [Outcome.INTERRUPTED, Outcome.SUCCEEDED]


def test_live_instances_are_left_alone(directory: Path) -> None:
    """A service that starts while another one syncs closes nothing, and keeps off its table until it has ended."""
    first = make_rig(directory, rows=[item(1)])
    first.service.recover()
    first.source.hold = threading.Event()
    thread = in_thread(first.service.check)
    assert first.source.reading.wait(5)
    second = make_rig(directory, rows=[item(1)])
    second.service.tick()
    assert second.of(UpdatesClosed) == []
    assert ended(second) == [(MASS, Outcome.FAILED)]
    first.source.hold.set()
    thread.join()
    assert ended(first) == [(MASS, Outcome.SUCCEEDED)]
    second.service.tick()
    assert len(ended(second)) == 1


def test_own_orphans_are_ended(directory: Path) -> None:
    """An update of ours whose sync ended without being able to write so is ended at a later check."""
    rig = make_rig(directory, rows=[item(1)])

    def refuse() -> None:
        raise CacheUnavailable("the disk sleeps")

    rig.source.fail_after = (0, SourceUnavailable("no line"))
    _wrap(rig, Failpoint("before complete", refuse))
    rig.service.tick()
    assert rig.history()[0].number_records == -2
    rig.source.fail_after = None
    for _ in range(2):
        rig.clock.advance(timedelta(minutes=1))
        rig.service.tick()
    assert sorted(str(update.outcome) for update in rig.history()) == ["failed", "succeeded"]


def test_purges_daily(directory: Path) -> None:
    """Old rows are purged at the start and then once a day, but never the last success of a type."""
    rig = make_rig(directory, [table_config(mass=None, daily=None)], purge_retention_days=1)
    for _ in range(24 * 4):
        rig.service.tick()
        rig.clock.advance(HOUR)
    assert [event.rows for event in rig.of(UpdatesPurged)] == [24, 24]
    rig.service.release()
    rig.clock.advance(100 * 24 * HOUR)
    late = make_rig(directory, [table_config(is_enabled=False)], clock=rig.clock, purge_retention_days=1)
    late.service.tick()
    assert len(late.history()) == 1


def test_unknown_table(directory: Path) -> None:
    """A sync of a table that is not configured is refused, and the tables there are are named."""
    rig = make_rig(directory)
    with pytest.raises(ConfigurationError, match="Nowhere") as caught:
        rig.service.sync_now("Nowhere", MASS, CancelToken())
    assert "Item" in caught.value.hint


def test_loop_until_stopped(directory: Path) -> None:
    """The loop checks again and again, and ends when it is told to, giving its lease back."""
    rig = make_rig(directory, check_interval=timedelta(milliseconds=5))
    with running(rig) as thread:
        wait_for(lambda: len(rig.of(Checked)) >= 3)
        rig.service.stop()
        thread.join(5)
        assert not thread.is_alive()
    assert (len(rig.of(ServiceStopping)), len(rig.of(ServiceStopped))) == (1, 1)
    assert rig.cache.leases.held("instance/") == []


def test_stop_lets_running_syncs_end(directory: Path) -> None:
    """When told to stop, running syncs may end within the shutdown timeout, and no new ones start."""
    with ThreadPoolExecutor(4) as executor:
        rig = make_rig(
            directory,
            [table_config("A"), table_config("B")],
            rows=[item(1)],
            executor=executor,
            max_degree_of_parallelism=1,
        )
        rig.sources["A"].hold = threading.Event()
        with running(rig) as thread:
            assert rig.sources["A"].reading.wait(5)
            rig.service.stop()
            wait_for(lambda: len(rig.of(ServiceStopping)) == 1)
            rig.sources["A"].hold.set()
            thread.join(10)
            assert not thread.is_alive()
    assert [(event.task.table_name, event.outcome) for event in rig.of(SyncEnded)] == [("A", Outcome.SUCCEEDED)]


@pytest.mark.parametrize("how", ["timeout", "second stop", "at once"])
def test_stop_cancels_what_does_not_end(directory: Path, how: str) -> None:
    """Syncs that do not end in time are cancelled within a second and recorded so; a second stop does not wait."""
    timeout = timedelta(seconds=0.2 if how == "timeout" else 60)
    with ThreadPoolExecutor(4) as executor:
        rig = make_rig(directory, rows=[item(1)], executor=executor, shutdown_timeout=timeout)
        rig.source.hold = threading.Event()
        with running(rig) as thread:
            assert rig.source.reading.wait(5)
            began = time.monotonic()
            rig.service.stop(at_once=how == "at once")
            if how == "second stop":
                time.sleep(0.1)
                rig.service.stop(at_once=True)
            thread.join(10)
            took = time.monotonic() - began
        rig.source.hold.set()
    assert took < 2
    assert ended(rig) == [(MASS, Outcome.CANCELLED)]
    assert [(update.outcome, update.number_records) for update in rig.history()] == [(Outcome.CANCELLED, -1)]


def test_long_mass_does_not_hold_up_others(directory: Path) -> None:
    """While the Mass of one table runs, the other table's Hourlies go on, check after check."""
    with ThreadPoolExecutor(4) as executor:
        rig = make_rig(
            directory,
            [table_config("Big"), table_config("Small", mass=None, daily=None)],
            rows=[item(1)],
            executor=executor,
            max_degree_of_parallelism=2,
            check_interval=timedelta(milliseconds=10),
        )
        rig.sources["Big"].hold = threading.Event()
        with running(rig):
            for expected in range(1, 5):
                wait_for(lambda expected=expected: len(rig.of(SyncEnded)) == expected)  # type: ignore[misc] # bound now
                rig.clock.advance(HOUR)
            assert {event.task.table_name for event in rig.of(SyncEnded)} == {"Small"}
            rig.sources["Big"].hold.set()
            wait_for(lambda: any(event.task.table_name == "Big" for event in rig.of(SyncEnded)))


def test_schedules_survive_a_restart(directory: Path) -> None:
    """What is due is decided by the log in the cache: a service that starts again does not load again."""
    first = make_rig(directory, rows=[item(1)])
    first.service.tick()
    first.service.release()
    first.clock.advance(2 * HOUR)
    second = make_rig(directory, rows=[item(1)], clock=first.clock)
    second.service.tick()
    assert ended(second) == [(HOURLY, Outcome.SUCCEEDED)]


def _wrap(rig: Rig, failpoint: Failpoint) -> None:
    place = rig.service.workplace
    rig.service.workplace = type(place)(
        cache=Failing(place.cache, failpoint),
        clock=place.clock,
        emit=place.emit,
        instance_id=place.instance_id,
        batch_size=place.batch_size,
        bulk_copy_batch_size=place.bulk_copy_batch_size,
    )


def _leave_behind(directory: Path) -> None:
    """What a process that dies in the middle of a reload leaves: an open row and a shadow."""
    operation = "d" * 32
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        connection.execute(f'CREATE TABLE "ShadowItem_{operation}" (Id INTEGER)')
        connection.execute(
            "INSERT INTO DataUpdate (TableName, SourceSystem, UpdateType, StartDT, NumberRecords, OperationId,"
            " InstanceId) VALUES ('Item', 'ERP', 1, '2026-03-01 00:00:00.000000', -2, ?, ?)",
            (operation, DEAD),
        )
        connection.commit()
