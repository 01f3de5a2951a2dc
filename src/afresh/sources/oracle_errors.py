"""Oracle's errors, translated: by the code that stands in front of the message, `ORA-01017` or `DPY-6005`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from afresh.core.errors import (
    AfreshError,
    ConfigurationError,
    LoginRefused,
    QueryFailed,
    SnapshotTooOld,
    SourceRefused,
    SourceUnavailable,
)
from afresh.core.ports import Cancellation

CANCELLED = frozenset({"ORA-01013", "ORA-03156", "ORA-00028"})
MISFIT = frozenset({"DPY-3038", "DPY-4036", "DPY-4037", "DPY-4039", "DPY-4040", "DPY-4042"})
"""The driver could not make the requested Arrow type of a value."""
NOT_SEEN = frozenset({"ORA-00942", "ORA-01031", "ORA-04043", "ORA-01720", "ORA-41900"})
_SNAPSHOT_TOO_OLD = frozenset({"ORA-01555", "ORA-22924", "ORA-08180", "ORA-08181", "ORA-01466", "ORA-30052"})
_LOGIN = frozenset(
    {"ORA-01017", "ORA-01005", "ORA-01045", "ORA-28000", "ORA-28001", "ORA-28009", "ORA-28040", "ORA-01035"}
    | {"DPY-4001", "DPY-4027", "DPY-3015", "DPY-3016"}
)
_REFUSED = frozenset({"ORA-01031", "ORA-02004", "ORA-46952"})
_UNAVAILABLE = frozenset(
    {
        "ORA-00018",
        "ORA-00020",
        "ORA-00054",
        "ORA-00604",
        "ORA-01012",
        "ORA-01033",
        "ORA-01034",
        "ORA-01089",
        "ORA-01090",
    }
    | {
        "ORA-01092",
        "ORA-02391",
        "ORA-02396",
        "ORA-02399",
        "ORA-03113",
        "ORA-03114",
        "ORA-03135",
        "ORA-03136",
        "ORA-04031",
    }
    | {"ORA-04036", "ORA-12152", "ORA-12157", "ORA-12170", "ORA-12203", "ORA-12224", "ORA-12505", "ORA-12514"}
    | {"ORA-12516", "ORA-12518", "ORA-12519", "ORA-12520", "ORA-12521", "ORA-12526", "ORA-12527", "ORA-12528"}
    | {"ORA-12535", "ORA-12537", "ORA-12541", "ORA-12543", "ORA-12545", "ORA-12547", "ORA-12560", "ORA-12571"}
    | {"ORA-12609", "ORA-16000", "ORA-16456", "ORA-25408", "ORA-12850", "ORA-12801", "ORA-01652", "ORA-30036"}
    | {"DPY-1001", "DPY-4011", "DPY-4024", "DPY-4026", "DPY-6000", "DPY-6001", "DPY-6003", "DPY-6005", "DPY-5006"}
)
_WORDS = {
    "DPY-3001": "Native Network Encryption needs thick mode: set `thick = true` and `lib_dir`, "
    "or let the server offer TLS.",
    "DPY-3010": "The server is older than 12.1: set `thick = true` and `lib_dir`.",
    "DPY-3015": "The account's password verifier is of the old kind: ask for a new password, or use thick mode.",
    "ORA-28000": "The account is locked; ask the administrator to unlock it, then reset the breaker.",
    "ORA-28001": "The password has expired; ask the administrator for a new one.",
    "ORA-01555": "The read took longer than the undo is kept: read in parts (`partitions`), at a quieter time, "
    "or ask for a longer UNDO_RETENTION.",
    "ORA-02391": "The account's SESSIONS_PER_USER is used up: lower `max_sessions`, or ask for more.",
}


def code_of(error: BaseException) -> str:
    """The error's code, such as `ORA-01017`; empty for one without."""
    told = error.args[0] if error.args else None
    found = getattr(told, "full_code", "") or str(told or "").partition(":")[0].strip()
    return found if found[:4] in ("ORA-", "DPY-", "DPI-") else ""


@contextmanager
def translated(place: str, cancel: Cancellation, driver_error: type[Exception]) -> Iterator[None]:
    """Translates the driver's errors; one that follows from a cancellation becomes `Cancelled`."""
    try:
        yield
    except driver_error as error:
        if cancel.requested or code_of(error) in CANCELLED:
            cancel.check()
        raise translate(place, error) from error


def translate(place: str, error: Exception) -> AfreshError:
    """What the error means. The message is the driver's first line: it has no values, and no password."""
    code = code_of(error)
    told = str(error.args[0] if error.args else error).splitlines()[0]
    hint = _WORDS.get(code, "")
    kind: Callable[..., AfreshError] = QueryFailed
    if code in _SNAPSHOT_TOO_OLD:
        kind, hint = SnapshotTooOld, hint or _WORDS["ORA-01555"]
    elif code in _LOGIN:
        kind = LoginRefused
    elif code in _REFUSED:
        kind = SourceRefused
    elif code in _UNAVAILABLE or getattr(error.args[0] if error.args else None, "isrecoverable", False):
        kind = SourceUnavailable
    elif code in ("DPY-3001", "DPY-3010") or code.startswith(("DPY-2", "DPI-10")) or code in ("DPY-4000", "DPY-4010"):
        kind = ConfigurationError
    elif code == "ORA-00942":
        hint = "The table is not there, or the account may not read it; Oracle's names are upper case unless quoted."
    return kind(f"{place}: {told}", hint=hint)
