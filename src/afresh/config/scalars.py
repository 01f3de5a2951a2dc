"""Single values: strictly of their type, or a finding that says what was expected."""

import datetime
import json
import math
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from afresh.config import durations
from afresh.config.findings import Findings
from afresh.config.form import Form
from afresh.config.nodes import Leaf
from afresh.config.shape import bare, members, takes_none
from afresh.config.text import quoted
from afresh.config.words import choices, did_you_mean, expected, got

INVALID: Final = type("Invalid", (), {"__repr__": lambda _: "INVALID"})()
"""Stands for a value that is not valid; the finding is noted."""

_LARGEST = 2**63 - 1
_DATES = (datetime.date, datetime.datetime, datetime.time)


def scalar(annotation: Any, leaf: Leaf, path: str, form: Form, findings: Findings, *, hidden: bool) -> Any:
    """The value as its type has it, or `INVALID`. A hidden one is never shown."""
    hidden = hidden or bool(leaf.origin)
    plain, _, _ = bare(annotation)
    value = leaf.value
    if value is None and takes_none(plain):
        return None
    refusal = _impossible(value)
    if refusal:
        findings.add(leaf.place, f"{path}: {refusal}")
        return INVALID
    types = [bare(member)[0] for member in members(plain)]
    if plain is Any:
        return value
    if datetime.timedelta in types:
        return _duration(annotation, leaf, path, form, findings, hidden=hidden)
    options = [choice for member in types for choice in choices(member)]
    if isinstance(value, str) and (form.folds or leaf.loose):
        value = next((choice for choice in options if choice.lower() == value.lower()), value)
    try:
        return _validated(annotation, value, types, loose=leaf.loose)
    except ValidationError as error:
        refused = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if refused["type"] == "value_error":
            message = f"{path}: {refused['msg'].removeprefix('Value error, ')}"
        else:
            message = f"{path}: expected {expected(annotation, form)}, got {got(leaf, form, hidden=hidden)}"
        findings.add(leaf.place, message, "" if hidden else _suggestion(value, types, options))
        return INVALID


def _impossible(value: object) -> str:
    """Why no setting can have the value, whatever its type."""
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "the number is too large"
    if isinstance(value, float) and not math.isfinite(value):
        return "expected a finite number"
    if isinstance(value, str) and "\0" in value:
        return "a text must not contain the character NUL"
    return ""


def _validated(annotation: Any, value: object, types: list[Any], *, loose: bool) -> Any:
    adapter = adapter_of(annotation)
    if loose and isinstance(value, str):
        return adapter.validate_strings(value)
    if isinstance(value, _DATES):
        return adapter.validate_python(value, strict=True)
    return adapter.validate_json(json.dumps(value), strict=True)


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """What validates values of that type; made once, for making one takes longer than all that it does."""
    try:
        return _cached_adapter(annotation)
    except TypeError:  # an annotation with something in it that cannot be hashed
        return TypeAdapter(annotation)


@cache
def _cached_adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _duration(annotation: Any, leaf: Leaf, path: str, form: Form, findings: Findings, *, hidden: bool) -> Any:
    found: object = leaf.value
    reason, suggestion = "", ""
    if isinstance(found, str):
        try:
            found = durations.parse(found)
        except durations.NotADuration as refusal:
            reason = f"{'the value' if hidden else got(leaf, form)} {refusal.reason}"
            if refusal.suggestion and not hidden:
                suggestion = f"Did you mean {refusal.suggestion}?"
    elif isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1_000_000:
        suggestion = f'Did you mean "{found}s"?'
    if isinstance(found, datetime.timedelta):
        try:
            return adapter_of(annotation).validate_python(found)
        except ValidationError:
            pass
    told = f"{path}: expected {expected(annotation, form)}; {reason}" if reason else ""
    findings.add(
        leaf.place,
        told or f"{path}: expected {expected(annotation, form)}, got {got(leaf, form, hidden=hidden)}",
        suggestion,
    )
    return INVALID


def _suggestion(value: object, types: list[Any], options: list[str]) -> str:
    """What was probably meant by a value of the wrong type."""
    if isinstance(value, str):
        if options:
            return did_you_mean(value, options)
        word = value.strip().lower()
        if bool in types and word in ("true", "yes", "on", "false", "no", "off"):
            return f"Did you mean {'true' if word in ('true', 'yes', 'on') else 'false'}, without quotes?"
        if (int in types and word.isascii() and word.isdigit()) or (float in types and _is_number(word)):
            return f"Did you mean {word}, without quotes?"
        return ""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and int in types and value.is_integer() and value >= 1:
        return f"Did you mean {int(value)}?"
    if isinstance(value, int) and bool in types and value in (0, 1):
        return f"Did you mean {'true' if value else 'false'}?"
    if isinstance(value, int | float) and str in types:
        return f"Did you mean {quoted(str(value))}?"
    return ""


def _is_number(word: str) -> bool:
    try:
        return word.isascii() and math.isfinite(float(word))
    except ValueError:
        return False
