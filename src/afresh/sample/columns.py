"""Pieces of rows that many tables share. A row piece maps aliases (or names, for other tables) to values."""

from collections.abc import Sequence
from typing import TypeAlias

from afresh.sample import words
from afresh.sample.draws import Ints
from afresh.sample.wall import DAY, clock_time, julian
from afresh.sample.words import Words, pad
from afresh.sample.world import FIRST_ITEM, World

Values: TypeAlias = int | str | Ints | Words | Sequence[int | str | None]
"""One value for all rows, or a value for each."""
Columns: TypeAlias = dict[str, Values]

QUANTITY = 10_000
"""The sample's quantities have 4 implied decimals."""
HOURS = 100
LINE = 1_000
STEP = 1_000
"""An operation sequence of 10.00, with 2 implied decimals."""


def audit(world: World, name: str, index: Ints, changed: Ints, program: str, time: str = "TDAY") -> Columns:
    """Who changed a row, with what, where and when."""
    return {
        "USER": words.USERS[world.draws.below(f"{name} user", index, len(words.USERS))],
        "PID": pad(program, 10),
        "JOBN": words.STATIONS[world.draws.below(f"{name} station", index, len(words.STATIONS))],
        "UPMJ": julian(changed),
        time: clock_time(changed),
    }


def item_numbers(world: World, item: Ints, aliases: tuple[str, str, str] = ("ITM", "LITM", "AITM")) -> Columns:
    """The three numbers of an item."""
    short, long, third = aliases
    return {short: numbers(item), long: world.long_numbers[item], third: world.third_numbers[item]}


def numbers(item: Ints) -> Ints:
    """The short item numbers of items."""
    return FIRST_ITEM + item


def masters_changed(world: World, name: str, index: Ints) -> Ints:
    """When master rows were last changed: any time in the sample's days."""
    span = world.wall.days * DAY
    return world.wall.at_work(world.wall.now - span + world.draws.below(f"{name} changed", index, span))
