"""The page of caches says what was really run, of every cache that there is."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.caches.postgres_rig import PostgresRig
from tests.caches.sqlite_rig import SqliteRig
from tests.caches_duckdb.duckdb_rig import DuckdbRig
from tests.caches_sqlserver.sqlserver_limits import Limits

from afresh import wiring
from afresh.testing.cache_kit import CacheKit
from afresh.testing.kit_report import read
from afresh.testing.kit_rig import PROOFS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (REFERENCE / "caches.md").read_text(encoding="utf-8")
RECORDS = read(REFERENCE / "caches.json")
GAPS: dict[str, Mapping[str, str]] = {
    "sqlite": SqliteRig.gaps,
    "postgresql": PostgresRig.gaps,
    "duckdb": DuckdbRig.gaps,
    "mssql": Limits.gaps,
}


def test_every_cache_stands_on_the_page() -> None:
    """Each kind of cache has a row; one without a recorded run is said not to be tested."""
    for name in wiring.CACHES:
        (row, *_) = [line for line in PAGE.splitlines() if f"`{name}://`" in line]
        recorded = any(wiring.CACHES[record.kind] is wiring.CACHES[name] for record in RECORDS)
        assert recorded != ("not tested" in row), name


def test_every_record_is_of_a_cache_that_is_there() -> None:
    """No record speaks for a cache that does not exist, and its counts add up."""
    for record in RECORDS:
        assert record.kind in wiring.CACHES
        assert record.tests == record.passed + len(record.gaps) + len(record.failed) + len(record.skipped)
        assert record.tests > 200


def test_nothing_recorded_failed() -> None:
    """What is recorded passed, but for gaps: a cache that fails the kit is mended, not written down."""
    assert [(record.product, record.version, record.failed) for record in RECORDS if record.failed] == []
    assert [(record.product, record.version, record.skipped) for record in RECORDS if record.skipped] == []


@pytest.mark.parametrize("kind", sorted(GAPS))
def test_every_gap_stands_on_the_page(kind: str) -> None:
    """The gaps that a cache declares were seen, and stand on the page with their reasons."""
    for record in RECORDS:
        if record.kind == kind:
            assert record.gaps.keys() >= GAPS[kind].keys()
            assert set(record.gaps.values()) >= set(GAPS[kind].values())
            assert all(f"| {reason} |" in PAGE for reason in record.gaps.values())


def test_every_capability_is_proved_by_tests_that_are_there() -> None:
    """The tests that are said to show a capability are tests of the kit."""
    for name, tests in PROOFS.items():
        assert tests, name
        assert [test for test in tests if not hasattr(CacheKit, test)] == [], name
