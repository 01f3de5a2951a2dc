"""Why a table is not fresh: a closed list, and which error means which of it.

The list is what an operator tells apart, not what a program can raise: several errors are one cause.
"""

from collections.abc import Mapping
from enum import StrEnum

from afresh.core import errors
from afresh.core.errors import AfreshError


class Cause(StrEnum):
    """Why. `routine`, `cancelled` and `defect` are there because none of the others would be true of a table whose
    next sync is simply due or running, of a sync that somebody stopped, and of a mistake in code."""

    SOURCE_UNREACHABLE = "source unreachable"
    LOGIN_REFUSED = "login refused"
    SOURCE_SLOW = "source slow"
    SCHEMA_CHANGED = "schema changed"
    SNAPSHOT_TOO_OLD = "snapshot too old"
    SHRANK = "shrank suspiciously"
    CACHE_FULL = "cache full"
    CACHE_LOCKED = "cache locked"
    CACHE_UNREACHABLE = "cache unreachable"
    BAD_DATA = "bad data"
    NO_WORKER = "no worker free"
    SERVICE_OFF = "service was off"
    QUIET_HOURS = "quiet hours"
    PAUSED = "paused"
    CONFIGURATION = "configuration"
    ROUTINE = "routine"
    CANCELLED = "cancelled"
    DEFECT = "defect"


NEEDS_A_PERSON = frozenset(
    {
        Cause.LOGIN_REFUSED,
        Cause.SCHEMA_CHANGED,
        Cause.SHRANK,
        Cause.CACHE_FULL,
        Cause.BAD_DATA,
        Cause.CONFIGURATION,
        Cause.DEFECT,
    }
)
"""A failure of these comes again until somebody does something."""

OF_ERROR: Mapping[type[AfreshError], Cause] = {
    errors.AfreshError: Cause.DEFECT,
    errors.ConfigurationError: Cause.CONFIGURATION,
    errors.SourceError: Cause.SOURCE_UNREACHABLE,
    errors.SourceUnavailable: Cause.SOURCE_UNREACHABLE,
    errors.SourceSlow: Cause.SOURCE_SLOW,
    errors.SourceRefused: Cause.LOGIN_REFUSED,
    errors.LoginRefused: Cause.LOGIN_REFUSED,
    errors.SourceChanged: Cause.SCHEMA_CHANGED,
    errors.QueryFailed: Cause.SCHEMA_CHANGED,
    errors.SnapshotTooOld: Cause.SNAPSHOT_TOO_OLD,
    errors.BadValue: Cause.BAD_DATA,
    errors.FetcherError: Cause.DEFECT,
    errors.CacheError: Cause.CACHE_UNREACHABLE,
    errors.CacheUnavailable: Cause.CACHE_UNREACHABLE,
    errors.CacheLocked: Cause.CACHE_LOCKED,
    errors.CacheFull: Cause.CACHE_FULL,
    errors.SchemaDiffers: Cause.SCHEMA_CHANGED,
    errors.SuspiciousExtract: Cause.SHRANK,
    errors.AlreadyRunning: Cause.NO_WORKER,
    errors.UpdateLost: Cause.SERVICE_OFF,
    errors.PostProcessorFailed: Cause.DEFECT,
    errors.Cancelled: Cause.CANCELLED,
    errors.Defect: Cause.DEFECT,
}
"""Every error of the tree; one that is derived from them elsewhere means what the nearest of them means."""


def cause_of(error: BaseException) -> Cause:
    """Which cause an error is; a defect if it is none of ours."""
    return next((OF_ERROR[kind] for kind in type(error).__mro__ if kind in OF_ERROR), Cause.DEFECT)
