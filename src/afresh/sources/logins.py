"""Logins that are refused are not tried again and again: a database locks an account after a few."""

import threading
import time
from collections.abc import Iterator
from typing import TypeVar

import pyarrow as pa

from afresh.core.errors import LoginRefused, SourceRefused
from afresh.core.ports import Reading, SourceSystem
from afresh.core.select import Query, Select
from afresh.sources.never import NEVER
from afresh.sources.watched import Ticks
from afresh.sources.wrapped import Ask, Wrapped, closing

T = TypeVar("T")

MOST = 2
_POLL_SECONDS = 0.1
_PROOF_SECONDS = 30.0


class Logins(Wrapped):
    """After two refused logins in a row nothing is tried any more: what is asked fails as `LoginRefused` at once,
    until `forget` is called or the process starts anew. Each refusal carries the mark of the settings, so that the log
    can tell whether they are still the same.

    Until a first session succeeded, and again after a refusal, one is tried at a time, so that four reads that begin
    together do not make four attempts. That the password is still the same a success proves for half a minute; after
    that one goes first again, for which the others wait, but not for long: a login is not refused late. A right that
    is refused (`SourceRefused`) before anything succeeded counts as a login, because some databases do not tell the
    two apart; afterwards it does not.
    """

    def __init__(
        self,
        inner: SourceSystem,
        *,
        name: str,
        mark: str = "",
        ticks: Ticks = time.monotonic,
        patience: float = 5.0,
    ) -> None:
        super().__init__(inner)
        self._name = name
        self._mark = mark
        self._ticks = ticks
        self._most_polls = patience / _POLL_SECONDS
        self._changed = threading.Condition()
        self._proven = False
        self._proven_at = ticks()
        self._trying = False
        self._refused = 0
        self._last = ""

    @property
    def stopped(self) -> bool:
        """Whether nothing is tried any more."""
        with self._changed:
            return self._refused >= MOST

    def forget(self) -> None:
        """Lets logins be tried again."""
        with self._changed:
            self._refused = 0
            self._changed.notify_all()

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches; the first one proves the login, and so does an end without any."""
        attempt = _Attempt(self, reading)
        with attempt, closing(self._inner.read(select, reading, batch_rows)) as batches:
            for batch in batches:
                attempt.succeeded()
                yield batch
            attempt.succeeded()

    def call(self, ask: Ask[T]) -> T:
        """The answer, which proves the login."""
        with _Attempt(self, NEVER) as attempt:
            answer = ask()
            attempt.succeeded()
            return answer

    # ---------------------------------------------------------------------------------- what an attempt tells

    def begin(self, reading: Reading) -> bool:
        """Waits until this attempt may be made; whether it is made alone."""
        with self._changed:
            polls = 0
            while True:
                reading.check()
                if self._refused >= MOST:
                    raise self._stopped()
                if self._proven and (self._is_fresh() or polls >= self._most_polls):
                    return False
                if not self._trying:
                    self._trying = True
                    return True
                self._changed.wait(_POLL_SECONDS)
                polls += 1

    def _is_fresh(self) -> bool:
        return 0 <= self._ticks() - self._proven_at < _PROOF_SECONDS

    def proved(self) -> None:
        """A session succeeded."""
        with self._changed:
            self._proven = True
            self._proven_at = self._ticks()
            self._refused = 0
            self._changed.notify_all()

    def refuse(self, error: SourceRefused) -> None:
        """A session was refused."""
        with self._changed:
            if isinstance(error, LoginRefused):
                error.settings = self._mark
            if isinstance(error, LoginRefused) or not self._proven:
                self._proven = False
                self._refused += 1
                self._last = error.message

    def _stopped(self) -> LoginRefused:
        error = LoginRefused(
            f"source {self._name}: two logins in a row were refused, and no more are tried: {self._last}",
            hint="Correct user and password and start the service anew, or reset its breaker.",
        )
        error.settings = self._mark
        return error

    def end(self) -> None:
        """The attempt that was made alone is over."""
        with self._changed:
            self._trying = False
            self._changed.notify_all()


class _Attempt:
    """One use of the source, from its login on."""

    def __init__(self, logins: Logins, reading: Reading) -> None:
        self._logins = logins
        self._reading = reading
        self._alone = False
        self._succeeded = False

    def __enter__(self) -> "_Attempt":
        self._alone = self._logins.begin(self._reading)
        return self

    def succeeded(self) -> None:
        """It got in."""
        if not self._succeeded:
            self._succeeded = True
            self._logins.proved()
            self._release()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SourceRefused):
            self._logins.refuse(error)
        self._release()

    def _release(self) -> None:
        if self._alone:
            self._alone = False
            self._logins.end()
