"""When a sync has the source asked for its columns again."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import DAILY, HOURLY, MASS, Rig, item, make_rig

from afresh.core.cause import Cause
from afresh.core.errors import ConfigurationError, FetcherError, QueryFailed, SourceUnavailable
from afresh.core.schema import TableSchema


@pytest.fixture
def rig(directory: Path) -> Rig:
    """A table that has been loaded."""
    found = make_rig(directory, rows=[item(1)])
    found.sync(MASS)
    return found


def forgotten(rig: Rig) -> int:
    """How often since it was asked last."""
    count, rig.source.forgotten = rig.source.forgotten, 0
    return count


def test_each_mass_and_daily_asks_again(rig: Rig) -> None:
    """Also the first sync; an Hourly relies on what they were told."""
    assert forgotten(rig) == 1
    rig.sync(HOURLY)
    assert forgotten(rig) == 0
    for update_type in (DAILY, MASS):
        rig.sync(update_type)
        assert forgotten(rig) == 1


def test_an_hourly_asks_again_where_nobody_else_does(rig: Rig) -> None:
    """A day after the source was asked last, whatever was synced meanwhile."""
    forgotten(rig)
    rig.clock.advance(timedelta(hours=23, minutes=59))
    rig.sync(HOURLY)
    assert forgotten(rig) == 0
    rig.clock.advance(timedelta(minutes=1))
    rig.sync(HOURLY)
    assert forgotten(rig) == 1


@pytest.mark.parametrize(("error", "asks"), [(QueryFailed("no such column"), 1), (SourceUnavailable("it is away"), 0)])
def test_a_sync_after_one_that_failed_asks_again(rig: Rig, error: Exception, asks: int) -> None:
    """Unless trying again unchanged may help: a source that was away is asked for nothing more than before."""
    forgotten(rig)
    rig.source.fail_after = (0, error)
    rig.sync(HOURLY)
    assert forgotten(rig) == asks


def test_what_worked_is_not_called_a_wrong_configuration(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the source has no longer is its change; with a service that has never seen it, it is the configuration."""

    def lacks() -> TableSchema:
        raise ConfigurationError("the source has no column 'Name'", hint="Did you mean 'Names'?")

    monkeypatch.setattr(rig.source, "schema", lacks)
    ended = rig.sync(DAILY)
    assert (ended.failure is not None, rig.history()[0].cause) == (True, Cause.SCHEMA_CHANGED)
    assert ended.failure is not None
    assert (str(ended.failure), getattr(ended.failure, "hint", "")) == (
        "the source has no column 'Name'", "Did you mean 'Names'?",
    )  # fmt: skip


def test_a_wrong_configuration_is_called_so(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first sync of a service finds it."""
    rig = make_rig(directory)

    def lacks() -> TableSchema:
        raise ConfigurationError("the source has no column 'Name'")

    monkeypatch.setattr(rig.source, "schema", lacks)
    rig.sync(MASS)
    assert rig.history()[0].cause is Cause.CONFIGURATION


def test_a_fetcher_that_cannot_forget_does_not_hide_why_a_sync_failed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the first error, and the update is not left open."""

    def fails() -> None:
        raise FetcherError("it cannot forget")

    monkeypatch.setattr(rig.source, "forget", fails)
    rig.source.fail_after = (0, QueryFailed("no such column"))
    rig.sync(HOURLY)
    assert rig.history()[0].error_message == "no such column"
