"""Values that are wrong, odd or missing: each file of `bad_values` says what becomes of one."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.jde.jde_rows import fetched, source_of, stored

from afresh.core.errors import BadValue

FILES = sorted((Path(__file__).parent / "bad_values").glob("*.toml"))


def read(file: Path) -> dict[str, Any]:
    """A file, with the columns that are null as such."""
    case = tomllib.loads(file.read_text(encoding="utf-8"))
    for row in case["rows"]:
        row.update(dict.fromkeys(row.pop("nulls", ())))
    return case


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_bad_value(file: Path) -> None:
    """The rows are refused with exactly that message and hint, or read as exactly those values."""
    case = read(file)
    expected = case["expected"]
    source = source_of(case["table"], *(stored(case["table"], **row) for row in case["rows"]))
    if "error" in expected:
        with pytest.raises(BadValue) as raised:
            fetched(source, **case.get("options", {}))
        assert (raised.value.message, raised.value.hint) == (expected["error"], expected["hint"])
        return
    row = fetched(source, **case.get("options", {}))[0]
    assert {name: row[name] for name in expected.get("null", ())} == dict.fromkeys(expected.get("null", ()))
    values = expected.get("values", {})
    assert {name: str(row[name]) for name in values} == values


def test_the_files_are_there() -> None:
    """At least twenty are refused and ten are read."""
    refused = [file for file in FILES if "error" in read(file)["expected"]]
    assert len(refused) >= 20
    assert len(FILES) - len(refused) >= 10
