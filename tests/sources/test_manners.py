"""Retries, refused logins, the pace, the size of batches, and how long answers take."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from tests.sources.scripted import SELECT, ScriptedSource, Step, batch, down, fails, ticks_of

from afresh.core.errors import AfreshError, Cancelled, LoginRefused, QueryFailed, SourceRefused, SourceUnavailable
from afresh.core.model import SourceInstant
from afresh.core.ports import Reading, SourceSystem
from afresh.sources.batch_sizes import BatchSizes
from afresh.sources.latency import Latency
from afresh.sources.logins import Logins
from afresh.sources.pace import Pace
from afresh.sources.retries import Retries, wait_for
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock


def rows_of(source: SourceSystem, batch_rows: int = 10) -> int:
    """Rows of one whole read."""
    return sum(found.num_rows for found in source.read(SELECT, ManualCancellation(), batch_rows))


def tried(*scripts: Sequence[Step], retries: int = 2) -> tuple[Retries, ScriptedSource, list[float]]:
    """A source with retries; its pauses are noted instead of waited for."""
    source, pauses = ScriptedSource(*scripts), list[float]()

    def pause(seconds: float, _reading: Reading) -> None:
        pauses.append(seconds)

    wrapped = Retries(source, retries=retries, wait=timedelta(seconds=1), draw=lambda: 0.5, pause=pause)
    return wrapped, source, pauses


def test_a_transient_error_before_the_first_row_is_tried_again() -> None:
    """Twice by default, each time after a longer pause."""
    polite, source, pauses = tried([fails(down())], [fails(down())], [batch()])
    assert rows_of(polite) == 3
    assert len(source.asked) == 3
    assert pauses == [0.75, 1.5]


def test_retries_end() -> None:
    """The last error is the sync's."""
    polite, source, _pauses = tried([fails(down())])
    with pytest.raises(SourceUnavailable, match="away"):
        rows_of(polite)
    assert len(source.asked) == 3


def test_nothing_is_tried_again_after_the_first_batch() -> None:
    """Rows on their way into the cache are not delivered twice."""
    polite, source, _pauses = tried([batch(), fails(down())])
    with pytest.raises(SourceUnavailable):
        rows_of(polite)
    assert len(source.asked) == 1


@pytest.mark.parametrize("error", [QueryFailed("no such column"), LoginRefused("wrong password")])
def test_what_is_not_transient_is_not_tried_again(error: AfreshError) -> None:
    """A mistake stays one; a login least of all."""
    polite, source, _pauses = tried([fails(error)])
    with pytest.raises(type(error)):
        rows_of(polite)
    assert len(source.asked) == 1


def test_questions_are_tried_again_too() -> None:
    """The clock and the catalogue."""
    source = ScriptedSource([], answers=[down(), None])
    assert Retries(source, retries=1, wait=timedelta(milliseconds=1)).clock() is not None
    assert source.questions == 2


def test_a_wait_ends_with_the_cancellation() -> None:
    """Nobody waits a minute for a sync that was stopped."""
    cancel = ManualCancellation()
    threading.Timer(0.05, cancel.request).start()
    with pytest.raises(Cancelled):
        wait_for(30, cancel)


# ------------------------------------------------------------------------------------------------- logins


def test_two_refused_logins_are_all() -> None:
    """The third use does not reach the source, whatever it is."""
    source = ScriptedSource([fails(LoginRefused("wrong password"))])
    polite = Logins(source, name="S")
    for _ in range(2):
        with pytest.raises(LoginRefused, match="wrong password"):
            rows_of(polite)
    with pytest.raises(LoginRefused, match="two logins in a row were refused"):
        rows_of(polite)
    with pytest.raises(LoginRefused):
        polite.clock()
    assert (len(source.asked), source.questions, polite.stopped) == (2, 0, True)


def test_a_success_in_between_counts_anew() -> None:
    """What matters are refusals in a row."""
    refused = [fails(LoginRefused("no"))]
    polite = Logins(ScriptedSource(refused, [batch()], refused, [batch()]), name="S")
    for _ in range(2):
        with pytest.raises(LoginRefused):
            rows_of(polite)
        assert rows_of(polite) == 3
    assert not polite.stopped


def test_forgetting_lets_it_be_tried_again() -> None:
    """After a person said so."""
    polite = Logins(ScriptedSource([fails(LoginRefused("no"))], [fails(LoginRefused("no"))], [batch()]), name="S")
    for _ in range(2):
        with pytest.raises(LoginRefused):
            rows_of(polite)
    polite.forget()
    assert rows_of(polite) == 3


def test_rights_refused_after_a_login_stop_nothing() -> None:
    """A table that may not be read says nothing about the others."""
    refused = [fails(SourceRefused("not granted"))]
    polite = Logins(ScriptedSource([batch()], refused, refused, refused, [batch()]), name="S")
    rows_of(polite)
    for _ in range(3):
        with pytest.raises(SourceRefused, match="not granted"):
            rows_of(polite)
    assert rows_of(polite) == 3


def test_reads_that_begin_together_make_two_attempts_in_all() -> None:
    """Eight threads with a wrong password are two logins, not eight."""
    source = ScriptedSource([fails(LoginRefused("no"))])
    polite, barrier = Logins(source, name="S"), threading.Barrier(8)

    def read() -> None:
        barrier.wait()
        with pytest.raises(LoginRefused):
            rows_of(polite)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(source.asked) == 2
    assert source.most_open == 1


def test_a_password_that_was_changed_costs_two_attempts() -> None:
    """Reads that begin together, half a minute after the last success, are two logins, not eight."""
    clock = ManualClock()
    source = ScriptedSource([batch()], *([fails(LoginRefused("no"))] for _ in range(8)))
    polite, barrier = Logins(source, name="S", ticks=ticks_of(clock)), threading.Barrier(8)
    rows_of(polite)
    clock.advance(timedelta(seconds=31))

    def read() -> None:
        barrier.wait()
        with pytest.raises(LoginRefused):
            rows_of(polite)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(source.asked) == 1 + 2


def test_a_slow_read_holds_up_the_others_for_a_moment_only() -> None:
    """Long after the last success one goes first; if it brings nothing for so long, the others go on."""
    clock, slow, began = ManualClock(), threading.Event(), threading.Event()

    def waits(_reading: Reading) -> None:
        began.set()
        slow.wait(20)

    polite = Logins(ScriptedSource([batch()], [waits], [batch()]), name="S", ticks=ticks_of(clock), patience=0.2)
    rows_of(polite)
    clock.advance(timedelta(seconds=31))
    first = threading.Thread(target=rows_of, args=(polite,))
    first.start()
    assert began.wait(5)
    assert rows_of(polite) == 3
    slow.set()
    first.join(10)


# ------------------------------------------------------------------------------------------ pace and size


def test_the_pace_holds_over_all_reads() -> None:
    """Rows come no faster than agreed; a batch is no more than a second's rows."""
    clock = ManualClock()

    def pause(seconds: float, _reading: Reading) -> None:
        clock.advance(timedelta(seconds=seconds))

    source = ScriptedSource([batch(100)] * 4)
    polite = Pace(source, rows_per_second=100, ticks=ticks_of(clock), pause=pause)
    began = clock.now()
    assert rows_of(polite, 10_000) + rows_of(polite, 10_000) == 800
    assert clock.now() - began == timedelta(seconds=8)
    assert source.asked == [100, 100]


def test_the_pace_does_not_save_up() -> None:
    """After an hour of nothing it is the same pace."""
    clock, pauses = ManualClock(), list[float]()
    polite = Pace(
        ScriptedSource([batch(100)]),
        rows_per_second=100,
        ticks=ticks_of(clock),
        pause=lambda seconds, _reading: pauses.append(seconds),
    )
    clock.advance(timedelta(hours=1))
    rows_of(polite)
    assert pauses == [1.0]


def test_batches_adapt_to_what_was_measured() -> None:
    """A table that brings 1,000 rows in ten seconds is read in batches of 500, and in what was asked for when it has
    become fast; never in more."""
    clock, takes = ManualClock(), timedelta(seconds=10)

    def slowly(reading: Reading) -> pa.RecordBatch | None:
        clock.advance(takes)
        return batch(1_000)(reading)

    source = ScriptedSource([slowly])
    polite = BatchSizes(source, longest=timedelta(seconds=5), ticks=ticks_of(clock))
    rows_of(polite, 10_000)
    rows_of(polite, 10_000)
    takes = timedelta(milliseconds=10)
    for _ in range(3):
        rows_of(polite, 10_000)
    assert source.asked == [10_000, 500, 500, 10_000, 10_000]


def test_batches_have_a_least_size() -> None:
    """However slow a table is, a hundred rows, or what was asked for if that is less."""
    clock = ManualClock()

    def crawling(reading: Reading) -> pa.RecordBatch | None:
        clock.advance(timedelta(minutes=10))
        return batch(100)(reading)

    source = ScriptedSource([crawling])
    polite = BatchSizes(source, longest=timedelta(seconds=5), ticks=ticks_of(clock))
    for wanted in (10_000, 10_000, 50):
        rows_of(polite, wanted)
    assert source.asked == [10_000, 100, 50]


def test_an_answer_is_timed() -> None:
    """From the question to the answer; what times itself is believed, and a clock of ours is no question."""
    clock = ManualClock()
    source = ScriptedSource([batch()])
    timed = Latency(source, ticks=ticks_of(clock))

    def answers(took: timedelta | None = None) -> SourceInstant:
        clock.advance(timedelta(milliseconds=30))
        return SourceInstant(now=clock.now(), took=took)

    source.clock = answers  # type: ignore[method-assign]
    told = timed.clock()
    assert told is not None
    assert told.took == pytest.approx(timedelta(milliseconds=30), abs=timedelta(microseconds=1))
    source.clock = lambda: answers(timedelta(milliseconds=2))  # type: ignore[method-assign]
    own = timed.clock()
    assert own is not None
    assert own.took == timedelta(milliseconds=2)
    source.traits = replace(source.traits, own_clock=False)
    source.clock = answers  # type: ignore[method-assign]
    ours = timed.clock()
    assert ours is not None
    assert ours.took is None
