"""The text of a configuration file: places in it, and its lines as they may be shown."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from afresh.config.nodes import Span

MASK = "•••"
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Text:
    """A file's name, as the user gave it, and its content: UTF-8, without a byte order mark."""

    file: str
    data: bytes
    _starts: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._starts.append(0)
        self._starts.extend(found.end() for found in re.finditer(b"\n", self.data))

    @property
    def content(self) -> str:
        """The content as text."""
        return self.data.decode()

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a byte, both from 1; columns count characters."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        return line, len(self.data[start:offset].decode(errors="replace")) + 1

    def offset(self, line: int, column: int) -> int:
        """The byte of a line and column, both from 1; the end of the line for a column behind it."""
        start, end = self.line(min(line, len(self._starts)))
        return start + len(self.data[start:end].decode()[: column - 1].encode())

    def line(self, number: int) -> tuple[int, int]:
        """First byte and end of a line, without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.data)
        if end > start and self.data[end - 1] == 0x0D:
            end -= 1
        return start, end

    def quote(self, span: Span, masked: Sequence[Span]) -> str:
        """The line in which the span starts, with what must not be shown masked, and carets under the span."""
        number, _ = self.position(span.start)
        start, end = self.line(number)
        shown, carets = _shown(self.data, start, end, span, masked)
        shown, carets = _window(shown, carets)
        gutter = f"{number:>5} | "
        return f"{gutter}{shown.rstrip()}\n{' ' * len(gutter)}{carets.rstrip()}"


def _shown(data: bytes, start: int, end: int, span: Span, masked: Sequence[Span]) -> tuple[str, str]:
    text, carets = [], []
    at = start
    while at < end:
        hidden = next((found for found in masked if found.start <= at < found.end), None)
        if hidden is not None:
            stop, piece = min(hidden.end, end), MASK
        else:
            character = _character(data, at)
            stop, piece = at + len(character.encode()), _visible(character)
        touched = at < max(span.end, span.start + 1) and span.start < stop
        text.append(piece)
        carets.append(("^" if touched else " ") * _columns(piece))
        at = stop
    if "^" not in "".join(carets):
        carets.append("^")
    return "".join(text), "".join(carets)


def _character(data: bytes, at: int) -> str:
    end = at + 1
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return data[at:end].decode()


def _visible(character: str) -> str:
    if character == "\t":
        return "    "
    if character.isprintable() or unicodedata.category(character).startswith("M"):
        return character
    return character.encode("unicode_escape").decode()


def _columns(piece: str) -> int:
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in piece
    )


def _window(shown: str, carets: str) -> tuple[str, str]:
    """The part of a long line around the carets."""
    if len(shown) <= _WIDTH:
        return shown, carets
    first = carets.index("^")
    start = max(0, min(first - _WIDTH // 3, len(shown) - _WIDTH))
    before = "…" if start else ""
    after = "…" if start + _WIDTH < len(shown) else ""
    return (
        before + shown[start : start + _WIDTH] + after,
        " " * len(before) + carets[start : start + _WIDTH],
    )


def quoted(value: str, limit: int = 60) -> str:
    """A text in double quotes, short and printable."""
    cut = value if len(value) <= limit else value[: limit - 1] + "…"
    inner = "".join(
        "\\" + character
        if character in '"\\'
        else character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in cut
    )
    return f'"{inner}"'
