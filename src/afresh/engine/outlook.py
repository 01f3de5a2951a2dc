"""How things stand: the one reading of the cache that every judgement is made from; read only, also while a service
of another process writes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from afresh.core import circuit
from afresh.core.actions import standing
from afresh.core.cause import Cause
from afresh.core.circuit import Breaker, Circuit
from afresh.core.facts import Facts, SourceState
from afresh.core.model import DataUpdate, UpdateDetails
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Cache, Clock
from afresh.core.schedule import Past
from afresh.engine.checks import last_check
from afresh.engine.clockwatch import is_behind
from afresh.engine.instance import live_instances
from afresh.engine.pasts import PastsOf, whole


def outlook(options: DataSyncOptions, cache: Cache, clock: Clock, pasts_of: PastsOf = whole) -> Facts:
    """Asks the cache; `pasts_of` is how the log is read.

    The clock is read before the log, so that nothing looks younger than it is; an update that ends in between is
    seen as running or as ended, never as neither.
    """
    now, behind = clock.now(), is_behind(cache.leases, clock)
    asked = standing(cache.actions.latest())
    checked = last_check(cache.leases)
    running = tuple(cache.log.history(open_only=True, limit=len(options.data_sources) + 100))
    live = live_instances(cache.leases, clock)
    pasts = pasts_of(cache.log, running)
    found = circuit.breakers(options, pasts, asked, now)
    return Facts(
        options=options,
        now=now,
        pasts=pasts,
        running=tuple(update for update in running if not _has_ended(update, pasts)),
        asked=asked,
        live=live,
        last_check=checked,
        clock_is_behind=behind,
        sources=_told(options, pasts, found, _sessions(cache, now), now),
        holds=circuit.holds(options, found, now),
    )


def _has_ended(update: DataUpdate, pasts: Mapping[str, Past]) -> bool:
    past = pasts.get(update.table_name)
    return past is not None and any(one.operation_id == update.operation_id for one in _ended(past))


def _ended(past: Past) -> tuple[DataUpdate, ...]:
    return (*past.successes.values(), *past.failures)


def _sessions(cache: Cache, now: datetime) -> Counter[str]:
    """Sessions in use, by source."""
    names = [lease.name.split("/") for lease in cache.leases.held("session/") if lease.expires > now]
    return Counter("/".join(parts[1:-1]) for parts in names if parts[-1].isdigit())


def _told(
    options: DataSyncOptions,
    pasts: Mapping[str, Past],
    breakers: Mapping[str, Breaker],
    sessions: Mapping[str, int],
    now: datetime,
) -> dict[str, SourceState]:
    """What log, leases and clock tell of the sources."""
    found: dict[str, SourceState] = {}
    for name, config in options.source_systems.items():
        tables = [table.table_name for table in options.data_sources if table.source_system == name]
        ended = [one for table in tables if table in pasts for one in _ended(pasts[table])]
        last = max(ended, key=_recorded, default=None)
        breaker = breakers[name]
        found[name] = SourceState(
            name=name,
            reachable=None if last is None else last.cause is not Cause.SOURCE_UNREACHABLE,
            breaker_until=breaker.until,
            stopped=breaker.circuit is Circuit.STOPPED,
            quiet_until=circuit.quiet(config, now),
            sessions_used=sessions.get(name, 0),
            sessions_allowed=config.max_sessions,
            latency=_last_told(ended, lambda details: details.latency),
            skew=_last_told(ended, lambda details: details.skew),
        )
    return found


def _last_told(ended: Iterable[DataUpdate], told: Callable[[UpdateDetails], timedelta | None]) -> timedelta | None:
    """What the last sync noted that noted it."""
    noted = [update for update in ended if update.details is not None and told(update.details) is not None]
    last = max(noted, key=_recorded, default=None)
    return None if last is None or last.details is None else told(last.details)


def _recorded(update: DataUpdate) -> int:
    return update.sequence
