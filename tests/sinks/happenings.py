"""One event of each kind, for tests that go through all of them."""

from datetime import UTC, datetime, timedelta

from afresh.core import events
from afresh.core.errors import SourceUnavailable
from afresh.core.model import DataUpdateTask, MergeCounts, Outcome, Phase, PhaseSpan, UpdateType

AT = datetime(2026, 10, 5, 12, 0, 0, tzinfo=UTC)
TASK = DataUpdateTask(
    table_name="WorkOrder",
    update_type=UpdateType.HOURLY,
    source_system="JDE",
    minimum_dt=AT - timedelta(hours=4),
    operation_id="0123456789abcdef0123456789abcdef",
    reason="Hourly: interval 1:00:00",
)
COUNTS = MergeCounts(inserted=3, updated=2, unchanged=95, deleted=1, duplicates=4)
SECOND = timedelta(seconds=1)

STARTED = events.SyncStarted(at=AT, task=TASK, source_dt=AT, expected_rows=200)
STAGED = events.RowsStaged(at=AT, task=TASK, rows=50, total_rows=50)
SUCCEEDED = events.SyncEnded(
    at=AT, task=TASK, outcome=Outcome.SUCCEEDED, rows=100, counts=COUNTS, duration=timedelta(seconds=1.5)
)
SPENT = events.TimeSpent(
    at=AT,
    task=TASK,
    phases=(
        PhaseSpan(phase=Phase.READ, began=AT - SECOND, ended=AT, spent=SECOND / 4),
        PhaseSpan(phase=Phase.STAGE, began=AT - SECOND / 2, ended=AT, spent=SECOND / 4),
        PhaseSpan(phase=Phase.MERGE, began=AT - SECOND / 4, ended=AT, spent=SECOND / 4),
    ),
)
FAILED = events.SyncEnded(
    at=AT,
    task=TASK,
    outcome=Outcome.FAILED,
    rows=0,
    counts=MergeCounts(),
    duration=SECOND,
    failure=SourceUnavailable("source JDE: there is no file", hint="See whether the source is up."),
)

EACH: tuple[events.Event, ...] = (
    events.ServiceStarted(at=AT, instance_id="here/1/2/3", tables=17),
    events.ServiceStopping(at=AT, running=2),
    events.ServiceStopped(at=AT, instance_id="here/1/2/3"),
    events.UpdatesClosed(at=AT, operation_ids=("a",), tables=("WorkOrder",)),
    events.LeftoversDropped(at=AT, names=("Shadow1",)),
    events.UpdatesPurged(at=AT, rows=5, before=AT),
    events.Checked(at=AT, due=(TASK,), running=("Item",)),
    events.CheckFailed(at=AT, error="cache.db: disk I/O error", hint="Look at the disk."),
    events.RunsMissed(at=AT, table_name="WorkOrder", update_type="Hourly", missed=3, since=AT),
    events.BreakerOpened(at=AT, source_system="JDE", failures=5, until=AT, error="away", hint="Look at it."),
    events.BreakerClosed(at=AT, source_system="JDE"),
    events.ClockSkewed(at=AT, source_system="JDE", skew=SECOND, limit=SECOND),
    events.ClockWentBack(at=AT, table_name="WorkOrder", last=AT),
    STARTED,
    events.TableCreated(at=AT, task=TASK, columns=7),
    events.ColumnsAdded(at=AT, task=TASK, columns=("Colour",)),
    events.ValuesMisfit(at=AT, task=TASK, column="Amount", policy="null", rows=2, reason="too many digits"),
    STAGED,
    events.BatchMerged(at=AT, task=TASK, batch=1, rows=100, counts=COUNTS, duration=SECOND),
    events.TableReloaded(at=AT, task=TASK, strategy="swap", counts=COUNTS, duration=SECOND),
    SPENT,
    SUCCEEDED,
    FAILED,
)


def kinds() -> set[type[events.Event]]:
    """Every kind of event that can happen: those of the module that no other is made from."""
    every = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)}
    return {kind for kind in every if not any(kind in other.__bases__ for other in every)}
