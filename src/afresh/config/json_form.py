"""A JSON file as nodes. Comments and trailing commas are accepted, as .NET accepts them in its settings."""

import json
import re

import tree_sitter
import tree_sitter_json

from afresh.config.brackets import open_bracket, too_long_number
from afresh.config.findings import Findings
from afresh.config.nodes import Array, Entry, Leaf, Node, Span, Table
from afresh.config.text import Text

_LANGUAGE = tree_sitter.Language(tree_sitter_json.language())
_NOISE = re.compile(
    r'"(?:\\.|[^"\\\n])*"?|//[^\n]*|/\*.*?\*/|(?P<open>/\*)'
    r"|(?P<comma>,)(?=(?:\s|//[^\n]*(?:\n|\Z)|/\*.*?\*/)*[}\]])|(?P<number>-?(?:NaN|Infinity)\b)",
    re.DOTALL,
)

_EXPECTED = (
    (
        "Expecting value",
        "expected a value here: text in double quotes, a number, true, false, null, a list or an object",
    ),
    ("Expecting property name", "expected the name of a setting in double quotes"),
    ("Expecting ':'", "expected `:` and a value after the name"),
    ("Expecting ','", "expected `,` or the end of the list or object"),
    ("Unterminated string", "the text that starts here has no closing quote"),
    ("Invalid control character", "a text may not go over the end of a line; is a closing quote missing?"),
    ("Invalid \\escape", "a backslash starts an escape such as \\n; write `\\\\`"),
    ("Invalid \\uXXXX", "the escape needs four hexadecimal digits"),
    ("Extra data", "expected the file to end here"),
)


def read(text: Text, findings: Findings) -> Table | None:
    """The file as a table; None if it cannot be parsed."""
    before = len(findings.found)
    cleaned = _cleaned(text, findings)
    if len(findings.found) > before:
        return None
    try:
        json.loads(cleaned)
    except json.JSONDecodeError as error:
        _note(error, cleaned, findings)
        return None
    except ValueError:
        findings.add(too_long_number(cleaned), "the number has too many digits")
        return None
    data = cleaned.encode()
    root = tree_sitter.Parser(_LANGUAGE).parse(data).root_node
    node = _node(root.named_children[0], data)
    if not isinstance(node, Table):
        findings.add(node.place, 'expected an object: { "DataSync": { ... } }')
        return None
    return node


def _cleaned(text: Text, findings: Findings) -> str:
    """The text with blanks for comments and trailing commas, so that all places stay."""
    content = text.content

    def blank(match: re.Match[str]) -> str:
        token = match[0]
        start = len(content[: match.start()].encode())
        if match["open"]:
            findings.add(Span(start, start + 2), "the comment that starts here has no end (not valid JSON)")
        elif match["number"]:
            findings.add(Span(start, start + len(token)), "JSON knows only finite numbers (not valid JSON)")
        elif match["comma"] or token.startswith("/"):
            return re.sub(r"[^\n]", lambda found: " " * len(found[0].encode()), token)
        return token

    return _NOISE.sub(blank, content)


def _note(error: json.JSONDecodeError, content: str, findings: Findings) -> None:
    message = next((told for start, told in _EXPECTED if error.msg.startswith(start)), error.msg)
    index = min(error.pos, len(content.rstrip()))
    if message.startswith("expected") and index == len(content.rstrip()):
        bracket = open_bracket(content, len(content))
        if not content.strip():
            message = 'the file is empty; expected { "DataSync": { ... } }'
        elif bracket is not None:
            line = content.count("\n", 0, bracket) + 1
            message += f"; the {'list' if content[bracket] == '[' else 'object'} opened in line {line} is not closed"
    start = len(content[:index].encode())
    findings.add(Span(start, start + 1), f"{message} (not valid JSON)")


def _node(node: tree_sitter.Node, data: bytes) -> Node:
    place = Span(node.start_byte, node.end_byte)
    if node.type == "object":
        entries = tuple(
            _entry(pair.named_children[0], pair.named_children[1], data)
            for pair in node.named_children
            if pair.type == "pair"
        )
        return Table(entries=entries, place=place)
    if node.type == "array":
        return Array(items=tuple(_node(child, data) for child in node.named_children), place=place)
    return Leaf(value=json.loads(data[place.start : place.end]), place=place)


def _entry(key: tree_sitter.Node, value: tree_sitter.Node, data: bytes) -> Entry:
    return Entry(
        key=json.loads(data[key.start_byte : key.end_byte]),
        place=Span(key.start_byte, key.end_byte),
        node=_node(value, data),
    )
