"""Values as SQL, for drivers that bind nothing but texts."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from afresh.core.errors import ConfigurationError
from afresh.core.select import Output, Value
from afresh.sources.render import Dialect, Use

Stamp = Callable[[datetime], str]
Expression = Callable[[Output, str], str]


def text(value: str) -> str:
    """A text in quotes; ConfigurationError for the one character that a statement cannot have."""
    if "\0" in value:
        raise ConfigurationError("a text with the character NUL cannot stand in a statement")
    return "'" + value.replace("'", "''") + "'"


def literal(
    value: Value | None, use: Use, *, stamp: Stamp, day: Callable[[date], str], words: Callable[[str], str] = text
) -> str:
    """The value as SQL; how stamps, dates and texts are written depends on the database."""
    del use
    match value:
        case None:
            return "NULL"
        case datetime():
            return stamp(value)
        case date():
            return day(value)
        case Decimal():
            return f"{value:f}"
        case int():
            return str(value)
        case _:
            return words(value)


def wall(value: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall of the source shows at an instant; a reading as it is."""
    return value if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)


def dialect(
    name: str,
    *,
    expression: Expression = lambda output, column: column,
    stamp: Stamp,
    day: Callable[[date], str],
    words: Callable[[str], str] = text,
    quotes: tuple[str, str] = ('"', '"'),
) -> Dialect:
    """A dialect that writes its values into the statement."""
    return Dialect(
        name=name,
        bind=lambda value, use: value,
        literal=partial(literal, stamp=stamp, day=day, words=words),
        expression=expression,
        opening=quotes[0],
        closing=quotes[1],
    )
