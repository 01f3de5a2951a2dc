"""A source's table is altered while a service runs: the service sees it, and goes on when it is mended."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.wiring.live import RIGS, Live, live

from afresh.core.cause import Cause
from afresh.core.events import ColumnsAdded, SyncEnded
from afresh.core.model import Outcome, UpdateType
from afresh.engine.schemas import SchemaSeen

MASS, DAILY, HOURLY = UpdateType
RETYPED = {
    "postgres": ("ALTER TABLE {item} ALTER COLUMN name TYPE integer USING 7",),
    "sqlite": ("ALTER TABLE {item} RENAME COLUMN name TO old", "ALTER TABLE {item} ADD COLUMN name INTEGER",
               "UPDATE {item} SET name = 7", "ALTER TABLE {item} DROP COLUMN old"),
}  # fmt: skip
RETYPED_BACK = {
    "postgres": ("ALTER TABLE {item} ALTER COLUMN name TYPE varchar(20) USING 'nut'",),
    "sqlite": ("ALTER TABLE {item} DROP COLUMN name", "ALTER TABLE {item} ADD COLUMN name VARCHAR(20)"),
}

kinds = pytest.mark.parametrize("kind", list(RIGS))


@contextmanager
def running(kind: str, directory: Path, **fetcher_options: object) -> Iterator[Live]:
    """A service whose loop runs; its first Mass has ended."""
    with live(kind, directory, **fetcher_options) as found:
        thread = threading.Thread(target=found.service.run)
        thread.start()
        try:
            until = time.monotonic() + 30
            while not any(isinstance(event, SyncEnded) for event in found.events) and time.monotonic() < until:
                time.sleep(0.01)
            assert found.last.was_successful
            yield found
        finally:
            found.service.stop()
            thread.join(30)


def seen(found: Live) -> SchemaSeen:
    """What the page of the table shows of its columns."""
    told = found.service.workplace.schemas.of("Item")
    assert told is not None
    return told


def succeeds(found: Live, update_type: UpdateType) -> None:
    """A sync of that type succeeds."""
    ended = found.sync(update_type)
    assert (ended.outcome, ended.failure) == (Outcome.SUCCEEDED, None)


def schema_changed(found: Live, update_type: UpdateType) -> str:
    """A sync of that type fails because the schema changed; its message."""
    assert found.sync(update_type).outcome is Outcome.FAILED
    assert found.last.cause is Cause.SCHEMA_CHANGED, found.last
    return found.last.error_message or ""


@kinds
def test_a_column_that_is_added_arrives_with_the_next_daily(kind: str, tmp_path: Path) -> None:
    """An Hourly asks the source for nothing but rows; a Daily asks for the columns too, and the cache gets the new."""
    with running(kind, tmp_path) as found:
        first = seen(found)
        found.source_runs("ALTER TABLE {item} ADD COLUMN weight INTEGER", "UPDATE {item} SET weight = 3")
        succeeds(found, HOURLY)
        assert (seen(found).looked_at, seen(found).lacked) == (first.looked_at, ())
        succeeds(found, DAILY)
        assert seen(found).lacked == ("weight",)
        assert seen(found).looked_at == seen(found).lacked_at
        assert "weight" in seen(found).schema.names
        (added,) = [event for event in found.events if isinstance(event, ColumnsAdded)]
        assert added.columns == ("weight",)
        assert found.cached('SELECT DISTINCT weight FROM "Item" WHERE id = 2') == [(3,)]


@kinds
def test_a_column_that_is_dropped_stops_the_table_until_it_is_back(kind: str, tmp_path: Path) -> None:
    """The Hourly that meets it fails, the next one says what does not fit, and the one after it is back succeeds."""
    with running(kind, tmp_path) as found:
        found.source_runs("ALTER TABLE {item} DROP COLUMN name")
        assert "name" in schema_changed(found, HOURLY)
        assert "name: the table has it, the fetcher does not" in schema_changed(found, HOURLY)
        assert seen(found).differences == ("name: the table has it, the fetcher does not",)
        found.source_runs("ALTER TABLE {item} ADD COLUMN name VARCHAR(20)")
        succeeds(found, HOURLY)
        assert seen(found).differences == ()


@kinds
def test_a_column_of_another_type_stops_the_table_until_it_is_as_it_was(kind: str, tmp_path: Path) -> None:
    """A Daily says so; when the source is mended any sync succeeds."""
    with running(kind, tmp_path) as found:
        found.source_runs(*RETYPED[kind])
        message = schema_changed(found, DAILY)
        assert "name: the table has text" in message
        assert len(seen(found).differences) == 1
        found.source_runs(*RETYPED_BACK[kind])
        succeeds(found, HOURLY)
        assert seen(found).differences == ()


@kinds
def test_what_the_configuration_names_and_the_source_drops_is_a_change_of_the_source(kind: str, tmp_path: Path) -> None:
    """The configuration has worked, so it is not called wrong; when the column is back the table goes on."""
    with running(kind, tmp_path, columns=("id", "name", "changed")) as found:
        found.source_runs("ALTER TABLE {item} DROP COLUMN name")
        assert "the source has no column 'name'" in schema_changed(found, DAILY)
        assert "the source has no column 'name'" in schema_changed(found, HOURLY)
        found.source_runs("ALTER TABLE {item} ADD COLUMN name VARCHAR(20)")
        succeeds(found, HOURLY)


@kinds
def test_a_table_that_goes_and_comes_back(kind: str, tmp_path: Path) -> None:
    """Renamed away by somebody, and put back: nobody has to start anything again."""
    with running(kind, tmp_path) as found:
        away = "away" if kind == "postgres" else found.rig.place(found.directory, "away")
        found.source_runs(f"ALTER TABLE {{item}} RENAME TO {away}")
        schema_changed(found, HOURLY)
        assert "no table" in schema_changed(found, HOURLY)
        back = "item" if kind == "postgres" else "{item}"
        found.source_runs(f"ALTER TABLE {found.rig.place(found.directory, 'away')} RENAME TO {back}")
        succeeds(found, HOURLY)
