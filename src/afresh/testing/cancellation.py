"""A request to stop that a test makes by hand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from afresh.core.errors import Cancelled
from afresh.core.model import Misfit


class ManualCancellation:
    """A `Reading` that is cancelled by calling `request`, and keeps what is reported in `misfits`."""

    def __init__(self) -> None:
        self.misfits: list[Misfit] = []
        self._lock = threading.RLock()
        self._requested = threading.Event()
        self._interrupts: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        """Whether `request` was called."""
        return self._requested.is_set()

    def check(self) -> None:
        """Raises `Cancelled` after `request`."""
        if self.requested:
            raise Cancelled("cancelled by the test")

    def request(self) -> None:
        """Asks for the stop and interrupts what is under way."""
        with self._lock:
            self._requested.set()
            for interrupt in self._interrupts:
                interrupt()

    def report(self, misfit: Misfit) -> None:
        """Keeps it."""
        self.misfits.append(misfit)

    @contextmanager
    def interrupts(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While open, `request` calls `interrupt`; at once if it was called before."""
        with self._lock:
            self._interrupts.append(interrupt)
            if self.requested:
                interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)
