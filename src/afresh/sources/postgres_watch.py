"""Ends a session's call that a driver waits in: when it is asked to, and when the server has been silent for too long.

The drivers can break off a statement, but only with a server that answers. What always works is to shut down the
session's socket, which libpq then takes for a lost connection. It is found among the process's open files: the one
that came with the session's connection.
"""

import os
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from afresh.core.ports import Cancellation

_TICK = 0.1
_GRACE = 0.3
"""Seconds that a server gets to break off a statement."""
_FILES = "/dev/fd"
_LAST_RECEIVED = 52
"""Where Linux's tcp_info has the milliseconds since data came."""
_CONNECTING = threading.Lock()
"""One session at a time connects, so that it is known which socket is whose."""

Sockets = dict[int, int]


class Watch:
    """Watches one session, from a thread of its own, while it is open. `silent` says whether it ended a call because
    nothing came for `patience` seconds (0: forever). `ports` are those where the server may listen."""

    def __init__(self, cancel: Cancellation, patience: float, ports: frozenset[int]) -> None:
        self.silent = False
        self._ports = ports
        self._cancel = cancel
        self._patience = patience
        self._woken = threading.Event()
        self._closed = False
        self._shut_down = False
        self._since: float | None = None
        self._asked: float | None = None
        self._break_off: Callable[[], None] | None = None
        self._breaking: threading.Thread | None = None
        self._before: Sockets | None = None
        self._socket: socket.socket | None = None

    @contextmanager
    def opened(self) -> Iterator["Watch"]:
        """Watches until the context is left; nothing is broken off after that."""
        thread = threading.Thread(target=self._run, name="afresh-watch", daemon=True)
        thread.start()
        try:
            with self._cancel.interrupts(self._woken.set):
                yield self
        finally:
            self._closed = True
            self._woken.set()
            thread.join()
            if self._breaking is not None and not self._shut_down:
                self._breaking.join(_GRACE)
            if self._socket is not None:
                self._socket.close()

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Around what connects; the new socket is the session's."""
        while not _CONNECTING.acquire(timeout=_TICK):
            self._cancel.check()
        try:
            self._before = _sockets()
            with self.calling():
                yield
        finally:
            before, self._before = self._before, None
            self._socket = _new_socket(before or {}, self._ports)
            _CONNECTING.release()

    @contextmanager
    def calling(self, break_off: Callable[[], None] | None = None) -> Iterator[None]:
        """Around a driver's call. `break_off` asks the server to end it, and may block."""
        self._break_off = break_off
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = None

    def _run(self) -> None:
        while not self._closed:
            requested = self._cancel.requested
            self._woken.wait(_TICK)
            if self._closed:
                return
            since, now = self._since, time.monotonic()
            if requested or self._cancel.requested:
                self._woken.clear()
                self._stop(since, now)
                time.sleep(_TICK / 10)
            elif since is not None and self._patience and self._silence(now - since) > self._patience:
                self.silent = True
                self._shut()

    def _stop(self, since: float | None, now: float) -> None:
        self._asked = self._asked or now
        if since is None:
            return
        if self._break_off is None or now - self._asked > _GRACE:
            self._shut()
        elif self._breaking is None:
            self._breaking = threading.Thread(target=self._break, name="afresh-break-off", daemon=True)
            self._breaking.start()

    def _break(self) -> None:
        with suppress(Exception):  # what it says about a statement that has just ended means nothing
            if self._break_off is not None:
                self._break_off()

    def _silence(self, called: float) -> float:
        """Seconds for which nothing has come: since the call began, or data arrived after that."""
        with self._found() as found:
            return min(called, _since_received(found)) if found is not None else called

    def _shut(self) -> None:
        self._shut_down = True
        with self._found() as found, suppress(OSError):
            if found is not None:
                found.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _found(self) -> Iterator[socket.socket | None]:
        """The session's socket, or that of the connection which is being made."""
        before = self._before
        if self._socket is not None or before is None:
            yield self._socket
            return
        found = _new_socket(before, self._ports)
        try:
            yield found
        finally:
            if found is not None:
                found.close()


def _since_received(connection: socket.socket) -> float:
    """Seconds since data came; for ever where the system does not tell."""
    if sys.platform == "linux":
        with suppress(OSError, struct.error):
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_RECEIVED + 4)
            milliseconds: int = struct.unpack_from("=I", told, _LAST_RECEIVED)[0]
            return milliseconds / 1000
    return float("inf")


def _sockets() -> Sockets:
    """The process's sockets: inode by file number; none where the system does not tell."""
    found = {}
    with suppress(OSError):
        for name in os.listdir(_FILES):  # noqa: PTH208 - numbers, not paths
            with suppress(OSError):
                status = os.fstat(int(name))
                if stat.S_ISSOCK(status.st_mode):
                    found[int(name)] = status.st_ino
    return found


def _new_socket(before: Sockets, ports: frozenset[int]) -> socket.socket | None:
    """A second handle on the socket to a server that was not there before."""
    for number, inode in _sockets().items():
        if before.get(number) == inode:
            continue
        with suppress(OSError):
            handle = socket.socket(fileno=os.dup(number))
            if _leads_to(handle, ports):
                return handle
            handle.close()
    return None


def _leads_to(handle: socket.socket, ports: frozenset[int]) -> bool:
    with suppress(OSError):
        peer = handle.getpeername()
        if isinstance(peer, tuple):
            return peer[1] in ports
        name = peer.decode(errors="replace") if isinstance(peer, bytes) else str(peer)
        return name.endswith(tuple(f".s.PGSQL.{port}" for port in ports))
    return False
