"""The kit for sources: the memory of a read does not grow with the table. Run as a program, it reads one table."""

import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afresh.core.ports import SourceSystem
from afresh.core.select import Select
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.source_kit_rig import SourceBench, SourceRig

BATCH_ROWS = 10_000
_GROWTH = 1.15
_MEGABYTES = 24
"""What caches and allocators may take besides, once and for all."""


class MemoryKit(SourceRig):
    """Flat memory."""

    @pytest.mark.timeout(600)
    def test_memory_is_flat(self, bench: SourceBench) -> None:
        """Reading many times the rows, in a process of its own, takes no more memory: of millions with
        `AFRESH_TEST_FULL=1`, else of fewer, because of the time it takes."""
        peaks = []
        for rows in self.full_rows if os.environ.get("AFRESH_TEST_FULL") else self.memory_rows:
            what = bench.fill(rows, f"Rows{rows}")
            read, megabytes = read_elsewhere(self.elsewhere(bench.directory), what)
            assert read == rows
            peaks.append(megabytes)
        assert peaks[1] <= peaks[0] * _GROWTH + _MEGABYTES, peaks


def read_elsewhere(make: Callable[[], SourceSystem], what: Select) -> tuple[int, float]:
    """Reads it in another process: how many rows came, and the most memory that it had, in megabytes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-m", "afresh.testing.source_kit_memory"],
        input=pickle.dumps((make, what)),
        capture_output=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr.decode()
    rows, kilobytes = done.stdout.split()
    return int(rows), int(kilobytes) / 1024


def main() -> None:
    """Reads what the standard input says; writes the rows and the most memory in kilobytes."""
    make, what = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from ourselves
    source: Any = make()
    rows = sum(batch.num_rows for batch in source.read(what, ManualCancellation(), BATCH_ROWS))
    source.close()
    sys.stdout.write(f"{rows} {_peak()}\n")


def _peak() -> int:
    """The most memory that this process had, in kilobytes. Where the system tells it of the program alone, by that:
    the other figure begins with the memory of the process that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


if __name__ == "__main__":
    main()
