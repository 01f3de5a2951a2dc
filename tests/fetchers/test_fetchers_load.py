"""Names of users' fetchers and post-processors: `module:Class`, or an entry point."""

import sys
from pathlib import Path

import pytest
from tests.fetchers import mine

from afresh.core.errors import ConfigurationError
from afresh.fetchers.rows import load


def test_module_and_class() -> None:
    """A name with a colon is an attribute of a module, however deep."""
    assert load("tests.fetchers.mine:Orders") is mine.Orders
    assert load("tests.fetchers.mine:Inside.Orders") is mine.Orders


def test_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without a colon is an entry point of an installed package, for fetchers or post-processors."""
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[afresh.fetchers]\ntheir-orders = tests.fetchers.mine:Orders\nbroken = tests.fetchers.broken:X\n"
        "[afresh.post_processors]\nafterwards = tests.fetchers.mine:Inside\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert load("their-orders") is mine.Orders
    assert load("afterwards") is mine.Inside
    with pytest.raises(ConfigurationError, match="there is nothing called 'their-order'") as raised:
        load("their-order")
    assert raised.value.hint == "Did you mean 'their-orders'?"
    with pytest.raises(ConfigurationError, match=r"importing tests\.fetchers\.broken:X failed: ZeroDivisionError"):
        load("broken")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("nothing_here:X", "nothing_here:X: there is no module 'nothing_here'", "PYTHONPATH"),
        ("tests.fetchers.nothing:X", "there is no module 'tests.fetchers.nothing'", "PYTHONPATH"),
        ("tests.fetchers.mine:Order5", "the module has no 'Order5'", "Did you mean tests.fetchers.mine:Order"),
        ("tests.fetchers.mine:Inside.X", "the module has no 'Inside.X'", ""),
        ("tests.fetchers.mine:", "the module has no ''", ""),
        (":Orders", "'' is not the name of a module", ""),
        ("a b:X", "'a b' is not the name of a module", ""),
        (".mine:X", "'.mine' is not the name of a module", ""),
        ("tests.fetchers.broken:X", "importing tests.fetchers.broken failed: ZeroDivisionError: at import", ""),
        ("tests.fetchers.needy:X", "importing tests.fetchers.needy failed: No module named 'a_library", ""),
        ("Orders", "there is nothing called 'Orders'", "`module:Class`"),
    ],
)
def test_names_that_mean_nothing(name: str, message: str, hint: str) -> None:
    """Each is a mistake of the configuration, told with what was looked for and what was probably meant."""
    with pytest.raises(ConfigurationError) as raised:
        load(name)
    assert message in raised.value.message
    assert hint in raised.value.hint
