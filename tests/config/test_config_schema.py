"""The JSON Schema for editors."""

import json
import tomllib
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from tests.config.config_kinds import KINDS

from afresh.config import json_form
from afresh.config.findings import Findings
from afresh.config.nodes import plain
from afresh.config.schema import json_schema
from afresh.config.text import Text

EXAMPLES = Path(__file__).parents[2] / "examples"
BAD = Path(__file__).with_name("bad")
FORMS: tuple[Literal["toml", "json"], ...] = ("toml", "json")


def content(path: Path) -> Any:
    """The file as plain values."""
    if path.suffix == ".toml":
        return tomllib.loads(path.read_text(encoding="utf-8"))
    root = json_form.read(Text(path.name, path.read_bytes()), Findings())
    assert root is not None
    return plain(root)


def validator(form: Literal["toml", "json"]) -> jsonschema.Draft202012Validator:
    """A validator for the form."""
    return jsonschema.Draft202012Validator(json_schema(KINDS, form))


@pytest.mark.parametrize("form", FORMS)
def test_it_is_a_schema(form: Literal["toml", "json"]) -> None:
    """It is a valid JSON Schema of 2020-12, and can be printed as JSON."""
    schema = json_schema(KINDS, form)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", ["afresh.toml", "appsettings.json"])
def test_the_examples_are_valid(name: str) -> None:
    """An editor has nothing to say about what we ship."""
    form = FORMS[name.endswith(".json")]
    assert [error.message for error in validator(form).iter_errors(content(EXAMPLES / name))] == []


@pytest.mark.parametrize(
    "name",
    [
        "bounds.toml", "bounds-ratio.toml", "bounds-empty-texts.toml", "cache-scheme.toml", "duration-bad.toml",
        "duration-zero.toml", "duration-number.toml", "enum.toml", "fetcher-no-argument.toml", "kind-missing.toml",
        "kind-unknown.toml", "missing-everything.toml", "missing-path.toml", "missing-fetcher-options.toml",
        "misplaced-setting.toml", "alias-twice.toml", "query-no-key.toml", "schedule-mass-only.toml",
        "secret-two.toml", "secret-value.toml", "section-misspelled.toml", "table-columns.toml", "type-boolean.toml",
        "type-fetcher-option-items.toml", "type-integer.toml", "type-schedule-text.toml", "unknown-cache.toml",
        "unknown-fetcher-option-nested.toml", "unknown-source-system-setting.toml", "unknown-top.toml",
        "missing-everything.json", "unknown.json", "type-texts.json", "type-null.json", "json-data-sources.json",
        "secret-json.json", "section-missing.json",
    ],
)  # fmt: skip
def test_bad_files_are_not_valid(name: str) -> None:
    """An editor sees what a schema can see."""
    assert not validator(FORMS[name.endswith(".json")]).is_valid(content(BAD / name))


@pytest.mark.parametrize("form", FORMS)
def test_settings_are_described_with_their_defaults(form: Literal["toml", "json"]) -> None:
    """An editor shows what a setting is, and what it is if it is not given."""
    folds = form == "json"
    section = json_schema(KINDS, form)["properties"]["DataSync" if folds else "data_sync"]["properties"]
    found = section["CheckInterval" if folds else "check_interval"]
    assert found["description"] == "Time between two looks at the schedules."
    assert found["default"] == ("00:01:00" if folds else "1m")


def test_references_are_valid_where_they_are_allowed() -> None:
    """A secret may stand elsewhere, the name of a table may not."""
    value = content(EXAMPLES / "afresh.toml")
    value["data_sync"]["cache"]["url"] = {"env": "CACHE"}
    value["data_sync"]["source_systems"]["JDE"]["path"] = {"command": ["where", "is", "it"]}
    assert validator("toml").is_valid(value)
    value["data_sync"]["data_sources"][0]["table_name"] = {"env": "TABLE"}
    assert not validator("toml").is_valid(value)
