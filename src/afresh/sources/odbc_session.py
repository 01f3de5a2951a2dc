"""One ODBC session, which a cancellation or silence ends within a second, whatever its driver is doing."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import pyarrow as pa

from afresh.core.errors import SourceUnavailable
from afresh.core.ports import Cancellation
from afresh.sources.odbc_driver import Driver, Room
from afresh.sources.odbc_socket import Link

T = TypeVar("T")

_STOPPED = object()
_END = None
_KILL_WAIT = 0.4
_CLOSE_WAIT = 5.0
_BROKEN_CLOSE_WAIT = 0.3


class Session:
    """A connection in the hands of a thread of its own, which makes all calls of the driver.

    Who waits for an answer can be woken by a cancellation or by time; then the statement is ended on the server where
    there is a way to, the socket is shut, and the thread is left to close the connection when its driver returns.
    """

    def __init__(self, driver: Driver, *, name: str, link: Link, silence: timedelta, cancel: Cancellation) -> None:
        self._driver = driver
        self._name = name
        self._link = link
        self._silence = silence
        self._cancel = cancel
        self._broken = False
        self._ahead: queue.SimpleQueue[Any] | None = None
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"odbc {name}", daemon=True)
        self.kill: Callable[[], None] | None = None
        """Ends the statement under way from another session; may block."""

    def connect(self, limit: timedelta) -> None:
        """Logs in; SourceUnavailable if that takes longer than the limit. A login that succeeds after that is ended
        again as soon as it has."""
        self._thread.start()
        try:
            self._wait(self._asked(self._connect), limit)
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str) -> None:
        """A statement whose result does not matter."""
        self._wait(self._asked(lambda: self._driver.execute(sql)), self._silence)

    def rows(self, sql: str, room: Room) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        found: list[tuple[Any, ...]] = []
        for batch in self.batches(sql, room):
            found += zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return found

    def look(self, sql: str, room: Room) -> pa.Schema:
        """The schema of a result as the driver describes it."""
        found: pa.Schema = self._wait(self._asked(lambda: self._driver.look(sql, room)), self._silence)
        return found

    def batches(self, sql: str, room: Room) -> Iterator[pa.RecordBatch]:
        """The batches of a result. The statement is sent at once; while a batch is looked at, the next one is
        fetched. One result at a time: all batches of the one before must have been taken."""
        self._ahead = self._asked(lambda: self._driver.open(sql, room))
        return self._rest(self._ahead, self._asked(self._driver.fetch))

    def _rest(self, opened: "queue.SimpleQueue[Any]", coming: "queue.SimpleQueue[Any]") -> Iterator[pa.RecordBatch]:
        self._wait(opened, self._silence)
        self._ahead = None
        while (batch := self._wait(coming, self._silence)) is not _END:
            coming = self._asked(self._driver.fetch)
            yield batch
        self._wait(self._asked(self._driver.shut), self._silence)

    def close(self) -> None:
        """Logs out; waits for that a little. A statement that nobody waits for any more is ended first."""
        if not self._thread.is_alive():
            return
        if self._ahead is not None and self._ahead.empty() and not self._broken:
            self._break_off()
        self._jobs.put(None)
        self._thread.join(_BROKEN_CLOSE_WAIT if self._broken else _CLOSE_WAIT)

    def _connect(self) -> None:
        with self._link.opening():
            if not self._broken:  # given up while it waited for its turn
                self._driver.connect()

    def _asked(self, job: Callable[[], T]) -> queue.SimpleQueue[Any]:
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._jobs.put((job, answer))
        return answer

    def _wait(self, answer: queue.SimpleQueue[Any], limit: timedelta) -> Any:
        with self._cancel.interrupts(lambda: answer.put((_STOPPED, None))):
            value, error = self._answer(answer, limit)
        if value is _STOPPED:
            self._break_off()
            self._cancel.check()
        if error is not None:
            raise error
        return value

    def _answer(self, answer: queue.SimpleQueue[Any], limit: timedelta) -> Any:
        """What was put there. A driver that gathers a whole result is not silent while its server sends."""
        left = limit
        while True:
            with suppress(queue.Empty):
                return answer.get(timeout=left.total_seconds())
            silent = self._link.silent()
            if silent is None or silent >= limit:
                self._break_off()
                seconds = f"{limit.total_seconds():g}"
                raise SourceUnavailable(f"source {self._name}: nothing came within {seconds} seconds")
            left = limit - silent

    def _break_off(self) -> None:
        self._broken = True
        if self.kill is not None:
            killer = threading.Thread(target=_quietly, args=(self.kill,), name=f"odbc kill {self._name}", daemon=True)
            killer.start()
            killer.join(_KILL_WAIT)
        self._link.shut()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, answer = job
            del job
            outcome: tuple[Any, Exception | None]
            try:
                outcome = (call(), None)
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
                outcome = (None, error.with_traceback(None))
            answer.put(outcome)
            del call, answer, outcome
        with suppress(Exception):
            self._driver.close()


def _quietly(call: Callable[[], None]) -> None:
    with suppress(Exception):
        call()
