"""Short questions of a sync."""

import threading
import time
from pathlib import Path

import pytest
from tests.engine.rig import in_thread, make_rig, release_all, wait_for

from afresh.core.errors import Cancelled, SourceUnavailable
from afresh.core.model import Outcome, SourceInstant
from afresh.engine.asking import asked
from afresh.engine.cancellation import CancelToken


def test_the_answer() -> None:
    """It is what was answered, also if that is nothing."""
    assert asked(lambda: 1, CancelToken()) == 1
    assert asked(lambda: None, CancelToken()) is None


def test_the_error() -> None:
    """It is raised as it is."""

    def fails() -> None:
        raise SourceUnavailable("away")

    with pytest.raises(SourceUnavailable, match="away"):
        asked(fails, CancelToken())


def test_nobody_answers() -> None:
    """A request ends the wait at once, and one that was made before keeps the question from being asked."""
    token, silent, questions = CancelToken(), threading.Event(), list[int]()

    def ask() -> None:
        questions.append(1)
        silent.wait(20)

    threading.Timer(0.1, token.request).start()
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(Cancelled):
            asked(ask, token)
    assert time.monotonic() - began < 5
    assert questions == [1]
    silent.set()


def test_a_sync_is_cancelled_whose_source_says_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A sync that waits for the source's clock ends when it is asked to, and is recorded so."""
    request.addfinalizer(release_all)
    rig, silent, waiting = make_rig(tmp_path), threading.Event(), threading.Event()

    def clock() -> SourceInstant | None:
        waiting.set()
        silent.wait(20)
        return None

    rig.source.clock = clock  # type: ignore[method-assign] # a source that says nothing
    outcomes: list[Outcome] = []
    sync = in_thread(lambda: outcomes.append(rig.sync().outcome))
    assert waiting.wait(5)
    rig.token.request()
    wait_for(lambda: outcomes == [Outcome.CANCELLED])
    assert rig.history()[0].outcome is Outcome.CANCELLED
    silent.set()
    sync.join()
