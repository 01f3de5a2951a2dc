"""What reports of kits have in common: they gather how tests went, and write a file when a whole run ends."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import pytest


class KeptReport(ABC):
    """A pytest plugin that keeps what a whole run showed in a file. `title` is how it calls itself at the end."""

    title: str

    def __init__(self, file: Path) -> None:
        self.file = file
        self._partial = ""
        self._said = ""

    @abstractmethod
    def keep(self) -> str:
        """Writes what was gathered, and says of what; empty, and nothing is written, if nothing was."""

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Some tests were left out."""
        if items:
            self._partial = "tests were deselected"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Writes the file, if the run was whole."""
        missing = self._partial or _partial(session)
        kept = "" if missing else self.keep()
        none = f"nothing was written to {self.file}: {missing or 'no test of the kit was run'}"
        self._said = f"{self.file}: {kept}" if kept else none

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says what was written."""
        terminalreporter.write_line(f"{self.title}: {self._said}")


def _partial(session: pytest.Session) -> str:
    """Why a run does not speak for all of a kit; empty if it does."""
    option = session.config.option
    if option.keyword or option.markexpr or getattr(option, "lf", False):
        return "tests were deselected"
    if any("::" in argument for argument in session.config.args):
        return "single tests were asked for"
    if session.shouldstop or session.shouldfail:
        return "the run was broken off"
    return ""


def ordinal(version: str) -> list[tuple[int, str]]:
    """By which versions are sorted."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in version.split(".")]
