"""Where a DuckDB cache is, what it may use of the machine, and where it is published."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

from afresh.core.errors import ConfigurationError

T = TypeVar("T")

DEFAULT_MEMORY = "512MB"
DEFAULT_INTERVAL = timedelta(seconds=60)
_MOST_THREADS = 4

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)", re.IGNORECASE)
_UNITS = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_LEAST_MEMORY = 64 * 10**6
_USUAL_MEMORY = 150 * 10**6
"""Enough for tables of some thirty columns; DuckDB fills what it is given, so it gets more only when it needs it."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A DuckDB file, the limits of the process that owns it, and where and how often a copy of it is published.

    `memory` is the most that DuckDB gets, in bytes.
    """

    path: Path
    memory: int
    threads: int
    temp_directory: Path
    publish: Path | None = None
    publish_interval: timedelta = DEFAULT_INTERVAL

    @property
    def first_memory(self) -> int:
        """What DuckDB gets as long as no wide tables are synced."""
        return min(self.memory, _USUAL_MEMORY)

    def config(self) -> Mapping[str, str]:
        """What `duckdb.connect` needs; all connections of a process to one file must give the same."""
        return {
            "memory_limit": f"{self.first_memory}B",
            "threads": str(self.threads),
            "temp_directory": str(self.temp_directory),
            # Who keeps the order writes with one thread alone where there is little memory. We number what arrives.
            "preserve_insertion_order": "false",
        }


def parse_address(url: str, base_directory: Path) -> Address:
    """The address of `duckdb:///path?memory_limit=512MB&threads=2&temp_directory=...&publish=...&publish_interval=60s`.

    Relative paths are relative to the configuration's directory. ConfigurationError says what is wrong.
    """
    bare, _, query = url.partition("?")
    path = unquote(bare.removeprefix("duckdb:///"))
    if not bare.startswith("duckdb:///") or not path or path.startswith(":"):
        raise ConfigurationError(
            f"the cache URL {url!r} is not of the form duckdb:///path",
            hint="Write `duckdb:///cache.duckdb`, or `duckdb:////var/lib/afresh/cache.duckdb` for an absolute path.",
        )
    given = _parameters(query)
    file = _resolved(base_directory / path)
    publish = _resolved(base_directory / given["publish"]) if "publish" in given else None
    if publish == file:
        raise ConfigurationError("the cache URL publishes the cache over itself", hint="Publish it to another path.")
    if publish is None and "publish_interval" in given:
        raise ConfigurationError("the cache URL has a publish_interval, but does not say where to publish")
    temp = base_directory / given["temp_directory"] if "temp_directory" in given else file.with_name(f"{file.name}.tmp")
    return Address(
        path=file,
        memory=_parsed(given, "memory_limit", DEFAULT_MEMORY, _memory),
        threads=_parsed(given, "threads", str(min(os.cpu_count() or 1, _MOST_THREADS)), _threads),
        temp_directory=_resolved(temp),
        publish=publish,
        publish_interval=_parsed(given, "publish_interval", "60s", _duration),
    )


def _parameters(query: str) -> dict[str, str]:
    known = ("memory_limit", "threads", "temp_directory", "publish", "publish_interval")
    given = parse_qsl(query, keep_blank_values=True)
    for name, value in given:
        if name not in known:
            raise ConfigurationError(
                f"the cache URL has an unknown parameter {name!r}", hint=f"DuckDB takes: {', '.join(known)}."
            )
        if not value:
            raise ConfigurationError(f"the cache URL gives {name} no value")
    if len(dict(given)) < len(given):
        raise ConfigurationError("the cache URL gives a parameter more than once")
    return dict(given)


def _parsed(given: Mapping[str, str], name: str, default: str, parse: Callable[[str], T | None]) -> T:
    text = given.get(name, default)
    found = parse(text)
    if found is None:
        raise ConfigurationError(f"the cache URL gives {name}={text}, which cannot be", hint=_HINTS[name])
    return found


_HINTS = {
    "memory_limit": "Write a size of at least 64MB, such as `512MB` or `2GB`.",
    "threads": "Write a whole number from 1.",
    "publish_interval": "Write a duration, such as `30s`, `5m` or `1h`.",
}


def _memory(text: str) -> int | None:
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    return size if size >= _LEAST_MEMORY else None


def _threads(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= 1024 else None


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    return timedelta(seconds=seconds) if seconds > 0 else None


def _resolved(path: Path) -> Path:
    """Absolute and without symbolic links, so that one file has one name in this process."""
    return path.resolve()
