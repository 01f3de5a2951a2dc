"""What the log says of a sync besides its outcome: where its time went, and why it failed."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import HOUR, HOURLY, MASS, item, make_rig, table_config

from afresh.core.cause import Cause
from afresh.core.errors import AfreshError, SourceRefused, SourceUnavailable
from afresh.core.model import Phase
from afresh.core.options import ScheduleConfig
from afresh.core.ports import Cancellation
from afresh.testing.clock import START, ManualClock
from afresh.testing.failpoints import Failing, Failpoint


class Slow:
    """A post-processor that takes a minute."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def process(self, table_name: str, cancel: Cancellation) -> None:
        self._clock.advance(timedelta(minutes=1))


def test_phases(directory: Path) -> None:
    """Each phase has the time it took, also the one in which the update is completed."""
    clock = ManualClock()
    rig = make_rig(directory, rows=[item(1), item(2)], clock=clock)
    slow_merge = Failpoint("in merge", lambda: clock.advance(timedelta(seconds=3)))
    rig = make_rig(directory, rows=[item(1), item(2)], clock=clock, cache=Failing(rig.cache, slow_merge))
    rig.sync(MASS)
    (update,) = rig.cache.log.last_updates()
    assert update.details is not None
    assert update.details.phases == {
        Phase.READ: timedelta(0),
        Phase.STAGE: timedelta(0),
        Phase.MERGE: timedelta(seconds=3),
    }
    assert (update.details.batches, update.details.skew) == (1, timedelta(0))
    assert update.details.plan.startswith("read everything and merge it")
    assert update.cause is None


def test_what_follows_the_data(directory: Path) -> None:
    """Indexes and the post-processor are phases of their own."""
    clock = ManualClock()
    config = table_config(mass=ScheduleConfig(interval=HOUR, re_index_data=True))
    rig = make_rig(directory, [config], rows=[item(1)], clock=clock, post_processor=Slow(clock))
    rig.sync(MASS)
    (update,) = rig.cache.log.last_updates()
    assert update.details is not None
    assert update.details.phases[Phase.INDEXES] == timedelta(0)
    assert update.details.phases[Phase.POST_PROCESS] == timedelta(minutes=1)


def test_a_clock_that_goes_back(directory: Path) -> None:
    """A clock that is set back in the middle of a phase makes no time negative."""
    clock = ManualClock()
    rig = make_rig(directory, clock=clock)
    set_back = Failpoint("in merge", lambda: clock.advance(-HOUR))
    rig = make_rig(directory, rows=[item(1)], clock=clock, cache=Failing(rig.cache, set_back))
    rig.sync(MASS)
    (update,) = rig.cache.log.last_updates()
    assert update.details is not None
    assert min(update.details.phases.values()) == timedelta(0)


def test_skew(directory: Path) -> None:
    """How far the source's clock is from ours is kept."""
    rig = make_rig(directory, rows=[item(1)])
    rig.source._clock = ManualClock(START + timedelta(minutes=-7))
    rig.sync(MASS)
    (update,) = rig.cache.log.last_updates()
    assert update.details is not None
    assert (update.details.skew, update.source_dt) == (timedelta(minutes=-7), START - timedelta(minutes=7))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (SourceUnavailable("the line dropped"), Cause.SOURCE_UNREACHABLE),
        (SourceRefused("no such user"), Cause.LOGIN_REFUSED),
        (ZeroDivisionError("division by zero"), Cause.DEFECT),
    ],
)
def test_cause(directory: Path, error: AfreshError, cause: Cause) -> None:
    """A sync that failed keeps why, and how far it had come."""
    rig = make_rig(directory, rows=[item(number) for number in range(10)])
    rig.source.fail_after = (8, error)
    rig.sync(HOURLY)
    (update,) = rig.history()
    assert update.cause is cause
    assert update.details is not None
    assert Phase.READ in update.details.phases


def test_cause_of_a_suspicious_extract(directory: Path) -> None:
    """A table that would shrink too much says so by its cause."""
    config = table_config(mass=ScheduleConfig(interval=HOUR, prepurge_data=True))
    rig = make_rig(directory, [config], rows=[item(1), item(2)])
    rig.sync(MASS)
    rig.source.table.clear()
    rig.sync(MASS)
    assert rig.history()[0].cause is Cause.SHRANK
