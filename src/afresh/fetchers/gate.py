"""The gate for SQL that comes from a configuration: it reads, once, and nothing else.

The source is opened read-only besides; the gate is there to say no before anything runs, and to say why.
"""

import re
from typing import Any

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, SqlglotError

from afresh.core.errors import ConfigurationError

MINIMUM_DT = "minimum_dt"

Node = Any
"""An expression of sqlglot's; its class for them has changed its name."""

_WRITES: tuple[type[Any], ...] = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
    exp.Into,
    exp.Lock,
    exp.Command,
    exp.Pragma,
    exp.Attach,
    exp.Detach,
    exp.Set,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
)
_BEGINNINGS = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN})
_PARTS = {"expressions", "where"}
_DANGEROUS = frozenset(
    {
        *("load_extension", "writefile", "readfile", "edit", "fts3_tokenizer"),
        *("nextval", "setval", "lo_import", "lo_export", "lo_unlink", "lo_create", "lo_put", "set_config"),
        *("pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_terminate_backend", "pg_cancel_backend"),
        *("pg_reload_conf", "pg_rotate_logfile", "pg_switch_wal", "pg_create_restore_point", "pg_notify"),
        *("pg_advisory_lock", "pg_advisory_xact_lock", "pg_try_advisory_lock", "dblink", "dblink_exec"),
        *("openrowset", "openquery", "opendatasource", "xp_cmdshell", "sp_executesql"),
        *("load_file", "get_lock", "release_lock", "sleep", "benchmark", "pg_sleep"),
        *("read_csv", "read_parquet", "read_json", "read_text", "read_blob", "glob", "getenv", "query"),
    }
)
"""Functions that write, lock, wait, or reach beyond the database, in whichever database has them."""


def read_only_query(sql: str, dialect: str) -> str:
    """The query without a closing semicolon; ConfigurationError unless it is one SELECT that only reads.

    `dialect` is sqlglot's name for the SQL it is written in.

    Its one parameter is `:minimum_dt`, as often as it likes, or not at all. As everything is asked for with null,
    the query must say what null means: `:minimum_dt IS NULL OR ...`, else a Mass would read nothing.
    """
    what = "the query"
    tokens = _tokens(sql, dialect, what)
    if not tokens:
        raise _refused(what, "it is empty")
    if tokens[0].token_type not in _BEGINNINGS:
        raise _refused(what, f"it is not a SELECT, it begins with {tokens[0].text.upper()}")
    found = [statement for statement in _parsed(sql, dialect, what) if not isinstance(statement, exp.Semicolon)]
    if len(found) != 1:
        raise _refused(what, f"it has {len(found)} statements, and may have one")
    if not isinstance(found[0], exp.Query):
        raise _refused(what, f"it is not a SELECT but {_named(found[0])}")
    _only_reads(found[0], what)
    _only_minimum(found[0])
    closing = next((token for token in tokens if token.token_type is TokenType.SEMICOLON), None)
    return (sql if closing is None else sql[: closing.start]).strip()


def read_only_condition(sql: str, dialect: str) -> str:
    """The condition as it was; ConfigurationError unless it is one condition that can stand in parentheses and only
    reads."""
    what = "the condition in `where`"
    _stands_alone(sql, dialect, what)
    found = _parsed(f"SELECT 1 WHERE (\n{sql}\n)", dialect, what, lines_before=1)
    statement = found[0] if len(found) == 1 else None
    if not isinstance(statement, exp.Select) or {name for name, value in statement.args.items() if value} != _PARTS:
        raise _refused(what, "it is not one condition")
    condition = statement.args["where"].this
    if not isinstance(condition, exp.Paren) or isinstance(condition.this, exp.Star | exp.Alias):
        raise _refused(what, "it is not one condition")
    _only_reads(statement, what)
    if _parameters(statement):
        raise _refused(what, "it has a parameter", hint="Write the value itself; windows are cut by `cursor`.")
    return sql


def uses_minimum(sql: str, dialect: str) -> bool:
    """Whether a query that passed the gate asks for `:minimum_dt`."""
    return any(_parameters(statement) for statement in _parsed(sql, dialect, "the query"))


def _parsed(sql: str, dialect: str, what: str, *, lines_before: int = 0) -> list[Node]:
    try:
        return [statement for statement in sqlglot.parse(sql, read=dialect) if statement is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        why = re.sub(r"Required keyword.*", "something is missing", str(first.get("description", "syntax error")))
        place = f" in line {first['line'] - lines_before}" if first.get("line") else ""
        raise _refused(what, f"it cannot be understood{place}: {why}") from error
    except RecursionError as error:
        raise _refused(what, "it is nested too deeply") from error


def _tokens(sql: str, dialect: str, what: str) -> list[Token]:
    try:
        return sqlglot.tokenize(sql, read=dialect)
    except SqlglotError as error:
        raise _refused(what, "it cannot be understood: a text, name or comment has no end") from error


def _only_reads(statement: Node, what: str) -> None:
    for node in statement.walk():
        if isinstance(node, _WRITES):
            raise _refused(what, f"it has {_named(node)} in it")
        if isinstance(node, exp.Func) and node.name.lower() in _DANGEROUS:
            raise _refused(what, f"it calls {node.name}")


def _only_minimum(statement: Node) -> None:
    parameters = _parameters(statement)
    for parameter in parameters:
        if not isinstance(parameter, exp.Placeholder) or parameter.name.lower() != MINIMUM_DT:
            raise _refused("the query", "it has a parameter other than :minimum_dt")
    if parameters and not any(_asks_for_null(parameter) for parameter in parameters):
        raise _refused(
            "the query",
            "it does not say what to read when :minimum_dt is null, which is how everything is asked for",
            hint="Write it as: (:minimum_dt IS NULL OR Changed >= :minimum_dt OR Changed IS NULL).",
        )


def _parameters(statement: Node) -> list[Node]:
    """The parameters in all notations; sqlglot takes `$name` for a column."""
    found = list(statement.find_all(exp.Placeholder, exp.Parameter, exp.SessionParameter))
    return found + [name for name in statement.find_all(exp.Identifier) if name.name[:1] == "$" and not name.quoted]


def _asks_for_null(parameter: Node) -> bool:
    parent = parameter.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Coalesce) or (isinstance(parent, exp.Is) and isinstance(parent.expression, exp.Null))


def _stands_alone(sql: str, dialect: str, what: str) -> None:
    """No separator, no comment, and no parenthesis that closes what it did not open."""
    tokens, depth = _tokens(sql, dialect, what), 0
    if not tokens:
        raise _refused(what, "it is empty")
    for token in tokens:
        kind = token.token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if kind is TokenType.SEMICOLON:
            raise _refused(what, "it has a semicolon in it")
        if depth < 0:
            raise _refused(what, "it closes a parenthesis that it did not open")
        if token.comments:
            raise _refused(what, "it has a comment in it")
    if depth:
        raise _refused(what, "it does not close a parenthesis")


def _named(statement: Node) -> str:
    return {"Lock": "FOR UPDATE", "TruncateTable": "TRUNCATE"}.get(type(statement).__name__) or statement.key.upper()


def _refused(what: str, why: str, *, hint: str = "") -> ConfigurationError:
    return ConfigurationError(f"{what} is refused: {why}", hint=hint)
