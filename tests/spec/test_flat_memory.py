"""The memory of a sync depends on the batch, not on the table."""

import subprocess
import sys
from pathlib import Path

import pytest

# A process of its own for each size: what one has used once stays in its peak for ever.
SYNC = """
import re, sys
from datetime import timedelta
from pathlib import Path
from afresh.core.model import Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.hosting import DataSyncService

rows, directory = int(sys.argv[1]), Path(sys.argv[2])
source = DataSourceConfig(
    table_name="Sample",
    source_system="NONE",
    fetcher="sample",
    fetcher_options={"rows": rows},
    mass=ScheduleConfig(interval=timedelta(days=7), prepurge_data=True),
)
options = DataSyncOptions(
    cache=CacheConfig(url="sqlite:///cache.db"),
    data_sources=(source,),
    batch_size=20_000,
    bulk_copy_batch_size=2_000,
    base_directory=directory,
)
ended = DataSyncService(options).sync("Sample", UpdateType.MASS)
assert ended.outcome is Outcome.SUCCEEDED, ended
assert ended.rows == rows
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


PAGE_CACHE_KB = 24_000
"""What SQLite keeps of a file that is large enough, and some."""


@pytest.mark.timeout(180)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_the_peak_does_not_grow_with_the_table(tmp_path: Path) -> None:
    """Ten times the rows, in batches of one size, take no more memory but for the page cache, which has a limit.

    The rows that are more would take several times that limit as rows of Python.
    """
    small, large = (_peak(rows, tmp_path / str(rows)) for rows in (20_000, 200_000))
    assert large - small < PAGE_CACHE_KB


def _peak(rows: int, directory: Path) -> int:
    directory.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SYNC, str(rows), str(directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
