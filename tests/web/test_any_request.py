"""No request, however odd, is answered by an error of the server: a short version of `make fuzz`."""

from collections.abc import Iterator
from typing import Any

import pytest
from bench.fuzz import Found, ask, description
from tests.web.states_rig import serving, standing
from tests.web.web_rig import tokens

from afresh.core.options import WebConfig


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Any, str]]:
    """A service whose tables stand in every way, and where it is asked."""
    with standing() as (rig, _open), serving(rig, WebConfig(tokens=tokens())) as server:
        yield rig.service, server.url


def some(served: tuple[Any, str], wanted: int) -> Found:
    """So many requests, some in turn to each route."""
    service, url = served
    return ask(url, description(service), wanted=wanted, number=7, seconds=45, examples=3)


def test_no_request_is_an_error_of_the_server(served: tuple[Any, str]) -> None:
    """Valid and broken requests to every route, by every scope and by nobody."""
    found = some(served, 180)
    assert list(found.errors.values()) == []
    assert found.requests >= 180
    assert len(found.routes) >= 40
    assert {200, 401, 403, 404} <= set(found.answers)


def test_an_error_of_the_server_is_seen(served: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that breaks is told, with the request that broke it."""

    def broken(**_asked: Any) -> None:
        raise RuntimeError("a defect")

    service, _url = served
    monkeypatch.setattr(service.workplace.cache.actions, "recent", broken)
    found = some(served, 150)
    assert any(route.endswith("/api/v1/actions") and "RuntimeError" in answer for route, answer in found.errors)
