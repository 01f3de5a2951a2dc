"""The URL of a DuckDB cache."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from afresh.caches import duckdb as kind
from afresh.caches.duckdb_address import parse_address
from afresh.core.errors import ConfigurationError
from afresh.core.options import CacheConfig


def test_everything(tmp_path: Path) -> None:
    """All parameters of the URL arrive, with relative paths in the configuration's directory."""
    url = (
        "duckdb:///my%20cache.duckdb?memory_limit=1.5GiB&threads=3&temp_directory=spill"
        "&publish=out/copy.duckdb&publish_interval=5m"
    )
    found = parse_address(url, tmp_path)
    assert found.path == tmp_path / "my cache.duckdb"
    assert (found.memory, found.threads) == (3 * 2**29, 3)
    assert (found.temp_directory, found.publish) == (tmp_path / "spill", tmp_path / "out/copy.duckdb")
    assert found.publish_interval == timedelta(minutes=5)


def test_nothing(tmp_path: Path) -> None:
    """Without parameters, memory and threads are limited all the same, and nothing is published."""
    found = parse_address(f"duckdb:///{tmp_path}/cache.duckdb", Path("/elsewhere"))
    assert found.path == tmp_path / "cache.duckdb"
    assert found.memory == 512 * 10**6
    assert 1 <= found.threads <= 4
    assert found.temp_directory == tmp_path / "cache.duckdb.tmp"
    assert found.publish is None
    assert set(found.config()) == {"memory_limit", "threads", "temp_directory", "preserve_insertion_order"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("duckdb://cache.duckdb", "duckdb:///path"),
        ("duckdb:///", "duckdb:///path"),
        ("duckdb:///:memory:", "duckdb:///path"),
        ("duckdb:///a?memory=1GB", "memory_limit"),
        ("duckdb:///a?memory_limit=lots", "512MB"),
        ("duckdb:///a?memory_limit=1MB", "64MB"),
        ("duckdb:///a?threads=0", "threads"),
        ("duckdb:///a?threads=two", "threads"),
        ("duckdb:///a?threads=", "threads"),
        ("duckdb:///a?threads=1&threads=2", "more than once"),
        ("duckdb:///a?publish=b&publish_interval=soon", "30s"),
        ("duckdb:///a?publish=b&publish_interval=0s", "30s"),
        ("duckdb:///a?publish_interval=1m", "where to publish"),
        ("duckdb:///a?publish=./a", "over itself"),
    ],
)
def test_refused(url: str, said: str, tmp_path: Path) -> None:
    """What cannot work is refused, and the message or the hint says what would."""
    with pytest.raises(ConfigurationError) as refused:
        parse_address(url, tmp_path)
    assert said in refused.value.message + refused.value.hint


def test_driver_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the driver, the error says what to install."""
    for name in [name for name in sys.modules if name.startswith("afresh.caches.duckdb_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigurationError) as refused:
        kind.build(CacheConfig(url="duckdb:///cache.duckdb"), tmp_path)
    assert "pip install 'afresh[duckdb]'" in refused.value.hint


def test_building_makes_nothing(tmp_path: Path) -> None:
    """A cache that was built and asked, but never written, leaves no file."""
    cache = kind.build(CacheConfig(url="duckdb:///cache.duckdb?publish=copy.duckdb"), tmp_path)
    assert cache.log.last_updates() == []
    assert cache.leases.held("") == []
    assert cache.clean(frozenset()) == []
    cache.close()
    assert list(tmp_path.iterdir()) == []
