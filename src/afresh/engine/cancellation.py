"""The request to stop, as threads pass it to each other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from afresh.core.errors import Cancelled


class CancelToken:
    """A `Cancellation` and its other end. A linked token is also requested when the one it is linked to is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested = threading.Event()
        self._interrupts: list[Callable[[], None]] = []
        self._reason = ""

    @property
    def requested(self) -> bool:
        """Whether somebody asked for the stop."""
        return self._requested.is_set()

    def check(self) -> None:
        """Raises `Cancelled` if the stop was requested."""
        if self._requested.is_set():
            raise Cancelled(self._reason)

    def request(self, reason: str = "the sync was cancelled") -> None:
        """Asks for the stop; the first reason stays. Interrupts what is under way."""
        with self._lock:
            if not self._requested.is_set():
                self._reason = reason
                self._requested.set()
            # Under the lock: nobody may leave `interrupts`, and close what is interrupted, while it is called.
            for interrupt in self._interrupts:
                interrupt()

    def wait(self, seconds: float) -> bool:
        """Waits for the request, so long at most; whether it came."""
        return self._requested.wait(seconds)

    @contextmanager
    def interrupts(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While open, a request calls `interrupt`; at once if it was made before."""
        with self._lock:
            self._interrupts.append(interrupt)
            requested = self._requested.is_set()
        if requested:
            interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    @contextmanager
    def linked(self) -> Iterator["CancelToken"]:
        """A token of its own that this one reaches too, while the context is open."""
        child = CancelToken()
        with self.interrupts(lambda: child.request(self._reason)):
            yield child
