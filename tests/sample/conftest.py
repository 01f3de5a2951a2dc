"""One sample for all tests that only read it, and a copy for each that changes it."""

import shutil
from pathlib import Path

import pytest
from tests.sample.sample_files import NOW

from afresh.sample.source import SampleSummary, create


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    """A sample of 20,000 rows. Not to be changed."""
    return create(tmp_path_factory.mktemp("sample") / "jde.db", rows=20_000, now=NOW, stamp_indexes=True)


@pytest.fixture(scope="session")
def small_sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    """A sample of 6,000 rows. Not to be changed."""
    return create(tmp_path_factory.mktemp("small") / "jde.db", rows=6_000, now=NOW)


@pytest.fixture
def own_sample(small_sample: SampleSummary, tmp_path: Path) -> Path:
    """A copy of the small sample, to be changed."""
    return Path(shutil.copy(small_sample.path, tmp_path / "own.db"))
