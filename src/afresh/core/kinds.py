"""What a kind of source, fetcher or cache is: its settings, and how one is built from them.

`wiring` holds the tables of kinds by name; `config` validates the settings against `options`, a frozen dataclass
with annotated fields.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afresh.core.options import CacheConfig, DataSourceConfig, SourceSystemConfig
from afresh.core.ports import Cache, Clock, Fetcher, SourceSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a source system is built from. `options` is an instance of its kind's option type."""

    name: str
    config: SourceSystemConfig
    options: Any
    base_directory: Path
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """A kind of database that can be read."""

    options: type
    build: Callable[[SourceContext], SourceSystem]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetcherContext:
    """What a fetcher is built from. `argument` is what follows the colon of `jde:F4801`, or empty."""

    config: DataSourceConfig
    argument: str
    options: Any
    source: SourceSystem | None
    batch_rows: int
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FetcherKind:
    """A kind of fetcher. A fixed `argument` makes a named one, such as JdeWorkOrderFetcher for `jde:F4801`."""

    options: type
    build: Callable[[FetcherContext], Fetcher[Any]]
    needs_source: bool = True
    takes_argument: bool = False
    argument: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    """A kind of database that can be the cache, found by the scheme of the cache's URL.

    Where one process owns the database alone, `note` says in which file that process writes down how others can ask
    it; None for databases that many can open.
    """

    build: Callable[[CacheConfig, Path], Cache]
    note: Callable[[CacheConfig, Path], Path] | None = None
