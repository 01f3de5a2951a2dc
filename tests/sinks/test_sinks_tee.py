"""Several sinks that cannot disturb each other."""

import sys
import threading

import pytest
from tests.sinks.happenings import EACH, SUCCEEDED

from afresh.core.events import Event
from afresh.sinks.tee import tee


def failing(_event: Event) -> None:
    """A sink that is broken."""
    raise ValueError("full")


def test_all_sinks_hear_every_event_in_order() -> None:
    """Each sink gets each event, as often as it happened."""
    first: list[Event] = []
    second: list[Event] = []
    emit = tee(first.append, second.append)
    for event in EACH:
        emit(event)
    assert first == second == list(EACH)


def test_a_sink_that_fails_is_named_once_and_left_out() -> None:
    """The others go on; nothing is raised, and the complaint is not repeated."""
    heard: list[Event] = []
    complaints: list[str] = []
    emit = tee(failing, heard.append, complain=complaints.append)
    emit(SUCCEEDED)
    emit(SUCCEEDED)
    assert heard == [SUCCEEDED, SUCCEEDED]
    assert complaints == [
        "afresh: the event sink failing failed at SyncEnded and is left out from now on: ValueError: full"
    ]


def test_a_sink_that_fails_in_many_threads_is_named_once() -> None:
    """Syncs emit at the same time; one complaint is enough for all of them."""
    complaints: list[str] = []
    gate = threading.Barrier(4)

    def failing_together(event: Event) -> None:
        gate.wait(5)
        failing(event)

    emit = tee(failing_together, complain=complaints.append)
    threads = [threading.Thread(target=emit, args=(SUCCEEDED,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(complaints) == 1


def test_a_sink_failing_is_said_on_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody hears of it even where no log is set up; a closed stderr changes nothing."""
    tee(failing)(SUCCEEDED)
    assert "the event sink failing failed" in capsys.readouterr().err


def test_no_stderr_is_no_reason_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose stderr is gone keeps syncing."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        tee(failing)(SUCCEEDED)
