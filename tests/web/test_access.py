"""Every route, by every kind of caller: who gets in, and who does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.routes import walked
from tests.web.web_rig import EXPIRED, TOKENS, WebRig, token_of, tokens, web_rig

from afresh.core.errors import ConfigurationError
from afresh.core.options import WebConfig
from afresh.web.access import check_exposure

PUBLIC = "public"
SCOPES: dict[tuple[str, str], str] = {
    ("GET", "/livez"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/health"): "read",
    ("GET", "/metrics"): "read",
    ("GET", "/freshness"): "read",
    ("GET", "/badge/{table}.json"): "read",
    ("GET", "/badge/{table}.svg"): "read",
    ("GET", "/api/v1/openapi.json"): "read",
    ("GET", "/api/v1/tables"): "read",
    ("GET", "/api/v1/tables/{table}"): "read",
    ("GET", "/api/v1/updates"): "read",
    ("GET", "/api/v1/updates/{operation_id}"): "read",
    ("GET", "/api/v1/sources"): "read",
    ("GET", "/api/v1/actions"): "read",
    ("GET", "/api/v1/events"): "read",
    ("GET", "/api/v1/config"): "admin",
    ("POST", "/api/v1/tables/{table}/run"): "operate",
    ("POST", "/api/v1/tables/{table}/cancel"): "operate",
    ("POST", "/api/v1/tables/{table}/pause"): "operate",
    ("POST", "/api/v1/tables/{table}/resume"): "operate",
    ("POST", "/api/v1/tables/{table}/accept"): "admin",
    ("POST", "/api/v1/sources/{source}/pause"): "operate",
    ("POST", "/api/v1/sources/{source}/resume"): "operate",
    ("POST", "/api/v1/sources/{source}/reset"): "admin",
    ("GET", "/"): "read",
    ("GET", "/now.json"): "read",
    ("GET", "/tables/{table}"): "read",
    ("POST", "/tables/{table}/{action}"): "operate",
    ("GET", "/updates/{operation_id}"): "read",
    ("GET", "/grid"): "read",
    ("GET", "/grid.json"): "read",
    ("GET", "/sources"): "read",
    ("GET", "/sources.json"): "read",
    ("GET", "/history"): "read",
    ("GET", "/history.json"): "read",
    ("GET", "/history.csv"): "read",
    ("GET", "/login"): PUBLIC,
    ("POST", "/login"): PUBLIC,
    ("POST", "/logout"): PUBLIC,
    ("GET", "/static/{name}"): PUBLIC,
    ("POST", "/owner/{name}"): "admin",
}
"""What each route needs. A route that is not here fails the test."""

_ORDER = ("read", "operate", "admin")
_BODY = {"update_type": "Daily"}
STREAM = "/api/v1/events"


@pytest.fixture
def guarded(directory: Path) -> Iterator[WebRig]:
    """A web interface with tokens."""
    with web_rig(directory, WebConfig(tokens=tokens())) as found:
        yield found


def ask(found: WebRig, method: str, path: str, **headers: str) -> Any:
    """The answer to a request for the route, with its parameters filled in; a stream is only begun."""
    concrete = path.replace("{table}", "Item").replace("{source}", "ERP").replace("{operation_id}", "x")
    concrete = concrete.replace("/owner/{name}", "/owner/leases.held")
    concrete = concrete.replace("{action}", "pause").replace("{name}", "afresh.css")
    if path == "/freshness":
        concrete += "?table=Item"
    if path == STREAM:
        # A stream does not end; whether it begins is decided before, by what the route depends on.
        concrete = "/api/v1/sources"
    body = _BODY if method == "POST" else None
    return found.client.request(method, concrete, headers=headers, json=body, follow_redirects=False)


def test_every_route_is_in_the_table(guarded: WebRig) -> None:
    """No route exists whose scope nobody wrote down, and none that is written down is missing."""
    routes = {(method, route.path) for route in walked(guarded.app.routes) for method in route.methods or ()}
    assert routes == set(SCOPES)


@pytest.mark.parametrize(("method", "path"), list(SCOPES), ids=lambda value: str(value))
def test_who_gets_in(guarded: WebRig, method: str, path: str) -> None:
    """Without a token, with a wrong or expired one, and with each scope: 401, 403, or an answer."""
    needed = SCOPES[method, path]
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {token_of(EXPIRED)}"}):
        assert (ask(guarded, method, path, **headers).status_code == 401) == (needed != PUBLIC)
    for name, scope in TOKENS.items():
        answer = ask(guarded, method, path, Authorization=f"Bearer {token_of(name)}")
        allowed = needed == PUBLIC or _ORDER.index(scope) >= _ORDER.index(needed)
        assert (answer.status_code in (401, 403)) == (not allowed), (name, answer.text)
        if not allowed:
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), list(SCOPES), ids=lambda value: str(value))
def test_other_sites_and_names(guarded: WebRig, method: str, path: str) -> None:
    """A page of another site changes nothing, and a name that was bound to this machine by others gets nothing."""
    admin = {"Authorization": f"Bearer {token_of('admin')}"}
    changes = method == "POST"
    crossing = ask(guarded, method, path, **admin, **{"Sec-Fetch-Site": "cross-site"})
    assert (crossing.status_code == 403) == changes
    elsewhere = ask(guarded, method, path, **admin, Origin="https://evil.example")
    assert (elsewhere.status_code == 403) == changes
    assert ask(guarded, method, path, **admin, Origin="http://localhost").status_code != 403
    assert ask(guarded, method, path, **admin, Host="evil.example").status_code == 421


def test_the_stream_asks_who_listens(guarded: WebRig) -> None:
    """Live events are not for those without a token."""
    assert guarded.client.get(STREAM).status_code == 401


def test_every_answer_carries_the_headers(guarded: WebRig) -> None:
    """No script or style in a page, no guessing of types, no frame around it, no copy kept, also of a refusal."""
    for answer in (guarded.client.get("/livez"), guarded.client.get("/nowhere"), guarded.client.get("/health")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (WebConfig(host="0.0.0.0"), "for everybody"),
        (WebConfig(host="0.0.0.0", tokens=tokens()), "unencrypted"),
        (WebConfig(tls_certificate=Path("a.pem")), "both"),
    ],
)
def test_exposure_is_refused(config: WebConfig, problem: str) -> None:
    """It listens for others only with tokens, and with TLS or behind a proxy that was declared."""
    with pytest.raises(ConfigurationError, match=problem):
        check_exposure(config)


@pytest.mark.parametrize(
    "config",
    [
        WebConfig(),
        WebConfig(host="::1"),
        WebConfig(host="localhost"),
        WebConfig(host="0.0.0.0", tokens=tokens(), behind_proxy=True),
        WebConfig(host="10.1.2.3", tokens=tokens(), tls_certificate=Path("c.pem"), tls_key=Path("k.pem")),
    ],
)
def test_exposure_is_allowed(config: WebConfig) -> None:
    """This machine alone, or everybody who has a token, encrypted."""
    check_exposure(config)
