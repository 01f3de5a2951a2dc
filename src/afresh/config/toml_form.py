"""A TOML file as nodes: the values from `tomllib`, their places from tree-sitter."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import tree_sitter
import tree_sitter_toml

from afresh.config.brackets import too_long_number
from afresh.config.findings import Findings
from afresh.config.nodes import Array, Entry, Leaf, Node, Span, Table
from afresh.config.text import Text
from afresh.config.toml_errors import Fault, fault, without

Path = tuple[str | int, ...]

_LANGUAGE = tree_sitter.Language(tree_sitter_toml.language())
_MOST = 20


def read(text: Text, findings: Findings) -> tuple[Table | None, bool]:
    """The file as a table; None if it cannot be parsed at all. True if faulty lines were left out."""
    content, errors = text.content, 0
    while True:
        try:
            values = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            found = _note(error, content, text, findings)
            errors += 1
            if not found.goes_on or errors == _MOST:
                return None, True
            content = without(content, found.line)
        except ValueError:
            findings.add(too_long_number(content), "the number has too many digits")
            return None, True
        else:
            return _assembled(values, content.encode()), errors > 0


def _note(error: tomllib.TOMLDecodeError, content: str, text: Text, findings: Findings) -> Fault:
    """Notes a syntax error."""
    repeats = _places(content.encode()).twice
    found = fault(error, content, lambda line: repeats.get(line))
    start = text.offset(found.line, found.column)
    end = text.line(found.line)[1] if found.whole_line else start + 1
    findings.add(Span(start, max(end, start)), found.message, found.suggestion)
    return found


# ------------------------------------------------------------------------------------------------- places


@dataclass(slots=True)
class _Places:
    """Where each path has its key and its value, and for a line that repeats something, the first line."""

    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)
    twice: dict[int, int] = field(default_factory=dict)


def _places(data: bytes) -> _Places:
    places = _Places()
    root = tree_sitter.Parser(_LANGUAGE).parse(data).root_node
    for child in root.named_children:
        if child.type == "pair":
            _pair(child, (), places)
        elif child.type in ("table", "table_array_element"):
            _header(child, places)
    return places


def _assembled(values: Mapping[str, object], data: bytes) -> Table:
    places = _places(data)
    whole = Span(0, data.find(b"\n") if b"\n" in data else len(data))
    node = _node(values, (), places, whole)
    assert isinstance(node, Table), "a TOML file is a table"
    return node


def _node(value: object, path: Path, places: _Places, around: Span) -> Node:
    place = places.values.get(path) or places.keys.get(path) or around
    if isinstance(value, Mapping):
        entries = tuple(
            Entry(
                key=key,
                place=places.keys.get((*path, key), place),
                node=_node(inner, (*path, key), places, place),
            )
            for key, inner in value.items()
        )
        return Table(entries=entries, place=place)
    if isinstance(value, list):
        items = tuple(_node(inner, (*path, index), places, place) for index, inner in enumerate(value))
        return Array(items=items, place=place)
    return Leaf(value=value, place=place)


def _header(node: tree_sitter.Node, places: _Places) -> None:
    name = node.named_children[0]
    segments = list(_segments(name))
    many = node.type == "table_array_element"
    path: Path = ()
    for number, (key, span) in enumerate(segments):
        path = (*path, key)
        last = number == len(segments) - 1
        places.keys.setdefault(path, span)
        if last and many:
            path = (*path, places.lengths.get(path, 0))
            places.lengths[path[:-1]] = int(path[-1]) + 1
            places.values[path] = Span(node.start_byte, name.end_byte + 2)
        elif last:
            _repeated(node, path, places)
            places.keys[path] = span
            places.values[path] = Span(node.start_byte, name.end_byte + 1)
        elif path in places.lengths:
            path = (*path, places.lengths[path] - 1)
    for pair in node.named_children[1:]:
        if pair.type == "pair":
            _pair(pair, path, places)


def _pair(node: tree_sitter.Node, path: Path, places: _Places) -> None:
    parts = [child for child in node.named_children if child.type != "comment"]
    if len(parts) != 2:
        return
    for key, span in _segments(parts[0]):
        path = (*path, key)
        places.keys.setdefault(path, span)
    _repeated(node, path, places)
    _value(parts[1], path, places)


def _repeated(node: tree_sitter.Node, path: Path, places: _Places) -> None:
    if path in places.lines:
        places.twice[node.start_point[0] + 1] = places.lines[path]
    places.lines.setdefault(path, node.start_point[0] + 1)


def _value(node: tree_sitter.Node, path: Path, places: _Places) -> None:
    places.values[path] = Span(node.start_byte, node.end_byte)
    if node.type == "inline_table":
        for pair in node.named_children:
            if pair.type == "pair":
                _pair(pair, path, places)
    elif node.type == "array":
        items = [child for child in node.named_children if child.type != "comment"]
        for index, item in enumerate(items):
            _value(item, (*path, index), places)


def _segments(name: tree_sitter.Node) -> Iterator[tuple[str, Span]]:
    if name.type == "dotted_key":
        for child in name.named_children:
            yield from _segments(child)
    else:
        yield _key(name), Span(name.start_byte, name.end_byte)


def _key(node: tree_sitter.Node) -> str:
    text = (node.text or b"").decode()
    if node.type != "quoted_key":
        return text
    return str(tomllib.loads(f"value = {text}")["value"])
