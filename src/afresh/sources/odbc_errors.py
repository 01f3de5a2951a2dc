"""What an ODBC driver's error means, told without a secret."""

import re

from afresh.core.errors import (
    AfreshError,
    ConfigurationError,
    LoginRefused,
    QueryFailed,
    SourceRefused,
    SourceUnavailable,
)
from afresh.sources.odbc_profile import Words

_STATE = re.compile(r"State: (?P<state>\w{5}), Native error: (?P<native>-?\d+), Message: (?P<text>.*)", re.DOTALL)
_SECRET = re.compile(r"(?i)\b(pwd|password)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;\s]*)")
_NO_DRIVER = re.compile(r"(?i)can't open lib|data source name not found|driver not found|specified driver could not")
_CUT = re.compile(r"without truncation.*?(?:Some\((?P<size>\d+)\))?$", re.DOTALL)
_LOGIN = re.compile(
    r"login failed|authentication failed|access denied for user|SQL30082N|no pg_hba\.conf|role .* does not exist",
    re.IGNORECASE,
)
_SHORT_SECRET = 3


class Fault(Exception):
    """What a driver raised, as text: without the frames of the driver binding, which would keep its handles open."""


def scrubbed(text: str, password: str | None) -> str:
    """The text without the password, however it stands there."""
    text = _SECRET.sub(r"\1=***", text)
    if not password:
        return text
    braced = password.replace("}", "}}")
    for secret in {password, braced}:
        if len(secret) > _SHORT_SECRET:
            text = text.replace(secret, "***")
    return text


def translated(fault: BaseException, place: str, words: Words, password: str | None) -> AfreshError:
    """The error in our tree; its message has the driver's, without the password."""
    text = scrubbed(str(fault), password)
    found = _STATE.search(text)
    if found is None:
        if cut := _CUT.search(text):
            size = f" of {cut['size']} bytes" if cut["size"] else ""
            return QueryFailed(
                f"{place}: a value{size} is larger than what the driver was given room for",
                hint="Raise `max_text_size`, or leave the column out; nothing was cut off.",
            )
        return QueryFailed(f"{place}: {text}")
    state, message = found["state"], " ".join(found["text"].split())
    told = f"{place}: {message} (SQLSTATE {state})"
    if _NO_DRIVER.search(message):
        return ConfigurationError(
            told,
            hint="Install its ODBC driver and name it in `driver` as `odbcinst -q -d` does; or correct `dsn`.",
        )
    if state.startswith(words.refused) or re.search(words.refused_text, message):
        login = state.startswith("28") or _LOGIN.search(message)
        return LoginRefused(told) if login else SourceRefused(told)
    if state.startswith(words.unavailable) or re.search(words.unavailable_text, message):
        return SourceUnavailable(told)
    return QueryFailed(told)
