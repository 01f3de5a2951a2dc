"""What is silent for too long has failed, whatever the driver can."""

import threading
import time
from datetime import timedelta

import pyarrow as pa
import pytest
from tests.sources.scripted import SELECT, ScriptedSource, Step, batch, hangs, ticks_of

from afresh.core.errors import Cancelled, SourceSlow
from afresh.core.ports import Reading
from afresh.sources.timeouts import Timeouts
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock

IDLE = timedelta(minutes=5)


def timed(clock: ManualClock, *script: Step, longest: timedelta | None = None) -> tuple[Timeouts, ScriptedSource]:
    """A source with that script, and its timeouts on the clock."""
    source = ScriptedSource(script)
    return Timeouts(source, name="S", idle=IDLE, longest=longest, ticks=ticks_of(clock)), source


def passing(clock: ManualClock, duration: timedelta, then: Step) -> Step:
    """Lets time go by before the step."""

    def step(reading: Reading) -> pa.RecordBatch | None:
        clock.advance(duration)
        return then(reading)

    return step


def test_a_source_that_answers_in_time_is_read_to_its_end() -> None:
    """Many batches, each within its time, may take longer than one timeout together."""
    clock = ManualClock()
    slow = passing(clock, IDLE / 2, batch())
    polite, source = timed(clock, slow, slow, slow, slow)
    assert sum(found.num_rows for found in polite.read(SELECT, ManualCancellation(), 10)) == 12
    assert source.open == 0


def test_silence_is_interrupted_and_fails_as_slow() -> None:
    """A read without a batch for the idle timeout is interrupted, its session closed, and says for how long."""
    clock = ManualClock()
    polite, source = timed(clock, batch(), passing(clock, IDLE, hangs()))
    batches = polite.read(SELECT, ManualCancellation(), 10)
    next(batches)
    with pytest.raises(SourceSlow, match="source S: silent for 300 s"):
        next(batches)
    assert source.open == 0


def test_a_driver_that_cannot_be_interrupted_does_not_hang_the_sync() -> None:
    """The read fails in time though the driver reacts to nothing, and its session closes when the driver lets go."""
    clock, release = ManualClock(), threading.Event()
    polite, source = timed(clock, passing(clock, IDLE, hangs(deaf=True, until=release)))
    began = time.monotonic()
    with pytest.raises(SourceSlow, match="silent"):
        next(polite.read(SELECT, ManualCancellation(), 10))
    assert time.monotonic() - began < 5
    assert source.open == 1
    release.set()
    wait_closed(source)


def test_the_time_that_the_cache_takes_is_no_silence() -> None:
    """Only the wait for the source counts."""
    clock = ManualClock()
    polite, _source = timed(clock, batch(), batch())
    batches = polite.read(SELECT, ManualCancellation(), 10)
    next(batches)
    clock.advance(IDLE * 3)
    assert next(batches).num_rows == 3


def test_a_read_has_a_limit_in_all() -> None:
    """Batches that come in time, but for too long in all, end with the longest read."""
    clock = ManualClock()
    slow = passing(clock, timedelta(minutes=4), batch())
    polite, source = timed(
        clock, slow, slow, passing(clock, timedelta(minutes=3), hangs()), longest=timedelta(minutes=10)
    )
    batches = polite.read(SELECT, ManualCancellation(), 10)
    next(batches)
    next(batches)
    with pytest.raises(SourceSlow, match="longer than 600 s"):
        next(batches)
    assert source.open == 0


def test_a_short_question_has_the_idle_timeout_too() -> None:
    """A clock that does not answer fails; one that does answers."""
    clock, release = ManualClock(), threading.Event()
    source = ScriptedSource([])
    polite = Timeouts(source, name="S", idle=IDLE, ticks=ticks_of(clock))
    assert polite.clock() is not None

    def never() -> None:
        clock.advance(IDLE)
        release.wait(30)

    with pytest.raises(SourceSlow, match="silent for 300 s"):
        polite.call(never)
    release.set()


def test_a_cancellation_ends_a_read_within_a_second() -> None:
    """Also one whose driver reacts to nothing."""
    release = threading.Event()
    polite, _source = timed(ManualClock(), hangs(deaf=True, until=release))
    cancel = ManualCancellation()
    threading.Timer(0.1, cancel.request).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        next(polite.read(SELECT, cancel, 10))
    assert time.monotonic() - began < 3
    release.set()


def test_a_read_that_is_closed_early_closes_its_session() -> None:
    """Whoever stops reading leaves nothing open."""
    polite, source = timed(ManualClock(), batch(), batch())
    batches = polite.read(SELECT, ManualCancellation(), 10)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert source.open == 0


def test_parts_that_come_too_late_are_left_again() -> None:
    """A snapshot that opens after its caller gave up is closed."""
    clock, source = ManualClock(), ScriptedSource([])
    polite = Timeouts(source, name="S", idle=IDLE, ticks=ticks_of(clock))
    with polite.parts(SELECT, 2) as parts:
        assert len(parts) == 2
        assert source.open == 1
    assert source.open == 0


def wait_closed(source: ScriptedSource) -> None:
    """Returns when the source has no session."""
    give_up = time.monotonic() + 10
    while source.open:
        assert time.monotonic() < give_up
        time.sleep(0.01)
