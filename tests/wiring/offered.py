"""What a package of somebody else offers: a cache and a source, each by a kind."""

from pathlib import Path
from typing import Any

from afresh.caches.sqlite import SqliteCache
from afresh.core.kinds import CacheKind, SourceContext, SourceKind
from afresh.core.options import CacheConfig
from afresh.core.ports import Cache
from afresh.sources.sqlite import SQLITE


def build(config: CacheConfig, base_directory: Path) -> Cache:
    """A cache in one file, whatever the URL says."""
    return SqliteCache(base_directory / "theirs.db", config)


def build_source(context: SourceContext) -> Any:
    """A source that is one of ours."""
    return SQLITE.build(context)


CACHE = CacheKind(build=build)
SOURCE = SourceKind(options=SQLITE.options, build=build_source)
NOTHING = object()
