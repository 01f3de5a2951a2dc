"""Results in pages, on a stand-in for the session that says what it was asked."""

from collections.abc import Iterator
from typing import Any, cast
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from afresh.sources.odbc_driver import Room
from afresh.sources.odbc_mysql import MYSQL
from afresh.sources.odbc_pages import coalesced, in_pages, next_rows
from afresh.sources.odbc_plain import GENERIC
from afresh.sources.odbc_postgres import POSTGRES
from afresh.sources.odbc_profile import Profile
from afresh.sources.odbc_steps import NARROW, Limits, Steps

ROOM = Room(rows=10, text=10, memory=1_000, ahead=True)


class Pages:
    """A fake of a session: `n m` as SQL gives at most m rows from n on, two to a batch."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.asked: list[str] = []

    def batches(self, sql: str, room: Room) -> Iterator[pa.RecordBatch]:
        """Notes the statement at once, as a session sends it."""
        del room
        self.asked.append(sql)
        first, most = map(int, sql.split())
        end = min(first + most, self.rows)
        return map(batch, (range(at, min(at + 2, end)) for at in range(first, end, 2)))


def batch(numbers: Any) -> pa.RecordBatch:
    """A batch of one column."""
    return pa.RecordBatch.from_pydict({"n": pa.array(list(numbers), pa.int64())})


def paged(pages: Pages) -> Iterator[pa.RecordBatch]:
    """All rows of it."""

    def page(last: pa.RecordBatch | None, most: int) -> str:
        return f"{0 if last is None else last.column(0)[-1].as_py() + 1} {most}"

    return in_pages(cast("Any", pages), ROOM, 4, page)


@pytest.mark.parametrize("rows", [0, 1, 4, 7, 8, 15, 16, 17])
def test_pages_deliver_each_row_once(rows: int) -> None:
    """Whether the last page is full, partly so or empty."""
    assert [n for found in paged(Pages(rows)) for n in found.column(0).to_pylist()] == list(range(rows))


def test_the_next_page_is_asked_for_before_the_rows_are_handed_on() -> None:
    """So the server makes it while they are looked at."""
    pages = Pages(8)
    next(paged(pages))
    assert pages.asked == ["0 4", "4 12"]


def test_large_rows_do_not_wait_for_the_end_of_their_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many bytes are held."""
    monkeypatch.setattr("afresh.sources.odbc_pages._HELD", 1)
    pages = Pages(8)
    next(paged(pages))
    assert pages.asked == ["0 4"]


@pytest.mark.parametrize(("row_bytes", "rows"), [(0, 60_000), (100, 60_000), (400, 41_943), (10_000, 5_000)])
def test_pages_are_of_about_as_many_bytes(row_bytes: int, rows: int) -> None:
    """Within bounds of the first one's rows."""
    assert next_rows(20_000, row_bytes, larger=True) == rows


def test_pages_of_large_rows_have_one_at_least() -> None:
    """However few the first one had; and never more than that one, whose rows may have been small by chance."""
    assert next_rows(1, 10**9, larger=False) == 1
    assert next_rows(8, 100, larger=False) == 8


def test_batches_are_joined_up_to_their_rows_and_do_not_wait_for_one_more() -> None:
    """One that is as large as may be is there before the next small one is asked for."""
    taken: list[int] = []

    def small() -> Iterator[pa.RecordBatch]:
        for at in range(0, 14, 2):
            taken.append(at)
            yield batch(range(at, at + 2))

    joined = coalesced(small(), 5)
    assert next(joined).num_rows == 4
    assert taken == [0, 2]
    assert [found.num_rows for found in joined] == [4, 4, 2]


@pytest.mark.parametrize(
    ("profile", "text", "expected"),
    [(MYSQL, 1_024, True), (POSTGRES, NARROW, True), (MYSQL, NARROW + 1, False), (GENERIC, 1_024, False)],
)
def test_only_results_that_the_driver_holds_are_fetched_ahead(profile: Profile, text: int, expected: bool) -> None:
    """A fetch that may wait for the server is made where it can be broken off, and room for large values not twice."""
    steps = Steps(
        profile=profile, dialect=profile.dialect(ZoneInfo("UTC")), limits=Limits(text=100_000, memory=1_000_000)
    )
    assert steps.room(10, text, 1).ahead is expected
