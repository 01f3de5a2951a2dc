"""How the windows of a table have done, from the log."""

from afresh.core.lookback import Lookback, judged
from afresh.core.model import Outcome
from afresh.core.options import DataSourceConfig
from afresh.core.ports import UpdateLog

_SUCCESSES = 100
"""So many of a table's latest successes are looked at."""


def lookbacks(log: UpdateLog, config: DataSourceConfig, multiplier: float) -> tuple[Lookback, ...]:
    """What the latest syncs of the table say of the lookback of its windows, one for each schedule of windows."""
    latest = log.history(table_name=config.table_name, outcome=Outcome.SUCCEEDED, limit=_SUCCESSES)
    return judged(config, multiplier, latest)
