"""What a run of the kit for sources showed is written down, type by type, and a part of a run writes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from afresh.testing.odd_values import shown
from afresh.testing.source_report import read
from afresh.testing.source_seen import Seen, seen, together

ROOT = Path(__file__).parents[2]

SUITE = '''
from types import MappingProxyType

from afresh.testing.source_kit_odd import OddKit
from afresh.testing.source_kit_types import PolicyKit
from tests.sources.sqlite_source_rig import SqliteSourceRig


class TestSome(SqliteSourceRig, OddKit, PolicyKit):
    """A part of the kit."""

    gaps = MappingProxyType({"test_text": "it is broken here", "test_stop": "it is said to be broken"})

    def test_text(self, bench):
        raise AssertionError
'''


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    suite = directory / "test_suite.py"
    suite.write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(suite)]
    plugin = ["-p", "afresh.testing.source_report", "--source-report", str(directory / "kit.json")]
    path = os.pathsep.join([str(ROOT), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [*command, *plugin, *arguments], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(120)
def test_a_run_is_written_down(tmp_path: Path) -> None:
    """What arrived, what became of what does not fit, gaps and what is outside with their reasons; a part is not."""
    part = _run(tmp_path, "-k", "odd_values")
    assert "nothing was written" in part.stdout, part.stdout + part.stderr
    assert not (tmp_path / "kit.json").exists()

    whole = _run(tmp_path)
    (record,) = read(tmp_path / "kit.json")
    assert (record.kind, record.product, record.real, record.skipped) == ("sqlite", "SQLite", True, [])
    assert record.gaps == {"test_text": "it is broken here"}
    assert record.failed == ["test_stop"], whole.stdout
    assert record.outside["test_odd_values[NaN]"].startswith("SQLite keeps null")
    assert record.tests == record.passed + len(record.gaps) + len(record.outside) + len(record.failed)
    told = {one.odd: one for one in record.odd}
    assert told["emoji"].arrived == (("'🙂'", "'🙂'"),)
    (bytes_of_another_page,) = told["cp1252 bytes"].misfits.values()
    assert bytes_of_another_page["stop"] == "stops (BadValue)"
    assert bytes_of_another_page["quarantine"] == "its row is set aside"


def test_what_tests_tell_of_one_type_comes_together() -> None:
    """Values that arrived and what became of misfits, told by several tests, are one row; in JSON it stays the same."""
    arrived = Seen(declared="DATE", described="date", read_as="date", arrow="date32[day]", arrived=(("'x'", "y"),))
    stops = Seen(declared="DATE", misfits={"'z'": {"stop": "stops"}})
    null = Seen(declared="DATE", misfits={"'z'": {"null": "null"}})
    (found,) = together([stops, arrived, null])
    assert (found.described, found.arrived) == ("date", (("'x'", "y"),))
    assert found.misfits == {"'z'": {"stop": "stops", "null": "null"}}
    assert seen(found.written()) == found


def test_long_values_are_cut() -> None:
    """A value is shown on one line and not longer than people read."""
    assert shown("x" * 1_000_000) == "'x' × 1,000,000"
    assert shown("a\nb\0") == r"'a\nb\x00'"
    assert len(shown(bytes(100_000))) < 70
