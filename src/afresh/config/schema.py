"""A JSON Schema of the configuration, for editors: it completes and checks while one types.

It is a little stricter than `load`, which in JSON also takes names in other cases.
"""

import datetime
import enum
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from afresh.config import durations
from afresh.config.form import JSON, TOML, Form
from afresh.config.kinds import Kinds
from afresh.config.shape import (
    Setting,
    bare,
    bounds,
    is_record,
    is_scalar,
    item_type,
    map_value,
    members,
    settings,
    takes_none,
)
from afresh.core.kinds import FetcherKind
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, SourceSystemConfig

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DURATION = rf"^(?:{durations.PLAIN}|{durations.TIME_SPAN})$"
_SCALARS: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    SecretStr: {"type": "string"},
    Path: {"type": "string"},
    datetime.timedelta: {"type": "string", "pattern": _DURATION},
    datetime.date: {"type": "string", "format": "date"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.time: {"type": "string", "format": "time"},
}
_LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "pattern": "pattern",
}


def json_schema(kinds: Kinds, form: Literal["toml", "json"]) -> Schema:
    """The schema of a whole file in that form: snake_case names for TOML, PascalCase ones for `appsettings.json`."""
    written = TOML if form == "toml" else JSON
    section = _section(kinds, written)
    return {
        "$schema": _DIALECT,
        "title": f"Afresh configuration, {'afresh.toml' if written is TOML else 'appsettings.json'}",
        "type": "object",
        "properties": {written.section: section},
        "required": [written.section],
        **({"additionalProperties": False} if written is TOML else {}),
        "$defs": {"secret": _reference(written), **_systems(kinds, written), **_fetchers(kinds, written)},
    }


# ------------------------------------------------------------------------------------------------ sections


def _section(kinds: Kinds, form: Form) -> Schema:
    found = _record(settings(DataSyncOptions), form)
    properties = found["properties"]
    cache = _record(settings(CacheConfig), form, fetched=True)
    url = cache["properties"][form.spelling("url")]["anyOf"][0]
    url["pattern"] = rf"^(?:{'|'.join(re.escape(scheme) for scheme in kinds.caches)})://"
    properties[form.spelling("cache")].update(cache)
    properties[form.spelling("source_systems")]["additionalProperties"] = _by_kind(kinds, form)
    properties[form.spelling("data_sources")]["items"] = _data_source(kinds, form)
    return found


def _by_kind(kinds: Kinds, form: Form) -> Schema:
    """A source system: which settings it has depends on its kind."""
    name = form.spelling("kind")
    return {
        "type": "object",
        "properties": {name: {"enum": list(kinds.sources), "description": _described(SourceSystemConfig, "kind")}},
        "required": [name],
        "allOf": [
            {
                "if": {"properties": {name: {"const": kind}}, "required": [name]},
                "then": {"$ref": f"#/$defs/source:{kind}"},
            }
            for kind in kinds.sources
        ],
    }


def _systems(kinds: Kinds, form: Form) -> Schema:
    own = tuple(setting for setting in settings(SourceSystemConfig) if setting.name != "options")
    found: Schema = {}
    for name, kind in kinds.sources.items():
        schema = _record((*own, *settings(kind.options)), form, fetched=True)
        schema["properties"][form.spelling("kind")] = {"const": name, "description": own[0].description}
        found[f"source:{name}"] = schema
    return found


def _data_source(kinds: Kinds, form: Form) -> Schema:
    found = _record(settings(DataSourceConfig), form)
    options = form.spelling("fetcher_options")
    fetcher = next(setting for setting in settings(DataSourceConfig) if setting.name == "fetcher")
    arguments = [name for name, kind in kinds.fetchers.items() if kind.takes_argument and kind.argument is None]
    for name in fetcher.spellings(form):
        found["properties"][name] |= {"examples": _examples(kinds), "not": {"enum": arguments}}
    for window in settings(DataSourceConfig):
        if window.name in ("daily", "hourly"):
            _never_reloads(found["properties"][window.spelling(form)], form)
    found["allOf"] = [*found.get("allOf", []), *_choices(kinds, form, fetcher.spellings(form), options)]
    return found


def _examples(kinds: Kinds) -> list[str]:
    return [
        f"{name}:{min(kinds.known_arguments(name) or ['NAME'])}"
        if kind.takes_argument and kind.argument is None
        else name
        for name, kind in kinds.fetchers.items()
    ]


def _never_reloads(schedule: Schema, form: Form) -> None:
    """Only a Mass replaces the table or rebuilds its indexes."""
    for found in schedule.get("anyOf", [schedule]):
        for name in ("prepurge_data", "re_index_data"):
            if "properties" in found:
                found["properties"][form.spelling(name)] |= {"const": False}


def _choices(kinds: Kinds, form: Form, names: Sequence[str], options: str) -> list[Schema]:
    """For each options type, the fetchers that have it, and what their options are."""
    by_type: dict[str, list[str]] = {}
    for name, kind in kinds.fetchers.items():
        by_type.setdefault(_definition(kind), []).append(_pattern(name, kind))
    if kinds.own is not None:
        heads = "|".join(re.escape(name) for name in kinds.fetchers)
        by_type.setdefault(_definition(kinds.own), []).append(rf"(?!(?:{heads}):)[\w.]+:[\w.]+")
    found = []
    for definition, patterns in by_type.items():
        joined = f"^(?:{'|'.join(patterns)})$"
        needs = any(setting.required for setting in settings(_options(kinds, definition)))
        found += [
            {
                "if": {"properties": {name: {"pattern": joined, "type": "string"}}, "required": [name]},
                "then": {
                    "properties": {options: {"$ref": f"#/$defs/{definition}"}},
                    **({"required": [options]} if needs else {}),
                },
            }
            for name in names
        ]
    return found


def _fetchers(kinds: Kinds, form: Form) -> Schema:
    return {_definition(kind): _record(settings(kind.options), form) for kind in _all(kinds)}


def _options(kinds: Kinds, definition: str) -> type:
    return next(kind.options for kind in _all(kinds) if _definition(kind) == definition)


def _all(kinds: Kinds) -> list[FetcherKind]:
    return [*kinds.fetchers.values(), *([kinds.own] if kinds.own else [])]


def _definition(kind: FetcherKind) -> str:
    return f"fetcher:{kind.options.__module__.rpartition('.')[2]}.{kind.options.__name__}"


def _pattern(name: str, kind: FetcherKind) -> str:
    return re.escape(name) + (":.+" if kind.takes_argument and kind.argument is None else "")


def _described(options_type: type, name: str) -> str:
    return next(setting.description for setting in settings(options_type) if setting.name == name)


# ------------------------------------------------------------------------------------------------ settings


def _record(known: Sequence[Setting], form: Form, *, fetched: bool = False) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    either: list[Schema] = []
    for setting in known:
        schema = _setting(setting, form, fetched=fetched)
        names = setting.spellings(form)
        for name in names:
            properties[name] = schema
        if setting.required and len(names) == 1:
            required.append(names[0])
        elif len(names) > 1:
            either.append(_one_of(names, needed=setting.required))
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    if either:
        found["allOf"] = either
    return found


def _one_of(names: Sequence[str], *, needed: bool) -> Schema:
    """One of the names and no other; or none, if it is not needed."""
    each = [{"required": [name]} for name in names]
    return {"oneOf": each if needed else [*each, {"not": {"anyOf": each}}]}


def _setting(setting: Setting, form: Form, *, fetched: bool) -> Schema:
    found = _type(setting.annotation, form)
    if fetched and any(is_scalar(member) for member in members(setting.type)):
        found = {"anyOf": [found, {"$ref": "#/$defs/secret"}]}
    if setting.description:
        found["description"] = setting.description
    if not setting.required and setting.default is not None:
        found["default"] = _default(setting.default, form)
    return found


def _default(value: object, form: Form) -> object:
    match value:
        case datetime.timedelta():
            return durations.time_span(value) if form.folds else durations.written(value)
        case enum.Enum():
            return value.value
        case tuple() | list() | frozenset() | set():
            return [_default(item, form) for item in value]
        case Mapping():
            return {key: _default(item, form) for key, item in value.items()}
        case _ if is_record(type(value)):
            given = {setting: getattr(value, setting.name) for setting in settings(type(value))}
            return {
                setting.spelling(form): _default(inner, form)
                for setting, inner in given.items()
                if inner != setting.default
            }
        case Path():
            return str(value)
    return value


def _type(annotation: Any, form: Form) -> Schema:
    plain, constraints, description = bare(annotation)
    alternatives = [_one(member, constraints, form) for member in members(plain)]
    if takes_none(plain) and plain is not Any and form.folds:
        alternatives.append({"type": "null"})
    found = alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    return {**found, **({"description": description} if description else {})}


def _one(annotation: Any, constraints: tuple[object, ...], form: Form) -> Schema:
    plain, inner, _ = bare(annotation)
    limits = bounds((*constraints, *inner))
    if is_record(plain):
        return _record(settings(plain), form)
    value = map_value(plain)
    if value is not None:
        return {"type": "object", **({"additionalProperties": _type(value, form)} if value is not Any else {})}
    item = item_type(plain)
    if item is not None:
        return {
            "type": "array",
            **({"items": _type(item, form)} if item is not Any else {}),
            **({"minItems": limits["min_length"]} if "min_length" in limits else {}),
        }
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return {"enum": [member.value for member in plain]}
    if typing.get_origin(plain) is typing.Literal:
        return {"enum": list(typing.get_args(plain))}
    return _scalar(plain, limits)


def _scalar(plain: Any, limits: Mapping[str, Any]) -> Schema:
    found = dict(_SCALARS.get(plain, {}))
    if plain is datetime.timedelta:
        return found | ({"pattern": _DURATION.replace("^", "^(?=.*[1-9])", 1)} if "gt" in limits else {})
    found |= {_LIMITS[name]: limit for name, limit in limits.items() if name in _LIMITS}
    if found.get("type") == "string":
        found |= {"minLength": limits["min_length"]} if "min_length" in limits else {}
        found |= {"maxLength": limits["max_length"]} if "max_length" in limits else {}
    return found


def _reference(form: Form) -> Schema:
    """Where a setting stands, if it does not stand in the file."""
    text = {"type": "string", "minLength": 1}
    return {
        "description": "Where the value is: an environment variable, a file, or what a command prints.",
        "oneOf": [
            _only(form.spelling("env"), {**text, "description": "Name of an environment variable."}),
            _only(form.spelling("file"), {**text, "description": "Path of a file with nothing else in it."}),
            _only(
                form.spelling("command"),
                {"type": "array", "items": text, "minItems": 1, "description": "Program and arguments."},
            ),
        ],
    }


def _only(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}
