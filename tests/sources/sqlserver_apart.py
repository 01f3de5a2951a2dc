"""The stand-in for SQL Server as a process of its own, with one table of large values.

The driver holds Python's lock while it waits for a value of a `max` column, so that a stand-in in the same process
could not send what it waits for, and neither could a proxy. Run as
`python -m tests.sources.sqlserver_apart ROWS LETTERS FAULT AFTER`: prints its port, and ends when its standard input
does. FAULT is `none`, `silence` or `cut`; it comes AFTER so many bytes from the server.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sources.sqlserver_front import BIGINT, LONG, result, source_bench

from afresh.testing.proxy import Proxy


def text(row: int, letters: int) -> str:
    """What the row's text is: about so many letters, each row another number of them."""
    return "aé€"[row % 3] * (letters + row % 50)


@contextmanager
def large_values(rows: int, letters: int, fault: str = "none", after: int = 0) -> Iterator[int]:
    """The port of a server whose table `T` has so many rows, until the context ends."""
    command = [sys.executable, "-m", "tests.sources.sqlserver_apart", str(rows), str(letters), fault, str(after)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


def serve(rows: int, letters: int, fault: str, after: int) -> None:
    """Until standard input ends."""
    bench = source_bench()
    bench.answers.tell(
        r"FROM \[dbo\]\.\[T\]",
        result({"Id": BIGINT, "Body": LONG}, [(row, text(row, letters)) for row in range(rows)]),
    )
    proxy = Proxy(("127.0.0.1", bench.front.port))
    if fault != "none":
        {"silence": proxy.stall_after, "cut": proxy.cut_after}[fault](after)
    print(proxy.address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
