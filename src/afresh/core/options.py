"""The settings, as frozen values. `config` makes them from a file; a program may make them itself.

The description of each setting is its reference documentation: `docs/reference/options.md` and the JSON Schema are
generated from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from afresh.core.errors import ConfigurationError
from afresh.core.model import ReloadStrategy, UpdateType

DEFAULT = "default"
"""The origin of what was given nowhere."""

_NAMED = 20
"""So many tables are named to one who asks for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    """When a table is synced in one way."""

    interval: Annotated[timedelta, Field(gt=timedelta(0), description="Time from one start to the next.")]
    enabled: Annotated[bool, Field(description="Whether this schedule is followed.")] = True
    prepurge_data: Annotated[
        bool, Field(description="Mass only: afterwards the table holds what the source held, no more.")
    ] = False
    re_index_data: Annotated[bool, Field(description="Mass only: rebuild all indexes of the table afterwards.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSourceConfig:
    """One table to keep fresh."""

    table_name: Annotated[str, Field(min_length=1, description="Name of the table in the cache.")]
    source_system: Annotated[str, Field(min_length=1, description="Name of the source system it is read from.")]
    fetcher: Annotated[
        str,
        Field(
            min_length=1,
            description="What reads it: `table`, `query`, `jde:F4801`, `sample`, a named fetcher, or `module:Class`.",
        ),
    ]
    fetcher_options: Annotated[Mapping[str, Any], Field(description="Settings of the fetcher.")] = field(
        default_factory=dict
    )
    post_processor: Annotated[
        str | None, Field(description="What runs after the data is in: `module:Class` or an entry point.")
    ] = None
    is_enabled: Annotated[bool, Field(description="Whether the table is synced at all.")] = True
    mass: Annotated[ScheduleConfig | None, Field(description="Schedule of the full read.")] = None
    daily: Annotated[ScheduleConfig | None, Field(description="Schedule of the daily window.")] = None
    hourly: Annotated[ScheduleConfig | None, Field(description="Schedule of the hourly window.")] = None
    reload_strategy: Annotated[
        ReloadStrategy, Field(description="How a Mass with `prepurge_data` replaces the table.")
    ] = ReloadStrategy.SWAP
    minimum_retained_ratio: Annotated[
        float,
        Field(ge=0, le=1, description="A Mass with fewer rows than this share of the table does not replace it."),
    ] = 0.5

    partitions: Annotated[
        int, Field(ge=1, description="Reads side by side of which a full read of the table is made up.")
    ] = 1
    partition_by: Annotated[
        str | None,
        Field(min_length=1, description="Column by whose ranges the reads are cut; by default the source chooses."),
    ] = None

    def schedule(self, update_type: UpdateType) -> ScheduleConfig | None:
        """The schedule of that type, if it is configured and enabled."""
        found = {UpdateType.MASS: self.mass, UpdateType.DAILY: self.daily, UpdateType.HOURLY: self.hourly}[update_type]
        return found if found is not None and found.enabled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSystemConfig:
    """A named connection to a database that is only read."""

    kind: Annotated[str, Field(min_length=1, description="Kind of database: `sqlite`.")]
    time_zone: Annotated[
        str, Field(description="IANA zone of the wall clock readings in this source, such as `America/Chicago`.")
    ] = "UTC"
    max_sessions: Annotated[
        int,
        Field(
            ge=1,
            description="Most connections open to it at the same time, by all services on this cache together.",
        ),
    ] = 4
    idle_timeout: Annotated[
        timedelta,
        Field(gt=timedelta(0), description="A read that brings nothing for so long is broken off, and tried again."),
    ] = timedelta(minutes=15)
    longest_read: Annotated[
        timedelta | None,
        Field(gt=timedelta(0), description="A read that takes longer in all is broken off; by default none is."),
    ] = None
    retries: Annotated[
        int,
        Field(ge=0, description="Times that a read is begun again at once if the source fails before its first row."),
    ] = 2
    retry_wait: Annotated[
        timedelta,
        Field(
            gt=timedelta(0),
            description="Wait before the first such retry, doubled for each further one, and shortened at random.",
        ),
    ] = timedelta(seconds=1)
    max_rows_per_second: Annotated[
        int | None, Field(ge=1, description="Most rows that this service reads from it in a second, over all tables.")
    ] = None
    batch_time: Annotated[
        timedelta,
        Field(
            gt=timedelta(0),
            description="Time that a batch may take to arrive: a slow table is read in batches smaller than "
            "`bulk_copy_batch_size`.",
        ),
    ] = timedelta(seconds=5)
    breaker_failures: Annotated[
        int,
        Field(ge=1, description="Syncs in a row that fail for the source's sake until its tables wait for it."),
    ] = 5
    breaker_pause: Annotated[
        timedelta,
        Field(gt=timedelta(0), description="Time that they wait until one of them tries whether it is back."),
    ] = timedelta(minutes=5)
    quiet_hours: Annotated[
        tuple[str, ...],
        Field(
            description='When it is left alone: `["22:00-06:00", "sat-sun 00:00-24:00"]`. No Mass and no Daily is '
            "begun then; the days are those on which a span begins."
        ),
    ] = ()
    quiet_zone: Annotated[str | None, Field(description="IANA zone of the quiet hours; by default `time_zone`.")] = None
    quiet_hourly: Annotated[bool, Field(description="Whether Hourly syncs keep the quiet hours too.")] = False
    clock_skew_limit: Annotated[
        timedelta,
        Field(gt=timedelta(0), description="A clock that goes wrong by more than this against ours is warned about."),
    ] = timedelta(minutes=1)
    show_values: Annotated[
        bool, Field(description="Whether errors and `DataQuarantine` show values that do not fit; else their shape.")
    ] = False
    options: Annotated[Mapping[str, Any], Field(description="Settings of the kind of database.")] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """The destination database."""

    url: Annotated[str, Field(min_length=1, description="Where the cache is: `sqlite:///cache.db`.")]
    lock_timeout: Annotated[
        timedelta, Field(gt=timedelta(0), description="How long a write waits for another writer.")
    ] = timedelta(minutes=2)


Scope = Literal["read", "operate", "admin"]
"""What a token allows: to look; also to run, cancel, pause and resume; also to accept a shrink and reset a breaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """One token of the web interface. Only its hash is written down: `afresh token` makes both."""

    sha256: Annotated[
        str, Field(pattern=r"^[0-9a-f]{64}$", description="The SHA-256 of the token, in hexadecimal digits.")
    ]
    scope: Annotated[
        Scope,
        Field(
            description="What it allows: `read`; `operate`, which also runs, cancels, pauses and resumes; `admin`, "
            "which also accepts a shrink, resets a breaker and sees the configuration."
        ),
    ] = "read"
    expires: Annotated[date | None, Field(description="The first day (UTC) on which it is valid no more.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The dashboard, the health endpoints and the admin API, served by the service itself."""

    host: Annotated[
        str,
        Field(
            min_length=1,
            description="Address to listen on. One that is not of this machine alone needs tokens, and TLS or a proxy.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0: one that is free.")] = 0
    tokens: Annotated[
        Mapping[str, TokenConfig], Field(description="Who may ask, by name. Without any, everybody on this machine.")
    ] = field(default_factory=dict)
    allowed_hosts: Annotated[
        tuple[str, ...], Field(description="Names by which it is called, besides those of this machine.")
    ] = ()
    tls_certificate: Annotated[Path | None, Field(description="Certificate chain (PEM) for https.")] = None
    tls_key: Annotated[Path | None, Field(description="The certificate's private key (PEM).")] = None
    behind_proxy: Annotated[
        bool, Field(description="Whether a proxy in front of it ends TLS; only it may reach the port.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSyncOptions:
    """Everything the service is told."""

    cache: Annotated[CacheConfig, Field(description="The destination database.")]
    source_systems: Annotated[
        Mapping[str, SourceSystemConfig], Field(description="The databases that are read, by name.")
    ] = field(default_factory=dict)
    data_sources: Annotated[tuple[DataSourceConfig, ...], Field(description="The tables to keep fresh.")] = ()
    check_interval: Annotated[
        timedelta, Field(gt=timedelta(0), description="Time between two looks at the schedules.")
    ] = timedelta(seconds=60)
    max_degree_of_parallelism: Annotated[int, Field(ge=1, description="Most syncs running at the same time.")] = 4
    batch_size: Annotated[int, Field(ge=1, description="Rows that are staged and merged together.")] = 1_000_000
    bulk_copy_batch_size: Annotated[int, Field(ge=1, description="Rows that are read and copied together.")] = 10_000
    lookback_multiplier: Annotated[
        float, Field(ge=0, description="Intervals that a window reaches back before the last anchor.")
    ] = 3.0
    purge_retention_days: Annotated[int, Field(ge=1, description="Days that ended DataUpdate rows are kept.")] = 90
    strict_schedules: Annotated[
        bool, Field(description="Whether each type needs a success of its own; else a Mass satisfies all three.")
    ] = False
    shutdown_timeout: Annotated[
        timedelta, Field(ge=timedelta(0), description="Time that running syncs get to end before they are cancelled.")
    ] = timedelta(seconds=30)

    web: Annotated[
        WebConfig | None, Field(description="Dashboard, health endpoints and admin API; without it there are none.")
    ] = None

    base_directory: Path = Path()
    """What relative paths in the options are relative to: the directory of the configuration file."""

    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict, compare=False)
    """Where each setting was given, by the steps to it, such as `("data_sources", "Item", "hourly", "interval")`; what
    is not there has its default."""

    def origin(self, *steps: str) -> str:
        """Where that setting was given, or `default`."""
        return self.origins.get(steps, DEFAULT)

    def data_source(self, table_name: str) -> DataSourceConfig | None:
        """The data source of that table, if there is one."""
        return next((source for source in self.data_sources if source.table_name == table_name), None)

    def kept(self, table_name: str) -> DataSourceConfig:
        """The data source of that table; ConfigurationError, with some that there are, if there is none."""
        found = self.data_source(table_name)
        if found is None:
            names = [source.table_name for source in self.data_sources]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            raise ConfigurationError(
                f"there is no data source {table_name!r}", hint=f"The tables are: {', '.join(names[:_NAMED])}{more}."
            )
        return found
