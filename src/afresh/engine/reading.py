"""One read of a sync: its request to stop, and what it reports on the way."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from afresh.core.model import Misfit
from afresh.core.ports import Cancellation


class SyncReading:
    """A `Reading` around a cancellation; what is reported goes to `take`, from the thread that reads."""

    def __init__(self, cancel: Cancellation, take: Callable[[Misfit], None]) -> None:
        self._cancel = cancel
        self._take = take

    @property
    def requested(self) -> bool:
        """Whether somebody asked for the stop."""
        return self._cancel.requested

    def check(self) -> None:
        """Raises `Cancelled` if the stop was requested."""
        self._cancel.check()

    def interrupts(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """While open, a request calls `interrupt`."""
        return self._cancel.interrupts(interrupt)

    def report(self, misfit: Misfit) -> None:
        """Hands it over."""
        self._take(misfit)
