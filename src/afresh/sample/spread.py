"""How the rows of one table belong to those of another: so many routing steps to each work order."""

from dataclasses import dataclass

import numpy as np

from afresh.sample.draws import Draws, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """`children` rows shared out to `parents` rows in order, unevenly: each gets the average, give or take
    `wobble` - 1. Nothing is stored: both directions are computed."""

    draws: Draws
    name: str
    parents: int
    children: int
    wobble: int = 3

    def start(self, parent: Ints) -> Ints:
        """The first child of each parent (of a parent without children: of the next one that has some)."""
        wobble = min(self.wobble, self.children // self.parents)
        start = parent * self.children // self.parents
        if wobble <= 1:
            return start
        inner = (parent > 0) & (parent < self.parents)
        return start + np.where(inner, self.draws.below(self.name, parent, wobble), 0)

    def size(self, parent: Ints) -> Ints:
        """How many children each parent has."""
        return self.start(parent + 1) - self.start(parent)

    def parent(self, child: Ints) -> Ints:
        """The parent of each child."""
        guess = ((child + 1) * self.parents - 1) // self.children
        return guess - (self.start(guess) > child)

    def position(self, child: Ints) -> Ints:
        """The place of each child among its parent's, from 0."""
        return child - self.start(self.parent(child))
