"""The settings of an options type, as data: names in both forms, types, constraints, defaults, descriptions."""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, TypeVar

import annotated_types
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from afresh.config.form import Form
from afresh.core.options import DataSourceConfig, DataSyncOptions, ScheduleConfig

R = TypeVar("R")

_JSON_NAMES: dict[tuple[type, str], str] = {
    (DataSourceConfig, "fetcher"): "FetcherTypeName",
    (DataSourceConfig, "post_processor"): "PostProcessorTypeName",
    (DataSourceConfig, "mass"): "MassConfig",
    (DataSourceConfig, "daily"): "DailyConfig",
    (DataSourceConfig, "hourly"): "HourlyConfig",
}
_ALIASES: dict[tuple[type, str], str] = {
    (DataSourceConfig, "fetcher"): "fetcher_type_name",
    (DataSourceConfig, "post_processor"): "post_processor_type_name",
    (DataSourceConfig, "mass"): "mass_config",
    (DataSourceConfig, "daily"): "daily_config",
    (DataSourceConfig, "hourly"): "hourly_config",
    (ScheduleConfig, "enabled"): "is_enabled",
}
_NOT_WRITTEN: set[tuple[type, str]] = {(DataSyncOptions, "base_directory"), (DataSyncOptions, "origins")}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """One setting. `type` is its annotation without what is said about it; that is in `constraints`.

    There is one of each, so that what is asked of it for every table of a file is found once.
    """

    name: str
    type: Any
    constraints: tuple[object, ...]
    description: str
    required: bool
    default: object
    json_name: str
    alias: str = ""

    @property
    def annotation(self) -> Any:
        """The type with its constraints."""
        return _annotation(self)

    @property
    def purpose(self) -> str:
        """The first sentence of its description."""
        first, dot, _ = self.description.partition(". ")
        return first + dot.strip()

    def spelling(self, form: Form) -> str:
        """Its name in a form."""
        return self.json_name if form.folds else self.name

    def spellings(self, form: Form) -> tuple[str, ...]:
        """All names it goes by in a form, the proper one first."""
        return _spellings(self, form)


def _kept(function: Callable[[Any], R]) -> Callable[[Any], R]:
    """The function of a type, which remembers what it found, where the type can be looked up."""
    remembering = cache(function)

    @wraps(function)
    def found(annotation: Any) -> R:
        try:
            return remembering(annotation)
        except TypeError:  # an annotation with something in it that cannot be hashed
            return function(annotation)

    return found


@cache
def _annotation(setting: Setting) -> Any:
    return annotated(setting.type, setting.constraints)


@cache
def _spellings(setting: Setting, form: Form) -> tuple[str, ...]:
    names = (setting.spelling(form), *((setting.alias, setting.name) if setting.alias else ()))
    return tuple(dict.fromkeys(names[:1] + tuple(form.spelling(name) for name in names[1:])))


@cache
def by_spelling(known: tuple[Setting, ...], form: Form) -> Mapping[str, Setting]:
    """The settings by all names they go by in a form, as it compares them."""
    return {form.fold(name): setting for setting in reversed(known) for name in setting.spellings(form)}


@cache
def by_variable(known: tuple[Setting, ...]) -> Mapping[str, Setting]:
    """The settings by the names they have in the environment."""
    return {name: setting for setting in reversed(known) for name in (setting.alias, setting.name) if name}


def annotated(plain: Any, constraints: tuple[object, ...]) -> Any:
    """The type with constraints, as an annotation."""
    return typing.Annotated[(plain, *constraints)] if constraints else plain


@_kept
def bare(annotation: Any) -> tuple[Any, tuple[object, ...], str]:
    """The annotation's type, its constraints, and its description."""
    if typing.get_origin(annotation) is not typing.Annotated:
        return annotation, (), ""
    plain, *said = typing.get_args(annotation)
    constraints: list[object] = []
    description = ""
    for item in said:
        if isinstance(item, FieldInfo):
            constraints.extend(item.metadata)
            description = item.description or description
        else:
            constraints.append(item)
    return plain, tuple(constraints), description


def settings(options_type: type) -> tuple[Setting, ...]:
    """The settings of an options type, in their order."""
    return _settings(options_type)


@cache
def _settings(options_type: Any) -> tuple[Setting, ...]:
    hints = typing.get_type_hints(options_type, include_extras=True)
    found = []
    for field in dataclasses.fields(options_type):
        if not field.init or (options_type, field.name) in _NOT_WRITTEN:
            continue
        plain, constraints, description = bare(hints[field.name])
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        pascal = "".join(part.capitalize() for part in field.name.split("_"))
        found.append(
            Setting(
                name=field.name,
                type=plain,
                constraints=constraints,
                description=description,
                required=default is dataclasses.MISSING,
                default=default,
                json_name=_JSON_NAMES.get((options_type, field.name), pascal),
                alias=_ALIASES.get((options_type, field.name), ""),
            )
        )
    return tuple(found)


def spelled(options_type: type, name: str, form: Form) -> str:
    """The name of a setting of that type in a form."""
    return next(setting.spelling(form) for setting in settings(options_type) if setting.name == name)


@_kept
def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, None left out; any other type is the only one."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(found for arg in typing.get_args(annotation) if arg is not type(None) for found in members(arg))
    return (annotation,)


def takes_none(annotation: Any) -> bool:
    """Whether the setting may be null."""
    return type(None) in typing.get_args(annotation) or annotation in (Any, type(None))


@_kept
def is_record(annotation: Any) -> bool:
    """Whether the type is a dataclass: a table with fixed keys."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


@_kept
def map_value(annotation: Any) -> Any | None:
    """The type of the values of a mapping; None if the type is no mapping."""
    origin = typing.get_origin(annotation) or annotation
    if not (isinstance(origin, type) and issubclass(origin, Mapping)):
        return None
    args = typing.get_args(annotation)
    return args[1] if args else Any


@_kept
def item_type(annotation: Any) -> Any | None:
    """The type of the items of a list; None if the type is no list."""
    origin = typing.get_origin(annotation) or annotation
    if not (isinstance(origin, type) and origin in _LISTS):
        return None
    args = typing.get_args(annotation)
    return args[0] if args else Any


_LISTS = (list, tuple, set, frozenset, typing.get_origin(typing.Sequence[int]))


@_kept
def is_scalar(annotation: Any) -> bool:
    """Whether a value of the type has no parts."""
    plain = bare(annotation)[0]
    return not is_record(plain) and map_value(plain) is None and item_type(plain) is None


def is_secret(setting: Setting) -> bool:
    """Whether the type says that the value is a secret."""
    return SecretStr in members(setting.type)


def bounds(constraints: tuple[object, ...]) -> dict[str, Any]:
    """The limits that the constraints set, by their names: ge, gt, le, lt, min_length, max_length."""
    found: dict[str, Any] = {}
    for constraint in constraints:
        for name, kind in _BOUNDS.items():
            if isinstance(constraint, kind):
                found[name] = getattr(constraint, name)
        if isinstance(constraint, annotated_types.Len):
            found["min_length"] = constraint.min_length
            found["max_length"] = constraint.max_length
        pattern = getattr(constraint, "pattern", None)
        if pattern is not None:
            found["pattern"] = str(getattr(pattern, "pattern", pattern))
    return {name: limit for name, limit in found.items() if limit is not None}


_BOUNDS: dict[str, type] = {
    "ge": annotated_types.Ge,
    "gt": annotated_types.Gt,
    "le": annotated_types.Le,
    "lt": annotated_types.Lt,
    "min_length": annotated_types.MinLen,
    "max_length": annotated_types.MaxLen,
}
