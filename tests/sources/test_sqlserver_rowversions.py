"""What row versions say of open transactions, where these may not be seen."""

import random
from datetime import UTC, datetime, timedelta

from afresh.sources.sqlserver_rowversions import Rowversions

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """An instant, so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def test_nothing_open() -> None:
    """If nothing is open that has a row version, nothing is said: others may be open."""
    assert Rowversions().begin_of_open(NOON, 101, 100) is None


def test_open() -> None:
    """What is open has its first row version from after the last time that all that were given out were smaller."""
    seen = Rowversions()
    for minutes, last_given in [(0, 100), (2, 100), (4, 130)]:
        assert seen.begin_of_open(at(minutes), last_given + 1, last_given) is None
    assert seen.begin_of_open(at(6), 131, 150) == at(4)
    assert seen.begin_of_open(at(8), 130, 150) == at(2)
    assert seen.begin_of_open(at(9), 101, 160) == at(2)


def test_longer_than_we_look() -> None:
    """What was open before anything was seen is open since then, at least."""
    seen = Rowversions()
    assert seen.begin_of_open(at(0), 50, 100) == at(0)
    assert seen.begin_of_open(at(30), 50, 200) == at(0)


def test_another_database() -> None:
    """After a restore, row versions begin anew, and so does what is known of them."""
    seen = Rowversions()
    seen.begin_of_open(at(0), 1_001, 1_000)
    assert seen.begin_of_open(at(5), 11, 10) is None
    assert seen.begin_of_open(at(10), 11, 12) == at(5)


def test_a_day_is_kept() -> None:
    """What is remembered is no more than a day of minutes."""
    seen = Rowversions()
    for second in range(0, 3 * 86_400, 20):
        seen.begin_of_open(NOON + timedelta(seconds=second), second + 2, second + 1)
    found = seen.begin_of_open(NOON + timedelta(days=3), 1, 10**6)
    assert found == NOON + timedelta(days=2, minutes=1)


def test_never_too_late() -> None:
    """Whatever transactions do, none got its first row version before the instant that is told."""
    for seed in range(200):
        chance, seen, given, begun, minute = random.Random(seed), Rowversions(), 0, dict[int, float](), 0.0
        seen.begin_of_open(at(0), 1, 0)
        for _ in range(60):
            minute += chance.random() * 3
            for _row in range(chance.randrange(4)):
                given += 1
                if chance.random() < 0.3:
                    begun[given] = minute
            for version in [version for version in begun if chance.random() < 0.2]:
                del begun[version]
            minute += 0.01
            found = seen.begin_of_open(at(minute), min(begun, default=given + 1), given)
            assert (found is None) == (not begun)
            assert found is None or found <= at(min(begun.values()))
