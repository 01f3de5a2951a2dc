"""Text from elsewhere, made safe to show: a value or a name must not steer the reader's terminal."""

import unicodedata

_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def printable(text: str, *, lines: bool = False) -> str:
    """The text with control and invisible formatting characters written as escapes; `lines` keeps line breaks."""
    if text.isprintable():
        return text
    return "".join(_shown(character, lines=lines) for character in text)


def _shown(character: str, *, lines: bool) -> str:
    if lines and character == "\n":
        return character
    if unicodedata.category(character) not in _STEERING:
        return character
    return character.encode("unicode_escape").decode("ascii")
