"""An iterator that runs in a thread of its own, so that one that hangs does not hang who waits for it."""

import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Pump(Generic[T]):
    """Opens, drains and closes an iterator in its own thread, one item for each `ask`; never ahead."""

    def __init__(self, open_items: Callable[[], Iterator[T]]) -> None:
        self._open = open_items
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._answers: SimpleQueue[T | BaseException | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="afresh-source", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Asks for the next item."""
        self._asked.put(True)

    def answer(self, seconds: float) -> tuple[T] | None:
        """The item that was asked for, if it comes within that time; raises what the iterator raised, and
        `StopIteration` at its end."""
        try:
            found = self._answers.get(timeout=seconds)
        except Empty:
            return None
        if found is None:
            raise StopIteration
        if isinstance(found, BaseException):
            raise found
        return (found,)

    def close(self, seconds: float) -> bool:
        """Closes the iterator; whether it closed within that time. Else it is left to itself."""
        self._asked.put(False)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        items: Iterator[T] | None = None
        try:
            while self._asked.get():
                items = self._open() if items is None else items
                self._answers.put(next(items, None))
        except BaseException as error:  # noqa: BLE001 - carried to the thread that asked, which raises it
            self._answers.put(error)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
