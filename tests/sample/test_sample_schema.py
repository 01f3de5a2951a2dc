"""The sample's tables are those of the catalogue."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.sample.sample_files import NOW, rows, value

from afresh.jde.catalogue import tables
from afresh.sample.scale import MIS_DATA, TABLES
from afresh.sample.source import SampleSummary, create
from afresh.sample.tables import KEYLESS, add_columns, complete, create_sql

NAMES = tuple(tables())


def test_all_tables_are_there(sample: SampleSummary) -> None:
    """The sample has the sixteen known tables and MisData, and besides only what SQLite keeps for itself."""
    listed = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    found = {name for (name,) in rows(sample.path, listed)}
    assert found == {*NAMES, MIS_DATA} == set(TABLES)


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_those_of_the_catalogue(sample: SampleSummary, name: str) -> None:
    """Each column of the catalogue is there, with its type and default, and no other."""
    found = {row[1]: (row[2], row[4]) for row in rows(sample.path, f"PRAGMA table_info('{name}')")}
    expected = {
        column.name: (column.oracle_type, f"'{' ' * column.length}'") if column.length else ("INTEGER", "0")
        for column in tables()[name].columns
    }
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_primary_key(sample: SampleSummary, name: str) -> None:
    """The primary key has the catalogue's columns in their order and takes no null; F0005 has none to enforce it."""
    info = rows(sample.path, f"PRAGMA table_info('{name}')")
    key = tuple(row[1] for row in sorted((row for row in info if row[5]), key=lambda row: row[5]))
    assert key == (() if name in KEYLESS else tables()[name].key)
    assert {row[1] for row in info if row[3]} == set(tables()[name].key)


@pytest.mark.parametrize("name", NAMES)
def test_text_is_padded(sample: SampleSummary, name: str) -> None:
    """Each text that is there has exactly the characters of its column, counted as characters."""
    texts = [column for column in tables()[name].columns if column.length]
    wrong = " OR ".join(f'length("{column.name}") <> {column.length}' for column in texts)
    assert value(sample.path, f'SELECT count(*) FROM "{name}" WHERE {wrong}') == 0


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_integers(sample: SampleSummary, name: str) -> None:
    """No number has a fraction or is text, so that none is read as a float."""
    numbers = [column.name for column in tables()[name].columns if not column.length]
    wrong = " OR ".join(f"typeof(\"{column}\") NOT IN ('integer', 'null')" for column in numbers)
    assert value(sample.path, f'SELECT count(*) FROM "{name}" WHERE {wrong}') == 0


def test_file_is_sound_and_in_wal_mode(sample: SampleSummary) -> None:
    """The file passes SQLite's own check, and readers do not block the simulator."""
    assert value(sample.path, "PRAGMA integrity_check") == "ok"
    assert value(sample.path, "PRAGMA journal_mode") == "wal"


def test_stamp_indexes_are_led_by_the_stamp(sample: SampleSummary, tmp_path: Path) -> None:
    """With `stamp_indexes` a window is served by an index; without, as at real sites, by a scan."""
    plain = create(tmp_path / "plain.db", rows=2_000, now=NOW, only=("F4801",))
    window = "EXPLAIN QUERY PLAN SELECT * FROM F4801 WHERE WAUPMJ >= 126325"
    assert "USING INDEX" in rows(sample.path, window)[0][3]
    assert rows(plain.path, window)[0][3].startswith("SCAN")


def test_both_ways_of_adding_columns_agree() -> None:
    """A SQLite that forbids changing definitions gives the same table by ALTER TABLE."""
    first = ["MCMCU", "MCSTYL"]
    found = []
    for finish in (complete, add_columns):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            connection.execute(create_sql("F0006", first))
            connection.execute("INSERT INTO F0006 (MCMCU, MCSTYL) VALUES ('         M30', 'BP')")
            finish(connection, "F0006", first)
            info = connection.execute("PRAGMA table_info('F0006')").fetchall()
            found.append((info, connection.execute("SELECT * FROM F0006").fetchall()))
    assert found[0] == found[1]
