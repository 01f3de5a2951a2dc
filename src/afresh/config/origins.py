"""Where each setting that was given stands: its line in the file, or the variable that overrides it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from afresh.config.bind import Bound
from afresh.config.draft import SECTIONS, Draft
from afresh.config.nodes import Array, Leaf, Node, Place, Table, Variable
from afresh.config.text import Text


def origins(draft: Draft, text: Text) -> Mapping[tuple[str, ...], str]:
    """By the steps to a setting, such as `("data_sources", "Item", "hourly", "interval")`. What is not there was
    given nowhere, and has its default. No value is told, and of the file its name alone."""
    places = dict(_places(draft.bound, ()))
    if draft.cache is not None:
        places |= _places(draft.cache, ("cache",))
    for system in draft.systems:
        places |= _places(system.bound, ("source_systems", system.name))
    for source in draft.sources:
        if source.config is not None:
            places |= _places(source.bound, ("data_sources", source.config.table_name))
    name = Path(text.file).name
    return {steps: _told(place, text, name) for steps, place in places.items()}


def _places(bound: Bound, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Place]]:
    for name in bound.nodes:
        yield (*steps, name), bound.at(name)
        if name in bound.children:
            yield from _places(bound.children[name], (*steps, name))
        elif isinstance(bound.values.get(name), Mapping) and (steps or name not in SECTIONS):
            yield from _entries(bound.nodes[name], (*steps, name))


def _entries(node: Node, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Of a setting with keys that the user chose, each key's."""
    for entry in node.entries if isinstance(node, Table) else ():
        inner = entry.node
        yield (*steps, entry.key), inner.place if isinstance(inner, Leaf | Array) else entry.place
        yield from _entries(inner, (*steps, entry.key))


def _told(place: Place, text: Text, file: str) -> str:
    if isinstance(place, Variable):
        return f"environment variable {place.name}"
    return f"{file}, line {text.position(place.start)[0]}"
