"""A read that can be broken off from outside, for a reason of its own, whoever else may ask it to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from afresh.core.errors import AfreshError
from afresh.core.model import Misfit
from afresh.core.ports import Reading

Ticks = Callable[[], float]
"""Seconds that only ever grow, of which differences count."""


class Watched:
    """A `Reading` around a reading. `break_off` makes it end with that error; `silence` is for how long the source
    has been silent, which the wait for a session (`waiting`) is not."""

    def __init__(self, reading: Reading, ticks: Ticks) -> None:
        self._reading = reading
        self._ticks = ticks
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []
        self._failure: AfreshError | None = None
        self._heard = ticks()
        self._waits = False

    @property
    def requested(self) -> bool:
        """Whether it is to stop."""
        return self._failure is not None or self._reading.requested

    @property
    def silence(self) -> float:
        """Seconds since the source was asked, or heard last."""
        return 0.0 if self._waits else self._ticks() - self._heard

    def hear(self) -> None:
        """The source is asked, or has answered."""
        self._heard = self._ticks()

    def check(self) -> None:
        """Raises the error of `break_off`, or as the reading around it does."""
        if self._failure is not None:
            raise self._failure
        self._reading.check()

    def report(self, misfit: Misfit) -> None:
        """Passes it on."""
        self._reading.report(misfit)

    def break_off(self, failure: AfreshError) -> None:
        """Asks for the end, by that error; the first one stays. Interrupts what is under way."""
        with self._lock:
            if self._failure is None:
                self._failure = failure
            for interrupt in self._interrupts:
                interrupt()

    @contextmanager
    def interrupts(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While open, `break_off` and the request of the reading around it call `interrupt`."""
        with self._lock:
            self._interrupts.append(interrupt)
            broken = self._failure is not None
        if broken:
            interrupt()
        try:
            with self._reading.interrupts(interrupt):
                yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While open, nothing is expected of the source."""
        self._waits = True
        try:
            yield
        finally:
            self.hear()
            self._waits = False
