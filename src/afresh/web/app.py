"""The application: who may come in, the routes, and what every answer carries."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from afresh.core.options import WebConfig
from afresh.engine.service import Service
from afresh.web import acting, grid, health, history, metrics, owner, pages, reading, table, updates
from afresh.web.access import Access
from afresh.web.live import Live
from afresh.web.problems import Refused, as_json, translate
from afresh.web.ready import ready
from afresh.web.view import View

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""What every answer carries that does not say otherwise."""
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


def build(
    service: Service,
    config: WebConfig,
    live: Live,
    *,
    port: int,
    secrets: Mapping[str, str] | None = None,
    text: Callable[[], bytes] | None = None,
) -> FastAPI:
    """The application around a service. `live` is a sink of the service's events; `port` is where it is reached;
    `text` makes what Prometheus reads."""
    app = FastAPI(
        title="Afresh",
        summary="How the tables of a cache stand, and what may be asked of the service that keeps them fresh.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.view = View(service)
    app.state.live = live
    app.state.metrics = text
    app.state.access = Access(config=config, clock=service.workplace.clock, port=port, secrets=dict(secrets or {}))
    translate(app, pages.problem_page)
    app.add_middleware(_Guarded)
    for part in (health, metrics, reading, acting, pages, table, grid, history, updates, owner):
        app.include_router(part.router)
    return app


_STREAM = "/api/v1/events"


def _without_body(send: Send) -> Send:
    """The answer to HEAD: what the answer to GET would be, its body left out."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return told


class _Guarded:
    """Hosts and origins are looked at before anything else, and every answer carries the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. What is answered goes through as it comes: streams are not copied."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                names = {name for name, _value in own}
                message["headers"] = [*own, *(header for header in _RAW_HEADERS if header[0] not in names)]
            await send(message)

        if scope["method"] == "HEAD" and scope["path"] != _STREAM:
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        request = Request(scope)
        access: Access = request.app.state.access
        try:
            access.check_host(request)
            access.check_origin(request)
        except Refused as refused:
            await as_json(refused.status, refused.detail, hint=refused.hint)(scope, receive, with_headers)
        else:
            await (ready(request) or self._app)(scope, receive, with_headers)
