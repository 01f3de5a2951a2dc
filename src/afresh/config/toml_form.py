"""A TOML file as nodes: the values from `tomllib`, their places from tree-sitter."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import tree_sitter
import tree_sitter_toml

from afresh.config.brackets import open_bracket, open_string
from afresh.config.findings import Findings
from afresh.config.nodes import Array, Entry, Leaf, Node, Span, Table
from afresh.config.text import Text

Path = tuple[str | int, ...]

_LANGUAGE = tree_sitter.Language(tree_sitter_toml.language())
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_MOST = 20

_EXPECTED = (
    ("Invalid initial character for a key part", "expected the name of a setting here"),
    ("Invalid value", "expected a value here: text in quotes, a number, true, false, a list or a table"),
    ("Expected '=' after a key", "expected `=` and a value after the name"),
    ("Expected newline or end of document", "expected the line to end here"),
    ("Cannot overwrite a value", "this setting is given twice"),
    ("Duplicate inline table key", "this setting is given twice"),
    ("Cannot declare", "this table is given twice"),
    ("Cannot redefine namespace", "this table is given twice"),
    ("Cannot mutate immutable", "this adds to a list or table that is complete already"),
    ("Invalid statement", "expected the name of a setting, or of a table in brackets"),
    (
        "Unescaped '\\' in a string",
        "a backslash starts an escape such as \\n; write `\\\\`, or use single quotes: 'C:\\data'",
    ),
    ("Escaped character is not a Unicode", "the escape names no character"),
    ("Invalid hex value", "the escape needs hexadecimal digits"),
    ("Illegal character", "this character may not stand here; is a closing quote missing?"),
    ("Found invalid character", "this character may not stand here"),
    ("Unterminated string", "the text that starts here has no closing quote"),
    ('Expected "\'"', "the text that starts here has no closing quote"),
    ('Expected \'"""\'', "the text that starts here has no closing quotes"),
    ("Expected \"'''\"", "the text that starts here has no closing quotes"),
    ("Unclosed array", "expected `,` or `]`"),
    ("Unclosed inline table", "expected `,` or `}`"),
    ("Expected ']'", "expected `]` at the end of the name of a table"),
    ("Expected ']]'", "expected `]]` at the end of the name of a list of tables"),
    ("Invalid date or datetime", "this is no date or time that exists"),
)


def read(text: Text, findings: Findings) -> tuple[Table | None, bool]:
    """The file as a table; None if it cannot be parsed at all. True if faulty lines were left out."""
    content, errors = text.content, 0
    while True:
        try:
            values = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            line, goes_on = _note(error, content, text, findings)
            errors += 1
            if not goes_on or errors == _MOST:
                return None, True
            content = _without(content, line)
        except ValueError:
            findings.add(Span(0, 0), "a number has too many digits")
            return None, True
        else:
            return _assembled(values, content.encode()), errors > 0


def _note(error: tomllib.TOMLDecodeError, content: str, text: Text, findings: Findings) -> tuple[int, bool]:
    """Notes a syntax error; its line, and whether the file makes sense without that line."""
    raw = str(error)
    place = _PLACE.search(raw)
    reason = raw[: place.start()] if place else raw
    message = next((told for start, told in _EXPECTED if reason.startswith(start)), reason)
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    else:
        line, column = _end(content)
    twice = "given twice" in message
    opened = open_string(content) if "closing quotes" in message or reason == "Unterminated string" else None
    if opened is not None:
        line, column = _line_column(content, opened)
        message = "the text that starts here has no closing quotes"
    elif "closing quote" in message and "starts here" in message:
        column = _opening_quote(_line(content, line), column)
    elif reason.startswith("Unclosed"):
        bracket = open_bracket(content, _index(content, line, column))
        if bracket is not None:
            message += f"; the {'list' if content[bracket] == '[' else 'table'} was opened in line "
            message += str(_line_column(content, bracket)[0])
    elif twice:
        column = len(_line(content, line)) - len(_line(content, line).lstrip()) + 1
    if twice:
        first = _places(content.encode()).twice.get(line - 1)
        message += f"; first in line {text.position(first.start)[0]}" if first else ""
    start = text.offset(line, column)
    end = text.line(line)[1] if twice else start + 1
    findings.add(Span(start, max(end, start)), f"{message} (not valid TOML)")
    return line, _faulty_alone(_line(content, line), twice=twice)


def _faulty_alone(line: str, *, twice: bool) -> bool:
    """Whether the mistake is in this line and the rest may be read without it."""
    if line.lstrip().startswith("[") or '"""' in line or "'''" in line:
        return False
    if twice:
        return True
    try:
        tomllib.loads(line)
    except ValueError as error:
        return "Unclosed" not in str(error)
    return False


def _without(content: str, number: int) -> str:
    lines = content.split("\n")
    lines[number - 1] = " " * len(lines[number - 1])
    return "\n".join(lines)


def _line(content: str, number: int) -> str:
    return content.split("\n")[number - 1].rstrip("\r")


def _end(content: str) -> tuple[int, int]:
    kept = content.rstrip()
    return _line_column(content, len(kept))


def _line_column(content: str, index: int) -> tuple[int, int]:
    return content.count("\n", 0, index) + 1, index - (content.rfind("\n", 0, index) + 1) + 1


def _index(content: str, line: int, column: int) -> int:
    return sum(len(part) + 1 for part in content.split("\n")[: line - 1]) + column - 1


def _opening_quote(line: str, column: int) -> int:
    quote = max(line.rfind("'", 0, column), line.rfind('"', 0, column))
    return quote + 1 if quote >= 0 else column


# ------------------------------------------------------------------------------------------------- places


@dataclass(slots=True)
class _Places:
    """Where each path has its key and its value, and the first place of what is repeated in a row."""

    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)
    twice: dict[int, Span] = field(default_factory=dict)


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
    if path in places.values:
        places.twice[node.start_point[0]] = places.values[path]


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
