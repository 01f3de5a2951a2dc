"""What the documents tell a reader to do works."""

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
