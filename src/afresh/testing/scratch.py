"""Where tests keep their files."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it is a directory of its own with a random name


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory that is gone afterwards; in memory where there is such a place, so that no test waits for a disk."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="afresh-", dir=place) as directory:
        yield Path(directory)
