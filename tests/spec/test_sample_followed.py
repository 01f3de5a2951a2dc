"""A cache follows a sample source that keeps changing, judged by reading both files value by value."""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from afresh import wiring
from afresh.config.load import load
from afresh.core.events import Event
from afresh.core.model import Outcome, UpdateType
from afresh.engine.cancellation import CancelToken
from afresh.engine.service import Service
from afresh.jde.catalogue import JdeColumn, Kind, tables
from afresh.sample.simulator import Simulator
from afresh.sample.source import create
from afresh.testing.clock import ManualClock

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EXAMPLE = Path(__file__).parents[2] / "examples" / "afresh.toml"
QUANTITY_DECIMALS = 4

Key = tuple[Any, ...]


@pytest.mark.timeout(180)
def test_a_changing_sample_is_followed(tmp_path: Path) -> None:
    """After windows no row of the source is missing, and after a Mass all 17 tables are as the source, no more."""
    clock = ManualClock(NOW)
    shutil.copy(EXAMPLE, tmp_path / "afresh.toml")
    create(tmp_path / "source.db", now=NOW, rows=1000)
    service = wiring.assemble(load(tmp_path / "afresh.toml", wiring.KINDS), emit=_nobody, clock=clock)
    service.recover()
    try:
        _sync_all(service, UpdateType.MASS)
        with Simulator(
            tmp_path / "source.db",
            clock=clock,
            transactions_per_second=0.5,
            late_commits=0.05,
            longest_transaction=HOUR / 6,
        ) as life:
            clock.advance(HOUR)
            life.step()
            _sync_all(service, UpdateType.HOURLY)
            assert life.settle(), "nothing was committed late"
        _sync_all(service, UpdateType.HOURLY)
        for name, table in _kept(service):
            there = {_source_key(table, row) for row in _rows(tmp_path / "source.db", table)}
            assert there <= {_cache_key(table, row) for row in _rows(tmp_path / "cache.db", name)}, name
        _sync_all(service, UpdateType.MASS)
        for name, table in _kept(service):
            expected = _meant(tmp_path / "source.db", table)
            assert len(expected) >= 5
            kept = {_cache_key(table, row): row for row in _rows(tmp_path / "cache.db", name)}
            assert kept.keys() == expected.keys(), name
            for key, values in expected.items():
                assert values is None or _stored(table, kept[key]) == values, (name, key)
    finally:
        service.release()


def _nobody(_event: Event) -> None:
    """What happens is of no interest here, but for the outcome of each sync."""


def _sync_all(service: Service, update_type: UpdateType) -> None:
    for name in service.tables:
        assert service.sync_now(name, update_type, CancelToken()).outcome is Outcome.SUCCEEDED, name


def _kept(service: Service) -> list[tuple[str, str]]:
    """Each cache table with its JD Edwards table; `MisData` is its own."""
    found = []
    for source in service.options.data_sources:
        kind = wiring.FETCHERS[source.fetcher.partition(":")[0]]
        found.append((source.table_name, kind.argument or source.fetcher.partition(":")[2] or "MisData"))
    assert len(found) == 17
    return found


def _rows(path: Path, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]


def _trimmed(value: Any) -> Any:
    return value.strip(" ") if isinstance(value, str) else value


def _columns(table: str, *, in_key: bool) -> list[JdeColumn]:
    return [
        column
        for column in tables()[table].columns
        if bool(column.key_position) is in_key and (in_key or column.documented)
    ]


def _source_key(table: str, row: dict[str, Any]) -> Key:
    """The key as it is meant; a date in a key stays the number that it is."""
    if table == "MisData":
        return (row["MisId"],)
    values = [
        row[column.name] if column.kind is Kind.DATE else _value(column, row[column.name])
        for column in _columns(table, in_key=True)
    ]
    return tuple("" if value is None else value for value in values)


def _cache_key(table: str, row: dict[str, Any]) -> Key:
    if table == "MisData":
        return (row["MisId"],)
    return tuple(
        Decimal(row[column.name]) if column.kind is Kind.NUMBER else _trimmed(row[column.name])
        for column in _columns(table, in_key=True)
    )


def _meant(path: Path, table: str) -> dict[Key, dict[str, Any] | None]:
    """The rows by key, as their stored values are meant; none for a key that the source has twice."""
    rows = _rows(path, table)
    times = Counter(_source_key(table, row) for row in rows)
    return {key: _values(table, row) if times[key] == 1 else None for row in rows for key in (_source_key(table, row),)}


def _values(table: str, row: dict[str, Any]) -> dict[str, Any]:
    if table == "MisData":
        return {"LotNumber": row["LotNumber"], "ResultValue": row["ResultValue"] and Decimal(row["ResultValue"])}
    return {column.name: _value(column, row[column.name]) for column in _columns(table, in_key=False)}


def _value(column: JdeColumn, value: Any) -> Any:
    if value is None:
        return None
    if column.kind is Kind.TEXT:
        return _trimmed(value) or None
    if column.kind is Kind.DATE:
        return f"{datetime.strptime(str(value + 1900000), '%Y%j'):%Y-%m-%d}" if value else None  # noqa: DTZ007
    if column.kind is Kind.TIME:
        digits = f"{value:06d}"
        return f"{digits[:2]}:{digits[2:4]}:{digits[4:]}"
    scale = QUANTITY_DECIMALS if column.quantity else column.decimals or 0
    return Decimal(value).scaleb(-scale)


def _stored(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of the cache in the same terms."""
    if table == "MisData":
        return {"LotNumber": row["LotNumber"], "ResultValue": row["ResultValue"] and Decimal(row["ResultValue"])}
    return {column.name: _read(column.kind, row[column.name]) for column in _columns(table, in_key=False)}


def _read(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.TIME:
        return value.partition(".")[0]
    return Decimal(value) if kind is Kind.NUMBER else _trimmed(value)
