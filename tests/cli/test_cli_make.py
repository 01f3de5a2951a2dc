"""The Makefile: the two commands a stranger begins with."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, directory: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """What make says."""
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        command, cwd=directory, env={**inherited, **environment}, capture_output=True, text=True, check=False
    )


def test_seconds_count_only_on_the_command_line() -> None:
    """A shell that exports a SECONDS of its own does not end the demo."""
    assert "afresh demo --seconds 20" in make("-n", "demo", "SECONDS=20").stdout
    assert "--seconds" not in make("-n", "demo", SECONDS="3").stdout


def test_without_a_target_make_lists_what_there_is() -> None:
    """Every target for people stands in the list."""
    told = make().stdout
    for target in ("demo", "test", "caches", "check", "bench", "docs", "clean"):
        assert f"make {target} " in told


@pytest.mark.parametrize(
    ("exit_code_of", "told"),
    [("version_info", "Python 3.11 or newer is needed"), ("ensurepip", "apt install python3-venv")],
)
def test_what_is_missing_is_said(tmp_path: Path, exit_code_of: str, told: str) -> None:
    """An old Python, or one without venv, is named before anything is made."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$2" in *{exit_code_of}*) exit 1;; esac\n')
    python.chmod(0o755)
    (tmp_path / "pyproject.toml").touch()
    ran = make("demo", f"PYTHON={python}", directory=tmp_path)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert not (tmp_path / ".venv").exists()
