"""What a run of the kit showed is written down, gaps with their reasons, and nothing is left out silently."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from afresh.testing.kit_report import Record, read, write

ROOT = Path(__file__).parents[2]

SUITE = '''
from types import MappingProxyType

from afresh.core.model import ReloadStrategy
from afresh.testing.cache_kit import LeaseKit, ReloadKit
from tests.caches.sqlite_rig import SqliteRig


class TestSome(SqliteRig, LeaseKit):
    """A part of the kit."""

    gaps = MappingProxyType({"test_held": "it is broken here", "test_renew": "it is said to be broken"})

    def test_held(self, bench):
        raise AssertionError


class TestReload(SqliteRig, ReloadKit):
    """Another, of a cache that is said to lack what it has."""

    lacks = MappingProxyType({ReloadStrategy.SWAP: "it cannot"})
'''


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    suite = directory / "test_suite.py"
    suite.write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider"]
    plugin = ["-p", "afresh.testing.kit_report", "--kit-report", str(directory / "kit.json")]
    path = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.run(
        [*command, *plugin, *(arguments or (str(suite),))],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.mark.timeout(300)
def test_a_run_is_written_down(tmp_path: Path) -> None:
    """A gap is a test that failed as it had to, one that passes is a failure; several processes make one record."""
    ran = _run(tmp_path, "-n", "2", str(tmp_path / "test_suite.py"))
    assert "conformance kit:" in ran.stdout, ran.stdout + ran.stderr
    (record,) = read(tmp_path / "kit.json")
    assert (record.kind, record.product, record.skipped) == ("sqlite", "SQLite", [])
    assert record.gaps["test_held"] == "it is broken here"
    assert "test_renew" in record.failed
    assert record.tests == record.passed + len(record.gaps) + len(record.failed)
    assert "test_replaces[swap]" in record.failed
    assert "test_replaces[truncate]" not in record.failed
    assert ran.returncode == 1


@pytest.mark.timeout(300)
def test_a_part_of_the_kit_says_nothing(tmp_path: Path) -> None:
    """A run of some tests writes nothing, and says why; what was recorded stays."""
    before = [_record("1.0")]
    write(tmp_path / "kit.json", before)
    suite = str(tmp_path / "test_suite.py")
    for arguments in (("-k", "release", suite), (f"{suite}::TestSome::test_release",)):
        ran = _run(tmp_path, *arguments)
        assert "nothing was written" in ran.stdout, ran.stdout + ran.stderr
        assert read(tmp_path / "kit.json") == before


def test_records_are_kept_in_order(tmp_path: Path) -> None:
    """Records come back as they were written, by product and by version as a number."""
    file = tmp_path / "kit.json"
    write(file, [_record(version) for version in ("18.6", "9.6", "15.18")])
    assert [record.version for record in read(file)] == ["9.6", "15.18", "18.6"]
    assert read(tmp_path / "absent.json") == []


def _record(version: str) -> Record:
    return Record(
        kind="k",
        product="P",
        version=version,
        by="b",
        note="",
        python="3",
        tests=2,
        passed=1,
        gaps={"test_a": "why"},
        failed=[],
        skipped=[],
        refusals=["text: NUL"],
        capabilities={"concurrent_writers": "True"},
    )
