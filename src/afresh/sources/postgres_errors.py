"""What PostgreSQL's errors mean for a source, by SQLSTATE, whichever driver reports them.

A login fails without an SQLSTATE: there the words of libpq and of the server count.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import adbc_driver_manager
import psycopg

from afresh.core.errors import (
    AfreshError,
    ConfigurationError,
    LoginRefused,
    QueryFailed,
    SourceRefused,
    SourceUnavailable,
)
from afresh.core.ports import Cancellation

DriverError = psycopg.Error | adbc_driver_manager.Error

_UNAVAILABLE = ("08", "53", "57P", "40", "55P03", "25P0", "72000", "58", "XX001", "57014")
_LOGIN = "28"
_REFUSED = ("42501", "0P000")
_LOST_SNAPSHOT = re.compile(r"invalid snapshot identifier|could not import the requested snapshot|snapshot .* does not")
_REFUSALS = re.compile(
    r"authentication failed|no pg_hba\.conf entry|pg_hba\.conf rejects|role .* does not exist"
    r"|is not permitted to log ?in|no password supplied|permission denied for database|certificate verif"
    r"|does not support SSL|SSL .*(?:required|verify)|requires? .*certificate",
    re.IGNORECASE,
)
_NO_DATABASE = re.compile(r"database .* does not exist", re.IGNORECASE)
_ENDED = re.compile(r"[\s.]*SQLSTATE: \w{5}\s*$")
_HINTS = {
    "42501": "Ask the source's administrator for SELECT on what is read: see docs/how-to/grants-postgres.md.",
    "53300": "The server has no connection left for us: lower `max_sessions`, or read at another time.",
    "55P03": "Somebody alters the table; the sync is tried again by itself.",
    "57014": "The server's statement_timeout ended it: set `statement_timeout`, or read the table in `partitions`.",
    "40001": "A standby took back rows that we read: raise its max_standby_streaming_delay, or use partitions.",
}
_ROW_SECURITY = "row-level security"
_ROW_SECURITY_HINT = (
    "A policy would hide rows from the account. Ask for BYPASSRLS or a policy that shows all, or allow it with "
    "`row_security = true`."
)


@contextmanager
def translated(place: str, secrets: Sequence[str], cancel: Cancellation) -> Iterator[None]:
    """Both drivers' errors as ours, with the source named and the cause kept; `Cancelled` if that was asked."""
    try:
        yield
    except (psycopg.Error, adbc_driver_manager.Error) as error:
        cancel.check()
        raise meaning(place, secrets, error) from error


def meaning(place: str, secrets: Sequence[str], error: DriverError) -> AfreshError:
    """The error of our tree. Its text has the server's message, never its detail, which quotes rows."""
    message, state = _message(error), error.sqlstate or ""
    for secret in secrets:
        message = message.replace(secret, "***")
    text = f"{place}: {message}"
    if _ROW_SECURITY in message:
        return SourceRefused(text, hint=_ROW_SECURITY_HINT)
    if _LOST_SNAPSHOT.search(message) and state in ("22023", "42704", "55000"):
        return SourceUnavailable(text)
    hint = _HINTS.get(state, "")
    if state.startswith(_UNAVAILABLE):
        return SourceUnavailable(text, hint=hint)
    if state.startswith(_LOGIN):
        return LoginRefused(text, hint=hint)
    if state.startswith(_REFUSED):
        return SourceRefused(text, hint=hint)
    if state:
        return QueryFailed(text)
    return _without_state(text, error)


def _without_state(text: str, error: DriverError) -> AfreshError:
    if _REFUSALS.search(text):
        return LoginRefused(text)
    if _NO_DATABASE.search(text):
        return ConfigurationError(text, hint="Correct `database` of the source system.")
    operational = (psycopg.OperationalError, psycopg.InterfaceError, adbc_driver_manager.OperationalError)
    return SourceUnavailable(text) if isinstance(error, operational) else QueryFailed(text)


def _message(error: DriverError) -> str:
    if isinstance(error, psycopg.Error):
        return " ".join((error.diag.message_primary or str(error)).split())
    told = str(error).partition("\nDETAIL:")[0].partition("\nCONTEXT:")[0].partition("\nHINT:")[0]
    return " ".join(_ENDED.sub("", told).partition("ERROR: ")[2].split() or told.split())
