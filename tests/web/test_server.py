"""The server as it runs: a real port, live events, and an end in good order."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.rig import Rig, item, make_rig

from afresh.core.errors import ConfigurationError
from afresh.core.model import UpdateType
from afresh.core.options import WebConfig
from afresh.sinks.tee import tee
from afresh.web.live import Live
from afresh.web.server import Server, serve


@contextmanager
def served(directory: Path, config: WebConfig) -> Iterator[tuple[Rig, Server]]:
    """A service with one table, and its server."""
    rig = make_rig(directory, rows=[item(1)])
    live = Live()
    object.__setattr__(rig.service.workplace, "emit", tee(rig.events.append, live))
    server = serve(rig.service, config, live)
    try:
        yield rig, server
    finally:
        server.stop()


def lines(answer: Any) -> Iterator[str]:
    """The lines of a stream."""
    while line := answer.readline():
        yield line.decode().rstrip("\n")


def test_it_answers_on_a_free_port(directory: Path) -> None:
    """With port 0 it finds one, says which, and answers there."""
    with served(directory, WebConfig()) as (_rig, server), urllib.request.urlopen(f"{server.url}/livez") as answer:
        assert json.load(answer)["status"] == "alive"
    with pytest.raises(OSError, match="refused"), closing(socket.create_connection(_address(server.url), 1)):
        pass


def test_events_arrive_while_they_happen(directory: Path) -> None:
    """A listener hears a sync begin and end, and between events that the link is whole."""
    with served(directory, WebConfig()) as (rig, server):
        with urllib.request.urlopen(f"{server.url}/api/v1/events", timeout=20) as answer:
            stream = lines(answer)
            assert next(stream) == ": listening"
            rig.sync(UpdateType.MASS)
            heard = []
            for line in stream:
                heard += [line.removeprefix("event: ")] if line.startswith("event: ") else []
                if {"beat", "BatchMerged"} <= set(heard):
                    break
            assert "SyncStarted" in heard
            assert "BatchMerged" in heard
        numbered = f"{server.url}/api/v1/events"
        request = urllib.request.Request(numbered, headers={"Last-Event-ID": "1"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            stream = lines(answer)
            assert next(line for line in stream if line.startswith("id: ")) == "id: 2"


@pytest.mark.parametrize(
    "head",
    [b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000],
)
def test_a_head_without_an_end_is_not_kept(directory: Path, head: bytes) -> None:
    """Who sends a head of more than 64 KiB is cut off; nobody fills the memory of the service."""
    with served(directory, WebConfig()) as (_rig, server), closing(_connected(server)) as link:
        link.sendall(head)
        with pytest.raises(ConnectionError):
            _send_much(link)


def _send_much(link: socket.socket) -> None:
    for _ in range(512):
        link.sendall(b"x" * 65_536)


def test_a_large_body_is_no_large_head(directory: Path) -> None:
    """It is read whole, also if it comes in many pieces and after a head that fills many of them."""
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nConnection: close\r\nX: "
    with served(directory, WebConfig()) as (_rig, server), closing(_connected(server)) as link:
        for piece in (head, b"x" * 30_000, b"x" * 30_000, b"\r\n\r\n", *[b"y" * 100_000] * 10):
            link.sendall(piece)
        assert link.recv(1_000).startswith(b"HTTP/1.1 303 ")


def _connected(server: Server) -> socket.socket:
    return socket.create_connection(_address(server.url), 10)


def test_a_port_that_is_taken_is_named(directory: Path) -> None:
    """Two servers on one port: the second says so, and how to go on."""
    with (
        served(directory, WebConfig()) as (rig, server),
        pytest.raises(ConfigurationError, match=str(_address(server.url)[1])),
    ):
        serve(rig.service, WebConfig(port=_address(server.url)[1]), Live())


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)
