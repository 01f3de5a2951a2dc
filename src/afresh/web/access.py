"""Who may ask what: tokens with scopes, names by which we are called, and requests that other sites make browsers send.

Rules, in this order: the Host must be one of ours (a name that was bound to this machine by somebody else is not); a
request that changes something must not come from another site; a route needs a scope, which a token brings. Without
any token in the configuration everybody who reaches the port has all scopes, so it is then of this machine alone.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from http.cookies import CookieError, SimpleCookie
from typing import Annotated

from fastapi import Depends, Request

from afresh.core.errors import ConfigurationError
from afresh.core.options import Scope, TokenConfig, WebConfig
from afresh.core.ports import Clock
from afresh.web.problems import Refused

COOKIE = "afresh_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SCOPES: tuple[Scope, ...] = ("read", "operate", "admin")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and the widest thing that is allowed."""

    name: str
    scope: Scope

    def may(self, wanted: Scope) -> bool:
        """Whether that scope is within."""
        return _SCOPES.index(wanted) <= _SCOPES.index(self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of one server. `secrets` are tokens of this run, by name, that no file has."""

    config: WebConfig
    clock: Clock
    port: int
    secrets: Mapping[str, str]

    def check_host(self, request: Request) -> None:
        """Refused (421) for a Host that is not ours."""
        host = _without_port(request.headers.get("host", ""))
        ours = _LOCAL_NAMES | {self.config.host.lower(), *(name.lower() for name in self.config.allowed_hosts)}
        if host.lower() not in ours:
            raise Refused(
                421, f"this server is not called {host!r}", hint="Add the name to `allowed_hosts` of [data_sync.web]."
            )

    def check_origin(self, request: Request) -> None:
        """Refused (403) for a request that changes something and that another site made the browser send."""
        if request.method in SAFE_METHODS:
            return
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site not in (None, "same-origin", "none"):
            raise Refused(403, "a page of another site may not ask for this")
        if origin is not None and origin.partition("://")[2].lower() != request.headers.get("host", "").lower():
            raise Refused(403, "a page of another site may not ask for this")

    def caller(self, request: Request) -> Caller:
        """Who asks; Refused (401) without a token that is known and still valid."""
        given = _token(request)
        if given is None and not self.config.tokens:
            client = request.client.host if request.client else "nobody"
            return Caller(name=f"web@{client}", scope="admin")
        if given is None:
            raise Refused(401, "a token is needed", hint="Send it as `Authorization: Bearer ...`, or log in.")
        found = self.caller_of(given)
        if found is None:
            raise Refused(401, "the token is not known, or has expired")
        return found

    def caller_of(self, given: str) -> Caller | None:
        """The caller of a token, None if it is not known or has expired. Every token is compared, each in constant
        time, so that time tells nothing."""
        digest, today = hashlib.sha256(given.encode()).hexdigest(), self.clock.now().date()
        found: Caller | None = None
        for name, token in self.config.tokens.items():
            if hmac.compare_digest(digest, token.sha256) and not _expired(token, today):
                found = Caller(name=f"token {name}", scope=token.scope)
        for name, secret in self.secrets.items():
            if hmac.compare_digest(given.encode(), secret.encode()):
                found = Caller(name=name, scope="admin")
        return found


def check_exposure(config: WebConfig) -> None:
    """ConfigurationError for a server that others could reach without being asked who they are, or unencrypted."""
    if (config.tls_certificate is None) != (config.tls_key is None):
        raise ConfigurationError("[data_sync.web] needs both `tls_certificate` and `tls_key`, or neither")
    if is_loopback(config.host):
        return
    if not config.tokens:
        raise ConfigurationError(
            f"the web interface would listen on {config.host} for everybody",
            hint="Add [data_sync.web.tokens.NAME] with a hash that `afresh token` makes, or listen on 127.0.0.1.",
        )
    if config.tls_certificate is None and not config.behind_proxy:
        raise ConfigurationError(
            f"the web interface would listen on {config.host} unencrypted",
            hint="Set `tls_certificate` and `tls_key`, or `behind_proxy = true` if a proxy in front ends TLS.",
        )


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def access_of(request: Request) -> Access:
    """The rules of the server that got the request."""
    found: Access = request.app.state.access
    return found


def needs(scope: Scope) -> object:
    """The dependency of a route that needs that scope; a route tells it by `scope` on it."""

    async def check(request: Request) -> Caller:  # asks nobody, so that it needs no thread
        caller = access_of(request).caller(request)
        if not caller.may(scope):
            raise Refused(403, f"this needs the scope {scope!r}; the token has {caller.scope!r}")
        return caller

    check.scope = scope  # type: ignore[attr-defined]
    return Depends(check)


Reader = Annotated[Caller, needs("read")]
Operator = Annotated[Caller, needs("operate")]
Admin = Annotated[Caller, needs("admin")]


def _expired(token: TokenConfig, today: date) -> bool:
    return token.expires is not None and today >= token.expires


def _token(request: Request) -> str | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    try:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies and cookies[COOKIE].value else None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host
