"""The specification names the test that shows each of its scenarios."""

from pathlib import Path

import pytest
from tests.spec import known_tests, specification
from tests.spec.known_tests import is_collected

READ = specification.read(specification.SPEC.read_text(encoding="utf-8"))


def test_every_requirement_has_a_scenario() -> None:
    """No requirement stands without a scenario, and no two have the same name."""
    assert READ.requirements
    assert READ.empty_requirements() == []
    assert len(set(READ.requirements)) == len(READ.requirements)


@pytest.mark.parametrize("scenario", READ.scenarios, ids=str)
def test_every_scenario_names_tests_that_are_there(scenario: specification.Scenario) -> None:
    """A scenario has a TEST line at least, and each names a test that pytest collects."""
    assert scenario.tests
    assert [test for test in scenario.tests if not is_collected(test)] == []


def test_a_scenario_without_a_test_is_found() -> None:
    """Reading gives a scenario without TEST line no tests, and a requirement without scenario as empty."""
    text = "### Requirement: A\nIt SHALL.\n#### Scenario: B\n- **WHEN** c\n### Requirement: D\n"
    read = specification.read(text)
    assert [(str(scenario), scenario.tests) for scenario in read.scenarios] == [("A / B", ())]
    assert read.empty_requirements() == ["D"]


@pytest.mark.parametrize(
    "name",
    [
        "tests/spec/test_openspec.py::test_that_is_not_there",
        "tests/spec/test_not_there.py::test_every_requirement_has_a_scenario",
        "tests/spec/test_openspec.py",
        "tests/spec/specification.py::read",
        "tests/spec/test_openspec.py::TestNone::test_it",
        "?",
    ],
)
def test_a_name_that_is_no_test_is_found(name: str) -> None:
    """A file, function or class that is not there is no test, nor is a function of another file."""
    assert not is_collected(name)


def test_inherited_tests_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a class inherits from a suite in another module count as its own, and state machines count."""
    (tmp_path / "src/kit").mkdir(parents=True)
    (tmp_path / "tests/x").mkdir(parents=True)
    (tmp_path / "src/kit/suite.py").write_text("class Suite:\n    def test_one(self): ...\n    def made(self): ...\n")
    (tmp_path / "tests/x/test_it.py").write_text(
        "from kit.suite import Suite as S\n"
        "class TestOurs(S):\n    def test_two(self): ...\n"
        "TestMachine = Machine.TestCase\n"
    )
    monkeypatch.setattr(known_tests, "ROOT", tmp_path)
    expected = {"test_one": True, "test_two": True, "made": False, "test_three": False}
    assert {name: is_collected(f"tests/x/test_it.py::TestOurs::{name}") for name in expected} == expected
    assert is_collected("tests/x/test_it.py::TestMachine::runTest")
