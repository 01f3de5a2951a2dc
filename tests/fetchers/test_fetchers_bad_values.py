"""Values that do not fit, or only just: each file of `bad_values` says what becomes of one."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.fetchers.fetched import built, database, rows, source_of

from afresh.core.errors import BadValue
from afresh.fetchers.table import TABLE

FILES = sorted((Path(__file__).parent / "bad_values").glob("*.toml"))


def read(file: Path) -> dict[str, Any]:
    """What the file says."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_bad_value(file: Path, tmp_path: Path) -> None:
    """The stored value is refused with exactly that message and hint, or arrives as exactly that value."""
    case = read(file)
    expected = case["expected"]
    path = database(
        tmp_path / "erp.db",
        f"CREATE TABLE T (Id INTEGER PRIMARY KEY, V {case['declared']})",
        f"INSERT INTO T VALUES (1, NULL), (3, {case['stored']}), (4, NULL)",
    )
    columns = {"Id": "Id", "V": {"type": case["type"]}}
    fetcher = built(TABLE, source_of(path, "America/Chicago"), columns=columns)
    if "value" in expected:
        assert [str(row["V"]) for row in rows(fetcher)] == ["None", expected["value"], "None"]
        return
    with pytest.raises(BadValue) as raised:
        rows(fetcher)
    assert (raised.value.message, raised.value.hint) == (expected["error"], expected["hint"])


def test_the_files_are_there() -> None:
    """At least forty values are refused, and ten that look alike are read."""
    refused = [file for file in FILES if "error" in read(file)["expected"]]
    assert len(refused) >= 40
    assert len(FILES) - len(refused) >= 10
