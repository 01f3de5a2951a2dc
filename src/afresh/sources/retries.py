"""A second try at once, where a source failed for the moment and nothing was delivered yet."""

import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

import pyarrow as pa

from afresh.core.errors import AfreshError
from afresh.core.ports import Reading, SourceSystem
from afresh.core.select import Query, Select
from afresh.sources.never import NEVER
from afresh.sources.wrapped import Ask, Wrapped, closing

T = TypeVar("T")

_LONGEST = timedelta(seconds=30)


class Retries(Wrapped):
    """Transient errors only, and only before the first batch: after it rows are on their way into the cache, so the
    sync fails, and the schedule repeats it as a whole.

    The wait doubles, up to 30 s, and each is cut short at random by up to a half, so that syncs that failed together
    do not come back together.
    """

    def __init__(
        self,
        inner: SourceSystem,
        *,
        retries: int,
        wait: timedelta,
        draw: Callable[[], float] = random.random,
        pause: Callable[[float, Reading], None] | None = None,
    ) -> None:
        super().__init__(inner)
        self._retries = retries
        self._wait = wait
        self._draw = draw
        self._pause = pause or wait_for

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches of the first try that brings any."""
        for failed in range(self._retries + 1):
            delivered = False
            try:
                with closing(self._inner.read(select, reading, batch_rows)) as batches:
                    for batch in batches:
                        delivered = True
                        yield batch
            except AfreshError as error:
                if delivered or not self._again(error, failed, reading):
                    raise
            else:
                return

    def call(self, ask: Ask[T]) -> T:
        """The answer of the first try that brings one."""
        failed = 0
        while True:
            try:
                return ask()
            except AfreshError as error:
                if not self._again(error, failed, NEVER):
                    raise
                failed += 1

    def _again(self, error: AfreshError, failed: int, reading: Reading) -> bool:
        """Whether to try again; returns after the wait for it."""
        if not error.transient or failed >= self._retries or reading.requested:
            return False
        longest = min(self._wait * 2**failed, _LONGEST).total_seconds()
        self._pause(longest * (1 - self._draw() / 2), reading)
        return True


def wait_for(seconds: float, reading: Reading) -> None:
    """Returns after so long; raises `Cancelled` as soon as the read is to stop."""
    asked = threading.Event()
    with reading.interrupts(asked.set):
        asked.wait(seconds)
    reading.check()
