"""A reader of the cache who looks at every row all the time, and knows which rows there have ever been."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.faults.origin import COLUMNS, Row

from afresh.testing.kit_rig import CacheRig

_PAUSE = 0.1


class Reader:
    """Reads the tables over and over, on a thread of its own, as an application would.

    Every row that it sees must have been in the source at some time; versions never go back; and of the rows that are
    never deleted none is ever missing. What was wrong is in `complaints`.
    """

    def __init__(self, rig: CacheRig, directory: Path, lasting: Mapping[str, int]) -> None:
        self.complaints: list[str] = []
        self.looks = 0
        self._rig = rig
        self._directory = directory
        self._lasting = lasting
        """By table up to which Id the rows stay."""
        self._known: dict[str, set[Row]] = {table: set() for table in lasting}
        self._newest: dict[str, dict[int, int]] = {table: {} for table in lasting}
        self._seen: dict[str, frozenset[tuple[Any, ...]]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def knows(self, table: str, rows: Sequence[Row]) -> None:
        """These rows are about to be in the source."""
        self._known[table].update(rows)

    def start(self) -> None:
        """From now on the tables are there."""
        self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._ended.set()
        self._thread.join()

    def rows(self, table: str) -> list[Row]:
        """The rows of the cache, by Id."""
        return sorted(map(self._decoded, self._asked(table)))

    def _asked(self, table: str) -> list[tuple[Any, ...]]:
        named = ", ".join(self._rig.quote(column.name) for column in COLUMNS)
        return self._rig.execute(self._directory, f"SELECT {named} FROM {self._rig.quote(table)}")

    def _decoded(self, found: tuple[Any, ...]) -> Row:
        values = [self._rig.decode(value, column.type) for value, column in zip(found, COLUMNS, strict=True)]
        number, version, name, amount, changed = values
        return number, version, name, amount, changed

    def _run(self) -> None:
        while not self._ended.wait(_PAUSE):
            for table in self._known:
                try:
                    self._look(table)
                except Exception as error:  # noqa: BLE001 - whatever a reader meets is what is asked for here
                    self.complaints.append(f"{table}: {type(error).__name__}: {error}")
            self.looks += 1

    def _look(self, table: str) -> None:
        found = self._asked(table)
        fresh = frozenset(found) - self._seen.get(table, frozenset())
        self._seen[table] = frozenset(found)
        for one in map(self._decoded, fresh):
            if one not in self._known[table]:
                self.complaints.append(f"{table}: never was in the source: {one}")
            if one[1] < self._newest[table].get(one[0], 0):
                self.complaints.append(f"{table}: went back to an older version: {one}")
            self._newest[table][one[0]] = one[1]
        numbers = [one[0] for one in found]
        if len(set(numbers)) != len(numbers):
            self.complaints.append(f"{table}: a key twice")
        if missing := self._lasting[table] - sum(number <= self._lasting[table] for number in set(numbers)):
            self.complaints.append(f"{table}: {missing} rows are missing that were never deleted")
