"""Fetchers as a user writes them, for `load`."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Order:
    """A row."""

    number: int


class Orders:
    """A class that yields rows."""

    key = "number"

    def fetch(self) -> Iterator[Order]:
        """One order."""
        yield Order(1)


class Inside:
    """A place for another class."""

    Orders = Orders
