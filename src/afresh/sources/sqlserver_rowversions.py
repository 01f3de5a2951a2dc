"""What row versions say of open transactions, to an account that may not see the transactions themselves.

`MIN_ACTIVE_ROWVERSION()` needs no right. It is the smallest row version that was given out and is not committed yet,
or one more than the last given out (`@@DBTS`) if there is none. So an open transaction has its first row version from
after every instant at which `@@DBTS` was smaller than that: what it wrote to tables with a row version is stamped
later, where stamps are set as rows are written. Of transactions that wrote to no such table it says nothing.
"""

import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SEEN = "SELECT SYSUTCDATETIME(), CONVERT(bigint, MIN_ACTIVE_ROWVERSION()), CONVERT(bigint, @@DBTS)"
"""The clock, the smallest version that is not committed, the last one given out. The clock is read first."""

_APART = timedelta(minutes=1)
_MOST = 1_440


@dataclass(slots=True)
class Rowversions:
    """The row versions that were seen with the clock, at most one a minute and those of the last day. Shared by
    threads."""

    _instants: list[datetime] = field(default_factory=list)
    _last_given: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin_of_open(self, now: datetime, smallest_open: int, last_given: int) -> datetime | None:
        """The latest instant known before which no open transaction got a row version; None if none is open that has
        one. While that is longer ago than anything that was seen, the first instant that was seen."""
        with self._lock:
            is_open = smallest_open <= last_given
            if self._last_given and last_given < self._last_given[-1]:
                # Another database than before: a restored one, or another replica.
                self._instants, self._last_given = [], []
            if not self._instants or now - self._instants[-1] >= _APART:
                self._instants.append(now)
                self._last_given.append(last_given)
                del self._instants[:-_MOST], self._last_given[:-_MOST]
            if not is_open:
                return None
            before = bisect_left(self._last_given, smallest_open)
            return min(now, self._instants[max(before - 1, 0)])
