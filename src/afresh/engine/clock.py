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
