"""The reading of what is too short to be cancelled, and has nothing to report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from afresh.core.model import Misfit


class Never:
    """A `Reading` that nobody stops."""

    requested = False

    def check(self) -> None:
        """Nothing to stop for."""

    @contextmanager
    def interrupts(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Nobody interrupts."""
        yield

    def report(self, misfit: Misfit) -> None:
        """Nothing is read that could misfit."""


NEVER = Never()
