"""Writes SQL from data: pure, and the one place where a source's identifiers are quoted.

Names are only ever quoted, values only ever bound. Columns are written with their table's name before them: SQLite
takes a lone quoted name that is no column for a text, and would return the name itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from afresh.core.errors import ConfigurationError
from afresh.core.select import (
    AllOf,
    AnyOf,
    Compare,
    IsNull,
    Output,
    Predicate,
    Query,
    Raw,
    Select,
    Statement,
    TableName,
    Value,
)

if TYPE_CHECKING:
    from sqlglot import Token  # the parser is imported by those who have SQL to read

MINIMUM_DT = "minimum_dt"

Use = Literal["floor", "exact", "query"]
"""What a bound value is for: the lower end of a window, any other comparison, or the `:minimum_dt` of a query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of database wants its SQL, as data.

    `name` is sqlglot's name for it. `{}` in `placeholder` becomes the parameter's number, from 1. `bind` makes what
    the driver takes out of a value; for a floor it may reach lower, never higher. `wrap` writes what stands around a
    value's placeholder: a cast to the type that it is compared as. A driver that binds nothing has a
    `literal` instead, which writes the value as SQL. `expression` writes what is selected for an output, given the
    quoted column: the cast under which it arrives exactly. `source` is what stands behind FROM, given the select and
    the quoted table.
    """

    name: str
    bind: Callable[[Value, Use], object]
    placeholder: str = "?"
    opening: str = '"'
    closing: str = '"'
    wrap: Callable[[Value, str], str] = lambda value, placeholder: placeholder
    literal: Callable[[Value | None, Use], str] | None = None
    expression: Callable[[Output, str], str] = lambda output, column: column
    source: Callable[[Select, str], str] = lambda select, table: table


def quote(name: str, dialect: Dialect) -> str:
    """The name as a quoted identifier; ConfigurationError for one that cannot be quoted."""
    if not name or "\0" in name:
        raise ConfigurationError(f"{name!r} cannot be the name of a table or column in a source")
    return dialect.opening + name.replace(dialect.closing, dialect.closing * 2) + dialect.closing


def render(select: Select | Query, dialect: Dialect) -> Statement:
    """The statement that reads it: a select with its outputs in order, or the user's query with its value bound."""
    if isinstance(select, Query):
        return _query(select, dialect)
    if not select.outputs:
        raise ConfigurationError(f"nothing to read from {select.table}: no columns")
    writer = _Writer(select.table, dialect)
    columns = ", ".join(dialect.expression(output, writer.column(output.column)) for output in select.outputs)
    where = f" WHERE {writer.predicate(select.where)}" if select.where is not None else ""
    return Statement(f"SELECT {columns} FROM {dialect.source(select, writer.table)}{where}", tuple(writer.parameters))


class _Writer:
    """Writes the parts of one statement and gathers its parameters in their order."""

    def __init__(self, table: TableName, dialect: Dialect) -> None:
        self.parameters: list[object] = []
        self._dialect = dialect
        self._prefix = quote(table.name, dialect)
        self.table = f"{quote(table.schema, dialect)}.{self._prefix}" if table.schema else self._prefix

    def column(self, name: str) -> str:
        return f"{self._prefix}.{quote(name, self._dialect)}"

    def value(self, value: Value, use: Use) -> str:
        if self._dialect.literal is not None:
            return self._dialect.literal(value, use)
        self.parameters.append(self._dialect.bind(value, use))
        return self._dialect.wrap(value, self._dialect.placeholder.replace("{}", str(len(self.parameters))))

    def predicate(self, predicate: Predicate) -> str:
        """The condition, in parentheses wherever what stands around it could take it apart."""
        match predicate:
            case Compare(columns, operator, value):
                names = [self.column(name) for name in columns]
                left = names[0] if len(names) == 1 else f"COALESCE({', '.join(names)})"
                return f"{left} {operator} {self.value(value, 'floor' if operator in ('>=', '>') else 'exact')}"
            case IsNull(columns):
                return self._joined([f"{self.column(name)} IS NULL" for name in columns], " AND ", "1 = 1")
            case AllOf(parts):
                return self._joined([self.predicate(part) for part in parts], " AND ", "1 = 1")
            case AnyOf(parts):
                return self._joined([self.predicate(part) for part in parts], " OR ", "1 = 0")
            case Raw(sql):
                return f"({sql}\n)" if "--" in sql else f"({sql})"

    @staticmethod
    def _joined(parts: list[str], by: str, empty: str) -> str:
        if len(parts) == 1:
            return parts[0]
        return f"({by.join(parts)})" if parts else empty


def _query(query: Query, dialect: Dialect) -> Statement:
    """The user's SQL with a placeholder wherever `:minimum_dt` stands, outside of texts, names and comments."""
    parameters: list[object] = []

    def placeholder() -> str:
        value = query.minimum_dt
        if dialect.literal is not None:
            return dialect.literal(value, "query")
        parameters.append(None if value is None else dialect.bind(value, "query"))
        placeholder = dialect.placeholder.replace("{}", str(len(parameters)))
        return placeholder if value is None else dialect.wrap(value, placeholder)

    return Statement(replace_minimum(query.sql, dialect.name, placeholder), tuple(parameters))


def replace_minimum(sql: str, dialect_name: str, replacement: Callable[[], str]) -> str:
    """The SQL with a replacement for each `:minimum_dt` outside of texts, names and comments; all else untouched."""
    from sqlglot import TokenType

    written, end = [], 0
    tokens = _tokens(sql, dialect_name)
    for colon, name in pairwise(tokens):
        adjacent = colon.token_type is TokenType.COLON and name.start == colon.end + 1
        if adjacent and name.token_type is TokenType.VAR and name.text.lower() == MINIMUM_DT:
            written += [sql[end : colon.start], replacement()]
            end = name.end + 1
    return "".join([*written, sql[end:]])


def _tokens(sql: str, dialect_name: str) -> "list[Token]":
    from sqlglot import tokenize
    from sqlglot.errors import SqlglotError

    try:
        return tokenize(sql, read=dialect_name)
    except SqlglotError as error:
        raise ConfigurationError(f"the query cannot be read as SQL: {error}") from error
