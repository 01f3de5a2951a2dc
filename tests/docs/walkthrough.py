"""The documents' examples, as a reader would follow them: files that are written, commands that are typed.

A comment before a fenced block says what it is: `file: NAME` is written to that file, `run` is typed into a shell and
has to succeed, `run for N seconds` is interrupted after that time and has to end well, `run, exits 0 or 1` may end
either way, and `shows` holds lines that the command before has to print (`…` stands for anything). `of: FILE` is a
part of a file of the project.
"""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

_MARKED = re.compile(r"^<!-- (?P<mark>[^\n]+?) -->\n```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"file: \S+|run|run for \d+ seconds|run, exits 0 or 1|shows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block, and what the comment before it says it is."""

    mark: str
    language: str
    text: str


def blocks(document: Path) -> list[Block]:
    """The marked blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    marked = [Block(**match.groupdict()) for match in _MARKED.finditer(text)]
    found = [block for block in marked if not block.mark.startswith("of: ")]
    wrong = [block.mark for block in found if not _MARK.fullmatch(block.mark)]
    assert not wrong, f"{document}: unknown marks {wrong}"
    assert len(found) == len(re.findall(r"^<!-- (?:file|run|shows)", text, re.MULTILINE)), f"{document}: a mark alone"
    return found


def walked() -> list[Path]:
    """The documents that have marked blocks."""
    return [document for document in DOCUMENTS if blocks(document)]


def walk(document: Path, place: Path) -> None:
    """Does in a directory what the document says; fails where a reader would be stuck."""
    printed = ""
    for block in blocks(document):
        if block.mark.startswith("file: "):
            (place / block.mark.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
        elif block.mark == "shows":
            missing = [line for line in block.text.splitlines() if line.strip() and not _is_in(line, printed)]
            assert not missing, f"not shown: {missing} in\n{printed}"
        else:
            printed = _typed(block, place)


def _typed(block: Block, place: Path) -> str:
    seconds = re.search(r"for (\d+) seconds", block.mark)
    shell = subprocess.Popen(
        ["bash", "-e", "-c", f"exec {block.text}" if seconds else block.text],
        cwd=place,
        env=_environment(place),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        printed, _ = shell.communicate(timeout=int(seconds[1]) if seconds else 50)
    except subprocess.TimeoutExpired:
        shell.send_signal(signal.SIGINT if seconds else signal.SIGKILL)
        printed, _ = shell.communicate(timeout=30)
    allowed = {0, 1} if block.mark.endswith("exits 0 or 1") else {0}
    assert shell.returncode in allowed, f"{block.text!r} ended with {shell.returncode}:\n{printed}"
    return printed


def _environment(place: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(place), "PYTHONWARNINGS": "error", "COLUMNS": "200"}


def _is_in(line: str, printed: str) -> bool:
    parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
    return any(re.search(".*".join(parts), " ".join(shown.split())) for shown in printed.splitlines())
