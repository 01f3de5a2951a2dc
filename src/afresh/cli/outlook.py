"""How things stand, as commands tell it. Everything that they say of it comes from `standing`, wherever it is read."""

from dataclasses import dataclass
from datetime import datetime

from afresh.core.errors import AfreshError, CacheError, ConfigurationError
from afresh.core.facts import SourceState
from afresh.core.health import TableHealth, judge, judge_unseen, worst
from afresh.core.options import DataSourceConfig, DataSyncOptions
from afresh.core.states import WORST_FIRST, Health, State
from afresh.engine.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One judgement of everything, and for each table what its windows cannot bring. `unseen` says why the cache
    could not be asked."""

    at: datetime
    tables: tuple[TableHealth, ...]
    notes: tuple[str | None, ...]
    unseen: AfreshError | None = None
    sources: tuple[SourceState, ...] = ()

    @property
    def health(self) -> Health:
        """That of the worst table."""
        return worst(self.tables)

    @property
    def all_fresh(self) -> bool:
        """Whether every table that is synced is fresh."""
        return all(table.state in (State.FRESH, State.DISABLED) for table in self.tables)

    @property
    def worst_first(self) -> tuple[TableHealth, ...]:
        """The tables, those that need you first; in one state, as they are configured."""
        return tuple(sorted(self.tables, key=lambda table: WORST_FIRST.index(table.state)))

    def of(self, table_name: str) -> TableHealth:
        """The judgement of one table, which must be configured."""
        return next(table for table in self.tables if table.table_name == table_name)


def standing(service: Service) -> Standing:
    """How things stand at this moment; while the cache cannot be asked, of no table anything."""
    try:
        facts = service.facts()
    except CacheError as error:
        return Standing(
            at=service.workplace.clock.now(),
            tables=judge_unseen(service.options, error),
            notes=(None,) * len(service.options.data_sources),
            unseen=error,
        )
    tables = judge(facts)
    return Standing(
        at=facts.now,
        tables=tables,
        notes=tuple(_note(service, table.table_name) for table in tables),
        sources=tuple(facts.source(name) for name in service.options.source_systems),
    )


def data_source(options: DataSyncOptions, table_name: str) -> DataSourceConfig:
    """The data source of that table; ConfigurationError, with those there are, if there is none."""
    found = options.data_source(table_name)
    if found is None:
        raise ConfigurationError(
            f"there is no data source {table_name!r}",
            hint=f"The tables are: {', '.join(source.table_name for source in options.data_sources)}.",
        )
    return found


def source_system(options: DataSyncOptions, name: str) -> None:
    """ConfigurationError, with those there are, if no table is read from a source system of that name."""
    known = dict.fromkeys(source.source_system for source in options.data_sources)
    if name not in known:
        raise ConfigurationError(
            f"there is no source system {name!r}", hint=f"The source systems are: {', '.join(known)}."
        )


def one_of(table: str | None, source: str | None) -> tuple[str, str]:
    """The table and the source that a command was given, of which one is empty; ConfigurationError for both or none."""
    if bool(table) == bool(source):
        raise ConfigurationError("give either a table, or a source with --source", hint="One of them, not both.")
    return table or "", source or ""


def _note(service: Service, table_name: str) -> str | None:
    """What a window of this table cannot bring; nothing while its source cannot be asked."""
    try:
        return service.tables[table_name].fetcher.explain(service.workplace.clock.now()).misses
    except AfreshError:
        return None
