"""The last round of the demo: the source is quiet, and every table is synced once more."""

from concurrent.futures import ThreadPoolExecutor

from afresh.core import schedule
from afresh.core.facts import Facts
from afresh.core.health import judge
from afresh.core.model import UpdateType
from afresh.core.states import State
from afresh.engine.cancellation import CancelToken
from afresh.engine.service import Service

_ROUNDS = 3


def last_round(service: Service) -> None:
    """Syncs every table; then again those that are not fresh, for on a slow machine one round may outlast a short
    interval."""
    service.recover()
    tables = list(service.tables)
    for _ in range(_ROUNDS):
        seen = service.facts()
        with ThreadPoolExecutor(service.options.max_degree_of_parallelism) as pool:
            list(pool.map(lambda name, seen=seen: _sync(service, seen, name), tables))
        # Between the rounds this is the service that looks after the tables.
        service.note_check()
        tables = [table.table_name for table in judge(service.facts()) if table.state is not State.FRESH]
        if not tables:
            return


def _sync(service: Service, seen: Facts, table_name: str) -> None:
    config = service.options.data_source(table_name)
    if config is None:
        return
    decision = schedule.decide(config, service.options, seen.past(table_name), seen.now, frozenset(), lambda: "")
    update_type = decision.task.update_type if decision.task else UpdateType.HOURLY
    service.sync_now(table_name, update_type, CancelToken())
