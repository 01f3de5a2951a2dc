"""The judgement of a service that runs, for gauges that are read one by one."""

import threading
import time

from afresh.core import judgement
from afresh.core.errors import CacheError
from afresh.core.judgement import Judgement
from afresh.engine.service import Service

_GOOD_FOR_SECONDS = 1.0


class Judging:
    """Judges at most once a second, so that all gauges of one reading come from one look at the cache.

    It judges nothing before it is told of a service, and nothing after it was told that the service ends: what is not
    judged has no value, rather than an old or a wrong one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._service: Service | None = None
        self._made_at = float("-inf")
        self._known = Judgement()

    def watch(self, service: Service | None) -> None:
        """From now on that service is judged; None: none."""
        with self._lock:
            self._service, self._made_at = service, float("-inf")

    def __call__(self) -> Judgement:
        """How things stand, at most a second ago."""
        with self._lock:
            if self._service is None:
                return Judgement()
            if time.monotonic() - self._made_at > _GOOD_FOR_SECONDS:
                self._known = _look(self._service)
                self._made_at = time.monotonic()
            return self._known


def _look(service: Service) -> Judgement:
    try:
        return judgement.judged(service.facts())
    except CacheError as error:
        return judgement.unseen(service.options, error)
