"""What was asked of a source, and holds until it is forgotten."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Known(Generic[T]):
    """The answer to a question that is asked when somebody wants to know, once for all of them."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._wanted = object()
        self._found: tuple[object, T] | None = None

    def __call__(self) -> T:
        """The answer; its error, and then the next asks again."""
        with self._lock:
            wanted = self._wanted
            if self._found is None or self._found[0] is not wanted:
                self._found = wanted, self._ask()
            return self._found[1]

    def forget(self) -> None:
        """Who wants to know from now on is told what was asked after this. Waits for nobody who asks now."""
        self._wanted = object()
