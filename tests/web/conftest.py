"""Directories for the tests of the web interface, and the end of what they started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.rig import release_all


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for a cache, whose services are ended."""
    yield tmp_path
    release_all()
