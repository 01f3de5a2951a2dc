"""SQL Server's errors as a source's. The driver tells a state in words and the server's text, but no number."""

from collections.abc import Iterator
from contextlib import contextmanager

from afresh.core.errors import (
    AfreshError,
    LoginRefused,
    QueryFailed,
    SourceError,
    SourceRefused,
    SourceSlow,
    SourceUnavailable,
)
from afresh.core.ports import Cancellation

_WORDS: tuple[tuple[type[SourceError], tuple[str, ...], str], ...] = (
    (
        LoginRefused,
        (
            "login failed",
            "cannot open database",
            "invalid authorization specification",
            "authentication failed",
            "not allowed to access the server",
        ),
        "",
    ),
    (SourceRefused, ("permission was denied",), ""),
    (SourceSlow, ("timeout expired", "lock request time out", "lock timeout"), ""),
    (
        SourceUnavailable,
        (
            "client unable to establish connection",
            "communication link failure",
            "connection failure",
            "connection not open",
            "connection closed",
            "connection is closed",
            "connection refused",
            "connection reset",
            "connection is dead",
            "server rejected the connection",
            "login timeout expired",
            "is not currently available",
            "service is currently busy",
            "service has encountered an error",
            "limit for the database",
            "broken pipe",
            "network error",
            "tcp provider",
            "serialization failure",
            "deadlock",
            "forcibly closed",
            # All that the driver says of a large value that did not come.
            "unknown ddbc error",
        ),
        "",
    ),
    (
        QueryFailed,
        ("snapshot isolation transaction failed", "could not be started"),
        "The database does not allow snapshot isolation: set `isolation` to `read_committed`, or ask for "
        "ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON.",
    ),
)
_LOGIN_TIMEOUT = "login timeout expired"


@contextmanager
def translated(place: str, secret: str, cancel: Cancellation) -> Iterator[None]:
    """Translates the driver's errors; one that follows from a cancellation becomes `Cancelled`."""
    try:
        yield
    except (AfreshError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the Rust core is no Exception
        cancel.check()
        raise translate(place, secret, error) from error


def translate(place: str, secret: str, error: BaseException) -> AfreshError:
    """What the error means, without the password."""
    text = f"{error}".strip() or type(error).__name__
    text = text.replace(secret, "***") if secret else text
    lower = text.lower()
    if _LOGIN_TIMEOUT in lower:
        return SourceUnavailable(f"{place}: {text}")
    for kind, words, hint in _WORDS:
        if any(word in lower for word in words):
            return kind(f"{place}: {text}", hint=hint)
    return QueryFailed(f"{place}: {text}")
