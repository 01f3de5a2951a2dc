"""The benchmark's source: the sample's item ledger (F4111), and the same rows as a plain table with ISO dates."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from afresh.jde.catalogue import tables
from afresh.sample.source import create

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LEDGER = "Ledger"
LEDGER_STAMP = "LastUpdate"
F4111 = "F4111"


def make(path: Path, rows: int) -> None:
    """Makes the source file, if it is not there yet, with that many rows in F4111 and in Ledger."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.unlink(missing_ok=True)
    create(half, now=NOW, rows=min(rows, 20_000), only=(F4111,), table_rows={F4111: rows})
    with closing(sqlite3.connect(half)) as connection:
        connection.execute("CREATE INDEX F4111_stamp ON F4111 (ILCRDJ, ILTDAY)")
        _add_ledger(connection)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA journal_mode = DELETE")
    half.rename(path)


def known_columns() -> tuple[str, ...]:
    """The columns of F4111 that a `jde` fetcher reads by default."""
    return tuple(column.name for column in tables()[F4111].columns if column.documented or column.key_position)


def window_start(path: Path, rows: int) -> tuple[int, int]:
    """The stored date and time from which the latest so many rows of F4111 are stamped."""
    with closing(sqlite3.connect(path)) as connection:
        found: tuple[int, int] = connection.execute(
            "SELECT ILCRDJ, ILTDAY FROM F4111 ORDER BY ILCRDJ DESC, ILTDAY DESC LIMIT 1 OFFSET ?", (rows,)
        ).fetchone()
    return found


def change(path: Path, start: tuple[int, int], one_in: int) -> None:
    """Rewrites every so many rows of the window, in both tables."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE F4111 SET ILTRQT = ILTRQT + 10000 WHERE (ILCRDJ, ILTDAY) >= (?, ?) AND ILUKID % ? = 0",
            (*start, one_in),
        )
        connection.execute(
            f"UPDATE {LEDGER} SET ILTRQT = ILTRQT + 10000 WHERE {LEDGER_STAMP} >= ? AND ILUKID % ? = 0",
            (reading(*start), one_in),
        )


def reading(julian: int, time: int) -> str:
    """A stored date and time as the wall clock reading that Ledger has."""
    day = datetime.strptime(f"{1900 + julian // 1000}-{julian % 1000:03d}", "%Y-%j").replace(tzinfo=UTC)
    return f"{day:%Y-%m-%d} {time // 10000:02d}:{time // 100 % 100:02d}:{time % 100:02d}"


def _add_ledger(connection: sqlite3.Connection) -> None:
    names = ", ".join(f'"{name}"' for name in known_columns())
    types = ", ".join(
        f'"{name}" {declared}'
        for name, declared in connection.execute("SELECT name, type FROM pragma_table_info('F4111')")
        if name in known_columns()
    )
    connection.create_function("reading", 2, reading, deterministic=True)
    connection.execute(f"CREATE TABLE {LEDGER} ({types}, {LEDGER_STAMP} DATETIME, PRIMARY KEY (ILUKID))")
    connection.execute(
        f"INSERT INTO {LEDGER} ({names}, {LEDGER_STAMP}) SELECT {names}, reading(ILCRDJ, ILTDAY) FROM F4111"
    )
    connection.execute(f"CREATE INDEX {LEDGER}_stamp ON {LEDGER} ({LEDGER_STAMP})")
    connection.commit()
