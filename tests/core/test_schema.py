"""Columns, keys and the names of types."""

import re

import pyarrow as pa
import pytest
from hypothesis import given

from afresh.core.errors import ConfigurationError
from afresh.core.schema import Column, TableSchema, parse_type, type_name
from afresh.testing import strategies

ID = Column(name="Id", type=pa.int64())
NAME = Column(name="Name", type=pa.string())


@given(strategies.types())
def test_type_names_both_ways(kind: pa.DataType) -> None:
    """Every type that travels has a name, and the name means that type."""
    assert parse_type(type_name(kind)) == (kind, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Text( 12 )", (pa.string(), 12)),
        (" INT64 ", (pa.int64(), None)),
        ("decimal( 15 , 4 )", (pa.decimal128(15, 4), None)),
        ("timestamp", (pa.timestamp("us", "UTC"), None)),
        ("datetime", (pa.timestamp("us"), None)),
    ],
)
def test_parse(text: str, expected: tuple[pa.DataType, int | None]) -> None:
    """Case and blanks do not count."""
    assert parse_type(text) == expected


def test_text_length_in_the_name() -> None:
    """A text with a length says so."""
    assert Column(name="A", type=pa.string(), length=12).type_name == "text(12)"


@pytest.mark.parametrize(
    "text",
    ["", "varchar", "text(0)", "decimal(39,0)", "decimal(3,4)", "decimal(0,0)", "decimal(5)", "int64(8)", "text(-1)"],
)
def test_no_type(text: str) -> None:
    """What is no type is refused with the text as it was."""
    with pytest.raises(ConfigurationError, match=re.escape(repr(text))):
        parse_type(text)


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.timestamp("us", "Europe/Berlin"), pa.int8(), pa.list_(pa.int64())]
)
def test_types_that_do_not_travel(kind: pa.DataType) -> None:
    """Nanoseconds, other zones and nested types are refused."""
    with pytest.raises(ConfigurationError, match="not supported"):
        type_name(kind)


@pytest.mark.parametrize(
    ("columns", "key", "last_update", "message"),
    [
        ((ID, Column(name="ID", type=pa.int64())), ("Id",), None, "the same name: 'Id' and 'ID'"),
        ((ID, NAME), (), None, "needs a key"),
        ((ID, NAME), ("Nr",), None, "'Nr' is used as key"),
        ((ID, NAME), ("Id",), "Changed", "'Changed' is used as"),
        ((ID, NAME), ("Id", "Id"), None, "named twice"),
    ],
)
def test_impossible_tables(
    columns: tuple[Column, ...], key: tuple[str, ...], last_update: str | None, message: str
) -> None:
    """A table without a key, or with names that do not fit, is refused."""
    with pytest.raises(ConfigurationError, match=message):
        TableSchema(columns=columns, key=key, last_update=last_update)


def test_table() -> None:
    """Names, values and the Arrow schema follow the columns' order; key columns are not nullable."""
    schema = TableSchema(columns=(NAME, ID), key=("Id",))
    assert (schema.names, schema.values) == (("Name", "Id"), ("Name",))
    arrow = schema.arrow()
    assert (arrow.names, arrow.types) == (["Name", "Id"], [pa.string(), pa.int64()])
    assert (arrow.field("Name").nullable, arrow.field("Id").nullable) == (True, False)
    assert schema.column("Id") is ID
    with pytest.raises(KeyError):
        schema.column("id")
