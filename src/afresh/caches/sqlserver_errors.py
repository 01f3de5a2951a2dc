"""What SQL Server's errors mean.

The driver tells the state (in words) and the server's text, but rarely the number; its bulk copy raises RuntimeError
with a text, and ends by a panic, which is no `Exception`, where its Rust core meets what it did not expect. So an
error is known by whichever of number, state and text is there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from afresh.core.errors import AfreshError, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.core.ports import Cancellation


class KeyTaken(CacheError):
    """A key was to be inserted that is there; never leaves the adapter."""


class NameTaken(CacheError):
    """An object of that name is there already; never leaves the adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    error: type[AfreshError]
    numbers: frozenset[int]
    words: tuple[str, ...]
    hint: str = ""


_LOGIN_HINT = "Check user and password in the cache URL, and that the login may use the database."
_FULL_HINT = "Free some space in the database, its log or tempdb; what was there before the sync is unchanged."

_MEANINGS = (
    _Meaning(
        error=KeyTaken,
        numbers=frozenset({2601, 2627}),
        words=("cannot insert duplicate key", "duplicate key value violates unique", "violation of primary key"),
    ),
    _Meaning(
        error=NameTaken,
        numbers=frozenset({2714, 2759}),
        words=("there is already an object named", "base table or view already exists", "already exists"),
    ),
    _Meaning(
        error=CacheLocked,
        numbers=frozenset({1204, 1205, 1222, 3935, 3960, 3961}),
        words=(
            "serialization failure",
            "deadlock",
            "lock request time out",
            "lock timeout",
            "could not serialize access",
            "update conflict",
        ),
    ),
    _Meaning(
        error=CacheFull,
        numbers=frozenset({1101, 1105, 9002, 40544, 40552}),
        words=(
            "could not allocate space",
            "could not allocate a new page",
            "transaction log for database",
            "no space left on device",
            "disk full",
            "reached its size quota",
        ),
        hint=_FULL_HINT,
    ),
    _Meaning(
        error=CacheError,
        numbers=frozenset({4060, 18452, 18456, 18486, 18487, 18488, 40532, 40615}),
        words=(
            "login failed",
            "not allowed to access the server",
            "invalid authorization specification",
            "cannot open database",
            "authentication failed",
        ),
        hint=_LOGIN_HINT,
    ),
    _Meaning(
        error=CacheUnavailable,
        numbers=frozenset(
            {121, 233, 10053, 10054, 10060, 40143, 40197, 40501, 40613, 49918, 49919, 49920, 10928, 10929}
        ),
        words=(
            "client unable to establish connection",
            "communication link failure",
            "connection failure",
            "connection not open",
            "connection timeout expired",
            "server rejected the connection",
            "login timeout expired",
            "is not currently available",
            "service is currently busy",
            "service has encountered an error",
            "not enough resources to process",
            "connection refused",
            "connection reset",
            "connection is dead",
            "connection is closed",
            "connection closed",
            "limit for the database",
            "limit has been reached",
            "existing connection was forcibly closed",
            "broken pipe",
            "network error",
            "statement completion unknown",
            "tcp provider",
        ),
    ),
    _Meaning(
        error=CacheError,
        numbers=frozenset({220, 245, 2628, 8115, 8152}),
        words=("would be truncated", "arithmetic overflow error", "conversion failed when converting"),
        hint="A trigger, a check or a column of the table does not take a value that the column's type takes; see what "
        "is attached to the table.",
    ),
    _Meaning(
        error=CacheError,
        numbers=frozenset({229, 230, 262, 297, 300}),
        words=("permission was denied", "permission denied", "must be owner of"),
        hint="The login of the cache URL needs CREATE TABLE and CREATE VIEW in the database, ALTER, SELECT, INSERT, "
        "UPDATE and DELETE on the schema of the data, and, for staging beside it, CREATE SCHEMA.",
    ),
)
_NUMBER = re.compile(r"(?:\b(?:msg|error|number|code)\b\s*(?:number|code)?\s*[:=#(]?\s*)(\d{3,5})\b", re.IGNORECASE)
_BUSY = frozenset({40197, 40501, 40613, 49918, 49919, 49920})
_BUSY_WORDS = ("is not currently available", "service is currently busy", "service has encountered an error")


@contextmanager
def translated(place: str, secret: str = "", cancel: Cancellation | None = None) -> Iterator[None]:
    """Around one call of the driver: its errors as ours, with the place named, the secret masked and the cause kept.

    A cancellation that was asked for meanwhile is what the error is taken for.
    """
    try:
        yield
    except (AfreshError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the Rust core is no Exception
        if cancel is not None:
            cancel.check()
        raise meaning(place, error, secret) from error


def meaning(place: str, error: BaseException, secret: str = "") -> AfreshError:
    """The error that a driver's error stands for."""
    text = f"{error}".strip() or type(error).__name__
    if secret:
        text = text.replace(secret, "***")
    found = _find(text)
    if found is None:
        return CacheError(f"{place}: {text}")
    return found.error(f"{place}: {text}", hint=found.hint)


def is_busy(error: BaseException) -> bool:
    """Whether a managed server says that the same connection attempt succeeds in a moment."""
    text = f"{error}".lower()
    return bool(_numbers(text) & _BUSY) or any(words in text for words in _BUSY_WORDS)


def _find(text: str) -> _Meaning | None:
    numbers, lower = _numbers(text), text.lower()
    by_number = next((each for each in _MEANINGS if each.numbers & numbers), None)
    return by_number or next((each for each in _MEANINGS if any(words in lower for words in each.words)), None)


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(number) for number in _NUMBER.findall(text))
