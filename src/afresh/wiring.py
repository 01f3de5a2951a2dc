"""The one composition root: names concrete classes, and builds a service from options.

Kinds are found by name in the tables here, then among the entry points of installed packages (`afresh.sources`,
`afresh.caches`); fetchers and post-processors of users by entry point or `module:Class`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from afresh.caches.rendezvous import Rendezvous
from afresh.config.kinds import Kinds
from afresh.config.typed import typed
from afresh.core import quiet
from afresh.core.circuit import settings_mark
from afresh.core.errors import ConfigurationError
from afresh.core.kinds import CacheKind, FetcherContext, FetcherKind, SourceContext, SourceKind
from afresh.core.options import DataSourceConfig, DataSyncOptions, SourceSystemConfig
from afresh.core.ports import Cache, Clock, Emit, Fetcher, PostProcessor, SourceSystem
from afresh.engine import quarantine
from afresh.engine.clock import SystemClock
from afresh.engine.instance import is_gone, new_instance_id
from afresh.engine.service import Service
from afresh.engine.sync import Table, Workplace
from afresh.executors import threads
from afresh.fetchers.rows import PYTHON, load, whole
from afresh.jde.catalogue import tables
from afresh.jde.names import NAMES
from afresh.kinds import Installed, Ours
from afresh.sources.batch_sizes import BatchSizes
from afresh.sources.budget import Budget
from afresh.sources.latency import Latency
from afresh.sources.logins import Logins
from afresh.sources.pace import Pace
from afresh.sources.partitioned import PartitionedSource
from afresh.sources.retries import Retries
from afresh.sources.sessions import Sessions
from afresh.sources.timeouts import Timeouts

_SOURCES = {
    "duckdb": "sources.duckdb:DUCKDB",
    "files": "sources.files:FILES",
    "mssql": "sources.sqlserver:SQLSERVER",
    "oracle": "sources.oracle:ORACLE",
    "postgres": "sources.postgres:POSTGRES",
    "postgresql": "sources.postgres:POSTGRES",
    "sqlite": "sources.sqlite:SQLITE",
    "sqlserver": "sources.sqlserver:SQLSERVER",
    "odbc": "sources.odbc:ODBC",
    "mysql": "sources.odbc:MYSQL",
    "db2": "sources.odbc:DB2",
    "sybase": "sources.odbc:SYBASE",
}
_FETCHERS = {
    "table": "fetchers.table:TABLE",
    "query": "fetchers.query:QUERY",
    "jde": "fetchers.jde:JDE",
    "sample": "fetchers.sample:SAMPLE",
    **dict.fromkeys(NAMES, "fetchers.jde:NAMED"),
    "CmsMisDataFetcher": "fetchers.cms:CMS_MIS_DATA",
}
_CACHES = {
    "sqlite": "caches.sqlite:SQLITE",
    "postgresql": "caches.postgres:POSTGRES",
    "duckdb": "caches.duckdb:DUCKDB",
    "mssql": "caches.sqlserver:SQLSERVER",
    "sqlserver": "caches.sqlserver:SQLSERVER",
}
SOURCES: Mapping[str, SourceKind] = Ours(_SOURCES, SourceKind)
FETCHERS: Mapping[str, FetcherKind] = Ours(_FETCHERS, FetcherKind)
CACHES: Mapping[str, CacheKind] = Ours(_CACHES, CacheKind)


def resolve(name: str) -> object:
    """What a name outside the tables means; ConfigurationError for one that means nothing."""
    return load(name)


KINDS = Kinds(
    sources=Installed(SOURCES, "afresh.sources", SourceKind),
    fetchers=FETCHERS,
    caches=Installed(CACHES, "afresh.caches", CacheKind),
    arguments={"jde": tables},
    own=PYTHON,
    resolve=resolve,
)


def assemble(
    options: DataSyncOptions, *, emit: Emit, clock: Clock | None = None, cache: Cache | None = None
) -> Service:
    """A service that is ready to run. Resolves every name, connects to nothing; ConfigurationError if one is wrong."""
    time = clock or SystemClock()
    cache = cache or open_cache(options)
    _check_tables(options, cache)
    instance_id = new_instance_id()
    bare = {name: _source(name, config, options, time) for name, config in options.source_systems.items()}
    polite = {
        name: _mannered(name, options.source_systems[name], source, cache, instance_id, time)
        for name, source in bare.items()
    }
    sources = {name: source for name, (source, _logins) in polite.items()}
    workplace = Workplace(
        cache=cache,
        clock=time,
        emit=emit,
        instance_id=instance_id,
        batch_size=options.batch_size,
        bulk_copy_batch_size=options.bulk_copy_batch_size,
    )
    kept = {config.table_name: _table(config, sources, options, time) for config in options.data_sources}
    return Service(
        options,
        kept,
        workplace,
        threads.build(options.max_degree_of_parallelism),
        sources=sources,
        forget_logins={name: logins.forget for name, (_source, logins) in polite.items()},
    )


def open_source(name: str, options: DataSyncOptions) -> SourceSystem:
    """A source system of the options alone, for one who only asks and counts no sessions."""
    return _source(name, options.source_systems[name], options, SystemClock())


def open_cache(options: DataSyncOptions) -> Cache:
    """The cache of the options; it connects when it is first used."""
    scheme = options.cache.url.partition(":")[0]
    if scheme not in KINDS.caches:
        raise ConfigurationError(
            f"there is no cache of the kind {scheme!r}", hint=f"The kinds are: {', '.join(sorted(KINDS.caches))}."
        )
    return KINDS.caches[scheme].build(options.cache, options.base_directory)


def reserved_names(cache: Cache) -> frozenset[str]:
    """Names that no table may have, in lower case: those of the cache's own tables."""
    return cache.capabilities.reserved_names | {quarantine.NAME.lower()}


def owners_note(options: DataSyncOptions) -> Path | None:
    """Where the process that owns the cache alone writes down how it can be asked; None where many can open it."""
    kind = KINDS.caches.get(options.cache.url.partition(":")[0])
    return None if kind is None or kind.note is None else kind.note(options.cache, options.base_directory)


def asked_cache(options: DataSyncOptions) -> Cache:
    """The cache for one who only looks and asks: through the process that owns it, if one does."""
    note = owners_note(options)
    owner = Rendezvous.read(note) if note is not None else None
    if owner is None:
        return open_cache(options)
    from afresh.caches.remote import RemoteCache  # what goes over takes a while to be described

    return RemoteCache(owner)


def _check_tables(options: DataSyncOptions, cache: Cache) -> None:
    limit, ways = cache.capabilities.identifier_length, cache.capabilities.reload_strategies
    reserved, seen = reserved_names(cache), dict[str, str]()
    for config in options.data_sources:
        name = config.table_name
        if name.lower() in reserved:
            raise ConfigurationError(f"{name!r} is a table of the cache's own", hint="Give the table another name.")
        if limit is not None and len(name.encode()) > limit:
            raise ConfigurationError(f"{name!r} is longer than the {limit} bytes that the cache allows for a name")
        if config.mass is not None and config.mass.prepurge_data and config.reload_strategy not in ways:
            raise ConfigurationError(
                f"{name}: the cache cannot reload a table by {config.reload_strategy}",
                hint=f"Set reload_strategy to {' or '.join(sorted(ways))}.",
            )
        if name.casefold() in seen:
            raise ConfigurationError(f"two data sources have the same table: {seen[name.casefold()]!r} and {name!r}")
        seen[name.casefold()] = name


def _source(name: str, config: SourceSystemConfig, options: DataSyncOptions, clock: Clock) -> SourceSystem:
    if config.kind not in KINDS.sources:
        raise ConfigurationError(
            f"source system {name!r}: there is no kind {config.kind!r}",
            hint=f"The kinds are: {', '.join(sorted(KINDS.sources))}.",
        )
    for zone in (config.time_zone, config.quiet_zone or config.time_zone):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigurationError(f"source system {name!r}: there is no time zone {zone!r}") from None
    for span in config.quiet_hours:
        try:
            quiet.parse(span)
        except quiet.NotQuietHours as error:
            raise ConfigurationError(f"source system {name!r}: the quiet hours {span!r}: it {error}") from None
    kind = KINDS.sources[config.kind]
    return kind.build(
        SourceContext(
            name=name,
            config=config,
            options=typed(kind.options, config.options),
            base_directory=options.base_directory,
            clock=clock,
        )
    )


def _mannered(
    name: str, config: SourceSystemConfig, source: SourceSystem, cache: Cache, holder: str, clock: Clock
) -> tuple[SourceSystem, Logins]:
    """The source with its manners, and the one that counts its logins.

    From the inside out: answers and the size of batches are measured on the source alone; a session is taken for
    nothing but its use; what hangs keeps its session until the driver lets go of it, while who waits for it is told so
    in time; a login that hangs is over when its time is; each new try is an attempt to log in, and has a session of its
    own; the parts of a large read are reads like any other; the pace slows down what comes out of all that, so that its
    pauses are no silence.
    """
    budget = Budget(
        source=name, most=config.max_sessions, leases=cache.leases, holder=holder, clock=clock, gone=is_gone
    )
    sized = BatchSizes(Latency(source), longest=config.batch_time)
    counted = Sessions(sized, name=name, budget=budget, patience=config.idle_timeout / 2)
    timed = Timeouts(counted, name=name, idle=config.idle_timeout, longest=config.longest_read)
    logins = Logins(timed, name=name, mark=settings_mark(config), ticks=lambda: clock.now().timestamp())
    tried = Retries(logins, retries=config.retries, wait=config.retry_wait)
    parted = PartitionedSource(tried)
    if config.max_rows_per_second is None:
        return parted, logins
    return Pace(parted, rows_per_second=config.max_rows_per_second), logins


def _table(
    config: DataSourceConfig, sources: Mapping[str, SourceSystem], options: DataSyncOptions, clock: Clock
) -> Table:
    system = options.source_systems.get(config.source_system)
    return Table(
        config=config,
        time_zone=ZoneInfo(system.time_zone if system is not None else "UTC"),
        fetcher=_fetcher(config, sources.get(config.source_system), options, clock),
        post_processor=_post_processor(config),
    )


def _fetcher(
    config: DataSourceConfig, source: SourceSystem | None, options: DataSyncOptions, clock: Clock
) -> Fetcher[Any]:
    name, _, argument = config.fetcher.partition(":")
    kind = FETCHERS.get(name)
    target = None if kind is not None else resolve(config.fetcher)
    if isinstance(target, FetcherKind):
        kind, target, argument = target, None, ""
    if kind is not None and kind.needs_source and source is None:
        raise ConfigurationError(f"{config.table_name}: there is no source system {config.source_system!r}")
    if kind is not None and kind.takes_argument != bool(argument):
        wanted = f"needs an argument, as in {name}:NAME" if kind.takes_argument else "takes no argument"
        raise ConfigurationError(f"{config.table_name}: the fetcher {name!r} {wanted}")
    used = kind or PYTHON
    context = FetcherContext(
        config=config,
        argument=used.argument or argument,
        options=typed(used.options, config.fetcher_options),
        source=source,
        batch_rows=options.bulk_copy_batch_size,
        clock=clock,
    )
    return whole(target, context) if kind is None else _complete(kind.build(context), config)


def _complete(made: Fetcher[Any], config: DataSourceConfig) -> Fetcher[Any]:
    """The same, if it has all that a sync asks of it; ConfigurationError for one that would fail in its syncs."""
    asked = [name for name in vars(Fetcher) if not name.startswith("_")]
    missing = [name for name in asked if not callable(getattr(made, name, None))]
    if missing:
        raise ConfigurationError(
            f"{config.table_name}: what {config.fetcher!r} builds is no whole fetcher: "
            f"{type(made).__name__} has no {' and no '.join(f'`{name}`' for name in missing)}",
            hint="It keeps the contract of `Fetcher` in `afresh.core.ports`, which its authors have to meet; a class "
            "that has only `fetch` is named as `module:Class`.",
        )
    return made


def _post_processor(config: DataSourceConfig) -> PostProcessor | None:
    if config.post_processor is None:
        return None
    found = resolve(config.post_processor)
    made = found() if isinstance(found, type) else found
    if not isinstance(made, PostProcessor):
        raise ConfigurationError(
            f"{config.table_name}: {config.post_processor!r} is no post-processor: it has no `process`"
        )
    return made
