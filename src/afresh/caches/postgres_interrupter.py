"""Breaking off what a sync's connections are doing, from the thread that asks for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import adbc_driver_manager
import psycopg

_REPEAT_SECONDS = 0.2


class Interrupter:
    """Breaks off again and again until it is closed: a request that arrives between two statements stops none."""

    def __init__(self) -> None:
        self._breaks: list[Callable[[], None]] = []
        self._calling = threading.Lock()
        self._starting = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def reaches(self, break_off: Callable[[], None]) -> Iterator[None]:
        """While open, `break_off` is one of the calls to make; it is not under way any more afterwards.

        It may block for a moment, and its drivers' errors mean nothing.
        """
        with self._calling:
            self._breaks.append(break_off)
        try:
            yield
        finally:
            with self._calling:
                self._breaks.remove(break_off)

    def interrupt(self) -> None:
        """Starts to break off; returns at once."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="afresh-interrupt", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Returns when nothing will be broken off any more."""
        self._closed.set()
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            with self._calling:
                for break_off in self._breaks:
                    with suppress(psycopg.Error, adbc_driver_manager.Error):
                        break_off()
            self._closed.wait(_REPEAT_SECONDS)
