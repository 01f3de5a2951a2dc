"""Tables of Markdown, for pages that are made from what was recorded."""

import re
from collections.abc import Iterator, Sequence

_BLANKS = re.compile(r" {2,}|(?<=') (?='$)")


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table without the columns that are empty in every row; none if there is no row."""
    if not rows:
        return
    used = [index for index in range(len(headings)) if any(row[index] for row in rows)]
    yield _row(tuple(headings[index] for index in used))
    yield _row(tuple("---" for _ in used))
    yield from (_row(tuple(row[index] for index in used)) for row in rows)
    yield ""


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def code(text: str) -> str:
    """A text as code, whatever is in it; empty for an empty one."""
    if not text:
        return ""
    text = visible(text)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def visible(text: str) -> str:
    """A text whose blanks that nobody would see are shown as ␣."""
    return _BLANKS.sub(lambda found: "␣" * len(found[0]), text)


def anchor(title: str) -> str:
    """The anchor of a heading."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in "- ")
    return kept.replace(" ", "-")
