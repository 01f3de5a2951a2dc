"""The notes that a service leaves at each check, and what they tell of services and clocks."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import HOUR, MASS, Rig, item, make_rig

from afresh.core.actions import ActionKind
from afresh.core.health import judge
from afresh.core.states import State
from afresh.engine.checks import last_check
from afresh.testing.clock import START, ManualClock

MINUTE = timedelta(minutes=1)
NONE = timedelta(0)


def state(rig: Rig) -> State:
    """How the only table stands, as another process sees it."""
    return judge(rig.service.facts())[0].state


def test_a_check_is_noted(directory: Path) -> None:
    """Others see when the service looked last, and that it lives; when it has ended, that it has."""
    rig = make_rig(directory, rows=[item(1)])
    assert last_check(rig.cache.leases) is None
    assert state(rig) is State.NEVER_LOADED
    rig.service.recover()
    rig.service.check()
    note = last_check(rig.cache.leases)
    assert note is not None
    assert (note.at, note.instance_id) == (START, rig.service.workplace.instance_id)
    assert state(rig) is State.FRESH
    rig.clock.advance(5 * MINUTE)
    assert state(rig) is State.STOPPED
    rig.service.check()
    assert state(rig) is State.FRESH
    rig.service.release()
    assert state(rig) is State.STOPPED


def test_a_clock_that_goes_back_is_noted(directory: Path) -> None:
    """What was recorded before it is older than it looks by what was lost; until it is noted nobody can tell."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.check()
    rig.clock.advance(40 * MINUTE)
    rig.service.check()
    rig.clock.advance(-20 * MINUTE)
    assert state(rig) is State.UNKNOWN
    rig.service.check()
    (noted,) = rig.cache.actions.recent()
    assert (noted.kind, noted.who) == (ActionKind.CLOCK, rig.service.workplace.instance_id)
    assert "went back from 2026-03-02 08:40:00Z to 2026-03-02 08:20:00Z" in noted.reason
    (judged,) = judge(rig.service.facts())
    assert (judged.state, judged.age_at(rig.clock.now())) == (State.FRESH, 40 * MINUTE)
    rig.clock.advance(20 * MINUTE)
    rig.service.check()
    assert len(rig.history()) == 2  # an hour has passed, whatever the clock says
    (judged,) = judge(rig.service.facts())
    assert judged.age_at(rig.clock.now()) == timedelta(0)


def test_a_clock_that_goes_back_while_the_service_hangs(directory: Path) -> None:
    """A sync by hand notes it; the service's last check is no younger for that."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.check()
    rig.clock.advance(40 * MINUTE)
    rig.clock.step(-39 * MINUTE)
    rig.sync(MASS)
    assert state(rig) is State.STOPPED
    rig.service.check()
    assert state(rig) is State.FRESH


def test_a_clock_that_goes_back_twice(directory: Path) -> None:
    """What is lost adds up as long as it concerns an update that counts."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.check()
    for _ in range(2):
        rig.clock.advance(15 * MINUTE)
        rig.service.check()
        rig.clock.advance(-10 * MINUTE)
        rig.service.check()
    (judged,) = judge(rig.service.facts())
    assert judged.age_at(rig.clock.now()) == timedelta(minutes=30)


def restarted(first: Rig, directory: Path, off: timedelta, step: timedelta, *, clock: ManualClock | None = None) -> Rig:
    """Another service, after so long without one, in which somebody set the clock."""
    first.service.recover()
    first.service.check()
    first.service.release()
    (clock or first.clock).step(step)
    (clock or first.clock).advance(off)
    return make_rig(directory, rows=[item(1)], clock=clock or first.clock)


@pytest.mark.parametrize("off", [0, 20, 50])
def test_a_clock_that_went_back_while_nobody_looked(directory: Path, off: int) -> None:
    """The next service on this machine notices it, also if the clock has passed the last note again."""
    second = restarted(make_rig(directory, rows=[item(1)]), directory, off * MINUTE, -20 * MINUTE)
    assert state(second) is State.UNKNOWN
    second.service.recover()
    second.service.note_check()
    (judged,) = judge(second.service.facts())
    assert judged.age_at(second.clock.now()) == off * MINUTE


def test_a_machine_that_was_started_anew(directory: Path) -> None:
    """How long it was off nobody knows; a clock behind the last note is noticed all the same."""
    first = make_rig(directory, rows=[item(1)])
    first.clock.advance(2 * HOUR)
    booted = ManualClock(first.clock.now())
    second = restarted(first, directory, NONE, -20 * MINUTE, clock=booted)
    assert state(second) is State.UNKNOWN
    second.service.recover()
    second.service.note_check()
    (judged,) = judge(second.service.facts())
    assert judged.age_at(second.clock.now()) == MINUTE  # it may have been as long as an interval


def test_a_step_between_two_looks(directory: Path) -> None:
    """A clock that was set forward for the time of a sync, and back, makes no data younger."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.check()
    rig.clock.step(30 * MINUTE)
    rig.sync(MASS)
    rig.clock.step(-30 * MINUTE)
    rig.clock.advance(45 * MINUTE)
    assert state(rig) is State.UNKNOWN
    rig.service.note_check()
    (judged,) = judge(rig.service.facts())
    assert judged.age_at(rig.clock.now()) == 45 * MINUTE


@pytest.mark.parametrize("seconds", [-4, 4])
def test_small_steps_are_none(directory: Path, seconds: int) -> None:
    """A clock that is set right by a few seconds is not noticed."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.check()
    rig.clock.step(timedelta(seconds=seconds))
    rig.service.check()
    assert rig.cache.actions.recent() == []


def test_clocks_of_two_machines(directory: Path) -> None:
    """A service whose clock is behind that of another one at work takes that for no step of its own."""
    ahead = make_rig(directory, rows=[item(1)])
    behind = make_rig(directory, rows=[item(1)], instance_id="another-machine/1/2/3")
    for rig in (ahead, behind):
        rig.service.recover()
    ahead.clock.advance(HOUR)
    for _ in range(2):
        for rig in (ahead, behind):
            rig.clock.advance(MINUTE)
            rig.service.note_check()
    assert ahead.cache.actions.recent() == []
    assert ahead.sync(MASS).error is None
