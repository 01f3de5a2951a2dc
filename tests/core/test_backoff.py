"""How long to wait after failures."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh.core.backoff import delay

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("failures", "minutes"), [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 4), (7, 60), (33, 60), (10**9, 60)]
)
def test_delay(failures: int, minutes: int) -> None:
    """It doubles from the base and stays at the cap, for any number of failures."""
    assert delay(failures, base=MINUTE, cap=60 * MINUTE) == minutes * MINUTE


@given(
    st.integers(0, 200),
    st.timedeltas(timedelta(seconds=1), timedelta(days=30)),
    st.timedeltas(MINUTE, 400 * 24 * 60 * MINUTE),
)
def test_grows_to_the_cap(failures: int, base: timedelta, cap: timedelta) -> None:
    """It never shrinks with another failure and never exceeds the cap."""
    assert timedelta(0) <= delay(failures, base=base, cap=cap) <= delay(failures + 1, base=base, cap=cap) <= cap
