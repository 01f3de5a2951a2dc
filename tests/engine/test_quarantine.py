"""Rows that were left out lie in the side table, and what a policy changed is counted."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from tests.engine.rig import Rig, item, make_rig

from afresh.core.errors import FetcherError
from afresh.core.events import ValuesMisfit
from afresh.core.model import Misfit, Outcome
from afresh.core.ports import Reading
from afresh.core.select import Policy


def misfit(number: int, policy: Policy = Policy.QUARANTINE) -> Misfit:
    """A value that did not fit, of the row with that number."""
    return Misfit(
        column="Name", policy=policy, rows=1, reason="int16 cannot hold it exactly", key=f"Id={number}", value="'99'"
    )


def report(rig: Rig, *misfits: Misfit, fails: bool = False) -> None:
    """Makes the source report these before its first row; then it fails, if it is to."""
    fetch = rig.source.fetch

    def reporting(minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        for found in misfits:
            cancel.report(found)
        yield from fetch(minimum_dt, cancel)
        if fails:
            raise FetcherError("it broke")

    rig.source.fetch = reporting  # type: ignore[method-assign] # a source that reports


def quarantined(directory: Path) -> list[tuple[str, str, str, str]]:
    """The side table as another program reads it."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return connection.execute(
            "SELECT TableName, RowKey, ColumnName, Value FROM DataQuarantine ORDER BY RowKey"
        ).fetchall()


def test_rows_that_were_left_out_are_kept(directory: Path) -> None:
    """Each is written once, however often it is seen, and the sync succeeds and says so."""
    rig = make_rig(directory, rows=[item(1)])
    report(rig, misfit(7), misfit(8))
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert quarantined(directory) == [("Item", "Id=7", "Name", "'99'"), ("Item", "Id=8", "Name", "'99'")]
    assert [(event.column, event.policy, event.rows) for event in rig.of(ValuesMisfit)] == [
        ("Name", "quarantine", 2)
    ] * 2


@pytest.mark.parametrize("policy", [Policy.NULL, Policy.CLAMP])
def test_values_that_were_changed_are_counted(directory: Path, policy: Policy) -> None:
    """They are said in an event, and no side table is made for them."""
    rig = make_rig(directory, rows=[item(1)])
    report(rig, misfit(7, policy), misfit(8, policy))
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert [(event.policy, event.rows) for event in rig.of(ValuesMisfit)] == [(policy, 2)]
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        quarantined(directory)


def test_a_sync_that_fails_has_kept_them(directory: Path) -> None:
    """What was left out before the failure is on record; the next sync writes the same rows again."""
    rig = make_rig(directory, rows=[item(1)])
    report(rig, misfit(7), fails=True)
    assert rig.sync().outcome is Outcome.FAILED
    assert rig.history()[0].number_records == -1


def test_the_side_table_is_not_a_data_source(directory: Path) -> None:
    """An empty read that left out every row still records them."""
    rig = make_rig(directory)
    report(rig, misfit(1))
    assert rig.sync().outcome is Outcome.SUCCEEDED
    assert rig.history()[0].number_records == 0
    assert len(quarantined(directory)) == 1
