"""What the log says of every table at this moment; read only, also while a service of another process writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from afresh.core import schedule
from afresh.core.errors import ConfigurationError
from afresh.core.health import TableHealth, judge
from afresh.core.model import DataUpdate
from afresh.core.options import DataSourceConfig, DataSyncOptions
from afresh.core.schedule import Past
from afresh.engine.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The log's answers, and when they were given."""

    options: DataSyncOptions
    now: datetime
    pasts: Mapping[str, Past]
    running: tuple[DataUpdate, ...]

    def past(self, table_name: str) -> Past:
        """The past of a table; an empty one if nothing is known of it."""
        return self.pasts.get(table_name, Past(successes={}))

    def open_update(self, table_name: str) -> DataUpdate | None:
        """The update of that table that is running."""
        return next((update for update in self.running if update.table_name == table_name), None)

    def judged(self) -> tuple[TableHealth, ...]:
        """How every table stands."""
        return judge(self.options, self.pasts, self.running, self.now)


def outlook(service: Service) -> Outlook:
    """Asks the log."""
    log = service.workplace.cache.log
    return Outlook(
        options=service.options,
        pasts=schedule.pasts(log.last_updates(), log.failures()),
        running=tuple(log.history(open_only=True, limit=len(service.tables) + 100)),
        now=service.workplace.clock.now(),
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
