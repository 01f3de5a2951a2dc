"""Whether a cache table fits its fetcher."""

import pyarrow as pa
import pytest

from afresh.core.drift import check, compare
from afresh.core.errors import SchemaDiffers
from afresh.core.schema import TIMESTAMP, Column, TableSchema, parse_type


def schema(*columns: str, key: str = "Id") -> TableSchema:
    """A table from `name type` texts; a trailing `!` means not nullable."""
    made = []
    for column in columns:
        name, kind = column.rstrip("!").split(" ", 1)
        arrow, length = parse_type(kind)
        made.append(Column(name=name, type=arrow, length=length, nullable=not column.endswith("!")))
    return TableSchema(columns=tuple(made), key=tuple(key.split()))


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        (schema("Id int64", "A text"), schema("Id int64", "A text")),
        (schema("A text", "Id int64"), schema("Id int64", "A text")),
        (schema("Id int64!", "A text"), schema("Id int64", "A text!")),
        (schema("Id int64", "A text"), schema("Id int64", "A text(5)")),
        (schema("Id int64", "A text(9)"), schema("Id int64", "A text(5)")),
        (schema("Id int64", "B int64", key="Id B"), schema("Id int64", "B int64", key="B Id")),
    ],
)
def test_fits(existing: TableSchema, wanted: TableSchema) -> None:
    """Order does not count, nor does a table that holds more than is wanted."""
    assert check("Item", existing, wanted) == ()


def test_added() -> None:
    """Nullable columns that the table lacks can be added."""
    added = check("Item", schema("Id int64"), schema("Id int64", "A text", "B timestamp"))
    assert added == (Column(name="A", type=pa.string()), Column(name="B", type=TIMESTAMP))


@pytest.mark.parametrize(
    ("existing", "wanted", "message"),
    [
        (schema("Id int64"), schema("Id int64", "A text!"), "A: the table lacks it, and it cannot be added"),
        (schema("Id int64", "A text"), schema("Id int64"), "A: the table has it, the fetcher does not"),
        (schema("Id int64", "A text"), schema("Id int64", "A int64"), "A: the table has text, the fetcher int64"),
        (
            schema("Id int64", "A text(5)"),
            schema("Id int64", "A text(6)"),
            "the table has text(5), the fetcher text(6)",
        ),
        (schema("Id int64", "A text(5)"), schema("Id int64", "A text"), "A: the table has text(5), the fetcher text"),
        (
            schema("Id int64", "A decimal(9,2)"),
            schema("Id int64", "A decimal(9,3)"),
            "A: the table has decimal(9,2), the fetcher decimal(9,3)",
        ),
        (schema("Id int64", "A text!"), schema("Id int64", "A text"), "A: the table says NOT NULL"),
        (
            schema("Id int64", "B int64"),
            schema("Id int64", "B int64", key="Id B"),
            "key: the table has (Id), the fetcher (Id, B)",
        ),
        (schema("Id timestamp"), schema("Id datetime"), "Id: the table has timestamp, the fetcher datetime"),
        (schema("Id int64"), schema("Id int64", "B int64", key="Id B"), "B: the table lacks it"),
    ],
)
def test_differs(existing: TableSchema, wanted: TableSchema, message: str) -> None:
    """Anything else is a difference, told in one line."""
    with pytest.raises(SchemaDiffers) as caught:
        check("Item", existing, wanted)
    assert message in str(caught.value)
    assert caught.value.hint


def test_all_differences_at_once() -> None:
    """All differences are told together, columns to add aside."""
    drift = compare(schema("Id int64", "A text", "B text"), schema("Id text", "A int64", "C text"))
    assert [difference.split(":")[0] for difference in drift.differences] == ["Id", "A", "B"]
    assert [column.name for column in drift.added] == ["C"]
