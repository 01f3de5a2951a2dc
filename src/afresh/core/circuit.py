"""The breaker of a source: a judgement of the log, so that every process that asks it says the same.

Syncs of whichever table that failed because the source was away are counted since the last success of any table of
it. Enough of them open the breaker: its tables wait. After the pause one of them tries; if that fails, all wait for
another pause. Refused logins open it for good, because a database locks an account after a few: until somebody says
`breaker reset`, a sync that was asked for by hand succeeds, or the source system's settings are others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from afresh.core.actions import Action, Standing
from afresh.core.cause import Cause
from afresh.core.hold import ALL, Hold
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.options import DataSyncOptions, SourceSystemConfig
from afresh.core.quiet import parse, quiet_until
from afresh.core.schedule import Past

LOGINS = 2
"""Refused logins after which none is tried."""

_AWAY = frozenset({Cause.SOURCE_UNREACHABLE, Cause.SOURCE_SLOW})


class Circuit(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """How the breaker of a source stands: failures in a row, until when it is open, and the last error."""

    source_system: str
    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    until: datetime | None = None
    error: str = ""


def breaker(
    name: str,
    config: SourceSystemConfig,
    pasts: Iterable[Past],
    now: datetime,
    *,
    reset: Action | None = None,
) -> Breaker:
    """The breaker of a source, by the pasts of its tables; logins that were refused with other settings do not
    count."""
    pasts, mark = tuple(pasts), settings_mark(config)
    succeeded = [update.end_dt for past in pasts for update in past.successes.values() if update.end_dt]
    since = max([*succeeded, *([reset.at] if reset else [])], default=None)
    failures = sorted(
        (
            (update.end_dt, update)
            for past in pasts
            for update in past.failures
            if update.end_dt is not None and (since is None or update.end_dt > since) and update.end_dt <= now
        ),
        key=lambda found: found[0],
    )
    refused = [update for _at, update in failures if _is_refused_login(update, mark)]
    if len(refused) >= LOGINS:
        return Breaker(
            source_system=name, circuit=Circuit.STOPPED, failures=len(refused), error=refused[-1].error_message or ""
        )
    away = [(at, update) for at, update in failures if update.cause in _AWAY]
    if len(away) < config.breaker_failures:
        return Breaker(source_system=name, failures=len(away))
    at, last = away[-1]
    until = at + config.breaker_pause
    return Breaker(
        source_system=name,
        circuit=Circuit.OPEN if now < until else Circuit.HALF_OPEN,
        failures=len(away),
        until=until,
        error=last.error_message or "",
    )


def breakers(options: DataSyncOptions, pasts: Mapping[str, Past], asked: Standing, now: datetime) -> dict[str, Breaker]:
    """The breakers of all source systems."""
    return {
        name: breaker(
            name,
            config,
            [
                pasts[table.table_name]
                for table in options.data_sources
                if table.source_system == name and table.table_name in pasts
            ],
            now,
            reset=asked.reset_of(name),
        )
        for name, config in options.source_systems.items()
    }


def holds(options: DataSyncOptions, found: Mapping[str, Breaker], now: datetime) -> tuple[Hold, ...]:
    """What keeps syncs from beginning now: open breakers and quiet hours."""
    kept = [_by_breaker(found[name]) for name in options.source_systems if name in found]
    kept += [_by_quiet(name, config, now) for name, config in options.source_systems.items()]
    return tuple(hold for hold in kept if hold is not None)


def quiet(config: SourceSystemConfig, at: datetime) -> datetime | None:
    """When the quiet hours of the source that hold at that instant end; None if none do."""
    if not config.quiet_hours:
        return None
    spans = [parse(text) for text in config.quiet_hours]
    return quiet_until(spans, ZoneInfo(config.quiet_zone or config.time_zone), at)


def settings_mark(config: SourceSystemConfig) -> str:
    """Tells settings from others, secrets included: one byte of a digest, which is enough to see that somebody
    changed them (255 times of 256) and too little to guess a password by."""
    told = json.dumps({"kind": config.kind, **config.options}, default=_revealed, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:2]


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _is_refused_login(update: DataUpdate, mark: str) -> bool:
    return update.details is not None and update.details.refused_login == mark


def _by_breaker(found: Breaker) -> Hold | None:
    name = found.source_system
    match found.circuit:
        case Circuit.STOPPED:
            cause, reason = Cause.LOGIN_REFUSED, f"the login at {name} was refused {found.failures} times"
        case Circuit.OPEN if found.until is not None:
            cause = Cause.SOURCE_UNREACHABLE
            reason = f"{name} failed {found.failures} times in a row; tried again from {_instant(found.until)}"
        case Circuit.HALF_OPEN:
            cause, reason = Cause.SOURCE_UNREACHABLE, f"one sync tries whether {name} is back"
        case _:
            return None
    return Hold(
        source_system=name,
        types=ALL,
        until=found.until,
        cause=cause,
        reason=reason,
        probe=found.circuit is Circuit.HALF_OPEN,
    )


def _by_quiet(name: str, config: SourceSystemConfig, now: datetime) -> Hold | None:
    until = quiet(config, now)
    if until is None:
        return None
    return Hold(
        source_system=name,
        types=ALL if config.quiet_hourly else ALL - {UpdateType.HOURLY},
        until=until,
        cause=Cause.QUIET_HOURS,
        reason=f"quiet hours of {name} until {_instant(until)}",
    )


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
