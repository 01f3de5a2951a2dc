"""How types and values are called in messages, and what was probably meant."""

import datetime
import difflib
import enum
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from afresh.config import durations
from afresh.config.form import Form
from afresh.config.nodes import Array, Leaf, Node, Table
from afresh.config.shape import bare, bounds, is_record, item_type, map_value, members
from afresh.config.text import quoted

_SCALARS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    SecretStr: "text",
    Path: "a path",
    datetime.date: "a date",
    datetime.datetime: "a date and time",
    datetime.time: "a time",
}

_PLURALS = {
    "text": "texts",
    "text that is not empty": "texts that are not empty",
    "a table": "tables",
    "an object": "objects",
    "a whole number": "whole numbers",
}


def expected(annotation: Any, form: Form) -> str:
    """What a value of the type is called, with its limits."""
    plain, constraints, _ = bare(annotation)
    return " or ".join(dict.fromkeys(_one(member, constraints, form) for member in members(plain)))


def _one(annotation: Any, constraints: tuple[object, ...], form: Form) -> str:
    plain, inner, _ = bare(annotation)
    limits = bounds((*constraints, *inner))
    if choices(plain):
        return "one of " + ", ".join(quoted(choice) for choice in choices(plain))
    if is_record(plain) or map_value(plain) is not None:
        return "an object" if form.folds else "a table"
    item = item_type(plain)
    if item is not None:
        inside = expected(item, form) if item is not Any else ""
        return (
            f"a list of {_PLURALS[inside]}"
            if inside in _PLURALS
            else f"a list, each item {inside}"
            if inside
            else "a list"
        )
    if plain is datetime.timedelta:
        return (
            "a duration longer than zero, such as " if "gt" in limits else "a duration such as "
        ) + durations.EXAMPLE
    return _SCALARS.get(plain, "a value") + _limits(limits)


def _limits(limits: dict[str, Any]) -> str:
    if "ge" in limits and "le" in limits:
        return f" from {limits['ge']} to {limits['le']}"
    if limits.get("min_length") == 1 and len(limits) == 1:
        return " that is not empty"
    told = {
        "ge": "of at least",
        "gt": "greater than",
        "le": "of at most",
        "lt": "less than",
        "min_length": "of at least that many characters:",
        "max_length": "of at most that many characters:",
        "pattern": "that matches",
    }
    return "".join(f" {told[name]} {limit}" for name, limit in limits.items())


def choices(annotation: Any) -> tuple[str, ...]:
    """The texts that the type allows, if it is a choice of texts."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(str(member.value) for member in annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return tuple(str(choice) for choice in typing.get_args(annotation))
    return ()


def got(node: Node, form: Form, *, hidden: bool = False) -> str:
    """What a value is called that was not expected; never itself, if it may be a secret."""
    match node:
        case Table():
            return "an object" if form.folds else "a table"
        case Array():
            return "a list"
        case Leaf(origin=origin) if origin:
            return f"something else from {origin}"
        case Leaf(value=bool() as value):
            return "true" if value else "false"
        case Leaf(value=None):
            return "null"
        case Leaf(value=str() as value):
            return "text" if hidden else f"the text {quoted(value)}" if value else "an empty text"
        case Leaf(value=int() | float() as value):
            return "a number" if hidden else f"the number {_short(value)}"
    return "a date or time"


def _short(number: float) -> str:
    text = str(number)
    return text if len(text) <= 40 else text[:20] + "…"


def alike(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    names = list(known)
    folded = {_fold(candidate): candidate for candidate in names}
    if _fold(name) in folded:
        return folded[_fold(name)]
    for cutoff in (0.75, 0.6):
        close = difflib.get_close_matches(_fold(name), list(folded), n=1, cutoff=cutoff)
        if close:
            return folded[close[0]]
    starts = [candidate for key, candidate in folded.items() if len(name) >= 3 and key.startswith(_fold(name))]
    return starts[0] if len(starts) == 1 else None


def _fold(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A question for the name that was probably meant; else the other text."""
    found = alike(name, known)
    return f"Did you mean {quoted(found)}?" if found else otherwise


def listed(names: Iterable[str], most: int = 24) -> str:
    """Names, in quotes and with commas."""
    shown = [quoted(name) for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
