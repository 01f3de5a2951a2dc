"""The wire front as a process of its own: the driver holds Python's lock while it fetches, so that a front in the same
process could not send what it waits for.

Run as `python -m tests.caches_sqlserver.front_process DIRECTORY`: prints its port, and ends when its standard input
does. A database is a directory in there.
"""

import subprocess
import sys
from pathlib import Path

from tests.caches_sqlserver.front_engine import FrontEngine
from tests.caches_sqlserver.tsql_fake import FakeServer
from tests.tds_front.server import Front, Login, ServerError


class FrontProcess:
    """A front for all databases below one directory, until this process ends."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.caches_sqlserver.front_process", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())


def serve(directory: Path) -> None:
    """Until standard input ends."""

    def engine(login: Login) -> FrontEngine:
        if not (directory / login.database).is_dir():
            raise ServerError(
                4060, f'Cannot open database "{login.database}" requested by the login. The login failed.', severity=11
            )
        return FrontEngine(FakeServer(directory / login.database / "fake.db"), login)

    front = Front(engine)
    print(front.port, flush=True)
    sys.stdin.read()
    front.close()
    sys.exit(len(front.faults))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
