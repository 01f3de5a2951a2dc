"""How long a source takes to answer: each question to its clock is timed."""

import time
from dataclasses import replace
from datetime import timedelta

from afresh.core.model import SourceInstant
from afresh.core.ports import SourceSystem
from afresh.sources.watched import Ticks
from afresh.sources.wrapped import Wrapped


class Latency(Wrapped):
    """Says with what the clock shows how long the answer took, from opening the session until it is closed. It stands
    next to the source itself: waits for a free session and tries that failed are not the source's doing.

    A source without a clock of its own is asked nothing, so nothing is timed; one that times itself is believed.
    """

    def __init__(self, inner: SourceSystem, *, ticks: Ticks = time.monotonic) -> None:
        super().__init__(inner)
        self._ticks = ticks

    def clock(self) -> SourceInstant | None:
        """The source's clock, and how long it took to be told."""
        began = self._ticks()
        told = self._inner.clock()
        if told is None or told.took is not None or not self.traits.own_clock:
            return told
        return replace(told, took=timedelta(seconds=self._ticks() - began))
