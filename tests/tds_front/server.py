"""A wire front: it speaks TDS 7.4 on a loopback port, so that the real driver can be used in tests.

It is a stand-in and not SQL Server: what statements mean is the business of the engine behind it. What it does
show is what the driver sends (logins, batches, parameters with their types, bulk loads, attention) and how it takes
what comes back (types, nulls, errors with number, severity and state, results that are broken off).
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.tds_front.tokens import Column
from tests.tds_front.types import Type


class ServerError(Exception):
    """What a server says of a statement that fails."""

    def __init__(self, number: int, text: str, *, severity: int = 16, state: int = 1) -> None:
        super().__init__(text)
        self.number = number
        self.severity = severity
        self.state = state


@dataclass(kw_only=True)
class Result:
    """What a statement has as its result: rows of columns, or a number of rows that it changed."""

    columns: Sequence[Column] | None = None
    rows: Iterable[Sequence[Any]] = ()
    changed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A bound parameter as it came over the wire."""

    name: str
    type: Type
    value: Any
    output: bool = False


class Engine(Protocol):
    """What carries the statements of one connection out."""

    def execute(self, sql: str, parameters: Sequence[Parameter]) -> Iterator[Result]:
        """The results of a batch, as they come; `ServerError` for what is wrong with it."""
        ...

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Takes the rows of a bulk load; how many there were."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        ...

    def transact(self, word: str) -> None:
        """BEGIN, COMMIT or ROLLBACK, asked for by the protocol's own request instead of a statement."""
        ...

    def reset(self) -> None:
        """A pooled connection is used again: what is open is undone."""
        ...

    def interrupt(self) -> None:
        """Breaks the statement under way off; called by another thread."""
        ...

    def close(self) -> None:
        """The connection is gone; what is open is undone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who asks to be let in, and what for."""

    user: str
    password: str
    database: str
    application: str
    packet_size: int


@dataclass
class Front:
    """The server. `engine` makes the engine of a connection, or raises `ServerError` to refuse the login."""

    engine: Callable[[Login], Engine]
    version: int = 16
    packet_size: int = 4096
    logins: list[Login] = field(default_factory=list)
    said: list[tuple[str, str, tuple[Parameter, ...]]] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="tds-front", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many are open now."""
        with self._lock:
            return len(self._open)

    def close(self) -> None:
        """Ends all connections and stops listening."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()
        self._thread.join(5)

    def cut(self) -> None:
        """Ends all connections, as a network that fails does."""
        with self._lock:
            found = list(self._open)
        for connection in found:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        from tests.tds_front.talk import Talk  # here, because the talk knows the front

        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._talk, args=(Talk, connection), name="tds-talk", daemon=True).start()

    def _talk(self, talk: Any, connection: socket.socket) -> None:
        try:
            talk(self, connection).run()
        except (ConnectionError, OSError):
            pass
        except BaseException as error:
            self.faults.append(error)
            raise
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
