"""How long sources take to answer is measured at each sync, and is told of them afterwards."""

from datetime import timedelta
from pathlib import Path

from tests.wiring.live import live

from afresh import wiring
from afresh.core.events import Event
from afresh.core.model import Outcome
from afresh.engine.judging import judged


def test_a_source_with_a_clock_is_measured(tmp_path: Path) -> None:
    """The log keeps it, so that a process that has asked no source tells it too."""
    with live("postgres", tmp_path) as found:
        assert judged(found.service).sources[0].latency is None
        assert found.sync().outcome is Outcome.SUCCEEDED
        details = found.last.details
        assert details is not None
        assert details.latency is not None
        assert timedelta(0) < details.latency < timedelta(seconds=30)
        events: list[Event] = []
        another = wiring.assemble(found.service.options, emit=events.append)
        try:
            assert judged(another).sources[0].latency == details.latency
        finally:
            another.release()


def test_a_source_whose_clock_is_ours_is_not(tmp_path: Path) -> None:
    """It is asked nothing, so there is nothing to measure."""
    with live("sqlite", tmp_path) as found:
        assert found.sync().outcome is Outcome.SUCCEEDED
        assert found.last.details is not None
        assert found.last.details.latency is None
        assert judged(found.service).sources[0].latency is None
