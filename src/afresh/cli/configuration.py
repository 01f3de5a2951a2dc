"""The configuration that a command works with."""

import os
import sys
from pathlib import Path

from afresh import wiring
from afresh.cli.output import say
from afresh.config.find import find
from afresh.config.load import load
from afresh.core.events import Event
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Cache, Emit
from afresh.engine.service import Service


def file(path: Path | None) -> Path:
    """That file, or the one that is found where people put it; ConfigurationError if none is."""
    return path if path is not None else find(Path.cwd(), os.environ)


def options(path: Path | None) -> DataSyncOptions:
    """The options of that file, or of the one that is found where people put it.

    Python modules beside the file can be named in it, as fetchers and post-processors.
    """
    found = file(path)
    beside = str(found.absolute().parent)
    if beside not in sys.path:
        sys.path.append(beside)
    return load(found, wiring.KINDS)


def service(path: Path | None, emit: Emit | None = None) -> Service:
    """A service of that configuration; it connects to nothing before it is asked to."""
    return wiring.assemble(options(path), emit=emit or _nobody)


def asking(path: Path | None) -> Service:
    """A service of that configuration that only looks and asks; says so if it asks the process that owns the cache,
    or reads the copy that it published."""
    found = options(path)
    return wiring.assemble(found, emit=_nobody, cache=cache_to_ask(found))


def cache_to_ask(found: DataSyncOptions) -> Cache:
    """The cache for one who only looks; says on stderr whom it asks, where that is not the cache itself."""
    cache = wiring.asked_cache(found)
    if origin := getattr(cache, "origin", ""):
        say(f"Asked {origin}.")
    return cache


def tell_origin(cache: Cache) -> None:
    """Says on stderr where the answers came from, if not from the cache itself: a copy of it may be older."""
    if copied := getattr(cache, "copy_that_answered", ""):
        say(f"Another process has the cache open; read its published copy {copied}.")


def _nobody(_event: Event) -> None:
    """For commands in which nothing happens that anybody should hear of."""
