"""The reference of all settings as Markdown, from the dataclasses that declare them."""

import datetime
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from afresh.config import durations
from afresh.config.form import JSON, TOML
from afresh.config.kinds import Kinds
from afresh.config.shape import Setting, bare, is_record, item_type, map_value, members, settings
from afresh.config.words import expected
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig

_INTRODUCTION = """\
# Settings

A configuration is a TOML file, `afresh.toml`, or the `DataSync` section of an `appsettings.json`; both have the same
settings under the names given here. Case counts in TOML, and does not in JSON. Durations are written as
`"60s"`, `"5m"`, `"1h30m"`, `"7d"` or as `"7.00:00:00"`, in either form.

Any single setting of the cache and of a source system may be a reference instead of a value, so that no secret need
stand in the file: `{ env = "NAME" }`, `{ file = "path" }` or `{ command = ["program", "argument"] }`. Of a file and of
what a command prints, one line end is left out; a command has ten seconds.

An environment variable `AFRESH__` with the TOML names joined by two underscores overrides a setting of the file:
`AFRESH__CHECK_INTERVAL`, `AFRESH__CACHE__URL`, `AFRESH__SOURCE_SYSTEMS__JDE__PASSWORD`,
`AFRESH__DATA_SOURCES__0__IS_ENABLED`."""

_HEAD = "| TOML | JSON | value | default | what it is |\n| --- | --- | --- | --- | --- |"


def reference(kinds: Kinds) -> str:
    """The settings of the core, of every kind of source system and of every fetcher, in Markdown."""
    parts = [
        _INTRODUCTION,
        _part("`[data_sync]`", "`DataSync`", settings(DataSyncOptions)),
        _part("`[data_sync.cache]`", "`Cache`", settings(CacheConfig)),
        _part(
            "`[data_sync.source_systems.NAME]`",
            "`SourceSystems`",
            tuple(setting for setting in settings(SourceSystemConfig) if setting.name != "options"),
            "Beside these stand the settings of the kind, as follows.",
        ),
        *(
            _part(f"Source systems of kind `{name}`", "", settings(kind.options), _sentence(kind.options), depth=3)
            for name, kind in kinds.sources.items()
        ),
        _part("`[[data_sync.data_sources]]`", "`DataSources`", settings(DataSourceConfig)),
        _part(
            "`mass`, `daily`, `hourly`",
            "`MassConfig`, `DailyConfig`, `HourlyConfig`",
            settings(ScheduleConfig),
            depth=3,
        ),
        *_fetchers(kinds),
    ]
    return "\n\n".join(parts) + "\n"


def _fetchers(kinds: Kinds) -> list[str]:
    by_type: dict[type, list[str]] = {}
    for name, kind in kinds.fetchers.items():
        shown = f"`{name}:…`" if kind.takes_argument and kind.argument is None else f"`{name}`"
        by_type.setdefault(kind.options, []).append(shown)
    if kinds.own is not None:
        by_type.setdefault(kinds.own.options, []).append("`module:Class`")
    return [
        _part(
            f"`fetcher_options` of {names[0]}",
            "",
            settings(options),
            " ".join(filter(None, (_sentence(options), f"Also of {', '.join(names[1:])}." if names[1:] else ""))),
            depth=3,
        )
        for options, names in by_type.items()
    ]


def _part(title: str, json_title: str, known: Sequence[Setting], note: str = "", depth: int = 2) -> str:
    heading = f"{'#' * depth} {title}" + (f" — {json_title}" if json_title else "")
    if not known:
        return "\n\n".join(filter(None, (heading, note, "There is nothing to set.")))
    rows = [row for setting in known for row in _rows(setting, "", "")]
    return "\n\n".join(filter(None, (heading, note, "\n".join((_HEAD, *rows)))))


def _rows(setting: Setting, toml_prefix: str, json_prefix: str) -> list[str]:
    """The row of a setting, and those of the settings within it, unless they have a table of their own."""
    toml = " or ".join(f"`{toml_prefix}{name}`" for name in setting.spellings(TOML))
    json = " or ".join(f"`{json_prefix}{name}`" for name in setting.spellings(JSON))
    value = expected(setting.annotation, TOML).split(" such as ")[0].rstrip(",")
    default = "required" if setting.required else _default(setting.default)
    cells = (toml, json, _escaped(value), default, _escaped(setting.description))
    rows = [f"| {' | '.join(cells)} |"]
    for inner in _inner(setting):
        rows += _rows(inner, f"{toml_prefix}{setting.name}.", f"{json_prefix}{setting.json_name}.")
    return rows


_WITH_A_PART = (CacheConfig, SourceSystemConfig, DataSourceConfig, ScheduleConfig)


def _inner(setting: Setting) -> tuple[Setting, ...]:
    found: tuple[Setting, ...] = ()
    for member in members(setting.type):
        kind = bare(member)[0]
        for candidate in (kind, map_value(kind), item_type(kind)):
            plain = bare(candidate)[0]
            if is_record(plain) and plain not in _WITH_A_PART:
                found += settings(plain)
    return found


def _default(value: object) -> str:
    shown = _toml(value)
    return f"`{shown}`" if shown else "none"


def _toml(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime.timedelta():
            return f'"{durations.written(value)}"'
        case enum.Enum():
            return f'"{value.value}"'
        case str() | Path():
            return f'"{value}"'
        case tuple() | list() | frozenset() | set():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case Mapping():
            return _braces(value)
        case _ if is_record(type(value)):
            given = {setting.name: (setting, getattr(value, setting.name)) for setting in settings(type(value))}
            return _braces({name: inner for name, (setting, inner) in given.items() if inner != setting.default})
        case int() if abs(value) >= 10_000:
            return f"{value:_}"
    return str(value)


def _braces(value: Mapping[str, Any]) -> str:
    return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}" if value else "{}"


def _sentence(options_type: type) -> str:
    """The first sentence of the options type's docstring."""
    text = (options_type.__doc__ or "").strip()
    return "" if text.startswith(f"{options_type.__name__}(") else text.split("\n\n")[0].replace("\n", " ")


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
