"""How things stand: the one reading of the cache that every judgement is made from; read only, also while a service
of another process writes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from afresh.core import circuit, schedule
from afresh.core.actions import standing
from afresh.core.cause import Cause
from afresh.core.circuit import Breaker, Circuit
from afresh.core.facts import Facts, SourceState
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Cache, Clock
from afresh.core.schedule import Past
from afresh.engine.checks import last_check
from afresh.engine.clockwatch import is_behind
from afresh.engine.instance import live_instances


def outlook(
    options: DataSyncOptions, cache: Cache, clock: Clock, sources: Mapping[str, SourceState] | None = None
) -> Facts:
    """Asks the cache. `sources` is what else is known of the source systems.

    The clock is read before the log, so that nothing looks younger than it is; an update that ends in between is
    seen as running or as ended, never as neither.
    """
    now, behind = clock.now(), is_behind(cache.leases, clock)
    asked = standing(cache.actions.latest())
    checked = last_check(cache.leases)
    running = tuple(cache.log.history(open_only=True, limit=len(options.data_sources) + 100))
    live = live_instances(cache.leases, clock)
    pasts = schedule.pasts(cache.log.last_updates(), cache.log.failures())
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
        sources=_told(options, pasts, found, _sessions(cache, now), now) | dict(sources or {}),
        holds=circuit.holds(options, found, now),
    )


def _has_ended(update: DataUpdate, pasts: Mapping[str, Past]) -> bool:
    past = pasts.get(update.table_name)
    ended = () if past is None else (*past.successes.values(), *past.failures)
    return any(one.operation_id == update.operation_id for one in ended)


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
        latest = [pasts[table].latest(UpdateType) for table in tables if table in pasts]
        last = max((update for update in latest if update is not None), key=_started, default=None)
        skew = last.details.skew if last is not None and last.details is not None else None
        breaker = breakers[name]
        found[name] = SourceState(
            name=name,
            reachable=_reached([pasts[table] for table in tables if table in pasts]),
            breaker_until=breaker.until,
            stopped=breaker.circuit is Circuit.STOPPED,
            quiet_until=circuit.quiet(config, now),
            sessions_used=sessions.get(name, 0),
            sessions_allowed=config.max_sessions,
            skew=skew,
        )
    return found


def _reached(pasts: Iterable[Past]) -> bool | None:
    """Whether the last sync that ended found the source there; None if none has ended."""
    ended = [update for past in pasts for update in (*past.successes.values(), *past.failures)]
    last = max(ended, key=_started, default=None)
    return None if last is None else last.cause is not Cause.SOURCE_UNREACHABLE


def _started(update: DataUpdate) -> int:
    return update.sequence
