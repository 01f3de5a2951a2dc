"""What the rows of all tables agree on: which item a work order makes, whose lot is used, when it happened.

Everything is a function of an index; nothing is stored but the texts of items and business units.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from afresh.sample import words
from afresh.sample.draws import Draws, Ints
from afresh.sample.spread import Spread
from afresh.sample.wall import DAY, Wall
from afresh.sample.words import Words

FIRST_ITEM = 60_001
FIRST_ADDRESS = 1_001
FIRST_WORK_ORDER = 400_001
FIRST_PURCHASE_ORDER = 700_001
FIRST_SALES_ORDER = 550_001
FIRST_LOT = 100_001

_LINES_PER_ORDER = 3
_LEVELS = (10, 25, 40)
"""Percent of the items that are finished, that or assemblies, that or parts made in house; the rest is purchased."""


class World:
    """One sample: its seed, its sizes and its present."""

    def __init__(self, *, seed: int, counts: Mapping[str, int], wall: Wall) -> None:
        self.draws = Draws(seed)
        self.counts = counts
        self.wall = wall
        self.items = counts["F4101"]
        self.work_orders = counts["F4801"]
        self.levels = tuple(self.items * percent // 100 for percent in _LEVELS)
        self.made = self.levels[-1]
        lot_items = self.items - self.items // 4
        self.branches_of_item = self._spread("F4102", self.items, wobble=2)
        self.bill_lines = self._spread("F3002", self.made)
        self.locations = self._spread("F41021", self.items)
        self.references = self._spread("F4104", self.items)
        self.lots = self._spread("F4108", lot_items)
        self.steps = self._spread("F3112", self.work_orders)
        self.parts = self._spread("F3111", self.work_orders)
        self.hours = self._spread("F31122", self.work_orders)
        self.moves = self._spread("F4111", self.work_orders)
        self.results = self._spread("MisData", self.work_orders)
        self.purchase_lines = self._spread("F4311", max(1, counts["F4311"] // _LINES_PER_ORDER))
        self.sales_lines = self._spread("F4211", max(1, counts["F4211"] // _LINES_PER_ORDER))

    def _spread(self, table: str, parents: int, wobble: int = 3) -> Spread:
        children = max(1, self.counts[table])
        return Spread(draws=self.draws, name=table, parents=parents, children=children, wobble=wobble)

    # ------------------------------------------------------------------------------------------------ texts

    @cached_property
    def long_numbers(self) -> Words:
        """LITM of each item."""
        return words.padded([f"PN-{10_023 + item}" for item in range(self.items)], 25)

    @cached_property
    def third_numbers(self) -> Words:
        """AITM of each item."""
        return words.padded([f"AX{item:06d}" for item in range(self.items)], 25)

    @cached_property
    def descriptions(self) -> Words:
        """DSC1 of each item."""
        nouns = words.ITEM_NOUNS
        picks = self.draws.below("noun", np.arange(self.items), len(nouns)).tolist()
        return words.padded([f"{nouns[pick]} {item}" for item, pick in enumerate(picks)], 30)

    @cached_property
    def units(self) -> Words:
        """Business units: the branches, then the work centers."""
        centers = [words.unit(f"W{3000 + number}") for number in range(self.counts["F0006"] - len(words.BRANCHES))]
        return np.array([*words.BRANCHES, *centers], dtype=object)

    # ------------------------------------------------------------------------------------------------ items

    def level(self, item: Ints) -> Ints:
        """0 finished, 1 assembly, 2 part made in house, 3 purchased."""
        return np.searchsorted(np.array(self.levels), item, side="right").astype(np.int64)

    def branch(self, item: Ints) -> Ints:
        """The branch where an item lives, as a position in `units`."""
        return item % len(words.BRANCHES)

    def measure(self, item: Ints) -> Words:
        """The unit of measure of items."""
        return words.UNITS_OF_MEASURE[item % len(words.UNITS_OF_MEASURE)]

    def component(self, parent: Ints, position: Ints) -> Ints:
        """The item on a line of the bill of a made item: one of the next level, or a purchased one."""
        bounds = np.array([*self.levels, self.items])
        line = parent * 1009 + position
        level = np.where(position % 2 == 0, self.level(parent), 2)
        low, high = bounds[level], bounds[level + 1]
        return low + self.draws.below("component", line, high - low)

    def purchased(self, name: str, index: Ints) -> Ints:
        """A purchased item for each index."""
        return self.made + self.draws.below(name, index, self.items - self.made)

    def unit_cost(self, item: Ints) -> Ints:
        """Cost with 4 implied decimals."""
        return 100 + self.draws.below("cost", item, 2_000_000)

    # ------------------------------------------------------------------------------------------- lots, people

    def lot_item(self, lot: Ints) -> Ints:
        """The item of a lot: three of four items have lots."""
        rank = self.lots.parent(lot)
        return rank + rank // 3

    def lot_for(self, name: str, index: Ints, item: Ints) -> Ints:
        """A lot of the item for each index; -1 where the item has none."""
        rank = np.where(item % 4 == 3, 0, item - item // 4)
        size = np.where(item % 4 == 3, 0, self.lots.size(rank))
        pick = self.lots.start(rank) + self.draws.below(name, index, np.maximum(size, 1))
        return np.where((size > 0) & (self.counts["F4108"] > 0), pick, -1)

    def lot_texts(self, lot: Ints) -> list[str]:
        """LOTN of lots; blank for -1."""
        blank = words.BLANK_LOT
        return [f"L{FIRST_LOT + number:<29d}" if number >= 0 else blank for number in lot.tolist()]

    def supplier(self, name: str, index: Ints) -> Ints:
        """The address number of a supplier: two of five addresses are."""
        pick = self.draws.below(name, index, self.counts["F0101"] // 5 * 2)
        return FIRST_ADDRESS + pick // 2 * 5 + pick % 2

    def customer(self, name: str, index: Ints) -> Ints:
        """The address number of a customer: two of five addresses are."""
        return self.supplier(name, index) + 2

    def employee(self, name: str, index: Ints) -> Ints:
        """The address number of an employee: one of five addresses is."""
        return FIRST_ADDRESS + self.draws.below(name, index, self.counts["F0101"] // 5) * 5 + 4

    # ------------------------------------------------------------------------------------------- work orders

    def order_item(self, order: Ints) -> Ints:
        """The item that a work order makes."""
        return self.draws.below("order item", order, self.made)

    def order_quantity(self, order: Ints) -> Ints:
        """Pieces ordered."""
        return 1 + self.draws.below("order quantity", order, 500)

    def ordered(self, order: Ints) -> Ints:
        """When a work order was entered."""
        return self.wall.moment(order, self.work_orders)

    def done(self, order: Ints) -> Ints:
        """Whether a work order is completed, as 0 or 1: most are after five weeks."""
        age = self.wall.now - self.ordered(order)
        return ((age > 35 * DAY) & ~self.draws.chance("slow", order, 8)).astype(np.int64)

    def during(self, name: str, index: Ints, order: Ints, days: int = 30) -> Ints:
        """A reading within so many days after a work order was entered, for each index."""
        start = self.ordered(order)
        reading = self.wall.at_work(start + self.draws.below(name, index, days * DAY))
        return np.maximum(reading, start)

    def center(self, item: Ints, step: Ints) -> Ints:
        """The work center where an item has its routing step, as a position in `units`."""
        branches = len(words.BRANCHES)
        return branches + self.draws.below("center", item * 64 + step, self.counts["F0006"] - branches)
