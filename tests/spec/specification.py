"""The specification as it is written: requirements, their scenarios, and the tests that show them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SPEC = Path(__file__).parents[2] / "openspec/changes/implement-data-sync/specs/data-sync/spec.md"
_TEST = re.compile(r"- \*\*TEST\*\* (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario of a requirement, with what its TEST lines say."""

    requirement: str
    title: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.requirement} / {self.title}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """All of a specification file, in its order."""

    requirements: tuple[str, ...]
    scenarios: tuple[Scenario, ...]

    def empty_requirements(self) -> list[str]:
        """The requirements that no scenario belongs to."""
        shown = {scenario.requirement for scenario in self.scenarios}
        return [name for name in self.requirements if name not in shown]


def read(text: str) -> Specification:
    """Reads a specification in OpenSpec's form."""
    requirements: list[str] = []
    scenarios: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("### Requirement: "):
            requirements.append(line.removeprefix("### Requirement: ").strip())
        elif line.startswith("#### Scenario: "):
            scenarios.append((requirements[-1], line.removeprefix("#### Scenario: ").strip(), []))
        elif match := _TEST.match(line):
            scenarios[-1][2].append(match[1].strip())
    return Specification(requirements=tuple(requirements), scenarios=tuple(_scenarios(scenarios)))


def _scenarios(found: Iterable[tuple[str, str, list[str]]]) -> Iterable[Scenario]:
    return (Scenario(requirement=name, title=title, tests=tuple(tests)) for name, title, tests in found)
