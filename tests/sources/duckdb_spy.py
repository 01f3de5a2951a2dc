"""Connections to DuckDB that remember every statement."""

from typing import Any

import duckdb


class SpiedDuckdb:
    """Connects as duckdb does, and keeps all statements of all its connections."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def connect(self, *args: Any, **kwargs: Any) -> "_Spied":
        """A connection that is watched."""
        return _Spied(duckdb.connect(*args, **kwargs), self.statements)


class _Spied:
    def __init__(self, connection: Any, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        self._statements.append(sql)
        return self._connection.execute(sql, *args, **kwargs)

    def sql(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        self._statements.append(sql)
        return self._connection.sql(sql, *args, **kwargs)

    def cursor(self) -> "_Spied":
        return _Spied(self._connection.cursor(), self._statements)

    def register(self, name: str, stream: Any) -> None:
        self._connection.register(name, stream)

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()
