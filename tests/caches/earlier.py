"""The cache's own tables as they were before there were details, causes and actions."""

from afresh.core.cause import Cause
from afresh.core.model import Completion, DataUpdate, Outcome, UpdateDetails, UpdateType
from afresh.core.ports import Cache
from afresh.testing.kit_rig import Bench, at, completion


def check_brought_up_to_date(bench: Bench, *make_earlier: str) -> None:
    """What an earlier version wrote is read as it was, and the first write makes room for what is new."""
    for name in ("Old", "Item"):
        bench.end(bench.start(name))
    before = list(bench.cache.log.history())
    bench.cache.close()
    for statement in make_earlier:
        bench.execute(statement)
    later = bench.reopened()
    detailed(later.cache, "Item")
    now = list(later.cache.log.history())
    assert now[1:] == before
    assert (now[0].cause, now[0].details) == (Cause.SOURCE_SLOW, UpdateDetails(batches=7))
    assert [update.table_name for update in later.cache.log.last_updates()] == ["Old", "Item"]
    later.cache.log.start(_update("b" * 32, "Old"))
    later.cache.log.complete(completion("b" * 32))
    assert {update.details for update in later.cache.log.last_updates()} == {None}
    assert later.cache.actions.recent() == []
    later.cache.close()


def detailed(cache: Cache, table_name: str) -> None:
    """A sync that fails, with a cause and details."""
    cache.log.start(_update("a" * 32, table_name))
    cache.log.complete(
        Completion(
            operation_id="a" * 32,
            end_dt=at(9),
            outcome=Outcome.FAILED,
            number_records=-1,
            cause=Cause.SOURCE_SLOW,
            details=UpdateDetails(batches=7),
        )
    )


def _update(operation_id: str, table_name: str) -> DataUpdate:
    return DataUpdate(
        table_name=table_name,
        source_system="Kit",
        update_type=UpdateType.HOURLY,
        operation_id=operation_id,
        instance_id="kit",
        start_dt=at(8),
    )
