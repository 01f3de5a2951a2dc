"""How things stand with a service: the one reading that commands, pages and gauges all show."""

import threading
import time
from collections.abc import Callable

from afresh.core import judgement
from afresh.core.errors import CacheError
from afresh.core.facts import Facts
from afresh.core.health import TableHealth, judge
from afresh.core.judge import Judge
from afresh.core.judgement import Judgement
from afresh.engine.pasts import Pasts, PastsOf, whole
from afresh.engine.service import Service

_GOOD_FOR_SECONDS = 1.5
"""With a beat a second on top of it a change is seen within three."""


def judged(
    service: Service, pasts: PastsOf = whole, judge: Callable[[Facts], tuple[TableHealth, ...]] = judge
) -> Judgement:
    """How things stand at this moment; while the cache cannot be asked, of no table anything. `pasts` and `judge` are
    how the log is read and the tables are judged."""
    try:
        return judgement.judged(service.facts(pasts), judge)
    except CacheError as error:
        return judgement.unseen(service.options, error, service.workplace.clock.now())


class Judging:
    """Judges a service now and then, however many look at it; a table of which nothing has changed, only when time
    changes its judgement."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._pasts = Pasts()
        self._judge = Judge()
        self._made_at = float("-inf")
        self._known: Judgement | None = None

    def now(self) -> Judgement:
        """How things stand, at most one and a half seconds ago."""
        with self._lock:
            begun = time.monotonic()
            if self._known is None or begun - self._made_at > _GOOD_FOR_SECONDS:
                self._known = judged(self._service, self._pasts, self._judge)
                self._made_at = begun
            return self._known

    def known(self) -> Judgement | None:
        """The judgement, if it is good still; waits for nothing."""
        known = self._known
        return known if time.monotonic() - self._made_at <= _GOOD_FOR_SECONDS else None

    def forget(self) -> None:
        """The next who looks sees what is so then."""
        with self._lock:
            self._known = None


class Watching:
    """What gauges ask, which are there before the service and after it.

    Nothing is judged before it is told of a service, and nothing after it was told that the service ends: what is not
    judged has no value, rather than an old or a wrong one.
    """

    def __init__(self) -> None:
        self._judging: Judging | None = None

    def watch(self, service: Service | None) -> None:
        """From now on that service is judged; None: none."""
        self._judging = None if service is None else Judging(service)

    def __call__(self) -> Judgement | None:
        """How things stand, just now, so that all gauges of one reading come from one look at the cache."""
        judging = self._judging
        return None if judging is None else judging.now()
