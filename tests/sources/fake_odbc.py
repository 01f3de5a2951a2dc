"""A fake of the driver's calls, for databases that cannot be had here. It answers statements by what stands in them;
that a server would understand them, it does not show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from afresh.sources.odbc_driver import Driver, Room
from afresh.sources.odbc_errors import Fault


@dataclass(kw_only=True)
class FakeServer:
    """What is answered, by the first regular expression that is found in a statement: columns, or an error's text."""

    answers: Sequence[tuple[str, Mapping[str, Any] | str]]
    refuses: str = ""
    sent: list[str] = field(default_factory=list)
    open: int = 0

    def driver(self, *_: object, **__: object) -> Driver:
        """A connection to it that is not open yet."""
        return _FakeDriver(self)

    def answer(self, sql: str) -> pa.RecordBatch:
        """The rows for a statement."""
        self.sent.append(sql)
        found = next((answer for pattern, answer in self.answers if re.search(pattern, sql, re.DOTALL)), None)
        assert found is not None, f"the fake has no answer to {sql}"
        if isinstance(found, str):
            raise Fault(found)
        return pa.RecordBatch.from_pydict(dict(found))


class _FakeDriver(Driver):
    """One connection."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._waiting: list[pa.RecordBatch] = []
        self._is_open = False

    def connect(self) -> None:
        if self._server.refuses:
            raise Fault(self._server.refuses)
        self._is_open = True
        self._server.open += 1

    def execute(self, sql: str) -> None:
        self._server.sent.append(sql)

    def open(self, sql: str, room: Room) -> None:
        self._waiting = [self._server.answer(sql)]

    def look(self, sql: str, room: Room) -> pa.Schema:
        return self._server.answer(sql).schema

    def fetch(self) -> pa.RecordBatch | None:
        return self._waiting.pop() if self._waiting else None

    def shut(self) -> None:
        self._waiting = []

    def close(self) -> None:
        self._server.open -= self._is_open
        self._is_open = False
