"""A TCP proxy on loopback that can do to a connection what networks do: cut it, stall it, slow it down, count it."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Target = tuple[str, int] | Path
"""Where a server listens: host and port, or the path of a Unix socket."""

_PIECE = 16 * 1024
_TICK = 0.05


class Proxy:
    """Forwards connections to a target until it is told otherwise. Bytes are counted from server to client.

    What is set holds for all connections, those under way included. A connection that is cut ends with a reset on
    both sides, as when a firewall forgets it and says so; a stalled one stays open and is silent both ways.
    """

    def __init__(self, target: Target) -> None:
        self.connections = 0
        """How many there were."""
        self.received = 0
        """Bytes that came from the server, over all connections."""
        self._target = target
        self._cut_after: int | None = None
        self._stall_after: int | None = None
        self._rate: float | None = None
        self._refuses = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port where it listens."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def cut_after(self, received: int) -> None:
        """Cuts every connection as soon as that many more bytes have come from the server."""
        with self._lock:
            self._cut_after = self.received + received

    def stall_after(self, received: int) -> None:
        """Forwards nothing more, either way, once that many more bytes have come from the server."""
        with self._lock:
            self._stall_after = self.received + received

    def slow(self, bytes_per_second: float) -> None:
        """Forwards no faster than that from the server."""
        self._rate = bytes_per_second

    def refuse(self) -> None:
        """Cuts every connection, and every new one before it has said anything, as a server does that is down."""
        self._refuses = True
        self._cut()

    def heal(self) -> None:
        """Forwards again as at first; connections that were cut stay cut."""
        with self._lock:
            self._cut_after = self._stall_after = self._rate = None
            self._refuses = False

    def close(self) -> None:
        """Cuts all connections and listens no more."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()
        for thread in self._threads:
            thread.join(5)

    # ------------------------------------------------------------------------------------------ connections

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            if self._refuses:
                _reset(client)
                continue
            try:
                server = self._connected()
            except OSError:
                _reset(client)
                continue
            client.settimeout(_TICK)  # nothing blocks for longer, so that a socket can be closed at any time
            server.settimeout(_TICK)
            with self._lock:
                self._open |= {client, server}
            for source, sink, down in ((client, server, False), (server, client, True)):
                thread = threading.Thread(target=self._forward, args=(source, sink, down), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _connected(self) -> socket.socket:
        if isinstance(self._target, Path):
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._target))
            return server
        return socket.create_connection(self._target, timeout=10)

    def _forward(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        """Forwards one direction until one end goes away, which the other end then learns."""
        try:
            while not self._closed.is_set():
                with self._lock:
                    stalled, most = self._stalled(), self._piece() if down else _PIECE
                if stalled:
                    if _gone(source):
                        break
                    time.sleep(_TICK)
                    continue
                try:
                    data = source.recv(most)
                except TimeoutError:
                    continue
                if not data:
                    break
                if down and not self._counted(len(data)):
                    return
                self._send(sink, data)
        except (OSError, ValueError):  # ValueError: the other direction has closed the socket
            pass
        self._end(source, sink)

    def _send(self, sink: socket.socket, data: bytes) -> None:
        while data and not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                data = data[sink.send(data) :]

    def _piece(self) -> int:
        """How much may be taken from the server at once: what happens after so many bytes happens right then."""
        most = _PIECE if self._rate is None else max(1, min(_PIECE, int(self._rate * _TICK)))
        for limit in (self._cut_after, self._stall_after):
            if limit is not None:
                most = min(most, max(1, limit - self.received))
        return most

    def _stalled(self) -> bool:
        return self._stall_after is not None and self.received >= self._stall_after

    def _counted(self, size: int) -> bool:
        """Counts what came from the server; False if the connections were cut for it, so that it gets nowhere."""
        with self._lock:
            self.received += size
            cut = self._cut_after is not None and self.received >= self._cut_after
            rate = self._rate
        if cut:
            self._cut()
        elif rate is not None:
            time.sleep(size / rate)
        return not cut

    def _cut(self) -> None:
        with self._lock:
            ended, self._open = self._open, set()
        for end in ended:
            _reset(end)

    def _end(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _gone(end: socket.socket) -> bool:
    """Whether that end has closed the connection; what it has sent before that is left unread."""
    if hasattr(select, "POLLRDHUP"):
        watched = select.poll()
        watched.register(end, select.POLLRDHUP)
        return bool(watched.poll(0))
    try:
        return end.recv(1, socket.MSG_PEEK) == b""
    except TimeoutError:
        return False


def _reset(end: socket.socket) -> None:
    """Closes with a reset, not with an orderly end."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    end.close()


@contextmanager
def proxied(target: Target) -> Iterator[Proxy]:
    """A proxy to the target, closed in the end."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
