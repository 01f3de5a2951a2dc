"""How a sync applies its rows, and whether an extract may replace a table."""

import pytest
from tests.core.log_rows import DAILY, DAY, HOURLY, MASS, NOW, table

from afresh.core.errors import SuspiciousExtract
from afresh.core.model import DataUpdateTask, ReloadStrategy, UpdateType
from afresh.core.options import ScheduleConfig
from afresh.core.plan import check_shrink, plan_sync

SWAP, TRUNCATE = ReloadStrategy


def task(update_type: UpdateType) -> DataUpdateTask:
    """A task of a table."""
    minimum_dt = None if update_type is MASS else NOW
    return DataUpdateTask(
        table_name="Item", update_type=update_type, source_system="ERP", minimum_dt=minimum_dt, operation_id="o"
    )


@pytest.mark.parametrize("update_type", [DAILY, HOURLY])
def test_windows_merge(update_type: UpdateType) -> None:
    """Daily and Hourly merge, whatever the Mass does, and do not take rows whose stamp went back."""
    mass = ScheduleConfig(interval=DAY, prepurge_data=True, re_index_data=True)
    plan = plan_sync(task(update_type), table(mass=mass))
    assert (plan.reload, plan.trust_source, plan.re_index, plan.completes_with_data) == (None, False, False, True)
    assert plan.reason.startswith("read the window")


@pytest.mark.parametrize(
    ("prepurge", "re_index", "strategy", "expected"),
    [
        (False, False, SWAP, (None, False, True)),
        (False, True, SWAP, (None, True, False)),
        (True, False, SWAP, (SWAP, False, True)),
        (True, True, SWAP, (SWAP, False, True)),
        (True, False, TRUNCATE, (TRUNCATE, False, True)),
        (True, True, TRUNCATE, (TRUNCATE, True, False)),
    ],
)
def test_mass(
    prepurge: bool, re_index: bool, strategy: ReloadStrategy, expected: tuple[ReloadStrategy | None, bool, bool]
) -> None:
    """A Mass trusts the source; it replaces with prepurge, re-indexes what is not made anew, and then completes."""
    mass = ScheduleConfig(interval=DAY, prepurge_data=prepurge, re_index_data=re_index)
    plan = plan_sync(task(MASS), table(mass=mass, reload_strategy=strategy))
    assert plan.trust_source
    assert (plan.reload, plan.re_index, plan.completes_with_data) == expected


def test_mass_that_is_not_scheduled() -> None:
    """A Mass that is asked for where none is configured merges."""
    assert plan_sync(task(MASS), table(HOURLY)).reload is None


def test_post_processor_comes_before_completion() -> None:
    """Where a post-processor follows, the data does not complete the update."""
    assert not plan_sync(task(HOURLY), table(post_processor="x:Y")).completes_with_data


@pytest.mark.parametrize(
    ("existing", "loaded", "ratio", "refused"),
    [
        (0, 0, 0.5, False),
        (0, 1, 0.5, False),
        (10, 5, 0.5, False),
        (10, 4, 0.5, True),
        (11, 5, 0.5, True),
        (10, 10, 1.0, False),
        (10, 9, 1.0, True),
        (10, 1, 0.0, False),
        (10, 0, 0.0, True),
        (1, 0, 0.5, True),
        (10, 1_000, 0.5, False),
    ],
)
def test_shrink_guard(existing: int, loaded: int, ratio: float, refused: bool) -> None:
    """Nothing, or less than the ratio of what is there, is refused unless allowed; the message has both numbers."""
    check_shrink("Item", existing=existing, loaded=loaded, retained_ratio=ratio, allowed=True)
    if not refused:
        check_shrink("Item", existing=existing, loaded=loaded, retained_ratio=ratio, allowed=False)
        return
    with pytest.raises(SuspiciousExtract, match=f"has {loaded:,} rows where the table has {existing:,}") as caught:
        check_shrink("Item", existing=existing, loaded=loaded, retained_ratio=ratio, allowed=False)
    assert "afresh sync Item --mass --allow-shrink" in caught.value.hint
