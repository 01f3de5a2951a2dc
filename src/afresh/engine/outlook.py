"""How things stand: the one reading of the cache that every judgement is made from; read only, also while a service
of another process writes."""

from collections.abc import Mapping

from afresh.core import schedule
from afresh.core.actions import standing
from afresh.core.facts import Facts, SourceState
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Cache, Clock
from afresh.core.schedule import Past
from afresh.engine.checks import last_check
from afresh.engine.instance import live_instances


def outlook(
    options: DataSyncOptions, cache: Cache, clock: Clock, sources: Mapping[str, SourceState] | None = None
) -> Facts:
    """Asks the cache. `sources` is what else is known of the source systems.

    The clock is read before the log, so that nothing looks younger than it is; an update that ends in between is
    seen as running or as ended, never as neither.
    """
    now = clock.now()
    checked = last_check(cache.leases)
    running = tuple(cache.log.history(open_only=True, limit=len(options.data_sources) + 100))
    live = live_instances(cache.leases, clock)
    pasts = schedule.pasts(cache.log.last_updates(), cache.log.failures())
    return Facts(
        options=options,
        now=now,
        pasts=pasts,
        running=tuple(update for update in running if not _has_ended(update, pasts)),
        asked=standing(cache.actions.latest()),
        live=live,
        last_check=checked,
        sources=_told(options, pasts) | dict(sources or {}),
    )


def _has_ended(update: DataUpdate, pasts: Mapping[str, Past]) -> bool:
    past = pasts.get(update.table_name)
    ended = () if past is None else (*past.successes.values(), *past.failures)
    return any(one.operation_id == update.operation_id for one in ended)


def _told(options: DataSyncOptions, pasts: Mapping[str, Past]) -> dict[str, SourceState]:
    """What the log tells of the sources."""
    found: dict[str, SourceState] = {}
    for name, config in options.source_systems.items():
        tables = [table.table_name for table in options.data_sources if table.source_system == name]
        latest = [pasts[table].latest(UpdateType) for table in tables if table in pasts]
        last = max((update for update in latest if update is not None), key=_started, default=None)
        skew = last.details.skew if last is not None and last.details is not None else None
        found[name] = SourceState(name=name, sessions_allowed=config.max_sessions, skew=skew)
    return found


def _started(update: DataUpdate) -> int:
    return update.sequence
