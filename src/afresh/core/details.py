"""The details of an update as the caches keep them: JSON, of which only what is known is read.

What another version wrote, or nobody knows how to read, is left out and never an error: details explain, they do not
decide.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from afresh.core.cause import Cause
from afresh.core.model import Phase, UpdateDetails

_MOST = 8e13
"""No duration in seconds is longer; whatever is, is none."""


def to_json(details: UpdateDetails | None) -> str | None:
    """The text of a `Details` column: durations in seconds, without what is empty."""
    if details is None:
        return None
    return json.dumps(as_value(details), ensure_ascii=False, separators=(",", ":"))


def as_value(details: UpdateDetails) -> dict[str, Any]:
    """The same as a JSON value."""
    told: dict[str, Any] = {
        "phases": {str(phase): spent.total_seconds() for phase, spent in details.phases.items()},
        "batches": details.batches,
        "plan": details.plan,
        "adjusted": dict(details.adjusted),
        "quarantined": details.quarantined,
        "skew": _seconds(details.skew),
        "latency": _seconds(details.latency),
        "lateness": _seconds(details.lateness),
        "missed": details.missed,
        "requested_by": details.requested_by,
        "refused_login": details.refused_login,
    }
    return {name: value for name, value in told.items() if value not in ({}, "", None)}


@lru_cache(maxsize=8_192)
def from_json(text: str | None) -> UpdateDetails | None:
    """What that text says; None without one. Kept, because who looks at the log reads most of its rows once more."""
    if text is None:
        return None
    try:
        told = json.loads(text)
    except ValueError:
        return UpdateDetails()
    if not isinstance(told, dict):
        return UpdateDetails()
    phases = _numbers(told.get("phases"))
    return UpdateDetails(
        phases={phase: timedelta(seconds=phases[phase]) for phase in Phase if phase in phases},
        batches=int(_number(told.get("batches")) or 0),
        plan=_text(told.get("plan")),
        adjusted={name: int(count) for name, count in _numbers(told.get("adjusted")).items()},
        quarantined=int(_number(told.get("quarantined")) or 0),
        skew=_duration(told.get("skew")),
        latency=_duration(told.get("latency")),
        lateness=_duration(told.get("lateness")),
        missed=None if (missed := _number(told.get("missed"))) is None else int(missed),
        requested_by=_text(told.get("requested_by")),
        refused_login=_text(told.get("refused_login")),
    )


def cause_from(text: str | None) -> Cause | None:
    """The cause in a `Cause` column; that of a defect if this version does not know the word."""
    if text is None:
        return None
    try:
        return Cause(text)
    except ValueError:
        return Cause.DEFECT


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _duration(value: object) -> timedelta | None:
    seconds = _number(value)
    return None if seconds is None else timedelta(seconds=seconds)


def _number(value: object) -> float | None:
    wanted = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
    return float(value) if wanted and isinstance(value, int | float) else None


def _numbers(value: object) -> Mapping[str, float]:
    if not isinstance(value, dict):
        return {}
    found = {str(name): _number(number) for name, number in value.items()}
    return {name: number for name, number in found.items() if number is not None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
