"""A clock that stands still until it is told."""

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday morning without a clock change nearby."""


class ManualClock:
    """A `Clock` whose time is set by hand; sleeping on it moves it on at once. May be shared by threads.

    Time that it is moved on by has passed; moved back, or stepped, it was only set wrong.
    """

    def __init__(self, at: datetime = START) -> None:
        self._lock = threading.Lock()
        self._now = at.astimezone(UTC)
        self._passed = timedelta(hours=1)

    def now(self) -> datetime:
        """The instant it was set to last."""
        with self._lock:
            return self._now

    def sleep(self, duration: timedelta) -> None:
        """Moves the clock on and returns at once."""
        self.advance(max(duration, timedelta(0)))

    def advance(self, duration: timedelta) -> datetime:
        """Moves the clock by that much, back if it is negative; the new time."""
        with self._lock:
            self._now += duration
            self._passed += max(duration, timedelta(0))
            return self._now

    def step(self, duration: timedelta) -> datetime:
        """Sets the clock by that much, in no time; the new time."""
        with self._lock:
            self._now += duration
            return self._now

    def steady(self) -> timedelta:
        """The time that has passed, and an hour."""
        with self._lock:
            return self._passed

    def set(self, at: datetime) -> None:
        """Lets time pass until then; back, sets the clock wrong."""
        with self._lock:
            self._passed += max(at - self._now, timedelta(0))
            self._now = at.astimezone(UTC)
