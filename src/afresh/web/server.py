"""The server of the web interface: a thread of the process that keeps the tables fresh, on a port of its own."""

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from afresh.core.errors import ConfigurationError
from afresh.core.options import WebConfig
from afresh.engine.service import Service
from afresh.web.access import check_exposure, is_loopback
from afresh.web.app import build
from afresh.web.live import Live

_SWITCH_SECONDS = 0.0005
"""A thread that syncs waits so long at most for one that makes a page; Python's own choice is ten times that."""
_MOST_UNREAD = 65_536
_START_SECONDS = 10.0
_STOP_SECONDS = 3.0


@dataclass(slots=True)
class Server:
    """A server that listens; `url` is where."""

    url: str
    _server: uvicorn.Server
    _thread: threading.Thread

    def stop(self) -> None:
        """Ends it; those who listen to events are let go. May be called twice."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_STOP_SECONDS)


class _Bounded(HttpToolsProtocol):
    """HTTP, parsed in C, as the loop is: with many viewers Python would be busy with little else. The parser takes
    heads of any size; here a connection ends that sends more than 64 KiB without getting to a body, or on in it."""

    _unread = 0

    def data_received(self, data: bytes) -> None:
        """Some of a request, or of several."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > _MOST_UNREAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        """The head was read."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """So much of a body was read."""
        self._unread = 0
        super().on_body(body)


def serve(
    service: Service,
    config: WebConfig,
    live: Live,
    secrets: dict[str, str] | None = None,
    text: Callable[[], bytes] | None = None,
) -> Server:
    """Starts the server, and returns when it listens; ConfigurationError if it must not, or cannot. `text` makes what
    Prometheus reads."""
    check_exposure(config)
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
    listening = _bind(config)
    port = int(listening.getsockname()[1])
    base = service.options.base_directory
    settings = uvicorn.Config(
        build(service, config, live, port=port, secrets=secrets, text=text),
        http=_Bounded,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        ssl_certfile=None if config.tls_certificate is None else base / config.tls_certificate,
        ssl_keyfile=None if config.tls_key is None else base / config.tls_key,
        proxy_headers=config.behind_proxy,
        timeout_graceful_shutdown=1,
    )
    try:
        settings.load()
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"[data_sync.web]: certificate or key cannot be used: {error}") from error
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, args=([listening],), name="afresh-web", daemon=True)
    thread.start()
    _wait(server, thread)
    scheme = "http" if config.tls_certificate is None else "https"
    host = config.host if is_loopback(config.host) or ":" not in config.host else f"[{config.host}]"
    return Server(f"{scheme}://{host}:{port}", server, thread)


def _bind(config: WebConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((config.host.strip("[]"), config.port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"[data_sync.web]: cannot listen on {config.host}:{config.port}: {error.strerror or error}",
            hint="Choose another `port`, or 0 for one that is free.",
        ) from error
    return listening


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(_START_SECONDS / 0.02)):
        if server.started or not thread.is_alive():
            return
        with suppress(InterruptedError):
            waited.wait(0.02)
