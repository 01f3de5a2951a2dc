"""Everything that can go wrong, as one tree.

AfreshError
├── ConfigurationError      the configuration cannot work as written
├── SourceError             a source system
│   ├── SourceUnavailable   no connection, timeout, dropped (transient)
│   │   └── SourceSlow      it did not answer in the time it was given (transient)
│   ├── SourceRefused       login or rights refused
│   │   └── LoginRefused    the login itself
│   ├── SourceChanged       the source has no longer what the configuration names
│   ├── QueryFailed         the source did not understand or finish the statement
│   │   └── SnapshotTooOld  the source could not keep one state of itself for so long (transient)
│   └── BadValue            a value that its column's type cannot hold exactly
├── FetcherError            a fetcher written by a user broke its contract
├── CacheError              the cache database
│   ├── CacheUnavailable    not reachable, not openable (transient)
│   ├── CacheLocked         another writer held it too long (transient)
│   ├── CacheFull           no space left
│   └── SchemaDiffers       the cache table does not fit the fetcher's schema
├── SuspiciousExtract       an extract too small to replace the table
├── AlreadyRunning          another live sync writes this table (transient)
├── UpdateLost              our open update was closed by somebody else
├── PostProcessorFailed     the data is in, what should follow it failed
├── Cancelled               asked to stop
└── Defect                  what should not have happened: a mistake of Afresh, or of code that it was given

`transient` says whether trying again unchanged may help; `hint` says what a person can do.
An error raised from a driver's error keeps it as its cause.
"""

from typing import ClassVar


class AfreshError(Exception):
    """An error that is understood; the message names the place, the hint the way out."""

    transient: ClassVar[bool] = False
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint

    def __str__(self) -> str:
        return self.message


class ConfigurationError(AfreshError):
    """The configuration cannot work as written."""

    default_hint = "Correct the configuration and run `afresh check`."


class SourceError(AfreshError):
    """A source system failed."""


class SourceUnavailable(SourceError):
    """No connection to the source could be had or kept."""

    transient = True
    default_hint = "See whether the source is up and reachable; the sync is tried again by itself."


class SourceSlow(SourceUnavailable):
    """The source did not answer, or did not end a statement, in the time it was given."""

    transient = True
    default_hint = "See what else the source is doing; the sync is tried again by itself."


class SourceRefused(SourceError):
    """The source refused the login or a right."""

    default_hint = "Check user, password and grants of the source system."


class LoginRefused(SourceRefused):
    """The source refused the login itself; after a second time in a row none is tried until a person says so.

    `settings` is the mark of the settings with which it was tried, empty if nobody has noted it.
    """

    settings: str = ""


class SourceChanged(SourceError):
    """The source has no longer what the configuration names, though it had while this service was at work."""

    default_hint = "Bring it back in the source, or change the configuration and start the service again."


class QueryFailed(SourceError):
    """The source did not understand or did not finish a statement."""

    default_hint = "Run `afresh plan TABLE` to see the statement, and try it in the source."


class SnapshotTooOld(QueryFailed):
    """The source could not keep the state that was being read until the read ended."""

    transient = True
    default_hint = "Let it run when fewer others write, or have the source keep its undo for longer."


class BadValue(SourceError):
    """A value that the column's type cannot hold exactly; nothing was written for its batch."""

    default_hint = "Correct the row in the source, or change the column's type or policy."


class FetcherError(AfreshError):
    """A fetcher broke its contract: wrong columns, wrong types, or an exception of its own."""

    default_hint = "See the fetcher contract in docs/how-to/add-a-fetcher.md."


class CacheError(AfreshError):
    """The cache database failed."""


class CacheUnavailable(CacheError):
    """The cache cannot be reached or opened."""

    transient = True
    default_hint = "See whether the cache database exists and may be written."


class CacheLocked(CacheError):
    """Another writer held the cache for longer than the lock timeout."""

    transient = True
    default_hint = "Another program keeps a write transaction open; the sync is tried again by itself."


class CacheFull(CacheError):
    """There is no space left for the cache or its temporary files."""

    default_hint = "Free some space; what was there before the sync is unchanged."


class SchemaDiffers(CacheError):
    """The cache table does not fit the fetcher's schema and was not changed."""

    default_hint = "Alter or drop the cache table, or change the fetcher's columns; then sync again."


class SuspiciousExtract(AfreshError):
    """The extract holds too few rows to replace the table; the table is as it was."""

    default_hint = "If the source really shrank, run `afresh sync TABLE --mass --allow-shrink` once."


class AlreadyRunning(AfreshError):
    """Another live sync is writing this table."""

    transient = True
    default_hint = "Wait for it to end: `afresh status`."


class UpdateLost(AfreshError):
    """Our open update was closed by another instance, so nothing more may be written under it."""

    transient = True
    default_hint = "This process was taken for dead (suspended?); the next check repeats the sync."


class PostProcessorFailed(AfreshError):
    """The data is in the cache, but the post-processor failed, so the sync did."""

    default_hint = "Mend the post-processor; the next check repeats the sync."


class Cancelled(AfreshError):
    """The sync was asked to stop and did."""

    transient = True
    default_hint = "Nothing to do: the next check repeats the sync."


class Defect(AfreshError):
    """Something that should not have happened; its cause has the traceback."""

    default_hint = "This is a defect of Afresh, or of code of yours that it runs. Please report it with the log."
