"""The schema that a Python class describes with its annotations."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column, parse_type, type_name

_BY_CLASS: Mapping[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    date: pa.date32(),
    time: TIME,
    datetime: TIMESTAMP,
}
_BY_TYPE: Mapping[pa.DataType, tuple[type, ...]] = {
    pa.bool_(): (bool,),
    pa.int16(): (int,),
    pa.int32(): (int,),
    pa.int64(): (int,),
    pa.float64(): (float, int),
    pa.string(): (str,),
    pa.binary(): (bytes,),
    pa.date32(): (date,),
    TIME: (time,),
    TIMESTAMP: (datetime,),
    DATETIME: (datetime,),
}


def classes(kind: pa.DataType) -> tuple[type, ...]:
    """The Python classes whose values a column of that type may be given; the first is the usual one."""
    return (Decimal, int) if pa.types.is_decimal128(kind) else _BY_TYPE[kind]


def is_row_class(found: object) -> bool:
    """Whether it is a class whose annotations describe a row: a dataclass, or a TypedDict."""
    return isinstance(found, type) and (dataclasses.is_dataclass(found) or is_typeddict(found))


def columns(row_class: type) -> tuple[Column, ...]:
    """The columns that its fields describe; ConfigurationError for a field whose type is none of ours.

    `Annotated[Decimal, "decimal(15,2)"]` or `Annotated[str, "text(30)"]` says more than the class alone; `| None`
    makes a column nullable.
    """
    try:
        hints = get_type_hints(row_class, include_extras=True)
    except NameError as error:
        raise ConfigurationError(f"{row_class.__qualname__}: an annotation is not understood: {error}") from error
    names = [field.name for field in dataclasses.fields(row_class)] if dataclasses.is_dataclass(row_class) else hints
    return tuple(_column(row_class, name, hints[name]) for name in names)


def marked(row_class: type, mark: str) -> tuple[str, ...]:
    """The dataclass fields that were given `metadata={mark: True}`."""
    if not dataclasses.is_dataclass(row_class):
        return ()
    return tuple(field.name for field in dataclasses.fields(row_class) if field.metadata.get(mark))


def _column(row_class: type, name: str, hint: Any) -> Column:
    place = f"{row_class.__qualname__}.{name}"
    found, told, nullable = _taken_apart(hint)
    if told is not None:
        kind, length = parse_type(told)
        if found not in classes(kind):
            raise ConfigurationError(f"{place}: {_shown(found)} values cannot be {type_name(kind, length)}")
        return Column(name=name, type=kind, nullable=nullable, length=length)
    if found is Decimal:
        raise ConfigurationError(
            f"{place}: a Decimal needs its digits", hint=f'Write it as: {name}: Annotated[Decimal, "decimal(15,2)"].'
        )
    if found not in _BY_CLASS:
        raise ConfigurationError(
            f"{place}: {_shown(found)} cannot be a column",
            hint=f"A field is one of: {', '.join(one.__name__ for one in _BY_CLASS)}, Decimal; or one of them | None.",
        )
    return Column(name=name, type=_BY_CLASS[found], nullable=nullable)


def _taken_apart(hint: Any) -> tuple[Any, str | None, bool]:
    """The class, the type's name if it was told, and whether None is allowed."""
    if get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        found, told, nullable = _taken_apart(inner)
        return found, next((text for text in more if isinstance(text, str)), told), nullable
    if get_origin(hint) in (Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        if len(rest) == 1 and len(get_args(hint)) == 2:
            found, told, _ = _taken_apart(rest[0])
            return found, told, True
    return hint, None, False


def _shown(found: Any) -> str:
    return found.__name__ if isinstance(found, type) else str(found)
