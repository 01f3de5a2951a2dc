"""The configuration in force, without secrets: each option with its value and where it was given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from afresh.config import durations
from afresh.config.masks import looks_secret
from afresh.core.account import JsonValue
from afresh.core.options import DataSyncOptions
from afresh.core.phrases import iso

Answer = Any
"""JSON; `core.account` has the shapes."""

_HIDDEN = "•••"
_MAY_HOLD_SECRETS = frozenset({"url", "dsn", "connection_string", "sha256"})

_OF_ALL = ("check_interval", "lookback_multiplier", "strict_schedules", "batch_size", "bulk_copy_batch_size",
           "max_degree_of_parallelism", "purge_retention_days", "shutdown_timeout")  # fmt: skip
"""The settings of the whole service that every table is under."""

_ELSEWHERE = frozenset({"options"})
"""What only an administrator may see: how a source system is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting by its name in the file, its value as text and as JSON, without secrets, and where it was given."""

    name: str
    text: str
    value: Answer
    origin: str


def configured(options: DataSyncOptions, table_name: str) -> Mapping[str, tuple[Option, ...]]:
    """By part of the configuration: the table's own settings, its source system's, and those of all tables."""
    config = options.kept(table_name)
    found = {"This table": tuple(_options(config, "", options, ("data_sources", table_name)))}
    system = options.source_systems.get(config.source_system)
    if system is not None:
        steps = ("source_systems", config.source_system)
        found[f"Source system {config.source_system}"] = tuple(_options(system, "", options, steps))
    found["All tables"] = tuple(_option(name, getattr(options, name), options, (name,)) for name in _OF_ALL)
    return found


def as_json(options: DataSyncOptions, table_name: str) -> Answer:
    """The same as a list."""
    return [
        {"part": part, "name": option.name, "value": option.value, "origin": option.origin}
        for part, found in configured(options, table_name).items()
        for option in found
    ]


def _options(value: object, prefix: str, options: DataSyncOptions, steps: tuple[str, ...]) -> Iterator[Option]:
    """The settings of a table of the file, those of tables within it by `table.name`."""
    assert is_dataclass(value)
    for field in fields(value):
        inner, at = getattr(value, field.name), (*steps, field.name)
        name = f"{prefix}{field.name}"
        if field.name in _ELSEWHERE:
            continue
        if is_dataclass(inner):
            yield from _options(inner, f"{name}.", options, at)
        elif isinstance(inner, Mapping) and inner:
            for key, item in inner.items():
                yield _option(f"{name}.{key}", item, options, (*at, str(key)))
        else:
            yield _option(name, inner, options, at)


def _option(name: str, value: object, options: DataSyncOptions, steps: tuple[str, ...]) -> Option:
    safe = shown(value, steps[-1])
    return Option(
        name=name, text=_HIDDEN if safe == _HIDDEN else _text(value, safe), value=safe,
        origin=options.origin(*steps),
    )  # fmt: skip


def _text(value: object, safe: Answer) -> str:
    if value is None or value == () or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return durations.written(value)
    if isinstance(value, tuple | list) and all(isinstance(item, str | Enum | int) for item in value):
        return ", ".join(str(item) for item in safe)
    return str(safe)


def whole(options: DataSyncOptions) -> Answer:
    """All of it, and by path where each setting was given that was."""
    found = shown(options)
    assert isinstance(found, dict)
    return found | {"origins": {".".join(steps): told for steps, told in options.origins.items()}}


def shown(value: object, name: str = "") -> Answer:
    """A part of the configuration as JSON, with everything left out that may be a secret."""
    if isinstance(value, SecretStr) or (name and _may_be_secret(name) and value is not None):
        return _HIDDEN
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: shown(getattr(value, field.name), field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): shown(item, str(key)) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [shown(item) for item in value]
    return plain(value)


def plain(value: object) -> JsonValue:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum | Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return iso(value) if hasattr(value, "isoformat") and hasattr(value, "tzinfo") else str(value)  # type: ignore[arg-type]


def _may_be_secret(name: str) -> bool:
    return looks_secret(name) or name in _MAY_HOLD_SECRETS
