"""Other processes, which open the same file."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def run(code: str, *words: object) -> str:
    """What a program of its own says on stdout; its arguments are `sys.argv[1:]`."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def opens(path: Path, *, read_only: bool = False) -> bool:
    """Whether another process can open the file."""
    code = """
        import sys, duckdb
        try:
            duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "True").close()
        except duckdb.IOException as error:
            assert "lock" in str(error), error
            print("locked")
    """
    return run(code, path, read_only) != "locked"


@contextmanager
def started(code: str, *words: object) -> Iterator["subprocess.Popen[str]"]:
    """A program that runs meanwhile: it has said `ready`, and ends when its stdin does."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline().strip() == "ready"
            yield process
        finally:
            process.stdin.close()
            process.wait(30)
