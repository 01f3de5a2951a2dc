"""A process that uses sessions of a budget: `python session_process.py CACHE_URL BUDGET ROUNDS`.

It prints a line `+ n` when it has got its n-th session and `- n` before it gives it back, each with the wall clock.
"""

import sys
import threading
import time
from pathlib import Path

from afresh import wiring
from afresh.core.options import CacheConfig
from afresh.engine.clock import SystemClock
from afresh.engine.instance import Heartbeat, is_gone, new_instance_id
from afresh.sources.budget import Budget
from afresh.sources.never import NEVER

_LOCK = threading.Lock()


def say(word: str) -> None:
    """One whole line."""
    with _LOCK:
        print(word, f"{time.time():.6f}", flush=True)


def main(url: str, most: int, rounds: int) -> None:
    """Four threads that want a session so many times each; with 0 rounds one session that is kept until the end."""
    cache = wiring.CACHES[url.partition(":")[0]].build(CacheConfig(url=url), Path())
    clock, instance = SystemClock(), new_instance_id()
    Heartbeat(cache.leases, clock, instance).start()
    budget = Budget(source="S", most=most, leases=cache.leases, holder=instance, clock=clock, gone=is_gone)

    def use() -> None:
        for _ in range(rounds):
            with budget.session(NEVER.check):
                say("+")
                time.sleep(0.02)
                say("-")

    if not rounds:
        with budget.session(NEVER.check):
            say("+")
            time.sleep(60)
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
