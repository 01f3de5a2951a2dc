"""Who may change a file: many writers together, or one alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 0.1


class Gate:
    """Writers pass together; who needs the file alone waits until they are out, and holds off new ones meanwhile."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._asking = 0
        self._alone = False

    @contextmanager
    def writing(self, still_waiting: Callable[[], None]) -> Iterator[None]:
        """Passes as one of many. `still_waiting` is called all the time while that takes, and may raise."""
        with self._changed:
            while self._alone or self._asking:
                self._changed.wait(_LOOK_SECONDS)
                still_waiting()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, patience: float) -> Iterator[bool]:
        """Waits so many seconds at most for the writers to be out; whether they are, and stay out until the end."""
        with self._changed:
            self._asking += 1
            try:
                found = self._changed.wait_for(lambda: not (self._alone or self._inside), patience)
                self._alone = self._alone or found
            finally:
                self._asking -= 1
                self._changed.notify_all()
        try:
            yield found
        finally:
            if found:
                with self._changed:
                    self._alone = False
                    self._changed.notify_all()
