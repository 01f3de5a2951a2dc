"""What people ask of a service while it runs."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engine.rig import HOUR, HOURLY, MASS, Rig, in_thread, item, make_rig, table_config, wait_for

from afresh.core.actions import Action, ActionKind
from afresh.core.cause import Cause
from afresh.core.errors import CacheUnavailable
from afresh.core.model import Outcome
from afresh.core.options import ScheduleConfig
from afresh.core.ports import Actions
from afresh.engine.requests import Requests
from afresh.engine.service import last_sequence

WITHIN = 2.0


def ask(rig: Rig, kind: ActionKind, **named: Any) -> Action:
    """Somebody asks for something, in another process."""
    settings: dict[str, Any] = {"at": rig.clock.now(), "who": "me@here", "reason": "because"}
    return rig.cache.actions.record(Action(kind=kind, **(settings | named)))


@contextmanager
def running(rig: Rig) -> Iterator[None]:
    """The service's loop in a thread of its own."""
    thread = in_thread(rig.service.run)
    try:
        yield
    finally:
        rig.service.stop(at_once=True)
        thread.join(20)


def test_a_paused_table_is_not_scheduled(directory: Path) -> None:
    """While a table or its source is paused nothing of it starts; others do. Resumed, it starts at the next check."""
    rig = make_rig(directory, [table_config("A"), table_config("B", "Other")], rows=[item(1)])
    pause = ask(rig, ActionKind.PAUSE, table_name="A")
    ask(rig, ActionKind.PAUSE, source_system="Other")
    rig.service.recover()
    decisions = rig.service.check()
    assert [decision.task for decision in decisions] == [None, None]
    assert decisions[0].reason == f"it was paused by me@here at {pause.at:%Y-%m-%d %H:%M:%S}Z: because"
    ask(rig, ActionKind.RESUME, source_system="Other")
    rig.service.check()
    assert [update.table_name for update in rig.history()] == ["B"]


def test_a_paused_table_can_be_synced_by_hand(directory: Path) -> None:
    """Who asks for a sync gets it, paused or not."""
    rig = make_rig(directory, rows=[item(1)])
    ask(rig, ActionKind.PAUSE, table_name="Item")
    assert rig.sync(MASS).outcome is Outcome.SUCCEEDED


def test_cancel_reaches_a_running_service(directory: Path) -> None:
    """The sync of that operation stops within two seconds, in the name of who asked; others go on."""
    with ThreadPoolExecutor(4) as executor:
        configs = [table_config("A"), table_config("B")]
        rig = make_rig(directory, configs, rows=[item(1)], executor=executor, check_interval=HOUR)
        holds = list(rig.sources.values())
        for source in holds:
            source.hold = threading.Event()
        with running(rig):
            wait_for(lambda: len(rig.cache.log.history(open_only=True)) == 2)
            (operation,) = (u.operation_id for u in rig.cache.log.history(table_name="A", open_only=True))
            ask(rig, ActionKind.CANCEL, table_name="A", operation_id=operation)
            began = time.monotonic()
            wait_for(lambda: not rig.cache.log.history(table_name="A", open_only=True), WITHIN)
            assert time.monotonic() - began < WITHIN
            (ended,) = rig.cache.log.history(table_name="A")
            assert (ended.outcome, ended.cause) == (Outcome.CANCELLED, Cause.CANCELLED)
            assert ended.error_message == "cancelled by me@here: because"
            assert rig.cache.log.history(table_name="B", open_only=True)
            for source in holds:
                assert source.hold is not None
                source.hold.set()


def test_run_now(directory: Path) -> None:
    """A sync that is asked for starts soon though it is not due, of the type that was asked for, in that name."""
    rig = make_rig(directory, rows=[item(1)], check_interval=HOUR)
    with running(rig):
        wait_for(lambda: len(rig.cache.log.last_updates()) == 1)
        ask(rig, ActionKind.RUN, table_name="Item", argument="Hourly")
        wait_for(lambda: len(rig.cache.log.last_updates()) == 2, WITHIN)
        (update,) = (one for one in rig.cache.log.last_updates() if one.update_type is HOURLY)
        assert update.reason == "Hourly: asked for by me@here"
        assert update.details is not None
        assert update.details.requested_by == "me@here"
        assert rig.service.requests.wanted == {}


def test_what_cannot_be_run_is_forgotten(directory: Path) -> None:
    """A table that is not configured, or a type that there is not, is asked for in vain, once."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.requests.look()
    ask(rig, ActionKind.RUN, table_name="Nothing", argument="Mass")
    ask(rig, ActionKind.RUN, table_name="Item", argument="Yearly")
    rig.service.requests.look()
    assert set(rig.service.requests.wanted) == {"Nothing", "Item"}
    rig.service.recover()
    rig.service.check()
    assert rig.service.requests.wanted == {}
    assert [update.update_type for update in rig.history()] == [MASS]


def test_what_was_asked_before_is_not_made_up_for(directory: Path) -> None:
    """A sync that was wanted while no service ran is not run when one starts."""
    rig = make_rig(directory, rows=[item(1)])
    ask(rig, ActionKind.RUN, table_name="Item", argument="Hourly")
    rig.service.requests.look()
    assert rig.service.requests.wanted == {}


def test_one_of_two_services_does_it(directory: Path) -> None:
    """What is asked of several services on one cache is done by one."""
    first = make_rig(directory, rows=[item(1)])
    second = make_rig(directory, rows=[item(1)], clock=first.clock)
    first.sync(MASS)
    for rig in (first, second):
        rig.service.requests.look()
    ask(first, ActionKind.RUN, table_name="Item", argument="Hourly")
    for rig in (first, second):
        rig.service.requests.look()
        rig.service.check()
    assert [update.update_type for update in first.history()].count(HOURLY) == 1


def test_accept_once(directory: Path) -> None:
    """The next Mass that starts after it may shrink the table, whatever becomes of it; the one after may not."""
    prepurge = ScheduleConfig(interval=HOUR, prepurge_data=True)
    config = table_config(mass=prepurge, daily=None, hourly=None)
    rig = make_rig(directory, [config], rows=[item(number) for number in range(9)])
    rig.service.recover()
    rig.service.check()
    rig.source.table.clear()
    rig.source.table.put(item(1))
    rig.clock.advance(HOUR)
    rig.service.check()
    assert rig.history()[0].cause is Cause.SHRANK
    sequence = last_sequence(rig.cache.log, "Item")
    ask(rig, ActionKind.ACCEPT, table_name="Item", argument=str(sequence))
    rig.service.check()  # at once: what it waited for is settled
    assert rig.history()[0].outcome is Outcome.SUCCEEDED
    rig.source.table.clear()
    rig.clock.advance(HOUR)
    rig.service.check()
    assert rig.history()[0].cause is Cause.SHRANK


def test_an_accept_is_used_up_by_a_mass_that_fails(directory: Path) -> None:
    """It is good for one Mass, not for one success."""
    rig = make_rig(directory, [table_config(mass=ScheduleConfig(interval=HOUR, prepurge_data=True))], rows=[item(1)])
    rig.sync(MASS)
    ask(rig, ActionKind.ACCEPT, table_name="Item", argument=str(last_sequence(rig.cache.log, "Item")))
    rig.source.fail_after = (0, ConnectionError("the line dropped"))
    rig.sync(MASS)
    rig.source.fail_after = None
    rig.source.table.clear()
    rig.sync(MASS)
    assert rig.history()[0].cause is Cause.SHRANK


class Unreachable:
    """Actions of a cache that cannot be asked at first."""

    def __init__(self, actions: Actions, times: int) -> None:
        self._actions = actions
        self._times = times
        self.record = actions.record
        self.latest = actions.latest

    def recent(self, **named: Any) -> Sequence[Action]:
        self._times -= 1
        if self._times >= 0:
            raise CacheUnavailable("the cache is gone")
        return self._actions.recent(**named)


def test_requests_survive_a_cache_out_of_reach(directory: Path) -> None:
    """A cache that cannot be asked is asked again a second later, and what was asked meanwhile is found."""
    rig = make_rig(directory)
    heeded = threading.Event()
    requests = Requests(Unreachable(rig.cache.actions, 0), cancel=lambda *_: None, heed=heeded.set)
    requests.look()
    requests._actions = Unreachable(rig.cache.actions, 1)
    ask(rig, ActionKind.RUN, table_name="Item", argument="Mass")
    requests.start()
    assert heeded.wait(10)
    requests.stop()
    assert set(requests.wanted) == {"Item"}
