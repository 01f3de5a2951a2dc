"""A configuration as it was read: values that remember where they stand."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the file, in bytes."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable."""

    name: str


Place = Span | Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A value without parts.

    `loose` text comes from outside of the file and may stand for a number or a truth value; `origin` tells where
    a value was fetched from that must not be shown.
    """

    value: object
    place: Place
    loose: bool = False
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A list of values."""

    items: "tuple[Node, ...]"
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key with its value."""

    key: str
    place: Place
    node: "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Keys with values, in the order of the file. `place` is what a missing key is reported at."""

    entries: tuple[Entry, ...]
    place: Place

    def get(self, key: str) -> "Node | None":
        """The value of that exact key."""
        return next((entry.node for entry in self.entries if entry.key == key), None)


Node = Leaf | Array | Table


def plain(node: Node) -> object:
    """The value without its places."""
    match node:
        case Leaf():
            return node.value
        case Array():
            return [plain(item) for item in node.items]
        case Table():
            return {entry.key: plain(entry.node) for entry in node.entries}


def leaves(node: Node, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """Every value without parts, with the keys that lead to it."""
    match node:
        case Leaf():
            yield keys, node
        case Array():
            for item in node.items:
                yield from leaves(item, keys)
        case Table():
            for entry in node.entries:
                yield from leaves(entry.node, (*keys, entry.key))
