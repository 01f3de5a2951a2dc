"""The hour that a clock change repeats, from the source's stamps to the cache."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from afresh import wiring
from afresh.core.model import Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.engine.cancellation import CancelToken
from afresh.testing.clock import ManualClock

FIRST_PASS = datetime(2026, 11, 1, 6, 50, tzinfo=UTC)
"""01:50 in Chicago, ten minutes before 02:00 becomes 01:00 again."""


@pytest.mark.parametrize("stamp_type", ["datetime", "timestamp"])
def test_a_change_in_the_second_pass_is_not_older(tmp_path: Path, stamp_type: str) -> None:
    """A row stamped 01:50 and changed twenty minutes later, when it is 01:10 again, is brought by the next window."""
    with closing(sqlite3.connect(tmp_path / "source.db")) as source, source:
        source.execute("CREATE TABLE T (Id INTEGER PRIMARY KEY, Name TEXT, Stamp DATETIME)")
        source.execute("INSERT INTO T VALUES (1, 'first', '2026-11-01 01:50:00')")
    clock = ManualClock(FIRST_PASS)
    hour = ScheduleConfig(interval=timedelta(hours=1))
    options = DataSyncOptions(
        cache=CacheConfig(url="sqlite:///cache.db"),
        source_systems={
            "S": SourceSystemConfig(kind="sqlite", time_zone="America/Chicago", options={"path": "source.db"})
        },
        data_sources=(
            DataSourceConfig(
                table_name="T",
                source_system="S",
                fetcher="table",
                fetcher_options={"cursor": ["Stamp"], "cursor_type": stamp_type},
                mass=hour,
                hourly=hour,
            ),
        ),
        base_directory=tmp_path,
    )
    service = wiring.assemble(options, emit=lambda event: None, clock=clock)
    service.sync_now("T", UpdateType.MASS, CancelToken())
    clock.advance(timedelta(minutes=20))
    with closing(sqlite3.connect(tmp_path / "source.db")) as source, source:
        source.execute("UPDATE T SET Name = 'second', Stamp = '2026-11-01 01:10:00'")
    clock.advance(timedelta(minutes=1))
    ended = service.sync_now("T", UpdateType.HOURLY, CancelToken())
    assert (ended.outcome, ended.counts.updated) == (Outcome.SUCCEEDED, 1)
    with closing(sqlite3.connect(tmp_path / "cache.db")) as cache:
        assert cache.execute("SELECT Name FROM T").fetchone() == ("second",)
