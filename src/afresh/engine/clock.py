"""The real clock."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    def sleep(self, duration: timedelta) -> None:
        """Returns after that much time."""
        time.sleep(max(duration.total_seconds(), 0))

    def steady(self) -> timedelta | None:
        """The time since the machine was started, suspended or not where that can be told."""
        boot_time = getattr(time, "CLOCK_BOOTTIME", None)
        seconds = time.monotonic() if boot_time is None else time.clock_gettime(boot_time)
        return timedelta(seconds=seconds)
