"""A place to run commands in."""

from pathlib import Path

import pytest
from tests.cli import cli_rig


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> cli_rig.Place:
    """A directory with a source and a configuration, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("AFRESH_CONFIG", raising=False)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return cli_rig.make(tmp_path, capsys)
