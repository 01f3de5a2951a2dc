"""Clocks of sources that go wrong: each is warned about once, until it has gone right again."""

import threading
from datetime import datetime, timedelta

from afresh.core import events
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Emit


class Skews:
    """Remembers of which sources the clock was over its limit."""

    def __init__(self, options: DataSyncOptions, emit: Emit) -> None:
        self._limits = {name: config.clock_skew_limit for name, config in options.source_systems.items()}
        self._emit = emit
        self._lock = threading.Lock()
        self._wrong: set[str] = set()

    def note(self, source_system: str, skew: timedelta | None, at: datetime) -> None:
        """A sync has seen the clock of its source."""
        limit = self._limits.get(source_system)
        if skew is None or limit is None:
            return
        with self._lock:
            known = source_system in self._wrong
            if abs(skew) <= limit:
                self._wrong.discard(source_system)
                return
            self._wrong.add(source_system)
        if not known:
            self._emit(events.ClockSkewed(at=at, source_system=source_system, skew=skew, limit=limit))
