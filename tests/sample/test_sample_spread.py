"""Rows that belong to others: computed both ways, without gaps."""

import numpy as np
import pytest

from afresh.sample.draws import Draws
from afresh.sample.spread import Spread


@pytest.mark.parametrize(("parents", "children"), [(1, 1), (1, 50), (7, 3), (10, 10), (40, 219), (100, 100), (3, 4)])
def test_every_child_has_its_place(parents: int, children: int) -> None:
    """Children are shared out in order and without remainder, and parent and position lead back to the child."""
    spread = Spread(draws=Draws(3), name="test", parents=parents, children=children)
    child = np.arange(children)
    parent = spread.parent(child)
    assert (spread.start(parent) + spread.position(child) == child).all()
    assert (np.diff(parent) >= 0).all()
    assert (spread.position(child) < spread.size(parent)).all()
    assert spread.size(np.arange(parents)).sum() == children


def test_sizes_differ_around_the_average() -> None:
    """With six children each on average, parents have four to eight."""
    spread = Spread(draws=Draws(3), name="test", parents=1_000, children=6_000)
    assert set(spread.size(np.arange(1, 999)).tolist()) == {4, 5, 6, 7, 8}


def test_draws_are_functions_of_name_and_index() -> None:
    """A draw depends on seed, name and index, not on what was drawn before or together with it."""
    together = Draws(1).below("a", np.arange(100), 1_000)
    assert Draws(1).below("a", np.array([42]), 1_000)[0] == together[42]
    assert (Draws(1).below("b", np.arange(100), 1_000) != together).any()
    assert (Draws(2).below("a", np.arange(100), 1_000) != together).any()


def test_draws_are_even() -> None:
    """Each number below the limit comes about as often as the others, and none from the limit on."""
    counts = np.bincount(Draws(5).below("even", np.arange(100_000), 10))
    assert len(counts) == 10
    assert counts.min() > 9_500
    assert counts.max() < 10_500
