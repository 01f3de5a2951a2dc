"""What the documents tell a reader to do works."""

import re
import textwrap
from pathlib import Path

import pytest
from tests.docs import walkthrough


def test_there_is_something_to_walk() -> None:
    """The README, the tutorial and the how-tos have examples that are executed."""
    names = {document.name for document in walkthrough.walked()}
    assert names >= {"README.md", "tutorial.md", "add-a-table.md", "add-a-fetcher.md", "embed.md"}


@pytest.mark.timeout(180)  # a dozen processes, on a machine that may be busy
@pytest.mark.parametrize("document", walkthrough.walked(), ids=lambda document: document.name)
def test_a_reader_can_follow(document: Path, tmp_path: Path) -> None:
    """Every marked command of a document ends as it should and shows what the document says."""
    walkthrough.walk(document, tmp_path)


def test_a_document_that_says_what_is_not_so_is_found(tmp_path: Path) -> None:
    """A command that fails, and a line that is not shown, fail the walk."""
    document = tmp_path / "wrong.md"
    document.write_text("<!-- run -->\n```sh\nfalse\n```\n")
    with pytest.raises(AssertionError, match="ended with 1"):
        walkthrough.walk(document, tmp_path)
    document.write_text("<!-- run -->\n```sh\necho one and two\n```\n\n<!-- shows -->\n```text\none … three\n```\n")
    with pytest.raises(AssertionError, match="not shown"):
        walkthrough.walk(document, tmp_path)


QUOTED = re.compile(r"^<!-- of: (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTES = [
    (document.name, file, text)
    for document in walkthrough.DOCUMENTS
    for file, text in QUOTED.findall(document.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("document", "file", "text"), QUOTES, ids=[f"{quote[0]}-{quote[1]}" for quote in QUOTES])
def test_what_is_quoted_stands_in_its_file(document: str, file: str, text: str) -> None:
    """A part of an example that a document shows is in the example, which has tests of its own."""
    lines, quoted = _lines((walkthrough.ROOT / file).read_text(encoding="utf-8")), _lines(textwrap.dedent(text))
    parts = ["".join(lines[start : start + len(quoted)]) for start in range(len(lines))]
    assert "".join(quoted) in map(textwrap.dedent, parts), (document, file)


def _lines(text: str) -> list[str]:
    """Lines that are not empty: a part of a class is quoted as if it stood alone, without indentation."""
    return [line for line in text.splitlines(keepends=True) if line.strip()]


def test_something_is_quoted() -> None:
    """How a cache is added is shown by the example."""
    assert len([quote for quote in QUOTES if quote[0] == "add-a-cache.md"]) > 5
