"""Rows of the log that do not change any more, kept by those who ask for the same ones again and again."""

import threading
from collections.abc import Callable, Iterable, Sequence

from afresh.core.model import DataUpdate


class Remembered:
    """The rows that were asked for last; of the next only those that are new have to be read. May be shared by threads.

    A row is known by its number and its operation: another file in the place of the first gives the same numbers.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[int, str], DataUpdate] = {}

    def rows(
        self, wanted: Sequence[tuple[int, str]], read: Callable[[list[int]], Iterable[DataUpdate]]
    ) -> list[DataUpdate]:
        """Those rows, in that order; `read` gives the rows of the numbers that are not known. All have ended; one that
        was purged meanwhile is left out."""
        with self._lock:
            known = self._known
        missing = [number for number, operation in wanted if (number, operation) not in known]
        new = {(row.sequence, row.operation_id): row for row in read(missing)} if missing else {}
        found = {key: (known.get(key) or new[key]) for key in wanted if key in known or key in new}
        with self._lock:
            self._known = found
        return list(found.values())
