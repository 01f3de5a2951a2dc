"""Timeouts that hold for every source, whatever its driver can: what is silent for too long has failed."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Generic, TypeVar

import pyarrow as pa

from afresh.core.errors import AfreshError, SourceSlow
from afresh.core.ports import Reading, SourceSystem
from afresh.core.select import Query, Select
from afresh.sources.pump import Pump
from afresh.sources.watched import Ticks, Watched
from afresh.sources.wrapped import Ask, Entered, Wrapped

T = TypeVar("T")

_LOOK_SECONDS = 0.05
_END_SECONDS = 0.8
"""What is broken off gets so long to end in good order; after that its thread is left to itself."""


class Timeouts(Wrapped):
    """A read that brings no batch for `idle`, or takes longer than `longest` in all, is broken off and fails as
    `SourceSlow`; a short question, that takes longer than `idle`, too.

    The driver is interrupted. If it does not react, the read fails all the same, and its thread ends when the driver
    lets it. The wait for a session does not count, nor does the time that the cache takes for a batch count as
    silence.
    """

    def __init__(
        self,
        inner: SourceSystem,
        *,
        name: str,
        idle: timedelta,
        longest: timedelta | None = None,
        ticks: Ticks = time.monotonic,
    ) -> None:
        super().__init__(inner)
        self._name = name
        self._idle = idle.total_seconds()
        self._longest = longest.total_seconds() if longest is not None else None
        self._ticks = ticks

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches, each within its time."""
        watched = Watched(reading, self._ticks)
        pump = Pump(lambda: self._inner.read(select, watched, batch_rows))
        try:
            spent = 0.0
            while True:
                watched.hear()
                pump.ask()
                try:
                    batch = self._answer(pump, watched, reading, spent)
                except StopIteration:
                    return
                spent += watched.silence
                yield batch
        finally:
            pump.close(_END_SECONDS)

    def call(self, ask: Ask[T]) -> T:
        """The answer, if it comes in time."""
        began = self._ticks()
        question = _Question(ask)
        while self._ticks() - began < self._idle:
            if question.answered(_LOOK_SECONDS):
                return question.answer()
        question.abandon()
        raise self._silent(self._idle)

    def _answer(self, pump: Pump[pa.RecordBatch], watched: Watched, reading: Reading, spent: float) -> pa.RecordBatch:
        """The next batch; `spent` are the seconds that the read took before."""
        while (batch := pump.answer(_LOOK_SECONDS)) is None:
            if reading.requested:
                return self._ended(pump, watched)
            if watched.silence >= self._idle:
                watched.break_off(self._silent(watched.silence))
                return self._ended(pump, watched)
            if self._longest is not None and spent + watched.silence >= self._longest:
                watched.break_off(
                    SourceSlow(
                        f"source {self._name}: the read took longer than {self._longest:g} s",
                        hint="Raise `longest_read`, or have the read cut: `partitions`, a smaller window.",
                    )
                )
                return self._ended(pump, watched)
        return batch[0]

    def _ended(self, pump: Pump[pa.RecordBatch], watched: Watched) -> pa.RecordBatch:
        """What came at the last moment; else what it was broken off for, however it took that."""
        batch = pump.answer(_END_SECONDS)
        if batch is None:
            watched.check()
            raise AssertionError("nothing asked it to end")
        return batch[0]

    def _silent(self, seconds: float) -> SourceSlow:
        return SourceSlow(
            f"source {self._name}: silent for {seconds:.0f} s",
            hint="See what the source is doing; if it needs that long, raise `idle_timeout` of the source system.",
        )


class _Question(Generic[T]):
    """A question that is asked in a thread of its own; what comes after it was abandoned is undone."""

    def __init__(self, ask: Ask[T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._abandoned = False
        self._answer: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="afresh-source", daemon=True).start()

    def answered(self, seconds: float) -> bool:
        """Whether it is answered within that time."""
        return self._done.wait(seconds)

    def answer(self) -> T:
        """The answer, or its error."""
        if self._error is not None:
            raise self._error
        return self._answer[0]

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._abandoned = True
            answer = list(self._answer)
        self._undo(answer)

    def _run(self) -> None:
        try:
            answer = self._ask()
        except BaseException as error:  # noqa: BLE001 - carried to the thread that asked, which raises it
            self._error = error
        else:
            with self._lock:
                self._answer.append(answer)
                abandoned = self._abandoned
            self._undo([answer] if abandoned else [])
        self._done.set()

    def _undo(self, answers: list[T]) -> None:
        for answer in answers:
            if isinstance(answer, Entered):
                with suppress(AfreshError):
                    answer.leave()
