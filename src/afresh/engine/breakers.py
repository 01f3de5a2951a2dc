"""The breakers of all sources, as the service sees them: judged from the log at each check, and kept in between."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from afresh.core import circuit, events
from afresh.core.actions import Standing
from afresh.core.circuit import Breaker, Circuit
from afresh.core.errors import AfreshError, LoginRefused, SourceError
from afresh.core.hold import Hold
from afresh.core.model import DataUpdateTask
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Emit
from afresh.core.schedule import Past

_WAIT = "See whether the source is up and reachable; it is tried again by itself."
_ACT = "Correct user and password of the source system, or reset its breaker."


@dataclass(slots=True, kw_only=True)
class _Kept:
    """A breaker, and the failures since it was judged."""

    breaker: Breaker
    troubles: int


class Breakers:
    """Says when a source's breaker opens and closes, and keeps what waits for a source that failed from beginning
    before the next check."""

    def __init__(self, options: DataSyncOptions, emit: Emit, forget: Mapping[str, Callable[[], None]]) -> None:
        self._options = options
        self._emit = emit
        self._forget = forget
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def look(self, pasts: Mapping[str, Past], asked: Standing, now: datetime) -> Sequence[Hold]:
        """Judges all breakers anew, says what has changed, and gives what keeps syncs from beginning."""
        found = circuit.breakers(self._options, pasts, asked, now)
        for name, breaker in found.items():
            with self._lock:
                before = self._kept.get(name)
                self._kept[name] = _Kept(breaker=breaker, troubles=self._troubles(name, breaker))
            self._say(before.breaker if before else Breaker(source_system=name), breaker, now)
        return circuit.holds(self._options, found, now)

    def may_start(self, task: DataUpdateTask) -> bool:
        """Whether a sync may begin, as far as its source is concerned; one that somebody asked for always may."""
        if task.requested_by:
            return True
        with self._lock:
            kept = self._kept.get(task.source_system)
            return kept is None or kept.troubles < self._limit(task.source_system)

    def note(self, task: DataUpdateTask, error: AfreshError | None) -> None:
        """A sync ended, by that error or without one."""
        with self._lock:
            kept = self._kept.get(task.source_system)
            if kept is None:
                return
            if error is None:
                kept.troubles = 0
            elif isinstance(error, LoginRefused) or (isinstance(error, SourceError) and error.transient):
                kept.troubles += 1

    def _troubles(self, name: str, breaker: Breaker) -> int:
        """As many as the log says; one less than too many where one sync may try."""
        limit = self._limit(name)
        return limit - 1 if breaker.circuit is Circuit.HALF_OPEN else min(breaker.failures, limit)

    def _limit(self, name: str) -> int:
        return self._options.source_systems[name].breaker_failures

    def _say(self, before: Breaker, now_is: Breaker, now: datetime) -> None:
        name = now_is.source_system
        news = before.circuit is Circuit.CLOSED or now_is.circuit is Circuit.STOPPED
        if now_is.circuit is Circuit.CLOSED and before.circuit is not Circuit.CLOSED:
            self._forget.get(name, lambda: None)()
            self._emit(events.BreakerClosed(at=now, source_system=name))
        elif news and now_is.circuit is not before.circuit:
            self._emit(
                events.BreakerOpened(
                    at=now,
                    source_system=name,
                    failures=now_is.failures,
                    until=now_is.until,
                    error=now_is.error,
                    hint=_ACT if now_is.circuit is Circuit.STOPPED else _WAIT,
                )
            )
