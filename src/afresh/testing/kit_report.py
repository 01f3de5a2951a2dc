"""A pytest plugin that writes down what a run of the conformance kit showed.

    pytest -p afresh.testing.kit_report --kit-report caches.json tests/

The file is a JSON list of records (`Record`), one for each cache and version. A run replaces the records of what it
tested and keeps the others, so that several servers can be tested one after the other. A run of a part of the kit
(`-k`, one test, one that was broken off) says nothing of a cache: it writes nothing, and says so.
"""

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from afresh.testing.kept_report import KeptReport, ordinal
from afresh.testing.kit_rig import Trial

OPTION = "--kit-report"
NAME = "afresh kit report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the kit showed of one cache and version.

    `tests` counts all that were run, `passed` those that passed. `gaps` holds the tests that failed as expected, with
    the reason; `failed` and `skipped` name the others. `refusals` are values that stop a sync, by the column's type.
    `capabilities` is what the cache says of itself, field by field; `odd` says of each odd value how it is kept.
    """

    kind: str
    product: str
    version: str
    by: str
    note: str
    python: str
    tests: int
    passed: int
    gaps: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()
    skipped: Sequence[str] = ()
    refusals: Sequence[str] = ()
    capabilities: Mapping[str, str] = field(default_factory=dict)
    odd: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """How one test went, over its phases."""

    name: str
    trial: Trial
    told: Sequence[tuple[str, Any]] = ()
    outcome: str = "passed"
    gap: str = ""


class KitReport(KeptReport):
    """Gathers the results of the kit's tests, and writes them when the session ends."""

    title = "conformance kit"

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._seen: dict[str, _Seen] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test ended."""
        told = dict(report.user_properties)
        if "kit.kind" not in told:
            return
        trial = Trial(**{name: str(told[f"kit.{name}"]) for name in Trial.__dataclass_fields__})
        name = report.nodeid.rpartition("::")[2]
        seen = self._seen.setdefault(report.nodeid, _Seen(name, trial))
        seen.told = report.user_properties
        if report.failed:
            seen.outcome = "failed"
        elif report.skipped and seen.outcome == "passed":
            seen.outcome = "gap" if hasattr(report, "wasxfail") else "skipped"
            # A test that finds the gap itself says so by `pytest.xfail`.
            seen.gap = str(getattr(report, "wasxfail", "")).removeprefix("reason: ")

    def keep(self) -> str:
        """Takes the place of the records of what was tested."""
        found = records(self._seen.values())
        tested = {(record.product, record.version) for record in found}
        if tested:
            kept = [record for record in read(self.file) if (record.product, record.version) not in tested]
            write(self.file, [*kept, *found])
        return ", ".join(f"{product} {version}" for product, version in sorted(tested))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.addoption(OPTION, metavar="FILE", help="write what the conformance kit showed to a JSON file")


def pytest_configure(config: pytest.Config) -> None:
    """Gathers where the results come together: not in a worker of xdist."""
    file = config.getoption(OPTION)
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(KitReport(Path(file)), NAME)


def records(seen: Iterable[_Seen]) -> list[Record]:
    """The records of what was seen."""
    found: dict[Trial, list[_Seen]] = {}
    for one in seen:
        found.setdefault(one.trial, []).append(one)
    return [_record(trial, sorted(tests, key=lambda one: one.name)) for trial, tests in found.items()]


def read(file: Path) -> list[Record]:
    """The records of a file; none if there is no file."""
    if not file.exists():
        return []
    return [Record(**record) for record in json.loads(file.read_text(encoding="utf-8"))]


def write(file: Path, found: Iterable[Record]) -> None:
    """Writes a file of records, in the order of product and version."""
    ordered = sorted(found, key=lambda record: (record.product, ordinal(record.version)))
    text = json.dumps([asdict(record) for record in ordered], indent=1, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8")


def _record(trial: Trial, tests: Sequence[_Seen]) -> Record:
    told = [(name.removeprefix("kit."), str(value)) for one in tests for name, value in one.told]
    return Record(
        **asdict(trial),
        python=platform.python_version(),
        tests=len(tests),
        passed=sum(one.outcome == "passed" for one in tests),
        gaps={one.name: one.gap for one in tests if one.outcome == "gap"},
        failed=[one.name for one in tests if one.outcome == "failed"],
        skipped=[one.name for one in tests if one.outcome == "skipped"],
        refusals=sorted({value for name, value in told if name == "refusal"}),
        capabilities={
            name.removeprefix("says."): value for name, value in sorted(set(told)) if name.startswith("says.")
        },
        odd={name.removeprefix("odd."): value for name, value in sorted(set(told)) if name.startswith("odd.")},
    )
