"""Settings that stand elsewhere: in an environment variable, in a file, in what a command prints.

What is fetched is never shown, and neither is what a command says when it fails.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from afresh.config.findings import Findings
from afresh.config.form import Form
from afresh.config.masks import REFERENCES
from afresh.config.nodes import Array, Entry, Leaf, Node, Table
from afresh.config.text import quoted
from afresh.config.words import did_you_mean

_TIMEOUT = timedelta(seconds=10)


class NotFound(Exception):
    """The referenced value cannot be had; the message says why and shows nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Fetches what references name. Relative paths start at the directory of the configuration file."""

    environ: Mapping[str, str]
    base_directory: Path
    form: Form
    findings: Findings
    timeout: timedelta = _TIMEOUT

    def explained(self) -> str:
        """How a reference is written."""
        return ", ".join(
            (
                self.form.reference("env", '"NAME"'),
                self.form.reference("file", '"path"'),
                self.form.reference("command", '["program", "argument"]'),
            )
        )

    def fetch(self, table: Table, path: str) -> Leaf | None:
        """The value that the table refers to; None if there is none, which is noted."""
        if len(table.entries) != 1 or self.form.fold(table.entries[0].key) not in REFERENCES:
            wrong = next((e for e in table.entries if self.form.fold(e.key) not in REFERENCES), None)
            self.findings.add(
                wrong.place if wrong else table.place,
                f"{path}: expected text, or one of {self.explained()}",
                did_you_mean(wrong.key, [self.form.spelling(name) for name in REFERENCES]) if wrong else "",
            )
            self.findings.hide(table)
            return None
        entry = table.entries[0]
        kind = self.form.fold(entry.key)
        if isinstance(entry.node, Array):
            for item in entry.node.items[1:]:  # an argument may be a secret, the program is none
                self.findings.hide(item)
        try:
            value, origin = self._value(kind, entry, path)
        except NotFound as refusal:
            self.findings.add(entry.node.place, f"{path}: {refusal}")
            return None
        return Leaf(value=value, place=table.place, loose=True, origin=origin)

    def _value(self, kind: str, entry: Entry, path: str) -> tuple[str, str]:
        if kind == "command":
            return self._printed(_arguments(entry.node)), "the command"
        name = _text(entry.node)
        if kind == "env":
            if name not in self.environ:
                raise NotFound(f"the environment variable {quoted(name)} is not set")
            return self.environ[name], f"the environment variable {quoted(name)}"
        return self._content(name), f"the file {quoted(name)}"

    def _content(self, name: str) -> str:
        try:
            return _without_newline((self.base_directory / name).read_bytes().decode())
        except UnicodeDecodeError:
            raise NotFound(f"the file {quoted(name)} is not UTF-8 text") from None
        except OSError as error:
            raise NotFound(f"the file {quoted(name)} cannot be read: {(error.strerror or 'failed').lower()}") from None

    def _printed(self, arguments: list[str]) -> str:
        told = f"the command {quoted(arguments[0])}"
        try:
            ran = subprocess.run(  # noqa: S603 - the user's own command, run without a shell
                arguments,
                cwd=self.base_directory,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.timeout.total_seconds(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotFound(f"{told} did not end within {self.timeout.total_seconds():g} seconds") from None
        except OSError as error:
            raise NotFound(f"{told} cannot be run: {(error.strerror or 'failed').lower()}") from None
        if ran.returncode != 0:
            raise NotFound(f"{told} failed with exit code {ran.returncode}")
        try:
            return _without_newline(ran.stdout.decode())
        except UnicodeDecodeError:
            raise NotFound(f"{told} did not print UTF-8 text") from None


def _text(node: Node) -> str:
    if not isinstance(node, Leaf) or not isinstance(node.value, str) or not node.value or "\0" in node.value:
        raise NotFound("expected the name as text")
    return node.value


def _arguments(node: Node) -> list[str]:
    if not isinstance(node, Array) or not node.items:
        raise NotFound('expected a list of texts, such as ["program", "argument"]')
    return [_text(item) for item in node.items]


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
