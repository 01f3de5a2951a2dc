"""Rewrites the values that a predicate compares with, for sources whose columns are typed."""

from collections.abc import Callable
from dataclasses import replace

from afresh.core.select import AllOf, AnyOf, Compare, Predicate, Value


def with_values(predicate: Predicate, value_of: Callable[[Compare], Value]) -> Predicate:
    """The predicate with each comparison's value replaced by what `value_of` makes of the comparison."""
    match predicate:
        case Compare():
            return replace(predicate, value=value_of(predicate))
        case AllOf(parts):
            return AllOf(tuple(with_values(part, value_of) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(with_values(part, value_of) for part in parts))
    return predicate
