"""A source's clock that goes wrong is warned about once."""

from datetime import timedelta
from pathlib import Path

from tests.engine.rig import HOURLY, MASS, item, make_rig

from afresh.core.events import ClockSkewed
from afresh.core.model import SourceInstant
from afresh.core.options import SourceSystemConfig
from afresh.testing.clock import ManualClock
from afresh.testing.source import MemoryFetcher


def test_a_skewed_clock_is_one_warning_until_it_is_right_again(directory: Path) -> None:
    """Five minutes ahead, with a limit of one: one event for all syncs, and another after it had been set right."""
    rig = make_rig(directory, rows=[item(1)], source_systems={"ERP": SourceSystemConfig(kind="memory")})
    theirs = ManualClock(rig.clock.now() + timedelta(minutes=5))
    source = rig.service.tables["Item"].fetcher
    assert isinstance(source, MemoryFetcher)
    source.clock = lambda: SourceInstant(now=theirs.now())  # type: ignore[method-assign]
    rig.sync(MASS)
    rig.sync(HOURLY)
    (warned,) = rig.of(ClockSkewed)
    assert (warned.source_system, warned.skew) == ("ERP", timedelta(minutes=5))
    theirs.set(rig.clock.now())
    rig.sync(HOURLY)
    theirs.advance(timedelta(hours=-1))
    rig.sync(HOURLY)
    assert [event.skew for event in rig.of(ClockSkewed)] == [timedelta(minutes=5), timedelta(hours=-1)]
