"""The kit: the audit log, its view, and the leases."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from afresh.core.cause import Cause
from afresh.core.errors import AlreadyRunning, UpdateLost
from afresh.core.model import Completion, DataUpdate, MergeCounts, Outcome, Phase, UpdateDetails, UpdateType
from afresh.core.ports import Lease
from afresh.testing.kit_rig import BEGIN, Bench, CacheRig, at, completion

MASS, DAILY, HOURLY = UpdateType

TTL = timedelta(minutes=1)


class LogKit(CacheRig):
    """`DataUpdate` and `LastDataUpdates`."""

    def test_empty(self, bench: Bench) -> None:
        """A log that was never written is empty, and reading it makes nothing."""
        log = bench.cache.log
        assert (list(log.last_updates()), dict(log.failures()), list(log.history())) == ([], {}, [])
        assert bench.tables() == set()

    def test_open_row(self, bench: Bench) -> None:
        """A running update has -2 records, no end and no outcome, and all else that it was started with."""
        update = _update("a" * 32, minimum_dt=at(-90.5), reason="Hourly: due 'now'")
        bench.cache.log.start(update)
        (found,) = bench.cache.log.history()
        assert found.sequence > 0
        assert found == _update("a" * 32, minimum_dt=at(-90.5), reason="Hourly: due 'now'", sequence=found.sequence)
        assert (found.number_records, found.end_dt, found.was_successful, found.outcome) == (-2, None, None, None)

    def test_success(self, bench: Bench) -> None:
        """A success keeps the rows read, 0 included, its counts, and the source's clock to the microsecond."""
        operation = bench.start()
        source_dt = at(0.5) + timedelta(microseconds=1)
        counts = MergeCounts(inserted=1, updated=2, unchanged=3, deleted=4, duplicates=5)
        bench.cache.log.complete(
            Completion(
                operation_id=operation,
                end_dt=at(9),
                outcome=Outcome.SUCCEEDED,
                number_records=0,
                counts=counts,
                source_dt=source_dt,
            )
        )
        (found,) = bench.cache.log.last_updates()
        assert (found.was_successful, found.number_records, found.counts, found.anchor, found.end_dt) == (
            True,
            0,
            counts,
            source_dt,
            at(9),
        )

    def test_details(self, bench: Bench) -> None:
        """An update keeps how its time was spent and what it noticed, and why it failed, as they were told."""
        details = UpdateDetails(
            phases={Phase.READ: timedelta(seconds=1.5), Phase.MERGE: timedelta(microseconds=1)},
            batches=2,
            plan="read the window, and 'merge' it",
            adjusted={"clamp": 3},
            skew=timedelta(seconds=-0.25),
            latency=timedelta(milliseconds=12.5),
            requested_by="someone@here",
        )
        good, bad, bare = (bench.start(name) for name in "ABC")
        for operation, outcome, cause in ((good, Outcome.SUCCEEDED, None), (bad, Outcome.FAILED, Cause.BAD_DATA)):
            bench.cache.log.complete(
                Completion(
                    operation_id=operation,
                    end_dt=at(9),
                    outcome=outcome,
                    number_records=0 if cause is None else -1,
                    cause=cause,
                    details=details,
                )
            )
        bench.end(bare)
        found = {update.table_name: (update.cause, update.details) for update in bench.cache.log.history()}
        assert found == {"A": (None, details), "B": (Cause.BAD_DATA, details), "C": (None, None)}

    @pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED, Outcome.INTERRUPTED])
    def test_no_success(self, bench: Bench, outcome: Outcome) -> None:
        """Every other end has -1 records and its message, and is never a last update."""
        operation = bench.start()
        bench.end(operation, outcome)
        (found,) = bench.cache.log.history()
        assert (found.was_successful, found.number_records, found.outcome) == (False, -1, outcome)
        assert found.error_message == f"it {outcome}"
        assert bench.cache.log.last_updates() == []

    def test_one_at_a_time(self, bench: Bench) -> None:
        """A table with an open row cannot get another; other tables can, and it can again when the row is ended."""
        operation = bench.start()
        with pytest.raises(AlreadyRunning, match="Item"):
            bench.start()
        bench.end(bench.start("Other"))
        bench.end(operation)
        bench.end(bench.start())
        assert len(bench.cache.log.history(table_name="Item")) == 2

    def test_ends_once(self, bench: Bench) -> None:
        """An update that is ended, or never was, cannot be ended; the first end stays."""
        operation = bench.start()
        bench.end(operation, Outcome.CANCELLED)
        for lost in (operation, "f" * 32):
            with pytest.raises(UpdateLost):
                bench.cache.log.complete(completion(lost))
        assert [update.outcome for update in bench.cache.log.history()] == [Outcome.CANCELLED]

    def test_last_updates(self, bench: Bench) -> None:
        """The view holds the latest success of each table and type, in the order of recording, and nothing else."""
        for table_name in ("B", "A"):
            for update_type in (MASS, HOURLY, MASS, HOURLY, HOURLY):
                bench.end(bench.start(table_name, update_type))
            bench.end(bench.start(table_name, DAILY), Outcome.FAILED)
        bench.start("A", MASS)
        found = [(update.table_name, update.update_type, update.start_dt) for update in bench.cache.log.last_updates()]
        assert found == [("B", MASS, at(3)), ("B", HOURLY, at(5)), ("A", MASS, at(9)), ("A", HOURLY, at(11))]

    def test_view(self, bench: Bench) -> None:
        """Other programs read the same in the view LastDataUpdates, by the names of the specification."""
        bench.end(bench.start("A", DAILY), rows=7)
        bench.end(bench.start("A", DAILY), rows=8)
        bench.end(bench.start("A", MASS), Outcome.FAILED)
        columns = "TableName, SourceSystem, UpdateType, NumberRecords, WasSuccessful"
        assert bench.execute(f"SELECT {columns} FROM LastDataUpdates") == [("A", "Kit", 2, 8, 1)]
        columns = "MinimumDT, StartDT, EndDT, OperationId, InstanceId, RowsInserted, RowsUpdated, RowsUnchanged"
        assert (
            len(bench.execute(f"SELECT {columns}, RowsDeleted, SourceDT, Outcome, ErrorMessage FROM DataUpdate")) == 3
        )

    def test_order_is_of_recording(self, bench: Bench) -> None:
        """When the clock was set back, the success recorded last is the latest all the same."""
        for name, start_dt in (("a", at(100)), ("b", at(1))):
            bench.cache.log.start(_update(name * 32, start_dt=start_dt))
            bench.end(name * 32)
        (found,) = bench.cache.log.last_updates()
        assert found.operation_id == "b" * 32

    def test_failures(self, bench: Bench) -> None:
        """Failures are those after the last success of the same type, newest first, whatever other types did."""
        bench.end(bench.start("A", HOURLY), Outcome.FAILED)
        bench.end(bench.start("A", HOURLY))
        bench.end(bench.start("A", HOURLY), Outcome.FAILED)
        bench.end(bench.start("A", MASS), Outcome.CANCELLED)
        bench.end(bench.start("A", HOURLY), Outcome.INTERRUPTED)
        bench.end(bench.start("A", DAILY))
        bench.end(bench.start("B", HOURLY))
        bench.start("A", MASS)
        found = bench.cache.log.failures()
        assert {name: [update.start_dt for update in updates] for name, updates in found.items()} == {
            "A": [at(5), at(4), at(3)]
        }

    def test_failures_are_bounded(self, bench: Bench) -> None:
        """However long a table fails, at most 100 failures of it are given, the newest."""
        for _ in range(103):
            bench.end(bench.start("A"), Outcome.FAILED)
        found = bench.cache.log.failures()["A"]
        assert (len(found), found[0].start_dt) == (100, at(103))

    def test_history(self, bench: Bench) -> None:
        """The history is newest first, and can be asked by table, open rows, number and instant."""
        for name in ("A", "B", "A"):
            bench.end(bench.start(name))
        bench.start("B")
        log = bench.cache.log

        def minutes(found: Sequence[DataUpdate]) -> list[datetime]:
            return [update.start_dt for update in found]

        assert minutes(log.history()) == [at(4), at(3), at(2), at(1)]
        assert minutes(log.history(table_name="A")) == [at(3), at(1)]
        assert minutes(log.history(open_only=True)) == [at(4)]
        assert minutes(log.history(limit=2)) == [at(4), at(3)]
        third = next(update.sequence for update in log.history() if update.start_dt == at(3))
        assert minutes(log.history(before=third)) == [at(2), at(1)]
        assert minutes(log.history(table_name="A", before=third, limit=5)) == [at(1)]
        assert [update.start_dt for update in log.history(operation_id=log.history()[0].operation_id)] == [
            log.history()[0].start_dt
        ]
        for outcome in Outcome:
            found = log.history(outcome=outcome)
            assert list(found) == [update for update in log.history() if update.outcome is outcome]
        assert minutes(log.history(table_name="a")) == []

    def test_history_by_time(self, bench: Bench) -> None:
        """A span has what started in it, its beginning included and its end not, whatever else is asked for."""
        for minute, name, outcome in (
            (1, "A", Outcome.SUCCEEDED),
            (2, "B", Outcome.FAILED),
            (3, "A", Outcome.FAILED),
            (4, "A", Outcome.SUCCEEDED),
        ):
            _recorded(bench, minute, name, outcome)
        bench.cache.log.start(_update("5".zfill(32), start_dt=at(5)))
        history, tick = bench.cache.log.history, timedelta(microseconds=1)
        assert _minutes(history(since=at(2))) == [5, 4, 3, 2]
        assert _minutes(history(since=at(2) + tick)) == [5, 4, 3]
        assert _minutes(history(until=at(4))) == [3, 2, 1]
        assert _minutes(history(until=at(4) + tick)) == [4, 3, 2, 1]
        assert _minutes(history(since=at(2), until=at(5), limit=2)) == [4, 3]
        assert _minutes(history(since=at(2), until=at(5), table_name="A")) == [4, 3]
        assert _minutes(history(since=at(1), until=at(5), outcome=Outcome.SUCCEEDED)) == [4, 1]
        assert _minutes(history(since=at(2), table_name="A", outcome=Outcome.SUCCEEDED)) == [4]
        assert _minutes(history(until=at(9), table_name="A", outcome=Outcome.FAILED)) == [3]
        assert _minutes(history(since=at(0), open_only=True)) == [5]
        assert _minutes(history(until=at(5), open_only=True)) == []
        assert _minutes(history(since=at(2), until=at(4), operation_id="3".zfill(32))) == [3]
        assert _minutes(history(since=at(6))) == _minutes(history(until=at(1))) == []

    def test_history_by_time_when_a_clock_went_back(self, bench: Bench) -> None:
        """What is recorded out of order stands in the order of its start, and pages have each row once."""
        for minute in (1, 5, 3, 5, 2, 9):
            _recorded(bench, minute, "A")
        history = bench.cache.log.history
        whole = history(since=at(2), until=at(9))
        assert _minutes(whole) == [5, 5, 3, 2]
        assert [update.sequence for update in whole[:2]] == sorted((u.sequence for u in whole[:2]), reverse=True)
        for before, later in zip(whole, (whole[1:], whole[2:], whole[3:], []), strict=True):
            for more in ({}, {"table_name": "A"}, {"outcome": Outcome.SUCCEEDED}):
                assert history(since=at(2), until=at(9), before=before.sequence, **more) == list(later)
        assert history(since=at(2), before=1) == []

    def test_history_by_time_goes_on_after_a_purge(self, bench: Bench) -> None:
        """When the row after which to go on is purged, what was recorded before it is still found."""
        _recorded(bench, 1, "Kept")
        _recorded(bench, 2, "A")
        _recorded(bench, 3, "A")
        purged = bench.cache.log.history(since=at(0), limit=2)[-1]
        assert bench.cache.log.purge(at(3)) == 1
        assert _minutes(bench.cache.log.history(since=at(0), before=purged.sequence)) == [1]

    def test_close_open(self, bench: Bench) -> None:
        """Open rows of instances that do not live are ended as interrupted; a live one's stay open."""
        for instance in ("dead", "live", "other dead"):
            bench.instance_id = instance
            bench.start(f"of {instance}")
        closed = bench.cache.log.close_open(frozenset({"live"}), at(30))
        assert sorted((update.instance_id, update.outcome, update.end_dt) for update in closed) == [
            ("dead", Outcome.INTERRUPTED, at(30)),
            ("other dead", Outcome.INTERRUPTED, at(30)),
        ]
        assert all(update.number_records == -1 and update.was_successful is False for update in closed)
        assert {update.cause for update in closed} == {Cause.SERVICE_OFF}
        assert [update.instance_id for update in bench.cache.log.history(open_only=True)] == ["live"]
        assert bench.cache.log.close_open(frozenset({"live"}), at(31)) == []

    def test_purge(self, bench: Bench) -> None:
        """Purging deletes old ended rows, but neither open ones nor the latest success of a table and type."""
        for table_name, update_type, outcome in (
            ("A", MASS, Outcome.SUCCEEDED),
            ("A", HOURLY, Outcome.SUCCEEDED),
            ("A", HOURLY, Outcome.SUCCEEDED),
            ("A", HOURLY, Outcome.FAILED),
            ("B", DAILY, Outcome.CANCELLED),
        ):
            bench.end(bench.start(table_name, update_type), outcome)
        bench.start("C")
        bench.end(bench.start("A", DAILY), Outcome.FAILED)
        assert bench.cache.log.purge(at(7)) == 3
        assert [update.start_dt for update in bench.cache.log.history()] == [at(7), at(6), at(3), at(1)]
        assert bench.cache.log.purge(at(7)) == 0

    def test_survives_reopening(self, bench: Bench) -> None:
        """Another process finds the log as it was left."""
        bench.end(bench.start(), rows=3)
        assert bench.reopened().cache.log.history() == bench.cache.log.history()

    def test_close_twice(self, bench: Bench) -> None:
        """A cache may be closed twice."""
        bench.start()
        bench.cache.close()
        bench.cache.close()


class LeaseKit(CacheRig):
    """Rights that hold across processes."""

    def test_one_holder(self, bench: Bench) -> None:
        """A lease that somebody holds is not to be had by another until it expires."""
        leases = bench.cache.leases
        assert _take(bench, "a", at(0)) is not None
        assert leases.take("job", "b", at(0.5), TTL) is None
        taken = leases.take("job", "b", at(1), TTL)
        assert taken is not None
        assert (taken.holder, taken.expires) == ("b", at(2))

    def test_same_holder(self, bench: Bench) -> None:
        """The holder may take its lease again, with the same fence."""
        first, again = _take(bench, "a", at(0)), _take(bench, "a", at(0.5))
        assert (again.fence, again.expires) == (first.fence, at(1.5))

    def test_fence_grows(self, bench: Bench) -> None:
        """Each change of hands has a higher fence, by expiry or by release."""
        leases = bench.cache.leases
        expired, followed = _take(bench, "a", at(0)), _take(bench, "b", at(10))
        leases.release(followed)
        released = _take(bench, "c", at(10))
        assert expired.fence < followed.fence < released.fence

    def test_renew(self, bench: Bench) -> None:
        """A lease is prolonged by its holder, even when it has expired, but not once another took it."""
        leases = bench.cache.leases
        lease = _take(bench, "a", at(0))
        renewed = leases.renew(lease, at(5), TTL)
        assert renewed is not None
        assert renewed.expires == at(6)
        assert leases.take("job", "b", at(5.5), TTL) is None
        assert _take(bench, "b", at(7)) is not None
        assert leases.renew(renewed, at(7), TTL) is None

    def test_release(self, bench: Bench) -> None:
        """A lease given back is free at once; giving back one that was lost takes nothing from the new holder."""
        leases = bench.cache.leases
        lost = _take(bench, "a", at(0))
        mine = _take(bench, "b", at(5))
        leases.release(lost)
        assert leases.take("job", "c", at(5), TTL) is None
        leases.release(mine)
        assert leases.held("") == []
        assert leases.take("job", "c", at(5), TTL) is not None

    def test_held(self, bench: Bench) -> None:
        """Leases are listed by the beginning of their names, taken as it is written, expired ones included."""
        leases = bench.cache.leases
        assert leases.held("") == []
        for name in ("instance/a", "instance/b", "instances", "INSTANCE/c", "job_%"):
            assert leases.take(name, name, at(0), TTL) is not None
        assert [lease.name for lease in leases.held("instance/")] == ["instance/a", "instance/b"]
        assert [lease.holder for lease in leases.held("job_")] == ["job_%"]
        assert len(leases.held("")) == 5


def _take(bench: Bench, holder: str, now: datetime) -> Lease:
    lease = bench.cache.leases.take("job", holder, now, TTL)
    assert lease is not None
    return lease


def _recorded(bench: Bench, minute: int, table_name: str, outcome: Outcome = Outcome.SUCCEEDED) -> None:
    """An update that started at the minute, whatever was recorded before it, and has ended."""
    operation_id = f"{len(bench.cache.log.history()) + 1:032}"
    bench.cache.log.start(_update(operation_id, start_dt=at(minute), table_name=table_name))
    bench.end(operation_id, outcome)


def _minutes(found: Sequence[DataUpdate]) -> list[float]:
    return [(update.start_dt - BEGIN) / timedelta(minutes=1) for update in found]


def _update(
    operation_id: str,
    *,
    start_dt: datetime = BEGIN,
    table_name: str = "Item",
    minimum_dt: datetime | None = None,
    reason: str = "",
    sequence: int = 0,
) -> DataUpdate:
    return DataUpdate(
        table_name=table_name,
        source_system="Kit",
        update_type=HOURLY,
        operation_id=operation_id,
        instance_id="kit",
        start_dt=start_dt,
        minimum_dt=minimum_dt,
        reason=reason,
        sequence=sequence,
    )
