"""Long work in the foreground: it runs in a thread, and the main thread minds the signals."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Generic, TypeVar

T = TypeVar("T")

_TURN_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class _Ended(Generic[T]):
    result: T | None = None
    error: BaseException | None = None


def attended(work: Callable[[], T], *reactions: Callable[[], None]) -> T:
    """What the work returns or raises. Each SIGINT or SIGTERM calls the next of the reactions; the one after the last
    ends the process as if nobody minded it."""
    # A handler may interrupt the main thread anywhere, so it must take no lock; putting into a SimpleQueue does not.
    inbox: SimpleQueue[_Ended[T] | int] = SimpleQueue()

    def run() -> None:
        try:
            ended = _Ended(result=work())
        except BaseException as error:  # noqa: BLE001 - handed over to the main thread, which raises it
            ended = _Ended(error=error)
        inbox.put(ended)

    with _minded(inbox.put) as let_go:
        threading.Thread(target=run, name="afresh-foreground", daemon=True).start()
        waiting = list(reactions)
        while not isinstance(news := _next(inbox), _Ended):
            if waiting:
                waiting.pop(0)()
            if not waiting:
                let_go()
    if news.error is not None:
        raise news.error
    return news.result  # type: ignore[return-value]  # without an error there is the result


def _next(inbox: SimpleQueue[T]) -> T:
    """What comes in next. The wait is in short turns: a signal that arrives just before the thread falls asleep does
    not wake it, and its handler would run no sooner than anything else does."""
    while True:
        try:
            return inbox.get(timeout=_TURN_SECONDS)
        except Empty:
            continue


@contextmanager
def _minded(put: Callable[[int], None]) -> Iterator[Callable[[], None]]:
    def take(number: int, _frame: FrameType | None) -> None:
        put(number)

    def let_go() -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, take) for number in SIGNALS}
    try:
        yield let_go
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
