"""Whatever happens in the source, a sync reported as successful has brought it."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.properties.freshness_machine import Freshness, LateCommits

BOUNDED = settings(max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class WithoutLookback(LateCommits):
    """Windows that begin exactly where the last one did."""

    lookback = 0.0


def test_freshness() -> None:
    """No row is lost, doubled or left over, and values are exact, after any edits and any syncs."""
    run_state_machine_as_test(Freshness, settings=BOUNDED)


def test_finds_loss_without_lookback() -> None:
    """Without a lookback a commit that comes late is lost, and these very rules find that out."""
    searching = settings(
        BOUNDED,
        max_examples=500,
        stateful_step_count=25,
        phases=[Phase.generate],
        derandomize=True,
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError, match=r"is lost|is still"):
        run_state_machine_as_test(WithoutLookback, settings=searching)
