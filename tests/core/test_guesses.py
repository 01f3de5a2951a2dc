"""What names and types of columns suggest."""

import pyarrow as pa
import pytest

from afresh.core.guesses import doubts, stamps
from afresh.core.ports import SourceColumn
from afresh.core.schema import DATETIME, TIMESTAMP


def column(
    name: str, kind: pa.DataType = DATETIME, declared: str = "DATETIME", *, nullable: bool = True
) -> SourceColumn:
    """A column of a source."""
    return SourceColumn(name=name, type=kind, declared=declared, nullable=nullable)


@pytest.mark.parametrize(
    "name",
    [
        *("LastUpdate", "LastUpdateDT", "LAST_UPDATED", "last_update_date", "updated_at", "UpdatedOn", "UPD_DT"),
        *("ModifiedDate", "modified", "SysModified", "LastModifiedDateTime", "mod_date", "date_modified"),
        *("changed", "ChangeDate", "LastChanged", "CHG_DATE", "record_updated_at", "order_updated_at", "RowUpdatedUtc"),
    ],
)
def test_names_of_changes(name: str) -> None:
    """Whatever the style, a column named for the last change is the first candidate."""
    (found,) = stamps([column("Name", pa.string(), "VARCHAR"), column(name)])
    assert (found.column, found.creation, found.sure) == (name, False, True)
    assert "was changed" in found.reason


@pytest.mark.parametrize("name", ["created_at", "CreateDate", "EntryDate", "inserted", "DateAdded", "creation_ts"])
def test_names_of_creations(name: str) -> None:
    """They come last, and are never taken without a person's word."""
    found = stamps([column(name), column("UpdatedAt")])
    assert [guess.column for guess in found] == ["UpdatedAt", name]
    assert found[1].creation
    assert not found[1].sure


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DueDate", DATETIME),
        ("ShipDate", pa.date32()),
        ("Modifier", DATETIME),
        ("UpdateCount", pa.int64()),
        ("LastUpdateBy", pa.string()),
        ("Candidate", DATETIME),
    ],
)
def test_other_columns_are_no_candidates(name: str, kind: pa.DataType) -> None:
    """Dates of the business, and names or numbers that only sound alike."""
    assert stamps([column(name, kind)]) == ()


def test_a_text_needs_a_type() -> None:
    """It may hold readings, which nobody can see from its type."""
    (found,) = stamps([column("Changed", pa.string(), "TEXT")])
    assert (found.sure, found.cursor_type) == (False, "datetime")


def test_types_that_need_a_decision() -> None:
    """Each with what is assumed; types that say all about their values have none."""
    columns = [
        column("A", pa.decimal128(38, 10), "NUMERIC"),
        column("B", pa.float64(), "float8"),
        column("C", pa.binary(), "BLOB"),
        column("D", pa.string(), ""),
        column("E", pa.decimal128(38, 2), "decimal(40,2)"),
        column("F", pa.int64(), "NUMBER(10)"),
        column("G", pa.decimal128(15, 2), "numeric(15,2)"),
        column("H", TIMESTAMP, "timestamptz"),
        column("I", pa.string(), "VARCHAR(30)"),
        column("J", pa.decimal128(38, 0), "numeric(38)"),
    ]
    found = dict(doubts(columns))
    assert list(found) == ["A", "B", "C", "D", "E"]
    assert found["A"] == "a bare NUMERIC says nothing of its digits; it is read as decimal(38,10)"
