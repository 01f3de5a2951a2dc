"""No status says fresh unless it is so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.properties.false_green_machine import FalseGreen

from afresh.core import health, judge, schedule
from afresh.core.actions import ActionKind, Standing
from afresh.core.facts import Facts
from afresh.core.model import UpdateType
from afresh.core.schedule import Slot

BOUNDED = settings(max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Counting(FalseGreen):
    """Counts how often a table was called fresh, and rightly so."""

    seen: ClassVar[int] = 0

    def teardown(self) -> None:
        type(self).seen += self.fresh_seen
        super().teardown()


@pytest.mark.timeout(300)
def test_false_green() -> None:
    """Whatever sources, clocks, services and people do, no table is called fresh that the true age does not prove."""
    run_state_machine_as_test(Counting, settings=BOUNDED)
    assert Counting.seen > 100


_slots_of = schedule.slots_of


def by_the_end(*arguments: Any) -> tuple[Slot, ...]:
    """The schedules of somebody who counts from the end of a sync."""
    slots = _slots_of(*arguments)
    ends = [(slot, slot.last.end_dt if slot.last is not None else None) for slot in slots]
    return tuple(slot if end is None else replace(slot, started=end, due_at=end + slot.interval) for slot, end in ends)


def stopped(world: FalseGreen) -> None:
    """The service has ended just now."""
    world.stop()


def paused(world: FalseGreen) -> None:
    """Somebody has paused the table just now."""
    world.pause("A", ActionKind.PAUSE)


def set_back(world: FalseGreen) -> None:
    """An hour after the clock was set back by almost as much."""
    world.pass_time(55)
    world.set_clock(-50)
    world.pass_time(50)


def set_back_unseen(world: FalseGreen) -> None:
    """The clock was set back just now, and no service has looked since then."""
    world.pass_time(50)
    world.pause("A", ActionKind.PAUSE)
    world.pass_time(59)
    world.pause("A", ActionKind.RESUME)
    world.set_clock(-59)


def crawling(world: FalseGreen) -> None:
    """A sync that took longer than the limit has ended just now."""
    world.slow_source("A", 100)
    world.pass_time(55)
    world.sync("A", UpdateType.HOURLY)
    world.tick()


Patch = tuple[Any, str, Any]
NEVER, ALWAYS = property(lambda _: False), property(lambda _: True)
DEFECTS: dict[str, tuple[Callable[[FalseGreen], None], list[Patch]]] = {
    "a service is taken to be there": (stopped, [(Facts, "service_is_on", ALWAYS)]),
    "a pause is forgotten": (paused, [(Standing, "pause_of", lambda *_: None)]),
    "time that a clock lost is forgotten": (set_back, [(Standing, "lost_since", lambda *_: timedelta(0))]),
    "a clock that went back is believed": (set_back_unseen, [(health._Seen, "clock_is_wrong", NEVER)]),
    "a judgement is kept though it does not hold": (paused, [(judge._Kept, "holds", lambda *_: True)]),
    "age is counted from the end": (
        crawling,
        [
            (health, "slots_of", by_the_end),
            (schedule, "slots_of", by_the_end),
            (health, "_proved_at", lambda latest, _: latest.end_dt),
        ],
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("broken", [True, False], ids=["broken", "whole"])
def test_a_judgement_that_lies_is_caught(defect: str, broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same oracle finds each of these defects, in a world that a judgement without it stands."""
    happens, patches = DEFECTS[defect]
    world = FalseGreen()
    try:
        world.begin()
        world.nothing_is_falsely_green()
        if broken:
            for patch in patches:
                monkeypatch.setattr(*patch)
        happens(world)
        if broken:
            with pytest.raises(AssertionError, match="A is called fresh, but"):
                world.nothing_is_falsely_green()
        else:
            world.nothing_is_falsely_green()
    finally:
        world.teardown()
