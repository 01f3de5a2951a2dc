"""Which parts of a configuration file must never be shown: anything that may be a secret.

By the text alone, so that a file which cannot be parsed is covered too, and by the tree where there is one. Masking
too much only costs a less telling message, so doubtful cases are masked.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from afresh.config.nodes import Node, Span, leaves

REFERENCES = ("env", "file", "command")

_WORD = (
    r"(?:pass|pas+w|pwd|psw|secret|token|credential"
    r"|(?:api|access|account|private|shared|client|encryption|signing)[_-]?key)"
)
_SECRET = re.compile(_WORD, re.IGNORECASE)
_KEY = rf"(?<![\w-])[\w-]*{_WORD}[\w-]*[\"']?(?:\s*\.\s*(?!(?:env|file|command)\b)[\w\"'-]+)*\s*[=:]\s*"
_END = r"(?=[ \t]*(?:[,}\]\r#;]|$))"
_VALUE = (
    r'"""(?:.|\n)*?(?:"""|\Z)'
    r"|'''(?:.|\n)*?(?:'''|\Z)"
    rf'|"(?:\\.|[^"\\\n])*"{_END}'
    rf"|'[^'\n]*'{_END}"
    r"|[{\[][^}\]\n]*[}\]]?"
    r"|[^\s\"'][^\n]*?(?=;|[\"'][ \t]*(?:[,}\]\r#]|$)|[ \t]*[,}\]](?:[ \t\r]*$|\s*\")|\r?$)"
    r"|[^\n]+"
)
_ASSIGNED = re.compile(rf"{_KEY}(?P<value>{_VALUE})", re.IGNORECASE | re.MULTILINE)
_PART = re.compile(
    r"(?<![\w-])(?P<key>[\w-]+)[\"']?\s*[=:]\s*(?P<value>\"(?:\\.|[^\"\\\n])*\"?|'[^'\n]*'?|\[[^\]\n]*|[^\s,}\]]+)"
)
_LONG = re.compile(r'"""(?P<value>(?:.|\n)*?)(?:"""|\Z)')
_LONG_LITERAL = re.compile(r"'''(?P<value>(?:.|\n)*?)(?:'''|\Z)")
_IN_URL = re.compile(r"://[^\s\"':/@]*:(?P<value>[^\s\"']+)@")
_ORACLE = re.compile(r"(?<![\w/:.])[\w$#]+/(?P<value>[^\s\"'/@]+)@")


@lru_cache(maxsize=1024)
def looks_secret(name: str) -> bool:
    """Whether a setting of that name probably holds a secret."""
    return _SECRET.search(name) is not None


def by_text(content: str) -> Iterator[Span]:
    """The secrets that the words of the text give away, and texts of several lines, whose key may be far away."""
    for pattern in (_ASSIGNED, _LONG, _LONG_LITERAL, _IN_URL, _ORACLE):
        for match in pattern.finditer(content):
            start, end = match.span("value")
            if content.startswith("{", start):
                yield from _parts(content, start, end)
            else:
                yield _bytes(content, start, end)


def by_tree(node: Node) -> Iterator[Span]:
    """The values under keys that look secret, other than references to where a secret is."""
    for keys, leaf in leaves(node):
        if not isinstance(leaf.place, Span) or not keys or keys[-1].lower() in REFERENCES:
            continue
        if any(looks_secret(key) for key in keys):
            yield leaf.place


def everything(node: Node, *, numbers: bool = True) -> Iterator[Span]:
    """Every value; or every text."""
    for _, leaf in leaves(node):
        if isinstance(leaf.place, Span) and (numbers or isinstance(leaf.value, str)):
            yield leaf.place


def _parts(content: str, start: int, end: int) -> Iterator[Span]:
    found = list(_PART.finditer(content, start, end))
    for match in found:
        if match["key"].lower() not in REFERENCES:
            yield _bytes(content, *match.span("value"))
    if not found:
        yield _bytes(content, start, end)


def _bytes(content: str, start: int, end: int) -> Span:
    before = len(content[:start].encode())
    return Span(before, before + len(content[start:end].encode()))
