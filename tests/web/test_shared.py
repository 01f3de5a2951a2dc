"""What many viewers are shown alike is made once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from afresh.web.shared import Pages, Pieces


def test_a_page_is_made_once_for_all_who_come() -> None:
    """Ten that ask at the same time wait for the one that makes it."""
    made: list[int] = []
    begun, pages, judgement = threading.Event(), Pages(), object()

    def make() -> str:
        made.append(1)
        begun.wait(0.05)
        return "page"

    with ThreadPoolExecutor(10) as executor:
        found = list(executor.map(lambda _number: pages.get(judgement, "/", make), range(10)))
    assert (found, len(made)) == (["page"] * 10, 1)


def test_the_next_judgement_has_pages_of_its_own() -> None:
    """A page is never that of an earlier judgement, nor that of another address."""
    pages, first, second = Pages(), object(), object()
    assert pages.get(first, "/", lambda: "a") == "a"
    assert pages.get(first, "/?q=x", lambda: "b") == "b"
    assert pages.get(second, "/", lambda: "c") == "c"


def test_an_error_is_not_kept() -> None:
    """Who comes after one whose page could not be made tries again."""
    pages, judgement = Pages(), object()
    with pytest.raises(ZeroDivisionError):
        pages.get(judgement, "/", lambda: 1 // 0)
    assert pages.get(judgement, "/", lambda: 2) == 2


def test_a_piece_is_kept_as_long_as_its_stamp_is_the_same() -> None:
    """With another stamp it is made again."""
    pieces = Pieces(3_000)
    assert pieces.get("A", 1, lambda: "first") == "first"
    assert pieces.get("A", 1, lambda: "not made") == "first"
    assert pieces.get("A", 2, lambda: "second") == "second"
    assert pieces.get("B", 2, lambda: "of another") == "of another"
