"""A pytest plugin that writes down what a run of the kit for sources showed.

    pytest -p afresh.testing.source_report --source-report sources.json tests/

The file is a JSON list of records (`SourceRecord`), one for each kind of source, product, version and way to reach it.
A run replaces the records of what it tested and keeps the others. A run of a part of the kit writes nothing.
"""

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from afresh.testing.kept_report import KeptReport, ordinal
from afresh.testing.source_kit_rig import SourceTrial
from afresh.testing.source_seen import ODD, TYPE, Seen, seen, together

OPTION = "--source-report"
NAME = "afresh source report"

_TRIAL = tuple(SourceTrial.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What the kit showed of one source. `real` is False where a fake of ours stood for the product.

    `tests` counts all that were run, `passed` those that passed; `gaps` failed as they have to, `outside` have no
    meaning for the source, each with the reason; `failed` and `skipped` name the others. `types` and `odd` are what
    was seen of the database's types and of the odd values. `date` is the day of the run, in UTC.
    """

    kind: str
    product: str
    version: str
    by: str
    real: bool
    date: str
    python: str
    tests: int
    passed: int
    gaps: Mapping[str, str] = field(default_factory=dict)
    outside: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()
    skipped: Sequence[str] = ()
    types: Sequence[Seen] = ()
    odd: Sequence[Seen] = ()

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it speaks for: a later run of the same takes its place, though versions of drivers have changed."""
        return self.kind, self.product, self.version


@dataclass(slots=True)
class _Went:
    """How one test went, over its phases."""

    name: str
    trial: SourceTrial
    told: Sequence[tuple[str, str]] = ()
    outcome: str = "passed"
    reason: str = ""

    def of(self, name: str) -> list[str]:
        """The values of a property, in the order in which they were told."""
        return [value for known, value in self.told if known == name]


class SourceReport(KeptReport):
    """Gathers the results of the kit's tests, and writes them when the session ends."""

    title = "kit for sources"

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._went: dict[str, _Went] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test ended."""
        told = {name: str(value) for name, value in report.user_properties}
        if "source.kind" not in told:
            return
        facts = {name: told[f"source.{name}"] for name in _TRIAL}
        trial = SourceTrial(**{**facts, "real": facts["real"] == "True"})  # type: ignore[arg-type]
        went = self._went.setdefault(report.nodeid, _Went(report.nodeid.rpartition("::")[2], trial))
        went.told = [(name, str(value)) for name, value in report.user_properties]
        if report.failed:
            went.outcome = "failed"
        elif report.skipped and went.outcome == "passed":
            expected = "gaps" if "source.gap" in told else "outside"
            went.outcome = expected if hasattr(report, "wasxfail") else "skipped"
            went.reason = str(getattr(report, "wasxfail", "")).removeprefix("reason: ")

    def keep(self) -> str:
        """Takes the place of the records of what was tested."""
        found = records(self._went.values(), datetime.now(UTC).date().isoformat())
        tested = {record.subject for record in found}
        if tested:
            write(self.file, [*(record for record in read(self.file) if record.subject not in tested), *found])
        return ", ".join(" ".join(subject) for subject in sorted(tested))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.addoption(OPTION, metavar="FILE", help="write what the kit for sources showed to a JSON file")


def pytest_configure(config: pytest.Config) -> None:
    """Gathers where the results come together: not in a worker of xdist."""
    file = config.getoption(OPTION)
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SourceReport(Path(file)), NAME)


def records(went: Iterable[_Went], date: str) -> list[SourceRecord]:
    """The records of what went on, on that day."""
    found: dict[SourceTrial, list[_Went]] = {}
    for one in went:
        found.setdefault(one.trial, []).append(one)
    return [_record(trial, sorted(tests, key=lambda one: one.name), date) for trial, tests in found.items()]


def read(file: Path) -> list[SourceRecord]:
    """The records of a file; none if there is no file."""
    if not file.exists():
        return []
    told = json.loads(file.read_text(encoding="utf-8"))
    return [
        SourceRecord(**{**one, "types": [*map(_seen, one["types"])], "odd": [*map(_seen, one["odd"])]}) for one in told
    ]


def write(file: Path, found: Iterable[SourceRecord]) -> None:
    """Writes a file of records, in the order of kind, product and version."""
    ordered = sorted(found, key=lambda record: (record.kind, record.product, ordinal(record.version)))
    text = json.dumps([asdict(record) for record in ordered], indent=1, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8")


def _seen(told: object) -> Seen:
    return seen(json.dumps(told))


def _record(trial: SourceTrial, tests: Sequence[_Went], date: str) -> SourceRecord:
    def reasons(outcome: str) -> dict[str, str]:
        return {one.name: one.reason for one in tests if one.outcome == outcome}

    def gathered(told: str) -> list[Seen]:
        found = [seen(text) for one in tests for text in one.of(told)]
        return sorted(together(found), key=lambda one: (one.odd, one.declared))

    return SourceRecord(
        **asdict(trial),
        date=date,
        python=platform.python_version(),
        tests=len(tests),
        passed=sum(one.outcome == "passed" for one in tests),
        gaps=reasons("gaps"),
        outside=reasons("outside"),
        failed=[one.name for one in tests if one.outcome == "failed"],
        skipped=[one.name for one in tests if one.outcome == "skipped"],
        types=gathered(TYPE),
        odd=gathered(ODD),
    )
