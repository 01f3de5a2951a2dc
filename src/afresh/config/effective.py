"""The configuration in force, without secrets: each option with its value and where it was given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from afresh.config import durations
from afresh.config.kinds import Kinds
from afresh.config.masks import by_text, looks_secret
from afresh.core.account import JsonValue
from afresh.core.options import DataSyncOptions
from afresh.core.phrases import iso

Answer = Any
"""JSON; `core.account` has the shapes."""

Parts = Mapping[str, tuple["Option", ...]]
"""Settings by the part of the configuration that they belong to."""

_HIDDEN = "•••"
_ADDRESSES = frozenset({"url", "dsn", "connection_string"})
_ALWAYS_HIDDEN = frozenset({"sha256"})

_PLAIN_ADDRESS = re.compile(r"[^\s@?=;&\"'<>%]+")
"""An address without a place for a password."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

_OF_ALL = ("check_interval", "lookback_multiplier", "strict_schedules", "batch_size", "bulk_copy_batch_size",
           "max_degree_of_parallelism", "purge_retention_days", "shutdown_timeout")  # fmt: skip
"""The settings of the whole service that every table is under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting by its name in the file, its value as text and as JSON, without secrets, and where it was given."""

    name: str
    text: str
    value: Answer
    origin: str


def of_table(options: DataSyncOptions, table_name: str, kinds: Kinds, *, reached: bool = False) -> Parts:
    """What holds for one table: its own settings, its source system's, and those of all tables; ConfigurationError if
    there is no such table. With `reached` also how the source system and the cache are reached, which is not for
    everybody to see."""
    config = options.kept(table_name)
    found = {"This table": tuple(_table(options, table_name, kinds))}
    if config.source_system in options.source_systems:
        title = f"Source system {config.source_system}"
        found[title] = tuple(_system(options, config.source_system, kinds, reached=reached))
    if reached:
        found["Cache"] = tuple(_record(options.cache, options, ("cache",)))
    return found | {"All tables": _of_all(options)}


def of_everything(options: DataSyncOptions, kinds: Kinds) -> Parts:
    """All settings: the service's, the cache's, the web interface's if there is one, those of each source system, and
    those of each table."""
    found = {"All tables": _of_all(options), "Cache": tuple(_record(options.cache, options, ("cache",)))}
    if options.web is not None:
        found["Web interface"] = tuple(_record(options.web, options, ("web",)))
    for name in options.source_systems:
        found[f"Source system {name}"] = tuple(_system(options, name, kinds, reached=True))
    for source in options.data_sources:
        found[f"Table {source.table_name}"] = tuple(_table(options, source.table_name, kinds))
    return found


def as_json(parts: Parts) -> Answer:
    """The same as a list."""
    return [
        {"part": part, "name": option.name, "value": option.value, "origin": option.origin}
        for part, found in parts.items()
        for option in found
    ]


def whole(options: DataSyncOptions, kinds: Kinds) -> Answer:
    """All of it, by path where each setting was given that was, and each setting with its value and its origin."""
    found = shown(options)
    assert isinstance(found, dict)
    given = {".".join(steps): told for steps, told in options.origins.items()}
    return found | {"origins": given, "settings": as_json(of_everything(options, kinds))}


# ------------------------------------------------------------------------------------------------ parts


def _of_all(options: DataSyncOptions) -> tuple[Option, ...]:
    return tuple(_option(name, getattr(options, name), options, (name,)) for name in _OF_ALL)


def _table(options: DataSyncOptions, table_name: str, kinds: Kinds) -> Iterator[Option]:
    config, steps = options.kept(table_name), ("data_sources", table_name)
    yield from _record(config, options, steps, without="fetcher_options")
    kind = kinds.fetchers.get(config.fetcher.partition(":")[0])
    own = _with_defaults(config.fetcher_options, None if kind is None else kind.options)
    yield from _mapping(own, "fetcher_options.", options, (*steps, "fetcher_options"))


def _system(options: DataSyncOptions, name: str, kinds: Kinds, *, reached: bool) -> Iterator[Option]:
    config, steps = options.source_systems[name], ("source_systems", name)
    yield from _record(config, options, steps, without="options")
    if reached:
        kind = kinds.sources.get(config.kind)
        own = _with_defaults(config.options, None if kind is None else kind.options)
        yield from _mapping(own, "", options, steps)


def _with_defaults(given: Mapping[str, Any], options_type: type | None) -> Mapping[str, Any]:
    """The settings of a kind in the order of their declaration, those that were not given with their defaults."""
    if options_type is None or not is_dataclass(options_type):
        return given
    known = {field.name: given.get(field.name, _default(field)) for field in fields(options_type)}
    return {name: value for name, value in known.items() if value is not MISSING} | dict(given)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _record(
    value: object, options: DataSyncOptions, steps: Sequence[str], prefix: str = "", without: str = ""
) -> Iterator[Option]:
    """The settings of a table of the file, those of tables within it by `table.name`."""
    assert is_dataclass(value)
    for field in fields(value):
        if field.name != without:
            yield from _setting(f"{prefix}{field.name}", getattr(value, field.name), options, (*steps, field.name))


def _mapping(value: Mapping[str, Any], prefix: str, options: DataSyncOptions, steps: Sequence[str]) -> Iterator[Option]:
    for key, item in value.items():
        yield from _setting(f"{prefix}{key}", item, options, (*steps, str(key)))


def _setting(name: str, value: object, options: DataSyncOptions, steps: tuple[str, ...]) -> Iterator[Option]:
    if is_dataclass(value):
        yield from _record(value, options, steps, f"{name}.")
    elif isinstance(value, Mapping) and value and not _may_be_secret(steps[-1], value):
        yield from _mapping(value, f"{name}.", options, steps)
    else:
        yield _option(name, value, options, steps)


def _option(name: str, value: object, options: DataSyncOptions, steps: tuple[str, ...]) -> Option:
    safe = shown(value, steps[-1])
    return Option(name=name, text=_text(value, safe), value=safe, origin=options.origin(*steps))


def _text(value: object, safe: Answer) -> str:
    if value is None or value == () or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return durations.written(value)
    if isinstance(safe, list) and all(isinstance(item, str | int) for item in safe):
        return ", ".join(str(item) for item in safe)
    return str(safe)


# ------------------------------------------------------------------------------------------------ secrets


def shown(value: object, name: str = "") -> Answer:
    """A part of the configuration as JSON, with everything left out that may be a secret."""
    if isinstance(value, SecretStr) or (value is not None and _may_be_secret(name, value)):
        return _HIDDEN
    if name in _ADDRESSES and isinstance(value, str):
        return _address(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: shown(getattr(value, field.name), field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): shown(item, str(key)) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [shown(item, name) for item in value]
    return _scrubbed(value) if isinstance(value, str) and not isinstance(value, Enum) else plain(value)


def plain(value: object) -> JsonValue:
    """A value as JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum | Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return iso(value) if hasattr(value, "isoformat") and hasattr(value, "tzinfo") else str(value)  # type: ignore[arg-type]


def _may_be_secret(name: str, value: object) -> bool:
    """By its name; records of ours, such as tokens, say of each of their settings what it is."""
    records = isinstance(value, Mapping) and all(is_dataclass(item) for item in value.values())
    return name in _ALWAYS_HIDDEN or (looks_secret(name) and not records)


def _address(text: str) -> str:
    """Where a database is, if there is no place for a password in it; else the kind of database at most."""
    if _PLAIN_ADDRESS.fullmatch(text):
        return text
    scheme = _SCHEME.match(text)
    return f"{scheme[0] if scheme else ''}{_HIDDEN}"


def _scrubbed(text: str) -> str:
    """The text without what its words give away as a secret, such as a password in an address."""
    content, at, kept = text.encode(), 0, b""
    for start, end in sorted((span.start, span.end) for span in by_text(text)):
        if start >= at:
            kept += content[at:start] + _HIDDEN.encode()
        at = max(at, end)
    return (kept + content[at:]).decode()
