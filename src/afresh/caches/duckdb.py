"""DuckDB as the cache: the fast analytical choice. One process owns the file; others read a published copy."""

from pathlib import Path

from afresh.caches.duckdb_address import parse_address
from afresh.core.errors import ConfigurationError
from afresh.core.kinds import CacheKind
from afresh.core.options import CacheConfig
from afresh.core.ports import Cache


def build(config: CacheConfig, base_directory: Path) -> Cache:
    """The cache of a `duckdb:///path` URL, see `parse_address`; ConfigurationError if the driver is missing."""
    address = parse_address(config.url, base_directory)
    try:
        from afresh.caches.duckdb_cache import DuckdbCache
    except ImportError as error:
        raise ConfigurationError(
            f"a DuckDB cache needs a driver that is not installed: {error}",
            hint="Run `pip install 'afresh[duckdb]'`.",
        ) from error
    return DuckdbCache(address, config.lock_timeout)


def note(config: CacheConfig, base_directory: Path) -> Path:
    """The file beside the database in which its owner says where it listens."""
    path = parse_address(config.url, base_directory).path
    return path.with_name(f"{path.name}.owner")


DUCKDB = CacheKind(build=build, note=note)
