"""Values and names as PostgreSQL's SQL, for statements whose rows come by COPY, which takes no parameters."""

from datetime import date, datetime
from decimal import Decimal

from afresh.core.errors import ConfigurationError
from afresh.core.select import Value
from afresh.sources.postgres_types import expression
from afresh.sources.render import Dialect, Use


def text(value: str) -> str:
    """A text, whatever is in it; ConfigurationError for the one character that none can have."""
    if "\0" in value:
        raise ConfigurationError("a text with the character NUL cannot be in a PostgreSQL database")
    return "'" + value.replace("'", "''") + "'"


def literal(value: Value | None, use: Use) -> str:
    """The value with its type; a null has none, so that it fits wherever it stands."""
    match value:
        case None:
            return "NULL"
        case datetime():
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return f"{kind} '{value.isoformat(' ')}'"
        case date():
            return f"date '{value.isoformat()}'"
        case bool() | int() | Decimal():
            return f"({value:f})" if isinstance(value, Decimal) else f"({value})"
        case _:
            return text(value)


DIALECT = Dialect(name="postgres", bind=lambda value, use: value, literal=literal, expression=expression)
