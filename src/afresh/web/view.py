"""What every request asks: the service, and how things stand with it."""

from afresh.core.errors import AfreshError
from afresh.core.judgement import Judgement
from afresh.core.lookback import Lookback
from afresh.core.options import DataSourceConfig
from afresh.engine.judging import Judging
from afresh.engine.service import Service
from afresh.engine.windows import lookbacks
from afresh.web.shared import Pages, Pieces


class View:
    """A service as the web interface sees it, and what is made of one judgement for all who look."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._judging = Judging(service)
        self.pages = Pages()
        self.pieces = Pieces()

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

    def lookbacks(self, table_name: str) -> tuple[Lookback, ...]:
        """What the latest syncs say of the lookback of the table's windows; nothing while the cache cannot be asked."""
        place, multiplier = self.service.workplace, self.service.options.lookback_multiplier
        try:
            return lookbacks(place.cache.log, self.config(table_name), multiplier)
        except AfreshError:
            return ()
