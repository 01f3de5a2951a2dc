"""Long work in the foreground, minded by the main thread."""

import os
import signal
import threading

import pytest
from tests.cli.cli_rig import PATIENCE

from afresh.cli.foreground import SIGNALS, attended


def test_each_signal_calls_the_next_reaction() -> None:
    """The first signal the first reaction, the second the second; then the work returns what it has."""
    first, second = threading.Event(), threading.Event()

    def work() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        assert first.wait(PATIENCE)
        assert not second.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert second.wait(PATIENCE)
        return "done"

    assert attended(work, first.set, second.set) == "done"


def test_the_signal_after_the_last_reaction_is_not_minded() -> None:
    """Who insists ends the process: the system's own handling is back as soon as the last reaction was called."""
    called = threading.Event()
    let_go = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert called.wait(PATIENCE)
        for _ in range(int(PATIENCE * 100)):
            if all(signal.getsignal(number) is signal.SIG_DFL for number in SIGNALS):
                let_go.set()
                return
            threading.Event().wait(0.01)

    attended(work, called.set)
    assert let_go.is_set()


def test_handlers_are_as_before_when_the_work_ends() -> None:
    """Also when it raises, which the caller hears of."""
    before = [signal.getsignal(number) for number in SIGNALS]

    def work() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        attended(work)
    assert [signal.getsignal(number) for number in SIGNALS] == before
