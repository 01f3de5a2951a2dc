"""The fetcher `table`: columns, keys and windows by configuration."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fetchers.fetched import built, database, rows, source_of

from afresh.core.errors import BadValue, ConfigurationError
from afresh.core.model import SourceInstant
from afresh.core.ports import TableInfo
from afresh.core.select import TableName
from afresh.fetchers.table import TABLE
from afresh.sources.sqlite import SqliteSource
from afresh.testing.clock import ManualClock

reading = datetime.fromisoformat
NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
DELETED = "Rows deleted in the source leave the cache with the next Mass that has prepurge_data."


@pytest.fixture
def source(tmp_path: Path) -> SqliteSource:
    """A source in Chicago with orders: some changed, some never, one without any stamp."""
    path = database(
        tmp_path / "erp.db",
        'CREATE TABLE T (ID INTEGER PRIMARY KEY, "Pri ce" NUMERIC(15,2), Changed DATETIME, Made DATE, Note TEXT)',
        "CREATE TABLE Keyless (A INTEGER, B TEXT)",
        rows=[
            (
                "INSERT INTO T VALUES (?, ?, ?, ?, ?)",
                [
                    (1, 1.25, "2024-05-01 06:00:00", "2024-04-30", "early"),
                    (2, 2, "2024-05-01 07:30:00", "2024-04-30", None),
                    (3, None, None, "2024-05-01", "made only"),
                    (4, 4, None, "2024-04-01", "old"),
                    (5, 5, None, None, "no stamp"),
                ],
            ),
            ("INSERT INTO Keyless VALUES (?, ?)", [(1, "x"), (None, "y")]),
        ],
    )
    return source_of(path, "America/Chicago")


def ids(found: list[Any]) -> list[int]:
    """The keys of rows, sorted."""
    return sorted(row["ID"] for row in found)


def test_without_options_everything_is_read_each_time(source: SqliteSource) -> None:
    """All columns as declared, the source's key, no last-update column, and a note that windows are not possible."""
    fetcher = built(TABLE, source)
    schema = fetcher.schema()
    assert [(column.name, column.type_name) for column in schema.columns] == [
        ("ID", "int64"),
        ("Pri ce", "decimal(15,2)"),
        ("Changed", "datetime"),
        ("Made", "date"),
        ("Note", "text"),
    ]
    assert (schema.key, schema.last_update, schema.folds) == (("ID",), None, ())
    assert ids(rows(fetcher, NOON)) == [1, 2, 3, 4, 5]
    explained = fetcher.explain(NOON)
    assert explained.notes == ("T has no last-update column (option `cursor`): every sync reads the whole table.",)
    assert explained.expected_rows == 5
    assert fetcher.clock() == SourceInstant(now=ManualClock().now())


def test_renames_types_and_order(source: SqliteSource) -> None:
    """A mapping names the cache's columns in its order, and may give types; the key may be told by either name."""
    columns = {"Comment": "note", "Nr": {"column": "ID", "type": "text"}, "Price": {"column": "Pri ce"}}
    for key in (["Nr"], ["id"]):
        fetcher = built(TABLE, source, columns=columns, key=key)
        assert fetcher.schema().names == ("Comment", "Nr", "Price")
        assert fetcher.schema().key == ("Nr",)
        assert rows(fetcher)[0] == {"Comment": "early", "Nr": "1", "Price": Decimal("1.25")}


def test_another_table_name_and_a_condition(source: SqliteSource) -> None:
    """The table in the source may have another name; `where` limits every read, and no row count is promised then."""
    fetcher = built(
        TABLE, source, table="T", schema_name="main", where="Note IS NOT NULL OR ID = 2", cursor=["Changed"]
    )
    assert ids(rows(fetcher)) == [1, 2, 3, 4, 5]
    narrow = built(TABLE, source, where="ID < 3 OR ID = 5", cursor=["Changed"])
    assert ids(rows(narrow, NOON)) == [2, 5]
    assert narrow.explain(None).expected_rows is None
    statement = narrow.explain(NOON).statement
    assert statement is not None
    assert statement.sql.endswith('WHERE ((ID < 3 OR ID = 5) AND ("T"."Changed" >= ? OR "T"."Changed" IS NULL))')
    assert statement.parameters == ("2024-05-01 07",)


def test_one_cursor_that_is_read_is_the_last_update_column(source: SqliteSource) -> None:
    """It keeps its name in the cache; the window is cut by the source's clock, and rows without a stamp come too."""
    fetcher = built(TABLE, source, columns={"ID": "ID", "Stand": "Changed"}, cursor=["Changed"])
    assert fetcher.schema().last_update == "Stand"
    assert fetcher.schema().names == ("ID", "Stand")
    assert ids(rows(fetcher, NOON)) == [2, 3, 4, 5]
    assert fetcher.explain(NOON).notes == (DELETED,)


def test_one_cursor_that_is_not_read_is_added(source: SqliteSource) -> None:
    """The stamp arrives as LastUpdateDT, or under the name that is wanted."""
    fetcher = built(TABLE, source, columns=["ID"], cursor=["Changed"])
    assert fetcher.schema().names == ("ID", "LastUpdateDT")
    assert rows(fetcher)[0] == {"ID": 1, "LastUpdateDT": reading("2024-05-01 06:00:00")}
    named = built(TABLE, source, columns=["ID", "Changed"], cursor=["Changed"], last_update_name="Stamp")
    assert named.schema().names == ("ID", "Changed", "Stamp")
    assert rows(named)[0]["Stamp"] == rows(named)[0]["Changed"] == reading("2024-05-01 06:00:00")


def test_the_first_stamp_that_is_there_counts(source: SqliteSource) -> None:
    """Of several cursor columns the first that is not null is the stamp; a date counts from its beginning."""
    fetcher = built(TABLE, source, columns=["ID"], cursor=["Changed", "Made"])
    assert {row["ID"]: row["LastUpdateDT"] for row in rows(fetcher)} == {
        1: reading("2024-05-01 06:00:00"),
        2: reading("2024-05-01 07:30:00"),
        3: reading("2024-05-01 00:00:00"),
        4: reading("2024-04-01 00:00:00"),
        5: None,
    }
    assert ids(rows(fetcher, NOON)) == [1, 2, 3, 5]
    statement = fetcher.explain(NOON).statement
    assert statement is not None
    assert statement.sql.endswith(
        'FROM "T" WHERE (COALESCE("T"."Changed", "T"."Made") >= ? OR ("T"."Changed" IS NULL AND "T"."Made" IS NULL))'
    )
    assert statement.parameters == ("2024-05-01",)


def test_readings_can_arrive_as_instants(source: SqliteSource) -> None:
    """With `cursor_type = "timestamp"` stamps arrive in UTC, and the schema knows the repeated hours."""
    fetcher = built(TABLE, source, columns=["ID", "Changed"], cursor=["Changed"], cursor_type="timestamp")
    assert fetcher.schema().column("Changed").type_name == "timestamp"
    assert rows(fetcher)[0]["Changed"] == datetime(2024, 5, 1, 11, 0, tzinfo=UTC)
    assert {2, 3, 4, 5} <= set(ids(rows(fetcher, NOON)))
    change = datetime(2025, 11, 2, 7, 0, tzinfo=UTC)
    assert (change - timedelta(hours=1), change) in fetcher.schema().folds


def test_a_creation_stamp_is_noted(source: SqliteSource) -> None:
    """What a window by creation cannot bring is said."""
    fetcher = built(TABLE, source, cursor=["Made"], cursor_kind="creation")
    assert fetcher.explain(NOON).notes == (
        "T has a creation stamp only: rows that were rewritten or deleted in the source come with the next Mass.",
    )


def test_a_stamp_that_is_never_null_needs_no_second_condition(tmp_path: Path) -> None:
    """On a NOT NULL column the window is one comparison, which an index can serve."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (ID INTEGER PRIMARY KEY, At DATETIME NOT NULL)")
    statement = built(TABLE, source_of(path), cursor=["At"]).explain(NOON).statement
    assert statement is not None
    assert statement.sql == 'SELECT "T"."ID", "T"."At" FROM "T" WHERE "T"."At" >= ?'


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"table": "Tee"}, "the source has no table Tee", "Set `table` and `schema_name`"),
        ({"columns": ["ID", "Changd"]}, "no column 'Changd' (option `columns`)", "Did you mean 'Changed'?"),
        ({"columns": {"X": "Xyzzy"}}, "no column 'Xyzzy' (option `columns`)", "It has: ID, Pri ce, Changed"),
        ({"cursor": ["UPMJ"]}, "no column 'UPMJ' (option `cursor`)", "It has: ID"),
        ({"columns": ["ID", "ID"]}, "named twice in `columns`: ID, ID", ""),
        ({"columns": {"ID": "ID", "id": "Note"}}, "two columns have the same name: 'ID' and 'id'", ""),
        ({"cursor": ["Changed", "changed"]}, "named twice in `cursor`", ""),
        ({"columns": ["Note"]}, "the key column 'ID' is not among the columns that are read", "Add it to `columns`"),
        ({"key": ["Nr"]}, "the key column 'Nr' is not among the columns that are read", "read are: ID, Pri ce"),
        ({"key": ["ID", "ID"]}, "a key column is named twice", ""),
        ({"table": "Keyless"}, "the source knows no primary key", "`key` in the fetcher's options"),
        ({"cursor": ["ID"]}, "the cursor column 'ID' is not a timestamp, datetime or date", "`cursor_type`"),
        ({"columns": ["ID"], "cursor": ["Note"]}, "the cursor column 'Note' is not a timestamp", "`cursor_type`"),
        (
            {"columns": {"ID": "ID", "Changed": {"type": "timestamp"}}, "cursor": ["Changed", "Made"]},
            "the cursor mixes instants with wall clock readings",
            "`cursor_type`",
        ),
        ({"columns": {"ID": {"type": "integer"}}}, "'integer' is not a type", "The types are: bool"),
        ({"columns": ["ID"], "last_update_name": "ID", "cursor": ["Made"]}, "two columns have the same name", ""),
        ({"where": "1 = 1; DROP TABLE T"}, "the condition in `where` is refused: it has a semicolon in it", ""),
    ],
)
def test_mistakes_of_the_configuration(source: SqliteSource, options: dict[str, Any], message: str, hint: str) -> None:
    """Each is told with what is wrong and what to do."""
    with pytest.raises(ConfigurationError) as raised:
        built(TABLE, source, **options).schema()
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_a_source_is_needed() -> None:
    """There is no table without a source system."""
    with pytest.raises(ConfigurationError, match="T: the fetcher `table` needs a source system"):
        built(TABLE, None)


def test_a_key_is_never_null(source: SqliteSource) -> None:
    """A row without a key stops the sync."""
    with pytest.raises(BadValue, match="table Keyless: the key column 'A' is null in a row"):
        rows(built(TABLE, source, table="Keyless", key=["A"]))


class CountedSource(SqliteSource):
    """Counts how often it describes a table."""

    described = 0

    def describe(self, table: TableName) -> TableInfo | None:
        """As any SQLite source."""
        type(self).described += 1
        return super().describe(table)


def test_a_full_read_is_described_once(tmp_path: Path) -> None:
    """Columns and the number of rows come with one description, until it is forgotten."""
    path = database(
        tmp_path / "a.db", "CREATE TABLE T (ID INTEGER PRIMARY KEY)", rows=[("INSERT INTO T VALUES (1)", [()])]
    )
    CountedSource.described = 0
    fetcher = built(TABLE, CountedSource(name="ERP", path=path, time_zone=ZoneInfo("UTC"), clock=ManualClock()))
    for syncs in (1, 2):
        fetcher.forget()
        fetcher.schema()
        assert fetcher.explain(None).expected_rows == 1
        assert rows(fetcher) == [{"ID": 1}]
        assert CountedSource.described == syncs


def test_the_source_is_asked_once_for_the_schema(tmp_path: Path) -> None:
    """However many threads ask, the schema is looked up once and stays the same until it is forgotten."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (ID INTEGER PRIMARY KEY)")
    CountedSource.described = 0
    source = CountedSource(name="ERP", path=path, time_zone=ZoneInfo("UTC"), clock=ManualClock())
    fetcher = built(TABLE, source)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(fetcher.schema())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database(path, "ALTER TABLE T ADD COLUMN B TEXT")
    assert fetcher.schema() is found[0]
    assert all(one is found[0] for one in found)
    assert CountedSource.described == 1
    fetcher.forget()
    assert (fetcher.schema().names, CountedSource.described) == (("ID", "B"), 2)
    assert fetcher.schema() is fetcher.schema()


MOMENTS = st.datetimes(reading("2023-01-01"), reading("2025-12-31"))
STAMPS = st.one_of(st.none(), MOMENTS)
ZONES = st.sampled_from(["UTC", "America/Chicago", "Europe/Berlin", "Australia/Lord_Howe"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STAMPS, max_size=12), MOMENTS, ZONES)
def test_no_changed_row_is_left_out(
    tmp_path: Path, changes: list[datetime | None], minimum: datetime, zone: str
) -> None:
    """Rows changed at or after the instant, and those without stamp, are all fetched, through every clock change."""
    path = tmp_path / "erp.db"
    path.unlink(missing_ok=True)
    instants = [None if change is None else change.replace(tzinfo=UTC) for change in changes]
    stamps = [None if at is None else str(at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for at in instants]
    database(
        path,
        "CREATE TABLE T (ID INTEGER PRIMARY KEY, Changed DATETIME)",
        rows=[("INSERT INTO T VALUES (?, ?)", enumerate(stamps))],
    )
    start = minimum.replace(tzinfo=UTC)
    wanted = {number for number, at in enumerate(instants) if at is None or at >= start}
    for kind in (None, "timestamp"):
        fetcher = built(TABLE, source_of(path, zone), cursor=["Changed"], cursor_type=kind)
        assert wanted <= set(ids(rows(fetcher, start)))
