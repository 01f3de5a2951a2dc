"""The condition that a user adds to every read of a table."""


def condition(where: str | None, dialect: str) -> str | None:
    """The condition, if it reads and does nothing else; ConfigurationError if it is none. `dialect` is sqlglot's name
    for the SQL it is written in."""
    if where is None:
        return None
    from afresh.fetchers.gate import read_only_condition  # the parser is imported by those who need it

    return read_only_condition(where, dialect)
