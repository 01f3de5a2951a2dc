"""Keys that come twice are found by hashes first, and by a search of staging only if some are alike."""

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from afresh.caches.sqlite_keys import KeyHashes

VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([-1, -2, 0, 2**61 - 1, 2**61 - 2]),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    st.binary(),
)


def test_nothing_seen_is_nothing_twice() -> None:
    """An empty batch has no duplicates."""
    assert KeyHashes().all_differ()


def test_a_key_of_another_piece_is_remembered() -> None:
    """The pieces of a batch count together, and so do the columns of a key."""
    keys = KeyHashes()
    keys.add([[1, 1], ["a", "b"]])
    assert keys.all_differ()
    keys.add([[2, 1], ["a", "b"]])
    assert not keys.all_differ()


def test_hashes_that_are_alike_call_for_a_look() -> None:
    """-1 and -2 have one hash in Python: whether they are one key is not for the hashes to say."""
    keys = KeyHashes()
    keys.add([[-1, -2]])
    assert not keys.all_differ()


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
def test_keys_that_sqlite_takes_for_the_same_are_never_missed(pairs: list[tuple[object, object]]) -> None:
    """If all hashes differ, SQLite finds as many keys as rows."""
    keys = KeyHashes()
    for first, second in pairs:
        keys.add([[first], [second]])
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE staging (a, b)")
        connection.executemany("INSERT INTO staging VALUES (?, ?)", pairs)
        (distinct,) = connection.execute("SELECT count(*) FROM (SELECT DISTINCT a, b FROM staging)").fetchone()
    assert not keys.all_differ() or distinct == len(pairs)
