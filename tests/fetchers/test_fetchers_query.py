"""The fetcher `query`."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fetchers.fetched import built, database, rows, source_of

from afresh.core.errors import BadValue, ConfigurationError
from afresh.fetchers.query import QUERY
from afresh.sources.sqlite import SqliteSource

SQL = """
SELECT o.Id, o.At, sum(l.Amount) AS Total
FROM Orders o JOIN Lines l ON l.OrderId = o.Id
WHERE :minimum_dt IS NULL OR o.At >= :minimum_dt OR o.At IS NULL -- :minimum_dt
GROUP BY o.Id;
"""
NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> SqliteSource:
    """Orders with lines, stamped by a clock in Chicago."""
    path = database(
        tmp_path / "erp.db",
        "CREATE TABLE Orders (Id INTEGER PRIMARY KEY, At DATETIME)",
        "CREATE TABLE Lines (OrderId INTEGER, Amount NUMERIC(15,2))",
        "INSERT INTO Orders VALUES (1, '2024-05-01 06:59:00'), (2, '2024-05-01 07:00:00'), (3, NULL)",
        "INSERT INTO Lines VALUES (1, 1.5), (1, 2), (2, 0.25), (3, 7)",
    )
    return source_of(path, "America/Chicago")


def query(source: SqliteSource | None, **options: Any) -> Any:
    """A query fetcher with the options that are usual here."""
    return built(QUERY, source, **{"sql": SQL, "key": ["Id"], "columns": {"Total": "decimal(15,2)"}, **options})


def test_everything_and_a_window(source: SqliteSource) -> None:
    """Null asks for everything; an instant is bound as the reading of the source's clock, wherever it is asked for."""
    fetcher = query(source, last_update="At")
    schema = fetcher.schema()
    assert [(column.name, column.type_name) for column in schema.columns] == [
        ("Id", "int64"),
        ("At", "datetime"),
        ("Total", "decimal(15,2)"),
    ]
    assert (schema.key, schema.last_update) == (("Id",), "At")
    assert [(row["Id"], row["Total"]) for row in rows(fetcher)] == [
        (1, Decimal("3.50")),
        (2, Decimal("0.25")),
        (3, Decimal("7.00")),
    ]
    assert [row["Id"] for row in rows(fetcher, NOON)] == [2, 3]
    assert fetcher.explain(NOON).statement.parameters == ("2024-05-01 07:00:00",) * 2
    assert fetcher.explain(None).statement.parameters == (None, None)


def test_minimum_dt_can_be_utc(source: SqliteSource) -> None:
    """A source that stamps in UTC is asked in UTC."""
    assert query(source, minimum_dt="utc").explain(NOON).statement.parameters == ("2024-05-01 12:00:00",) * 2


def test_a_query_without_minimum_dt_reads_everything(source: SqliteSource) -> None:
    """It works, and says so."""
    fetcher = built(QUERY, source, sql="SELECT Id, At FROM Orders", key=["Id"])
    assert len(rows(fetcher, NOON)) == 3
    assert fetcher.explain(NOON).notes == ("The query does not use :minimum_dt: every sync reads all that it returns.",)


def test_instants_know_the_repeated_hours(source: SqliteSource) -> None:
    """Readings that arrive as instants bring the spans in which their order is not known."""
    fetcher = query(source, columns={"Total": "decimal(15,2)", "At": "timestamp"}, last_update="At")
    assert rows(fetcher)[0]["At"] == datetime(2024, 5, 1, 11, 59, tzinfo=UTC)
    assert len(fetcher.schema().folds) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sql": "DELETE FROM Orders"}, "the query is refused: it is not a SELECT, it begins with DELETE"),
        ({"columns": {}}, "the type of the query's column 'Total' is not known"),
        ({"columns": {"Total": "money"}}, "'money' is not a type"),
        ({"key": ["Nr"]}, "table T: 'Nr' is used as key or last-update column but is not among the columns"),
        ({"last_update": "Changed"}, "table T: 'Changed' is used as key or last-update column"),
    ],
)
def test_mistakes_of_the_configuration(source: SqliteSource, options: dict[str, Any], message: str) -> None:
    """Each is told with what is wrong."""
    with pytest.raises(ConfigurationError) as raised:
        query(source, **options).schema()
    assert message in raised.value.message


def test_the_columns_of_a_result_are_asked_for_again_when_they_are_forgotten(tmp_path: Path) -> None:
    """Until then they stay as they were first told, and so does what is read."""
    path = database(
        tmp_path / "a.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY, B INTEGER)", "INSERT INTO T VALUES (1, 2)"
    )
    fetcher = built(QUERY, source_of(path), sql="SELECT * FROM T", key=["Id"])
    first = fetcher.schema()
    database(path, "ALTER TABLE T ADD COLUMN C INTEGER DEFAULT 3")
    assert fetcher.schema() is first
    fetcher.forget()
    assert fetcher.schema().names == ("Id", "B", "C")
    assert rows(fetcher) == [{"Id": 1, "B": 2, "C": 3}]


def test_a_source_is_needed() -> None:
    """There is no query without a source system."""
    with pytest.raises(ConfigurationError, match="T: the fetcher `query` needs a source system"):
        query(None)


def test_a_key_is_never_null(source: SqliteSource) -> None:
    """A row without a key stops the sync."""
    fetcher = built(QUERY, source, sql="SELECT At, Id FROM Orders", key=["At"])
    with pytest.raises(BadValue, match="table T: the query returned a row whose key column 'At' is null"):
        rows(fetcher)
