"""The request to stop."""

import threading

import pytest
from tests.engine.rig import in_thread

from afresh.core.errors import Cancelled
from afresh.engine.cancellation import CancelToken


def test_check_raises_after_the_request() -> None:
    """A check passes before the request and raises after it, with the first reason."""
    token = CancelToken()
    token.check()
    assert not token.requested
    token.request("first")
    token.request("second")
    assert token.requested
    with pytest.raises(Cancelled, match="first"):
        token.check()


def test_interrupts_while_open() -> None:
    """A request calls what is open, and nothing that was closed."""
    token, calls = CancelToken(), list[str]()
    with token.interrupts(lambda: calls.append("closed")):
        pass
    with token.interrupts(lambda: calls.append("outer")), token.interrupts(lambda: calls.append("inner")):
        token.request()
    assert calls == ["outer", "inner"]


def test_interrupts_at_once_if_requested_before() -> None:
    """What opens after the request is interrupted at once."""
    token, calls = CancelToken(), list[int]()
    token.request()
    with token.interrupts(lambda: calls.append(1)):
        assert calls == [1]


def test_leaving_waits_for_the_interrupt() -> None:
    """Nobody can close what is being interrupted before the interrupt has returned."""
    token, entered, go, order = CancelToken(), threading.Event(), threading.Event(), list[str]()

    def interrupt() -> None:
        entered.set()
        go.wait(5)
        order.append("interrupted")

    def use() -> None:
        with token.interrupts(interrupt):
            entered.wait(5)
        order.append("left")

    user, requester = in_thread(use), in_thread(token.request)
    entered.wait(5)
    go.set()
    user.join()
    requester.join()
    assert order == ["interrupted", "left"]


def test_linked_tokens() -> None:
    """A request reaches the linked token with its reason; one to the linked token stays there."""
    parent = CancelToken()
    with parent.linked() as child:
        child.request("the child's")
        assert not parent.requested
    with parent.linked() as child:
        parent.request("the parent's")
        with pytest.raises(Cancelled, match="the parent's"):
            child.check()


def test_link_ends_with_its_context() -> None:
    """A request after the context does not reach the token that was linked."""
    parent = CancelToken()
    with parent.linked() as child:
        pass
    parent.request()
    assert not child.requested


def test_wait() -> None:
    """Waiting ends with the request, or when the time is up."""
    token = CancelToken()
    assert not token.wait(0.001)
    threading.Timer(0.01, token.request).start()
    assert token.wait(5)
