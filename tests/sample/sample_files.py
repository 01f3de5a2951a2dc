"""Makes and reads sample files for the tests."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from afresh.jde.catalogue import tables
from afresh.sample.scale import MIS_DATA

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
"""A Sunday, 09:30 in Chicago, three weeks after the clocks were set back."""


def rows(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, in their order."""
    return {name: rows(path, f'SELECT * FROM "{name}" ORDER BY rowid') for name in (*tables(), MIS_DATA)}


def value(path: Path, sql: str, *values: Any) -> Any:
    """The single value of a query."""
    [(found,)] = rows(path, sql, *values)
    return found
