"""What the exporters of OpenTelemetry log about themselves, as one line now and then."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TROUBLE = "What is measured cannot be sent by OTLP: the collector does not answer, or refuses it. It is tried again."

_SILENT_SECONDS = 600.0


class _Troubles(logging.Handler):
    """Says that there is trouble, and not again for ten minutes; the texts themselves may quote addresses and keys."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._complain = complain
        self._guard = threading.Lock()
        self._said_at = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        with self._guard:
            if time.monotonic() - self._said_at < _SILENT_SECONDS:
                return
            self._said_at = time.monotonic()
        self._complain(TROUBLE)


@contextmanager
def told_in_short(complain: Callable[[str], None]) -> Iterator[None]:
    """While the context is open, what the logger `opentelemetry` would say goes to `complain` in short."""
    logger, handler = logging.getLogger("opentelemetry"), _Troubles(complain)
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
