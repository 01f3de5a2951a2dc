"""The fetcher `sample`: rows without a source."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fetchers.fetched import context_of, rows

from afresh.core.errors import Cancelled
from afresh.core.model import SourceInstant
from afresh.core.ports import Fetcher
from afresh.fetchers.sample import SAMPLE, SampleOptions
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import START, ManualClock


def sample(clock: ManualClock | None = None, batch_rows: int = 100, **options: Any) -> Fetcher[Any]:
    """The fetcher on a clock of its own."""
    return SAMPLE.build(context_of(SampleOptions(**options), batch_rows=batch_rows, clock=clock or ManualClock()))


def test_the_same_hour_gives_the_same_rows() -> None:
    """Rows depend on options and hour alone, not on the size of batches."""
    assert rows(sample(rows=250)) == rows(sample(rows=250, batch_rows=7))
    assert rows(sample(rows=250)) != rows(sample(rows=250, seed=2))
    assert [row["Id"] for row in rows(sample(rows=250))] == list(range(250))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100), st.integers(0, 90), st.sampled_from([0.0, 0.003, 0.01, 0.2, 1.0]))
def test_a_window_brings_all_that_changed(hours: int, minutes: int, ratio: float) -> None:
    """Whatever differs from an earlier state has a stamp since, and comes with the window."""
    clock = ManualClock()
    fetcher = sample(clock, rows=200, changed_ratio=ratio)
    before = {row["Id"]: row for row in rows(fetcher)}
    since = clock.now()
    clock.advance(timedelta(hours=hours, minutes=minutes))
    after = {row["Id"]: row for row in rows(fetcher)}
    window = {row["Id"]: row for row in rows(fetcher, since)}
    assert before | window == after
    assert all(row["LastUpdateDT"] >= since for row in window.values())
    assert all(row["LastUpdateDT"] <= clock.now() for row in after.values())


def test_some_rows_change_each_hour() -> None:
    """About the share that was asked for."""
    clock = ManualClock()
    fetcher = sample(clock, rows=10_000, changed_ratio=0.02)
    clock.advance(timedelta(hours=1))
    assert 120 <= len(rows(fetcher, START + timedelta(seconds=1))) <= 280


def test_it_explains_itself() -> None:
    """The number of rows is known without a statement; the clock is the service's."""
    explained = sample(rows=1500).explain(None)
    assert explained.notes == ("Rows are made up: 1,500, of which 1.0% of them change in each hour.",)
    assert explained.expected_rows == 1500
    assert sample(rows=1500).explain(START).expected_rows is None
    assert sample().clock() == SourceInstant(now=START)
    assert not SAMPLE.needs_source


def test_it_can_be_cancelled() -> None:
    """A request is obeyed before the next batch."""
    cancel = ManualCancellation()
    batches = sample(rows=1000, batch_rows=10).fetch(None, cancel)
    next(batches)
    cancel.request()
    with pytest.raises(Cancelled):
        next(batches)
