"""The socket on which a driver talks to its server, so that a call under way can be broken off.

ODBC's own cancel cannot be reached through the driver binding, and not every driver has one that works while a server
is silent. Shutting the socket works for all that use one: their call returns at once with an error.
"""

import os
import socket
import stat
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

_OPEN_FILES = Path("/proc/self/fd")
_LAST_RECEIVED = 52
"""Where Linux's tcp_info has the milliseconds since data last came."""
_LOCKS: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)


class Link:
    """The sockets that were opened to a port while the context `opening` was open; at most one is known."""

    def __init__(self, port: int | None) -> None:
        self._port = port
        self._found: tuple[int, int] | None = None

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Connections to one port are opened one after the other, so that each is told apart. Where somebody else
        opened one at the same moment, none is known: a stranger's must not be shut."""
        if self._port is None or not _OPEN_FILES.is_dir():
            yield
            return
        with _LOCKS[self._port]:
            before = set(_sockets(self._port))
            try:
                yield
            finally:
                new = set(_sockets(self._port)) - before
                self._found = new.pop() if len(new) == 1 else None

    def shut(self) -> None:
        """Ends the connection, if it is still the one that was opened. Does not block."""
        with self._copy() as found:
            if found is not None:
                with suppress(OSError):
                    found.shutdown(socket.SHUT_RDWR)

    def silent(self) -> timedelta | None:
        """For how long the server has sent nothing; None where that cannot be told."""
        with self._copy() as found:
            if found is None or not hasattr(socket, "TCP_INFO"):
                return None
            info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_RECEIVED + 4)
        if len(info) < _LAST_RECEIVED + 4:
            return None
        return timedelta(milliseconds=struct.unpack_from("=I", info, _LAST_RECEIVED)[0])

    @contextmanager
    def _copy(self) -> Iterator[socket.socket | None]:
        """The socket, if it is still the one that was opened."""
        if self._found is None:
            yield None
            return
        number, inode = self._found
        try:
            copy = os.dup(number)
        except OSError:
            yield None
            return
        if not stat.S_ISSOCK(os.fstat(copy).st_mode) or os.fstat(copy).st_ino != inode:
            os.close(copy)
            yield None
            return
        with socket.socket(fileno=copy) as found:
            yield found


def _sockets(port: int) -> Iterator[tuple[int, int]]:
    """Number and inode of each socket of this process that is connected to that port."""
    for entry in _OPEN_FILES.iterdir():
        with suppress(OSError):
            target = str(entry.readlink())
            if not target.startswith("socket:["):
                continue
            copy = os.dup(int(entry.name))
            with socket.socket(fileno=copy) as found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and found.getpeername()[1] == port:
                    yield int(entry.name), os.fstat(copy).st_ino
