"""A session over ODBC whose login or statement does not end in time, on a fake of the driver's calls."""

import threading
import time
from datetime import timedelta

import pytest
from tests.engine.rig import wait_for
from tests.sources.fake_odbc import FakeServer

from afresh.core.errors import Cancelled, SourceUnavailable
from afresh.sources.odbc_driver import Room
from afresh.sources.odbc_errors import Fault
from afresh.sources.odbc_session import Session
from afresh.sources.odbc_socket import Link
from afresh.testing.cancellation import ManualCancellation

NAME = "Late"


def threads() -> list[threading.Thread]:
    """Those of sessions."""
    return [thread for thread in threading.enumerate() if thread.name == f"odbc {NAME}"]


def session_of(server: FakeServer, cancel: ManualCancellation, answers: threading.Event) -> Session:
    """A session whose login waits for the event."""
    driver = server.driver()
    connect = driver.connect

    def late() -> None:
        answers.wait(20)
        connect()

    driver.connect = late  # type: ignore[method-assign] # a server that takes its time
    return Session(driver, name=NAME, link=Link(None), silence=timedelta(seconds=1), cancel=cancel)


def test_a_login_that_comes_too_late_is_ended_again() -> None:
    """What was given up has no session on the server once the server has answered."""
    server, answers = FakeServer(answers=()), threading.Event()
    session = session_of(server, ManualCancellation(), answers)
    with pytest.raises(SourceUnavailable, match="nothing came"):
        session.connect(timedelta(seconds=0.1))
    answers.set()
    wait_for(lambda: not threads() and server.open == 0)


def test_a_login_that_is_cancelled_is_ended_again() -> None:
    """The same if it was asked to stop."""
    server, answers, cancel = FakeServer(answers=()), threading.Event(), ManualCancellation()
    session = session_of(server, cancel, answers)
    threading.Timer(0.1, cancel.request).start()
    with pytest.raises(Cancelled):
        session.connect(timedelta(seconds=10))
    answers.set()
    wait_for(lambda: not threads() and server.open == 0)


def test_a_login_that_is_refused_leaves_nothing() -> None:
    """Its thread ends."""
    server, answers = FakeServer(answers=(), refuses="no"), threading.Event()
    answers.set()
    with pytest.raises(Fault):
        session_of(server, ManualCancellation(), answers).connect(timedelta(seconds=10))
    wait_for(lambda: not threads())


def test_a_statement_that_was_sent_ahead_is_ended_when_nobody_waits_for_it() -> None:
    """A session that is closed before it has answered does not wait for it."""
    server, answers, killed = FakeServer(answers=()), threading.Event(), threading.Event()
    driver = server.driver()
    driver.open = lambda sql, room: answers.wait(20)  # type: ignore[assignment, method-assign]
    cancel = ManualCancellation()
    session = Session(driver, name=NAME, link=Link(None), silence=timedelta(seconds=10), cancel=cancel)
    session.connect(timedelta(seconds=5))
    session.kill = killed.set
    session.batches("SELECT", Room(rows=1, text=1, memory=1))
    began = time.monotonic()
    session.close()
    assert killed.is_set()
    assert time.monotonic() - began < 2
    answers.set()
    wait_for(lambda: not threads() and server.open == 0)
