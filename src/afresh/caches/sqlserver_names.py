"""Names in SQL Server: quoting, in one place, and the names of what one sync makes."""

import re
from dataclasses import dataclass

from afresh.core.errors import ConfigurationError

LONGEST = 128
"""Characters in an identifier, counted in UTF-16 as the server does."""

_OPERATION = r"[0-9a-f]{32}"
LEFTOVER = re.compile(rf"(?:Staging|Shadow|Probe).*_({_OPERATION})", re.DOTALL)
_ODD = re.compile(r"[^A-Za-z0-9_]")


def quote(name: str) -> str:
    """A name as an identifier; ConfigurationError for the few that SQL Server cannot have."""
    if not name or "\0" in name:
        raise ConfigurationError(f"{name!r} cannot be a name in SQL Server: it is empty or holds a NUL")
    if name != name.rstrip(" "):
        raise ConfigurationError(f"{name!r} cannot be a name in SQL Server: it ignores blanks at the end of a name")
    if len(name.encode("utf-16-le")) // 2 > LONGEST:
        raise ConfigurationError(f"{name!r} is longer than the {LONGEST} characters that SQL Server allows for a name")
    return "[" + name.replace("]", "]]") + "]"


def quote_table(schema: str, table: str) -> str:
    """A table with its schema; ConfigurationError for a name that SQL Server would take for a temporary table's."""
    if table.startswith("#"):
        raise ConfigurationError(f"{table!r} cannot be a table's name in SQL Server: it means a temporary table")
    return f"{quote(schema)}.{quote(table)}"


def literal(text: str) -> str:
    """A text in the few places that take no parameter. Only for names of our own making."""
    return "N'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNames:
    """The quoted names that one sync works with."""

    table: str
    staging: str
    shadow: str


def stage_names(schema: str, staging_schema: str, table_name: str, operation_id: str) -> StageNames:
    """Unique for the operation, whatever else runs. The shadow lives beside the table, so that it can take its place.

    Only plain characters of the table's name are kept in the other two: bulk copy is given their names as text.
    """
    return StageNames(
        table=quote_table(schema, table_name),
        staging=quote_table(staging_schema, made_name("Staging", table_name, operation_id)),
        shadow=quote_table(schema, made_name("Shadow", table_name, operation_id)),
    )


def made_name(kind: str, table_name: str, operation_id: str) -> str:
    """The name of a table that an operation makes for itself, cut so that the operation is never cut off."""
    room = LONGEST - len(kind) - len(operation_id) - 1
    return f"{kind}{_ODD.sub('_', table_name)[:room]}_{operation_id}"
