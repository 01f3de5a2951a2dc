"""What a client sends to a PostgreSQL server, as a proxy sees it."""

import re
import socket
import struct
from collections.abc import Iterator

from afresh.testing.proxy import Proxy, Target

_COPY = re.compile(r"COPY \((.*)\) TO STDOUT \(FORMAT binary\)", re.DOTALL)
_UNTYPED = {80877102, 80877103, 80877104, 196608, 196610}
"""Codes of the messages before a session: cancel, TLS, GSS, and the start-up of protocol 3."""


class Wire(Proxy):
    """A proxy that keeps what goes to the server, connection by connection. TLS must be off."""

    def __init__(self, target: Target) -> None:
        self._sent: dict[socket.socket, bytearray] = {}
        self._servers: set[socket.socket] = set()
        super().__init__(target)

    def _connected(self) -> socket.socket:
        server = super()._connected()
        self._servers.add(server)
        return server

    def _send(self, sink: socket.socket, data: bytes) -> None:
        if sink in self._servers:
            self._sent.setdefault(sink, bytearray()).extend(data)
        super()._send(sink, data)

    def statements(self) -> list[str]:
        """Every statement, in the order of the connections: of simple queries and of prepared ones, and what the
        driver's COPY reads instead of the COPY itself."""
        return [_COPY.sub(r"\1", sql) for sent in list(self._sent.values()) for sql in _statements(bytes(sent))]


def _statements(sent: bytes) -> Iterator[str]:
    at = 0
    while at + 8 <= len(sent) and struct.unpack_from("!I", sent, at + 4)[0] in _UNTYPED:
        at += struct.unpack_from("!I", sent, at)[0]
    while at + 5 <= len(sent):
        kind, size = chr(sent[at]), struct.unpack_from("!I", sent, at + 1)[0]
        body = sent[at + 5 : at + 1 + size]
        if kind == "Q":
            yield body.partition(b"\0")[0].decode()
        elif kind == "P":
            yield body.split(b"\0")[1].decode()
        at += 1 + size
