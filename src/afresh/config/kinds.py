"""What a configuration may name: the kinds of sources, fetchers and caches that exist."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from afresh.core.kinds import CacheKind, FetcherKind, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds by name: sources by `kind`, fetchers by their name, caches by the scheme of the cache's URL.

    `arguments` tell those a fetcher knows by itself (the tables of `jde`); others need `fetcher_options`.
    `resolve` finds what a name outside these tables means (an entry point, or `module:Class`) and raises
    `ConfigurationError` for a name that means nothing; without it such names are not checked. What it returns for
    a fetcher may be a `FetcherKind`, whose options are then checked; those of anything else are checked as `own` says,
    the kind that stands for every fetcher in the user's Python.
    """

    sources: Mapping[str, SourceKind]
    fetchers: Mapping[str, FetcherKind]
    caches: Mapping[str, CacheKind]
    arguments: Mapping[str, Callable[[], Collection[str]]] = field(default_factory=dict)
    own: FetcherKind | None = None
    resolve: Callable[[str], object] | None = None

    def known_arguments(self, fetcher: str) -> Collection[str]:
        """The arguments that a fetcher knows by itself; none for most."""
        return self.arguments[fetcher]() if fetcher in self.arguments else ()
