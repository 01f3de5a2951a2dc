"""The documents speak of what is there: links, files, commands, options, targets, examples of configuration."""

import re
import tomllib
from pathlib import Path

import pytest
import typer.main
from tests.docs import walkthrough
from tests.spec.known_tests import is_collected
from typer.core import TyperGroup

from afresh import wiring
from afresh.cli.app import app
from afresh.config.load import load

ROOT = walkthrough.ROOT
DOCUMENTS = walkthrough.DOCUMENTS
WRITTEN = [document for document in DOCUMENTS if document.parent.name != "reference"]
GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = GROUP.commands
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
TYPED = re.compile(r"^```sh\n(.*?)^```$|(?<!`)`([^`\n]+)`(?!`)", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"\bafresh (?P<name>[a-z]+)(?P<rest>(?: [^\s`|#]+)*)")
TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def _typed(document: Path) -> str:
    """What a document shows as typed into a shell: its blocks of `sh`, and code within sentences."""
    found = TYPED.findall(document.read_text(encoding="utf-8"))
    return "\n".join(block or words for block, words in found)


def _options_of(command: str) -> set[str]:
    return {option for parameter in COMMANDS[command].params for option in parameter.opts}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link of a document leads to a file or directory of the project."""
    links = re.findall(r"\]\(([^)#\s]+)", CODE.sub("", document.read_text(encoding="utf-8")))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_paths_are_there(document: Path) -> None:
    """A path of the project that a document quotes is there."""
    quoted = re.findall(r"`((?:src|tests|docs|examples|openspec|\.ci)/[^`\s]*)`", document.read_text(encoding="utf-8"))
    assert [path for path in quoted if not (ROOT / path.partition("::")[0]).exists()] == []


def _absent(typed: str) -> list[str]:
    """The commands in a text that the program does not have, or not with these options."""
    return [
        match[0]
        for match in COMMAND.finditer(typed)
        if match["name"] not in COMMANDS
        or not set(re.findall(r"(?<!\S)--?[a-z-]+", match["rest"])) <= _options_of(match["name"])
    ]


@pytest.mark.parametrize("document", WRITTEN, ids=_name)
def test_no_absent_command_is_named(document: Path) -> None:
    """Commands and their options, where a document shows them as code, are those of the program."""
    assert _absent(_typed(document)) == []


def test_an_absent_command_is_found() -> None:
    """A command or an option that the program does not have is reported."""
    assert _absent("afresh sync A --mass -c x\nafresh wonder A\nafresh plan --deep") == [
        "afresh wonder A",
        "afresh plan --deep",
    ]


@pytest.mark.parametrize("document", WRITTEN, ids=_name)
def test_make_targets_are_there(document: Path) -> None:
    """What a document says to make can be made."""
    for words in re.findall(r"\bmake ((?:[a-z]+ ?)+)", _typed(document)):
        assert set(words.split()) <= TARGETS, words


@pytest.mark.parametrize("document", WRITTEN, ids=_name)
def test_configurations_are_right(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration in a document loads; a part of one, beside sections that it leaves out, does too."""
    for variable in re.findall(r'\{ env = "(\w+)" \}', document.read_text(encoding="utf-8")):
        monkeypatch.setenv(variable, "set")
    for number, block in enumerate(TOML.findall(document.read_text(encoding="utf-8"))):
        parsed = tomllib.loads(block)["data_sync"]
        text = block
        if "cache" not in parsed:
            text += '\n[data_sync.cache]\nurl = "sqlite:///cache.db"\n'
        used = {source["source_system"] for source in parsed["data_sources"]}
        for name in used - set(parsed.get("source_systems", {})):
            text += f'\n[data_sync.source_systems.{name}]\nkind = "sqlite"\npath = "source.db"\n'
        file = tmp_path / f"afresh{number}.toml"
        # A fetcher of the user's is a file of the same document; its walk shows that it is found.
        file.write_text(text.replace('"weather:Readings"', '"sample"').replace("arguments = { stations", "rows = { _"))
        if "weather:Readings" not in block:
            assert load(file, wiring.KINDS).data_sources


@pytest.mark.parametrize("document", WRITTEN, ids=_name)
def test_no_line_numbers(document: Path) -> None:
    """No document points to a line of a file by its number: lines move."""
    assert re.findall(r"\.(?:py|md|toml|json|csv):\d+|#L\d+", document.read_text(encoding="utf-8")) == []


def test_every_promise_names_tests_that_are_there() -> None:
    """Each numbered promise has tests, and each of them is collected."""
    text = (ROOT / "docs/explanation/promises.md").read_text(encoding="utf-8")
    promises = re.split(r"^\*\*\d+\. ", text.partition("## ")[0], flags=re.MULTILINE)[1:]
    assert len(promises) == 11
    for promise in promises:
        named = re.findall(r"^- `(tests/[^`]+)`$", promise, re.MULTILINE)
        assert named, promise
        assert [name for name in named if not is_collected(name)] == []


def test_every_document_can_be_found() -> None:
    """Each document is linked from the index."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([^)#]+)\)", index))
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")} - {"index.md"}
    assert there - linked == set()


def test_the_readme_is_one_screen() -> None:
    """The README stays short, and begins with what it is, a picture, and two commands."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 90
    assert readme.index("DataUpdate row") < readme.index("make demo") < readme.index("[data_sync]")


def test_the_readme_names_the_databases() -> None:
    """Each kind of database that can be read or kept stands in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert [kind for kind in {*wiring.SOURCES, *wiring.CACHES} if kind not in readme] == []
