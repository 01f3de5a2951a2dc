"""Where the configuration is looked for when nobody says where it is."""

from pathlib import Path

import pytest

from afresh.config.find import find
from afresh.core.errors import ConfigurationError


def test_afresh_toml_comes_before_appsettings_json(tmp_path: Path) -> None:
    """The form of our own wins, the other is found when it is alone."""
    (tmp_path / "appsettings.json").write_text("{}")
    assert find(tmp_path, {}) == tmp_path / "appsettings.json"
    (tmp_path / "afresh.toml").write_text("")
    assert find(tmp_path, {}) == tmp_path / "afresh.toml"


def test_the_variable_wins(tmp_path: Path) -> None:
    """AFRESH_CONFIG names a file, relative to the directory or not."""
    (tmp_path / "afresh.toml").write_text("")
    (tmp_path / "mine.toml").write_text("")
    assert find(tmp_path, {"AFRESH_CONFIG": "mine.toml"}) == tmp_path / "mine.toml"
    assert find(tmp_path, {"AFRESH_CONFIG": str(tmp_path / "mine.toml")}) == tmp_path / "mine.toml"


def test_what_was_looked_for_is_told(tmp_path: Path) -> None:
    """Both names, the directory and the variable."""
    with pytest.raises(ConfigurationError) as caught:
        find(tmp_path, {})
    for part in ("afresh.toml", "appsettings.json", str(tmp_path), "AFRESH_CONFIG"):
        assert part in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"AFRESH_CONFIG names gone\.toml, and there is no such file"):
        find(tmp_path, {"AFRESH_CONFIG": "gone.toml"})
