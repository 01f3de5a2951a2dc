"""Settings from environment variables: `AFRESH__CACHE__URL` stands for `url` in `cache`, and wins over the file."""

from collections.abc import Mapping

from afresh.config.find import PREFIX
from afresh.config.findings import Findings
from afresh.config.nodes import Array, Entry, Leaf, Node, Table, Variable


def overlaid(table: Table, environ: Mapping[str, str], findings: Findings) -> Table:
    """The table with what the environment sets; its values are texts that may stand for any single value."""
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        steps = name.removeprefix(PREFIX).split("__")
        if not all(steps):
            findings.add(Variable(name), "the parts of the name are joined by two underscores, and none is empty")
            continue
        leaf = Leaf(value=environ[name], place=Variable(name), loose=True, origin="this variable")
        changed = _set(table, steps, leaf, Variable(name), findings)
        if isinstance(changed, Table):
            table = changed
    return table


def _set(node: Node, steps: list[str], leaf: Leaf, place: Variable, findings: Findings) -> Node:
    if not steps:
        return leaf
    step, rest = steps[0], steps[1:]
    if isinstance(node, Array):
        if not step.isdecimal() or int(step) >= len(node.items):
            findings.add(place, f"expected the number of an item, from 0 to {len(node.items) - 1}, instead of {step}")
            return node
        items = [
            _set(item, rest, leaf, place, findings) if index == int(step) else item
            for index, item in enumerate(node.items)
        ]
        return Array(items=tuple(items), place=node.place)
    entries = list(node.entries) if isinstance(node, Table) else []
    for index, entry in enumerate(entries):
        if _fold(entry.key) == _fold(step):
            changed = _set(entry.node, rest, leaf, place, findings)
            entries[index] = Entry(key=entry.key, place=entry.place, node=changed)
            return Table(entries=tuple(entries), place=node.place)
    inner = _set(Table(entries=(), place=place), rest, leaf, place, findings)
    entries.append(Entry(key=step, place=place, node=inner))
    return Table(entries=tuple(entries), place=node.place if isinstance(node, Table) else place)


def _fold(key: str) -> str:
    return key.replace("_", "").lower()
