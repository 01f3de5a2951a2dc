"""PostgreSQL 15 to 18 as the cache: what is known of it before its drivers are needed."""

from pathlib import Path

from afresh.core.errors import ConfigurationError
from afresh.core.kinds import CacheKind
from afresh.core.options import CacheConfig
from afresh.core.ports import Cache


def build(config: CacheConfig, base_directory: Path) -> Cache:
    """The cache of a `postgresql://user@host/database?schema=name` URL; ConfigurationError if a driver is missing."""
    try:
        from afresh.caches.postgres_cache import open_postgres
    except ImportError as error:
        raise ConfigurationError(
            f"a PostgreSQL cache needs drivers that are not installed: {error}",
            hint="Run `pip install 'afresh[postgres]'`.",
        ) from error
    return open_postgres(config)


POSTGRES = CacheKind(build=build)
