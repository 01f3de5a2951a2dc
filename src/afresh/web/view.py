"""What every request asks: the service, and how things stand with it."""

from collections.abc import Sequence

from afresh.core.errors import AfreshError
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.lookback import Lookback
from afresh.core.model import DataUpdate
from afresh.core.options import DataSourceConfig
from afresh.engine.judging import Judging
from afresh.engine.service import Service
from afresh.engine.windows import lookbacks
from afresh.web.shared import Pages, Pieces

_MOST_PIECES, _MOST_TABLES = 3_000, 40
"""So many pieces of pages are kept, and the updates of so many tables."""


class View:
    """A service as the web interface sees it, and what is made of one judgement for all who look."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._judging = Judging(service)
        self.pages = Pages()
        self.pieces = Pieces(_MOST_PIECES)
        self._tables = Pieces(_MOST_TABLES)

    def now(self) -> Judgement:
        """How things stand, at most two seconds ago."""
        return self._judging.now()

    def known(self) -> Judgement | None:
        """How things stand, if that was found out just now; waits for nothing."""
        return self._judging.known()

    def forget(self) -> None:
        """The next who looks sees what is so then."""
        self._judging.forget()

    def config(self, table_name: str) -> DataSourceConfig:
        """The configuration of a table; ConfigurationError if it is not kept."""
        return self.service.options.kept(table_name)

    def updates(self, table: TableHealth, most: int) -> Sequence[DataUpdate]:
        """The latest updates of a table, so many at most; read again when one has started or ended."""
        if table.unseen is not None:
            return ()
        log = self.service.workplace.cache.log
        key = ("updates", table.table_name, most)
        return self._tables.get(key, table.stamp, lambda: log.history(table_name=table.table_name, limit=most))

    def lookbacks(self, table: TableHealth) -> tuple[Lookback, ...]:
        """What the latest syncs say of the lookback of the table's windows; nothing while the cache cannot be asked."""
        log, multiplier = self.service.workplace.cache.log, self.service.options.lookback_multiplier
        config = self.config(table.table_name)
        try:
            return self.pieces.get(
                ("lookbacks", table.table_name), table.stamp, lambda: lookbacks(log, config, multiplier)
            )
        except AfreshError:
            return ()
