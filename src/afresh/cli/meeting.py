"""Where commands meet the service that runs with the same configuration, and ask it how things stand.

It has at hand what a command would first have to read: the configuration, the log, its last judgement. They meet at a
socket in a directory that nobody but this user can enter, under a name made of the configuration file's path. Whoever
finds no service there, or one that read another configuration, looks for himself. Windows has no such place.

What this module imports every command waits for.
"""

import json
import os
import shutil
import socket
import stat
import sys
from argparse import ArgumentError, ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from afresh.config.find import PREFIX, find
from afresh.core.errors import AfreshError

SECONDS = 2.0
"""So long a service is waited for; one that hangs answers nobody."""
_LOOKS = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
"""The variables by which a terminal says how it wants to be written to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a running service says: the exit code of the command, and what it writes to stdout."""

    exit: int
    text: str

    def write(self) -> None:
        """Writes it."""
        with suppress(BrokenPipeError):
            sys.stdout.write(self.text)
            sys.stdout.flush()


def place(file: Path, *, make: bool = False) -> Path | None:
    """Where a service with that configuration file is met; None where there is no safe place for it. With `make` the
    directory is made if it is not there."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    above = os.environ.get("XDG_RUNTIME_DIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - looked at below
    directory = Path(above) / f"afresh-{os.getuid()}"
    try:
        if make:
            directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        return None
    return directory / f"{sha256(os.fsencode(file.resolve())).hexdigest()[:32]}.sock"


def mark(file: Path) -> str:
    """What the configuration is known by: the file's content, and the environment's part in it."""
    digest = sha256(file.read_bytes())
    for name in sorted(os.environ):
        if name.startswith(PREFIX):
            digest.update(f"\0{name}={os.environ[name]}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def answer(arguments: Sequence[str]) -> Answer | None:
    """What the running service says to a command with these arguments; None if there is none that can say it."""
    try:
        asked = _understood(arguments)
        if asked is None:
            return None
        file = Path(asked.config) if asked.config is not None else find(Path.cwd(), os.environ)
        at = place(file)
        if at is None or not at.exists():
            return None
        return _said(at, vars(asked) | {"mark": mark(file), "columns": _columns(asked.json), "environ": _looks()})
    except (OSError, ValueError, ArgumentError, AfreshError):
        return None


def _understood(arguments: Sequence[str]) -> Namespace | None:
    """The arguments of `afresh status`, if they are ones to which a service has an answer."""
    if not arguments or arguments[0] != "status":
        return None
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-c", "--config")
    parser.add_argument("-a", "--all", action="store_true", dest="every")
    parser.add_argument("--json", action="store_true")
    asked, others = parser.parse_known_args(arguments[1:])
    return None if others else asked


def _columns(json: bool) -> int | None:
    """So many columns the terminal has; None if there is none."""
    return None if json or not sys.stdout.isatty() else shutil.get_terminal_size().columns


def _looks() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _LOOKS if name in os.environ}


def _said(at: Path, question: Mapping[str, object]) -> Answer | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(at))
        connection.sendall(json.dumps(question).encode() + b"\n")
        with connection.makefile("rb") as reader:
            head = reader.readline()
            text = reader.read()
    if not head:
        return None
    told = json.loads(head)
    if len(text) != told["bytes"]:
        return None
    return Answer(exit=int(told["exit"]), text=text.decode())
