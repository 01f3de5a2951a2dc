"""Each of the 215 original requirements is accounted for, and what is named for it is there."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.spec import specification

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "requirements.md"
STATUSES = {"built", "adapted", "partly", "missing"}
PLACES = ("src/", "tests/", "docs/", "examples/", "openspec/", ".ci/")
FILES = {"pyproject.toml", "Makefile", "README.md"}
TARGET = re.compile(r"make (\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    number: str
    asked: str
    status: str
    where: str


def _rows() -> Iterator[Row]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| R\d", line):
            number, asked, status, where = (cell.strip() for cell in line.strip("|").split("|"))
            yield Row(number=number, asked=asked, status=status, where=where)


ROWS = tuple(_rows())
REQUIREMENTS = specification.read(specification.SPEC.read_text(encoding="utf-8")).requirements
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _is_there(name: str) -> bool:
    """Whether a quoted place exists: a file, or a name that a module binds at its top."""
    path, _, symbol = name.partition("::")
    place = ROOT / path
    if not symbol:
        return place.exists()
    return place.is_file() and symbol in set(_bound(ast.parse(place.read_text(encoding="utf-8"))))


def _bound(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _wrong(row: Row) -> list[str]:
    """What a row names and is not there."""
    quoted = re.findall(r"`([^`]+)`", row.where)
    places = [name for name in quoted if name.startswith(PLACES) or name.partition("::")[0] in FILES]
    targets = [match[1] for name in quoted if (match := TARGET.fullmatch(name))]
    named = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", row.where)
    return (
        [name for name in places if not _is_there(name)]
        + [f"make {name}" for name in targets if name not in TARGETS]
        + [name for name in named if name not in REQUIREMENTS]
    )


def test_each_number_once() -> None:
    """R001 to R215 stand in the table, in order, each once."""
    assert [row.number for row in ROWS] == [f"R{number:03}" for number in range(1, 216)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_each_line_is_accounted_for(row: Row) -> None:
    """A line has a paraphrase, a known status, and names places and requirements that are there."""
    assert row.asked
    assert row.status in STATUSES
    assert row.where
    assert _wrong(row) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_what_is_missing_says_which_work_brings_it(row: Row) -> None:
    """A line says what is missing and which later work brings it exactly if it is not wholly met."""
    assert (row.status in {"partly", "missing"}) == ("issing: " in row.where and "(later work: " in row.where)


def test_a_wrong_name_is_found() -> None:
    """A file, symbol, target or requirement that is not there is reported."""
    where = "`src/afresh/none.py`, `src/afresh/hosting.py::Nothing`, `make nothing`, *No such requirement*"
    row = Row(number="R000", asked="x", status="built", where=where)
    assert _wrong(row) == [
        "src/afresh/none.py",
        "src/afresh/hosting.py::Nothing",
        "make nothing",
        "No such requirement",
    ]
