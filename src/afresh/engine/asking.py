"""Short questions of a sync, which a request to stop ends at once though nobody answers."""

import threading
from collections.abc import Callable
from typing import TypeVar

from afresh.engine.cancellation import CancelToken

T = TypeVar("T")


def asked(ask: Callable[[], T], cancel: CancelToken) -> T:
    """The answer, or its error; `Cancelled` as soon as the stop is requested.

    It is asked in a thread of its own. One that is given up is left to itself: it can no longer reach the cache, and
    keeps what it holds of the source until its own timeouts end it.
    """
    cancel.check()
    woken, answers, errors = threading.Event(), list[T](), list[BaseException]()

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # noqa: BLE001 - carried to the thread that asked, which raises it
            errors.append(error)
        woken.set()

    with cancel.interrupts(woken.set):
        threading.Thread(target=run, name="afresh-question", daemon=True).start()
        woken.wait()
    if answers:
        return answers[0]
    if not errors:
        cancel.check()
    raise errors[0]
