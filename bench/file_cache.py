"""Parts of caches that are a file: both sides read a file of record batches and write a cache file of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from bench.cache_part import CachePart, read_file, rows_file
from bench.part import Job


class FileCachePart(CachePart):
    """The address is the directory."""

    suffix: str

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        directory.mkdir(parents=True, exist_ok=True)
        yield str(directory)

    def read(self, job: Job) -> Iterator[pa.RecordBatch]:
        return read_file(rows_file(Path(job.address), job))

    def ready(self, job: Job) -> None:
        rows_file(Path(job.address), job)
        if job.case == "load":
            for left in Path(job.address).glob(f"{self.cache(job).name}*"):
                left.unlink()

    def cache(self, job: Job) -> Path:
        """The cache file of the job's side."""
        return Path(job.address) / f"{self.name}-{job.who}-{job.rows}.{self.suffix}"
