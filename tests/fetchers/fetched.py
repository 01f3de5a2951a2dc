"""Fetchers on real SQLite files, and what they fetch."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.options import DataSourceConfig
from afresh.core.ports import Clock, Fetcher, SourceSystem
from afresh.fetchers.rows import PythonOptions, whole
from afresh.sources.sqlite import SqliteSource
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock


def database(path: Path, *statements: str, rows: Iterable[tuple[str, Iterable[Sequence[Any]]]] = ()) -> Path:
    """Makes or changes the file by what the statements say; `rows` are pairs of an INSERT and its rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        for insert, many in rows:
            connection.executemany(insert, many)
    return path


def source_of(path: Path, zone: str = "UTC") -> SqliteSource:
    """A source called ERP that reads the file."""
    return SqliteSource(name="ERP", path=path, time_zone=ZoneInfo(zone), clock=ManualClock())


def context_of(
    options: object, *, source: SourceSystem | None = None, batch_rows: int = 1000, clock: Clock | None = None
) -> FetcherContext:
    """What a fetcher of the table T is built from."""
    config = DataSourceConfig(table_name="T", source_system="ERP", fetcher="my_fetchers:Mine")
    return FetcherContext(
        config=config,
        argument="",
        options=options,
        source=source,
        batch_rows=batch_rows,
        clock=clock or ManualClock(),
    )


def built(kind: FetcherKind, source: SourceSystem | None, **options: Any) -> Fetcher[Any]:
    """The fetcher of that kind, with options as a configuration gives them."""
    return kind.build(context_of(TypeAdapter(kind.options).validate_python(options), source=source))


def mine(target: object, *, batch_rows: int = 1000, source: SourceSystem | None = None, **options: Any) -> Fetcher[Any]:
    """The whole fetcher that is made of what a user wrote."""
    return whole(target, context_of(PythonOptions(**options), source=source, batch_rows=batch_rows))


def rows(fetcher: Fetcher[Any], minimum_dt: datetime | None = None) -> list[Mapping[str, Any]]:
    """All rows of a fetch, whose batches must have exactly the fetcher's schema."""
    found: list[Mapping[str, Any]] = []
    for batch in fetcher.fetch(minimum_dt, ManualCancellation()):
        assert batch.schema == fetcher.schema().arrow()
        batch.validate(full=True)
        found += batch.to_pylist()
    return found
