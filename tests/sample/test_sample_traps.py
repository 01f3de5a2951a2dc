"""Every trap that is listed is in the file, and reads as it says."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.sample.sample_files import NOW, rows, value

from afresh.jde.catalogue import tables
from afresh.jde.dates import from_julian, to_julian
from afresh.sample.scale import TABLES
from afresh.sample.source import SampleSummary, create
from afresh.sample.traps import INVALID_DATES, MadeBy, Trap, traps

CHICAGO = ZoneInfo("America/Chicago")
ALL = traps(NOW, CHICAGO)
IN_FILE = [trap for trap in ALL if trap.made_by is MadeBy.FILE]


def named(name: str) -> Trap:
    """The trap of that name."""
    [found] = [trap for trap in ALL if trap.name == name]
    return found


@pytest.mark.parametrize("trap", IN_FILE, ids=lambda trap: trap.name)
def test_trap_is_in_the_file(sample: SampleSummary, trap: Trap) -> None:
    """The rows of a trap are in its table just as they are listed, and no others have their keys."""
    with closing(sqlite3.connect(sample.path)) as connection:
        connection.row_factory = sqlite3.Row
        for key in trap.keys:
            where = " AND ".join(f"{name} = ?" for name in key)
            found = [
                dict(row) for row in connection.execute(f"SELECT * FROM {trap.table} WHERE {where}", [*key.values()])
            ]
            expected = [row for row in trap.rows if row.items() >= key.items()]
            assert [
                {name: row[name] for name in wanted} for row, wanted in zip(found, expected, strict=True)
            ] == expected


def test_names_are_unique_and_tables_known() -> None:
    """A trap is found by its name, and says what and where it is."""
    assert len({trap.name for trap in ALL}) == len(ALL)
    assert all(trap.table in TABLES and trap.what for trap in ALL)
    assert all(bool(trap.rows) == (trap.made_by is MadeBy.FILE) for trap in ALL)


def test_the_summary_lists_them(sample: SampleSummary) -> None:
    """Whoever makes a sample is told its traps."""
    assert sample.traps == ALL


def test_clock_change_stamps_are_ambiguous_or_missing() -> None:
    """One stamp came twice on the day the clocks were set back, one never when they were set forward."""
    found = {}
    for name in ("repeated hour", "skipped hour"):
        [row] = named(name).rows
        day = from_julian(int(row["WAUPMJ"] or 0))
        assert day is not None
        time = int(row["WATDAY"] or 0)
        reading = datetime(day.year, day.month, day.day, time // 10_000, time // 100 % 100, tzinfo=CHICAGO)
        instants = {reading.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
        found[name] = {instant.astimezone(CHICAGO).isoformat()[:19] for instant in instants}
        assert len(instants) == 2
        assert (reading.isoformat()[:19] in found[name]) == (name == "repeated hour")
    assert found["repeated hour"] == {"2026-11-01T01:30:00"}


def test_zones_without_clock_changes_have_no_such_traps() -> None:
    """Where the clocks are never changed, these two traps cannot be."""
    names = {trap.name for trap in traps(NOW, ZoneInfo("Asia/Tokyo"))}
    assert names == {trap.name for trap in ALL} - {"repeated hour", "skipped hour"}


def test_southern_and_half_hour_changes() -> None:
    """A zone whose clocks go back in April, by half an hour, has its traps then."""
    found = {trap.name: trap for trap in traps(NOW, ZoneInfo("Australia/Lord_Howe"))}
    [back], [forward] = found["repeated hour"].rows, found["skipped hour"].rows
    assert (back["WAUPMJ"], back["WATDAY"]) == (to_julian(date(2026, 4, 5)), 14_500)
    assert (forward["WAUPMJ"], forward["WATDAY"]) == (to_julian(date(2026, 10, 4)), 21_500)


def test_future_stamp_lies_ahead() -> None:
    """The future stamp is later than any clock of the source shows."""
    [row] = named("future stamp").rows
    assert int(row["WAUPMJ"] or 0) > to_julian(NOW.date())


def test_duplicate_keys_differ_in_their_values(sample: SampleSummary) -> None:
    """F0005 has keys twice, once with two stamps and once with one; no other key is double."""
    sql = "SELECT DRKY, count(*), count(DISTINCT DRUPMT) FROM F0005 GROUP BY DRSY, DRRT, DRKY HAVING count(*) > 1"
    assert sorted(rows(sample.path, sql)) == [("SECOND    ", 2, 1), ("TWICE     ", 2, 2)]


def test_ordinary_rows_have_traps_too(sample: SampleSummary) -> None:
    """Dates that are 0, text beyond ASCII and right-justified codes are no exceptions."""
    assert value(sample.path, "SELECT count(*) FROM F4801 WHERE WASTRX = 0") > 20
    assert value(sample.path, "SELECT count(*) FROM F4101 WHERE length(CAST(IMDSC1 AS BLOB)) > 30") > 20
    assert value(sample.path, "SELECT count(*) FROM F0005 WHERE DRKY LIKE '   %'") > 2


def test_dates_are_valid_unless_asked_for(sample: SampleSummary, tmp_path: Path) -> None:
    """Every date of the sample is one; with `invalid_dates` three are not, and the trap lists them."""
    wrong = create(tmp_path / "wrong.db", rows=2_000, now=NOW, invalid_dates=True)
    assert invalid(sample.path) == set()
    assert invalid(wrong.path) == {("F4801", "WADRQJ", number) for number in INVALID_DATES}
    assert [len(trap.rows) for trap in wrong.traps if trap.name == "invalid dates"] == [3]


def invalid(path: Path) -> set[tuple[str, str, int]]:
    """The dates of a file that are none."""
    found = set()
    for table in tables().values():
        for column in table.columns:
            if column.kind == "date":
                for (number,) in rows(path, f"SELECT DISTINCT {column.name} FROM {table.name}"):
                    try:
                        from_julian(number or 0)
                    except ValueError:
                        found.add((table.name, column.name, number))
    return found
