"""`make scale`: how long pages and `status` take over a long log, and how large they are.

Each page is asked for again and again, in turn, over the application itself, each time with a new judgement: so long
waits whoever comes first after a second. `status` is measured within the process, and as a command: one that a running
service answers, and one that is alone, which takes most of its time to start Python and to read the configuration. What
is above 300 ms (of 95 in 100) or 150 kB is marked.
"""

import argparse
import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from starlette.testclient import TestClient

from afresh import wiring
from afresh.cli import standing
from afresh.cli.answering import answering
from afresh.cli.meeting import mark
from afresh.cli.outlook import notes
from afresh.core.options import WebConfig
from afresh.engine.judging import judged
from afresh.engine.service import Service
from afresh.testing.clock import ManualClock
from afresh.web.app import build
from afresh.web.live import Live
from bench.long_log import KINDS, LongLog, add_sizes, long_log

MOST_MILLISECONDS, MOST_BYTES = 300.0, 150_000
JUDGED = frozenset({"/", "/now.json", "/tables/Table0008", "status", "status (a command, service running)"})
"""What has to keep the limits; the others are shown for comparison, and asked for a tenth as often."""
_SELDOM = 10
_DAY = datetime.now(UTC).date() - timedelta(days=30)
PATHS = (
    "/",
    "/?state=Stopped",
    "/?show=all",
    "/tables/Table0008",
    "/tables/Table0007",
    "/grid",
    "/sources",
    "/history",
    "/history?table=Table0008",
    "/history?outcome=failed",
    "/history?table=Table0008&outcome=failed",
    "/history?before=1000000",
    f"/history?since={_DAY}&until={_DAY}",
    f"/history?since={_DAY}&until={_DAY}&outcome=failed",
    f"/history?until={_DAY}&table=Table0008",
    "/now.json",
    "/tables/Table0008.json",
    "/history.json?outcome=failed",
    "/history.csv?table=Table0008",
    "/health",
    "/api/v1/updates?table=Table0008",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What asking for something took, in milliseconds, and how many bytes came."""

    what: str
    taken: tuple[float, ...]
    size: int

    @property
    def most(self) -> float:
        """So long 95 in 100 took at most."""
        return sorted(self.taken)[max(0, -(-95 * len(self.taken) // 100) - 1)]

    def line(self) -> str:
        """As it is shown."""
        over = [
            word
            for word, is_over in (("time", self.most > MOST_MILLISECONDS), ("size", self.size > MOST_BYTES))
            if is_over
        ]
        mark = f"  above: {', '.join(over)}" if over and self.what in JUDGED else ""
        middle = statistics.median(self.taken)
        return f"{self.what:<42}{middle:>8,.0f}{self.most:>8,.0f}{self.size / 1000:>10,.1f}{mark}"


def measure(log: LongLog, requests: int) -> Iterator[Timing]:
    """Every page and `status` over the log, as things stood a minute after its last row."""
    with looking(log) as (service, ask):
        taken: dict[str, list[float]] = {path: [] for path in PATHS}
        sizes = dict.fromkeys(PATHS, 0)
        for number in range(requests):
            for path in PATHS if number % _SELDOM == 0 else JUDGED & taken.keys():
                begun = time.perf_counter()
                sizes[path] = ask(path)
                taken[path].append((time.perf_counter() - begun) * 1000)
        for path in PATHS:
            yield Timing(what=path, taken=tuple(taken[path]), size=sizes[path])
        yield _repeated("status", requests, lambda: _status(service))
        with answering(service, log.config, mark(log.config)):
            yield _repeated("status (a command, service running)", max(requests // 2, 1), lambda: _command(log))
    yield _repeated("status (a command, alone)", max(requests // 5, 1), lambda: _command(log))


@contextmanager
def looking(log: LongLog) -> Iterator[tuple[Service, Callable[[str], int]]]:
    """A service that only says that it is there, and what asks its application for a path and tells the size."""
    options = replace(log.options(), web=WebConfig())
    service = wiring.assemble(options, emit=lambda event: None, clock=ManualClock(log.ended + timedelta(minutes=1)))
    app = build(service, WebConfig(), Live(), port=80)
    service.recover()
    service.note_check()
    try:
        with TestClient(app, base_url="http://localhost") as client:

            def ask(path: str) -> int:
                app.state.view.forget()
                answer = client.get(path)
                if answer.status_code not in (200, 503):
                    raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")
                return len(answer.content)

            yield service, ask
    finally:
        service.release()


def _repeated(what: str, times: int, work: Callable[[], int]) -> Timing:
    taken, size = [], 0
    for _ in range(times):
        begun = time.perf_counter()
        size = work()
        taken.append((time.perf_counter() - begun) * 1000)
    return Timing(what=what, taken=tuple(taken), size=size)


def _status(service: Service) -> int:
    """The judgement and its text, as the command writes it to a file."""
    written = io.StringIO()
    with redirect_stdout(written):
        found = judged(service)
        standing.show(found, notes(service, found))
    return len(written.getvalue().encode())


def _command(log: LongLog) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "afresh", "status", "--config", str(log.config)],
        capture_output=True,
        check=False,
    )
    return len(done.stdout)


def main() -> None:
    """Measures the logs that the command line names; makes those that are not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_sizes(parser)
    parser.add_argument("--requests", type=int, default=100, help="for each page that is judged")
    given = parser.parse_args()
    for kind in given.kinds or KINDS:
        with long_log(kind, given.directory, given.tables, given.updates) as log:
            print(f"{kind}, {given.tables:,} tables, {given.updates:,} updates")
            print(f"{'':<42}{'median':>8}{'95 %':>8}{'kB':>10}", flush=True)
            for timing in measure(log, given.requests):
                print(timing.line(), flush=True)


if __name__ == "__main__":
    main()
