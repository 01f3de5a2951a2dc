"""One stream of events, several that listen; none of them can disturb the others or the syncs."""

import sys
import threading
from collections.abc import Callable

from afresh.core.events import Event
from afresh.core.ports import Emit


def tee(*sinks: Emit, complain: Callable[[str], None] | None = None) -> Emit:
    """An `Emit` of several sinks, in their order, that keeps the promise never to raise.

    A sink that raises is named once by `complain` (on stderr by default) and is left out from then on.
    """
    return _Tee(sinks, complain or _to_stderr)


class _Tee:
    def __init__(self, sinks: tuple[Emit, ...], complain: Callable[[str], None]) -> None:
        self._sinks = sinks
        self._complain = complain
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:  # noqa: BLE001 - a sink's failure must not become a sync's
                self._leave_out(sink, event, error)

    def _leave_out(self, sink: Emit, event: Event, error: Exception) -> None:
        with self._lock:
            if not any(kept is sink for kept in self._sinks):
                return
            self._sinks = tuple(kept for kept in self._sinks if kept is not sink)
        name = getattr(sink, "__name__", type(sink).__name__)
        self._complain(
            f"afresh: the event sink {name} failed at {type(event).__name__} and is left out from now on: "
            f"{type(error).__name__}: {error}"
        )


def _to_stderr(text: str) -> None:
    try:
        print(text, file=sys.stderr)  # noqa: T201 - there is no other place left to say it
    except OSError:
        return
