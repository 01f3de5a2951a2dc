"""What PostgreSQL's errors mean here, by SQLSTATE, whichever driver reports them."""

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import psycopg

from afresh.caches.postgres_address import Address
from afresh.core.errors import AfreshError, CacheError, CacheFull, CacheLocked, CacheUnavailable
from afresh.core.ports import Cancellation

_UNAVAILABLE = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "53300", "25006"})
_LOCKED = frozenset({"55P03", "40P01", "40001"})
_FULL = frozenset({"53100"})
_HINTS = {
    "25006": "The URL leads to a standby that only reads; add `target_session_attrs=read-write` to it.",
    "28000": "Check the user of the cache URL and the server's pg_hba.conf.",
    "28P01": "Check user and password of the cache URL.",
    "3F000": "Make the schema (CREATE SCHEMA), or name another in the cache URL (`?schema=`).",
    "42501": "Grant the cache's user USAGE and CREATE on the schema, and let it own the tables it keeps.",
    "53300": "Raise max_connections, or lower MaxDegreeOfParallelism.",
    "57014": "The server's statement_timeout ended it: raise that for the cache's user (ALTER ROLE ... SET).",
}
_BROKEN_CONSTRAINT = "The cache table has a constraint that the rows break."


@contextmanager
def translated(address: Address, cancel: Cancellation | None = None) -> Iterator[None]:
    """Both drivers' errors as ours, with the database named and the cause kept; `Cancelled` if that was asked."""
    try:
        yield
    except (psycopg.Error, adbc_driver_manager.Error) as error:
        if cancel is not None:
            cancel.check()
        raise meaning(address, error) from error


def meaning(address: Address, error: psycopg.Error | adbc_driver_manager.Error) -> AfreshError:
    """The error of our tree. Its text has the server's message, never its detail, which quotes rows."""
    state = error.sqlstate or ""
    text = f"{address.shown}: {address.scrub(_message(error))}"
    hint = _HINTS.get(state, _BROKEN_CONSTRAINT if state.startswith("23") else "")
    if state in _LOCKED:
        return CacheLocked(text, hint=hint)
    if state in _FULL:
        return CacheFull(text, hint=hint)
    if state in _UNAVAILABLE or state.startswith("08") or (not state and _is_operational(error)):
        return CacheUnavailable(text, hint=hint)
    return CacheError(text, hint=hint)


def _message(error: psycopg.Error | adbc_driver_manager.Error) -> str:
    if isinstance(error, psycopg.Error):
        return " ".join((error.diag.message_primary or str(error)).split())
    return " ".join(str(error).partition("\nDETAIL:")[0].partition("\nCONTEXT:")[0].split())


def _is_operational(error: psycopg.Error | adbc_driver_manager.Error) -> bool:
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, adbc_driver_manager.OperationalError))
