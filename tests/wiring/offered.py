"""What a package of somebody else offers: a cache and a source, each by a kind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afresh.caches.sqlite import SqliteCache
from afresh.core.kinds import CacheKind, FetcherContext, FetcherKind, SourceContext, SourceKind
from afresh.core.options import CacheConfig
from afresh.core.ports import Cache
from afresh.sources.sqlite import SQLITE


def build(config: CacheConfig, base_directory: Path) -> Cache:
    """A cache in one file, whatever the URL says."""
    return SqliteCache(base_directory / "theirs.db", config)


def build_source(context: SourceContext) -> Any:
    """A source that is one of ours."""
    return SQLITE.build(context)


@dataclass(frozen=True)
class Nothing:
    """No options."""


class Older:
    """A fetcher that was written for an older contract."""

    def schema(self) -> None:
        """Not called."""

    def fetch(self, minimum_dt: object, cancel: object) -> None:
        """Not called."""

    def explain(self, minimum_dt: object) -> None:
        """Not called."""

    def misses(self) -> None:
        """Not called."""


def build_older(_context: FetcherContext) -> Any:
    """That one."""
    return Older()


CACHE = CacheKind(build=build)
SOURCE = SourceKind(options=SQLITE.options, build=build_source)
OLDER = FetcherKind(options=Nothing, build=build_older)
NOTHING = object()
