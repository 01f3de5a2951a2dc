"""Rows that have ended are read once."""

from dataclasses import replace

from afresh.caches.remembered import Remembered
from afresh.core.model import DataUpdate, UpdateType
from afresh.testing.clock import START

ROW = DataUpdate(
    table_name="A",
    source_system="S",
    update_type=UpdateType.HOURLY,
    operation_id="one",
    instance_id="x",
    start_dt=START,
    sequence=1,
)


def test_only_what_is_not_known_is_read() -> None:
    """The second time nothing is read, and of a longer list only the new row."""
    asked: list[list[int]] = []
    rows = {1: ROW, 2: replace(ROW, operation_id="two", sequence=2)}

    def read(numbers: list[int]) -> list[DataUpdate]:
        asked.append(numbers)
        return [rows[number] for number in numbers]

    known = Remembered()
    assert known.rows([(1, "one")], read) == [rows[1]]
    assert known.rows([(1, "one")], read) == [rows[1]]
    assert known.rows([(1, "one"), (2, "two")], read) == [rows[1], rows[2]]
    assert asked == [[1], [2]]


def test_another_log_with_the_same_numbers_is_read() -> None:
    """Where the cache's file was replaced, the row of that number is another one."""
    other = replace(ROW, operation_id="other")
    known = Remembered()
    known.rows([(1, "one")], lambda _numbers: [ROW])
    assert known.rows([(1, "other")], lambda _numbers: [other]) == [other]


def test_a_row_that_was_purged_meanwhile_is_left_out() -> None:
    """Nobody is told of a success that is not there any more."""
    assert Remembered().rows([(1, "one")], lambda _numbers: []) == []
