"""What commands have in common: which table or source is meant, and what the windows of a table bring and cannot."""

from collections.abc import Mapping

from afresh.core.errors import AfreshError, ConfigurationError
from afresh.core.judgement import Judgement
from afresh.core.lookback import Lookback
from afresh.core.options import DataSourceConfig, DataSyncOptions
from afresh.engine.service import Service
from afresh.engine.windows import lookbacks


def notes(service: Service, found: Judgement) -> Mapping[str, str]:
    """By table what its windows cannot bring; nothing while the cache cannot be asked. No source is asked for it."""
    tables = found.tables if found.unseen is None else ()
    told = {table.table_name: note(service, table.table_name) for table in tables}
    return {name: text for name, text in told.items() if text}


def note(service: Service, table_name: str) -> str | None:
    """What a window of this table cannot bring; nothing if code of the user's that should say it fails."""
    try:
        return service.tables[table_name].fetcher.misses()
    except AfreshError:
        return None


def lookback(service: Service, config: DataSourceConfig) -> tuple[Lookback, ...]:
    """What the latest syncs of the table say of the lookback of its windows; nothing while the cache cannot be
    asked."""
    try:
        return lookbacks(service.workplace.cache.log, config, service.options.lookback_multiplier)
    except AfreshError:
        return ()


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
