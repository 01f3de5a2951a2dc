"""Places that a parser does not tell: where something was opened that is never closed, and numbers without end."""

import re

from afresh.config.nodes import Span

_TOKEN = re.compile(
    r'#[^\n]*|"""(?:\\.|(?!""").)*(?:"""|\Z)|\'\'\'(?:(?!\'\'\').)*(?:\'\'\'|\Z)|"(?:\\.|[^"\\\n])*"?|\'[^\'\n]*\'?|[\[\]{}]',
    re.DOTALL,
)
_CLOSES = {"]": "[", "}": "{"}


def open_bracket(content: str, end: int) -> int | None:
    """The index of the innermost bracket that is still open at `end`; None if there is none."""
    stack: list[int] = []
    for match in _TOKEN.finditer(content, 0, end):
        token = match[0]
        if token in ("[", "{"):
            stack.append(match.start())
        elif token in _CLOSES and stack and content[stack[-1]] == _CLOSES[token]:
            stack.pop()
    return stack[-1] if stack else None


def open_string(content: str) -> int | None:
    """The index of the last string of several lines, if it is not closed."""
    last = None
    for match in _TOKEN.finditer(content):
        token = match[0]
        if token[:3] in ('"""', "'''"):
            last = None if len(token) >= 6 and token.endswith(token[:3]) else match.start()
    return last


def open_quote(content: str) -> int | None:
    """The index of the first single quote that is not closed in its line."""
    for match in _TOKEN.finditer(content):
        token = match[0]
        if token[0] == "'" and (len(token) == 1 or token[-1] != "'"):
            return match.start()
    return None


def too_long_number(content: str) -> Span:
    """The first number with more digits than can be read."""
    match = re.search(r"[0-9][0-9_]{4299,}", content)
    start = len(content[: match.start()].encode()) if match else 0
    return Span(start, start + len(match[0]) if match else 1)
