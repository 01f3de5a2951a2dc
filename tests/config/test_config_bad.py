"""Bad configurations, each with the whole message that a user gets.

`AFRESH_WRITE_GOLDENS=1` writes the messages anew; read the difference before it is committed.
"""

import os
from pathlib import Path

import pytest
from tests.config.config_kinds import KINDS

from afresh.config.load import load
from afresh.config.problems import InvalidConfiguration

BAD = Path(__file__).with_name("bad")
FILES = sorted(path.name for path in BAD.iterdir() if path.suffix != ".expected")
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "EMPTY": "",
    "BAD_PORT": "hunter2-port",
    "BAD_ZONE": "hunter2-zone",
    "BAD_URL": "hunter2-url",
}
WRITE = os.environ.get("AFRESH_WRITE_GOLDENS") == "1"


def message(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What loading the file of that name says, from the directory of the file."""
    monkeypatch.chdir(BAD)
    with pytest.raises(InvalidConfiguration) as caught:
        load(Path(name), KINDS, ENVIRONMENT)
    return str(caught.value) + "\n"


@pytest.mark.parametrize("name", FILES)
def test_a_bad_configuration_gets_exactly_this_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every problem of the file is told, with its place, its line and a suggestion."""
    golden = BAD / f"{name}.expected"
    found = message(name, monkeypatch)
    if WRITE:
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_no_message_shows_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All secrets of the bad configurations have `hunter2` or `20262027` in them."""
    found = message(name, monkeypatch)
    assert "hunter2" not in found
    assert "20262027" not in found


@pytest.mark.parametrize("name", FILES)
def test_a_message_is_plain_printable_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No control character of a file reaches the terminal."""
    assert all(character.isprintable() or character == "\n" for character in message(name, monkeypatch))


def test_there_is_a_golden_message_for_each_file_and_no_other() -> None:
    """A golden message without its file would be checked by nobody."""
    assert len(FILES) >= 60
    assert {path.name.removesuffix(".expected") for path in BAD.glob("*.expected")} == set(FILES)
