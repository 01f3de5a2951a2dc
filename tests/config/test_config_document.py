"""The reference of all settings."""

import pytest
from tests.config.config_kinds import KINDS

from afresh.config.document import reference
from afresh.config.shape import settings
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig

TYPES = [
    DataSyncOptions,
    CacheConfig,
    SourceSystemConfig,
    DataSourceConfig,
    ScheduleConfig,
    *(kind.options for kind in KINDS.sources.values()),
    *dict.fromkeys(kind.options for kind in KINDS.fetchers.values()),
    *([KINDS.own.options] if KINDS.own else []),
]


@pytest.mark.parametrize("options_type", TYPES, ids=lambda found: found.__name__)
def test_every_setting_stands_in_the_reference(options_type: type) -> None:
    """With both names and its description, in a row of its own."""
    rows = [line for line in reference(KINDS).splitlines() if line.startswith("| `")]
    for setting in settings(options_type):
        if (options_type, setting.name) == (SourceSystemConfig, "options"):
            continue
        assert setting.description, f"{options_type.__name__}.{setting.name} has no description"
        told = " ".join(setting.description.split()).replace("|", "\\|")
        assert any(
            row.startswith(f"| `{setting.name}`") and f"`{setting.json_name}`" in row and row.endswith(f"| {told} |")
            for row in rows
        ), f"{options_type.__name__}.{setting.name} has no row"


def test_every_row_has_five_cells() -> None:
    """No description breaks the table."""
    rows = [line for line in reference(KINDS).splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}


def test_every_kind_has_a_part() -> None:
    """Source systems by their kind, fetchers by their name."""
    text = reference(KINDS)
    for name in KINDS.sources:
        assert f"### Source systems of kind `{name}`" in text
    for name in KINDS.fetchers:
        assert f"`{name}`" in text or f"`{name}:…`" in text
