"""`make viewers`: what fifty viewers of the dashboard cost the syncs, over a long log.

The same syncs run one after the other in a service with its web server, without viewers and with them in turn; the
ratio is that of the syncs' means in neighbouring rounds, and the middle of those. The viewers are a process of their
own, which has to share the machine's processors with the service.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle

from afresh import wiring
from afresh.core.model import UpdateType
from afresh.core.options import WebConfig
from afresh.engine.cancellation import CancelToken
from afresh.engine.service import Service
from afresh.web.live import Live
from afresh.web.server import serve
from bench.long_log import BUSY, KINDS, LongLog, add_sizes, long_log
from bench.long_log_sql import table_name

LIMIT = 1.05
_SETTLE_SECONDS = 3.0


@contextmanager
def served(log: LongLog) -> Iterator[tuple[Service, str]]:
    """A service that syncs when it is told to, and the address of its dashboard."""
    options = replace(log.options(), web=WebConfig(port=0))
    live = Live()
    service = wiring.assemble(options, emit=live)
    server = serve(service, WebConfig(port=0), live)
    try:
        service.recover()
        yield service, server.url
    finally:
        server.stop()
        service.release()


@contextmanager
def watched(url: str, viewers: int) -> Iterator[dict[str, float]]:
    """So many viewers, and at the end what they saw."""
    seen: dict[str, float] = {}
    if not viewers:
        yield seen
        return
    command = [sys.executable, "-m", "bench.watchers", url, str(viewers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(_SETTLE_SECONDS)
        try:
            yield seen
        finally:
            told, _ = process.communicate()
            seen.update(json.loads(told))


def syncs(service: Service, seconds: float) -> tuple[float, float, int]:
    """Syncs for so long: what one took, and of our processor time meanwhile, in the mean, and how many."""
    taken, tables, used = [], cycle(range(BUSY)), time.process_time()
    end = time.perf_counter() + seconds
    service.note_check()
    while (begun := time.perf_counter()) < end:
        ended = service.sync_now(table_name(next(tables)), UpdateType.MASS, CancelToken())
        if ended.failure is not None:
            raise ended.failure
        taken.append(time.perf_counter() - begun)
    return statistics.mean(taken), (time.process_time() - used) / len(taken), len(taken)


def measure(log: LongLog, viewers: int, rounds: int, seconds: float) -> Iterator[str]:
    """A line for each pair of rounds, and the sum of it."""
    ratios = []
    with served(log) as (service, url):
        syncs(service, seconds / 2)
        for number in range(rounds):
            found: dict[int, tuple[float, float, int]] = {}
            seen: dict[str, float] = {}
            for count in (0, viewers) if number % 2 == 0 else (viewers, 0):
                with watched(url, count) as told:
                    found[count] = syncs(service, seconds)
                seen |= told
            ratios.append(found[viewers][0] / found[0][0])
            yield (
                f"{found[0][0] * 1000:8.1f} ms{found[viewers][0] * 1000:8.1f} ms{ratios[-1]:8.3f}"
                f"{found[viewers][1] / found[0][1]:10.3f}   {found[0][2]} and {found[viewers][2]} syncs, "
                f"{_seen(seen)}"
            )
    middle = statistics.median(ratios)
    yield f"{viewers} viewers: {middle:.3f} times as long{'  above' if middle > LIMIT else ''}"


def _seen(seen: dict[str, float]) -> str:
    return f"{seen['pages']:.0f} pages, {seen['beats']:.0f} beats, longest wait {seen['longest'] * 1000:.0f} ms"


def main() -> None:
    """Measures the logs that the command line names; makes those that are not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_sizes(parser)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of rounds, one without viewers")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each round")
    given = parser.parse_args()
    for kind in given.kinds or KINDS:
        with long_log(kind, given.directory, given.tables, given.updates) as log:
            print(f"{kind}, {given.tables:,} tables, {given.updates:,} updates")
            print(f"{'no viewer':>11}{'viewers':>11}{'ratio':>8}{'cpu ratio':>10}", flush=True)
            for line in measure(log, given.viewers, given.rounds, given.seconds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
