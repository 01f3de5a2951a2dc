"""Which syncs may run at the same time, and how each ends."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tests.engine.rig import DAILY, HOURLY, MASS, wait_for

from afresh.core.errors import AlreadyRunning, Cancelled, SourceUnavailable
from afresh.core.events import Event, SyncEnded
from afresh.core.model import DataUpdateTask, Outcome, UpdateType
from afresh.engine.cancellation import CancelToken
from afresh.engine.orchestrator import Limits, Orchestrator
from afresh.engine.progress import Progress
from afresh.testing.clock import START, ManualClock


class Yard:
    """An orchestrator whose syncs run until they are told to end."""

    def __init__(self, parallel: int, sessions: dict[str, int], executor: ThreadPoolExecutor) -> None:
        self.ends: dict[str, threading.Event] = {}
        self.started: list[str] = []
        self.events: list[Event] = []
        limits = Limits(parallel=parallel, sessions=sessions)
        self.orchestrator = Orchestrator(executor, self.run, limits, ManualClock(), self.events.append)

    def run(self, task: DataUpdateTask, token: CancelToken) -> Progress:
        """A sync: ends when it is told to, or when it is cancelled."""
        ended = self.ends.setdefault(task.table_name, threading.Event())
        self.started.append(task.table_name)
        while not ended.wait(0.002):
            token.check()
        return Progress(started=START, rows=7)

    def offer(self, *tasks: DataUpdateTask) -> None:
        """Offers the tasks, and waits until those have begun that may."""
        self.orchestrator.offer(tasks)
        wait_for(lambda: self.orchestrator.in_flight <= set(self.started))

    def end(self, name: str) -> None:
        """Ends one sync, and waits until it is gone and its followers have begun."""
        self.ends.setdefault(name, threading.Event()).set()
        wait_for(lambda: name not in self.orchestrator.in_flight)
        wait_for(lambda: self.orchestrator.in_flight <= set(self.started))


@contextmanager
def yard(parallel: int, sessions: dict[str, int] | None = None) -> Iterator[Yard]:
    """A yard that is cleared in the end."""
    with ThreadPoolExecutor(8) as executor:
        found = Yard(parallel, sessions or {}, executor)
        try:
            yield found
        finally:
            found.orchestrator.close()
            found.orchestrator.cancel("the test is over")
            assert found.orchestrator.wait(5)


def task(name: str, update_type: UpdateType = HOURLY, source_system: str = "ERP") -> DataUpdateTask:
    """A task of a table."""
    return DataUpdateTask(
        table_name=name,
        update_type=update_type,
        source_system=source_system,
        minimum_dt=None,
        operation_id=f"operation of {name}",
    )


def test_parallel_limit() -> None:
    """No more syncs run than are allowed; the next one begins when one ends."""
    with yard(parallel=2) as found:
        found.offer(task("A"), task("B"), task("C"))
        assert found.orchestrator.in_flight == {"A", "B"}
        found.end("A")
        assert found.orchestrator.in_flight == {"B", "C"}


def test_sessions_of_a_source() -> None:
    """No more syncs read a source than it has sessions; other sources are not held up."""
    with yard(parallel=4, sessions={"ERP": 1}) as found:
        found.offer(task("A"), task("B"), task("C", source_system="CMS"), task("D", source_system="CMS"))
        assert found.orchestrator.in_flight == {"A", "C", "D"}
        found.end("C")
        assert found.orchestrator.in_flight == {"A", "D"}
        found.end("A")
        assert found.orchestrator.in_flight == {"B", "D"}


def test_a_place_is_kept_for_windows() -> None:
    """Masses leave one place of all to Daily and Hourly syncs."""
    with yard(parallel=3) as found:
        found.offer(*(task(name, MASS) for name in "ABC"))
        assert found.orchestrator.in_flight == {"A", "B"}
        found.offer(task("C", MASS), task("D", DAILY), task("E", HOURLY))
        assert found.orchestrator.in_flight == {"A", "B", "D"}


def test_a_session_is_kept_for_windows() -> None:
    """Masses of one source leave one of its sessions to Daily and Hourly syncs of it."""
    with yard(parallel=8, sessions={"ERP": 2}) as found:
        found.offer(task("A", MASS), task("B", MASS), task("C", MASS, "CMS"))
        assert found.orchestrator.in_flight == {"A", "C"}
        found.offer(task("B", MASS), task("D", HOURLY))
        assert found.orchestrator.in_flight == {"A", "C", "D"}


@pytest.mark.parametrize(("parallel", "sessions"), [(1, {}), (4, {"ERP": 1})])
def test_a_single_place_takes_masses_too(parallel: int, sessions: dict[str, int]) -> None:
    """Where there is but one place, a Mass may have it."""
    with yard(parallel=parallel, sessions=sessions) as found:
        found.offer(task("A", MASS))
        assert found.orchestrator.in_flight == {"A"}


def test_windows_first() -> None:
    """Of what waits, windows begin before Masses, each in the order they were offered."""
    with yard(parallel=1) as found:
        found.offer(task("X"))
        found.offer(task("A", MASS), task("B", DAILY), task("C", MASS), task("D", HOURLY))
        for name in "XBDAC":
            found.end(name)
        assert found.started == ["X", "B", "D", "A", "C"]


def test_one_sync_of_a_table() -> None:
    """A table of which a sync runs is not started again."""
    with yard(parallel=4) as found:
        found.offer(task("A"))
        found.offer(task("A", MASS))
        assert found.started == ["A"]
        with pytest.raises(AlreadyRunning, match="A"):
            found.orchestrator.run_now(task("A"), CancelToken())


def test_offer_replaces_what_waits() -> None:
    """What waited and is not offered again is forgotten: the next check knows better."""
    with yard(parallel=1) as found:
        found.offer(task("A"), task("B"))
        found.offer(task("C"))
        found.end("A")
        assert found.started == ["A", "C"]


def test_closed() -> None:
    """After closing nothing begins, neither what waited nor what is offered."""
    with yard(parallel=1) as found:
        found.offer(task("A"), task("B"))
        found.orchestrator.close()
        found.end("A")
        found.offer(task("C"))
        assert found.started == ["A"]
        assert found.orchestrator.wait(0)


def test_cancel() -> None:
    """A cancellation reaches every running sync, and each ends as cancelled with the reason."""
    with yard(parallel=2) as found:
        found.offer(task("A"), task("B"))
        found.orchestrator.cancel("enough")
        assert found.orchestrator.wait(5)
    ended = [event for event in found.events if isinstance(event, SyncEnded)]
    assert [(event.outcome, event.error) for event in ended] == [(Outcome.CANCELLED, "enough")] * 2


@pytest.mark.parametrize(
    ("error", "outcome", "said", "transient"),
    [
        (SourceUnavailable("no line"), Outcome.FAILED, "no line", True),
        (Cancelled("stop"), Outcome.CANCELLED, "stop", True),
        (ZeroDivisionError("by zero"), Outcome.FAILED, "ZeroDivisionError: by zero", False),
    ],
)
def test_errors_are_events(error: Exception, outcome: Outcome, said: str, transient: bool) -> None:
    """A sync that fails is an event with its error and hint, frees its place, and ends nothing else."""

    def run(_task: DataUpdateTask, _token: CancelToken) -> Progress:
        raise error

    found: list[Event] = []
    with ThreadPoolExecutor(1) as executor:
        limits = Limits(parallel=1, sessions={})
        orchestrator = Orchestrator(executor, run, limits, ManualClock(), found.append)
        orchestrator.offer([task("A"), task("B")])
        assert orchestrator.wait(5)
    ended = [event for event in found if isinstance(event, SyncEnded)]
    assert [event.task.table_name for event in ended] == ["A", "B"]
    assert {(event.outcome, event.error, event.transient) for event in ended} == {(outcome, said, transient)}
    assert all(event.hint for event in ended)


def test_run_now() -> None:
    """A sync in the calling thread goes beyond the limits, is seen as running, and gives how it ended."""
    with yard(parallel=1) as found:
        found.offer(task("A"))
        found.ends["B"] = threading.Event()
        found.ends["B"].set()
        ended = found.orchestrator.run_now(task("B"), CancelToken())
        assert (ended.outcome, ended.rows) == (Outcome.SUCCEEDED, 7)
        assert found.orchestrator.running == {"operation of A"}
