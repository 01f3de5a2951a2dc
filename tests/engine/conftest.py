"""Where the tests of the engine keep their caches."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.rig import release_all

from afresh.testing.scratch import scratch


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of its own for each test."""
    with scratch() as found:
        yield found
        release_all()
