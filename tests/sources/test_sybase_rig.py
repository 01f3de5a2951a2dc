"""What the kit's rig for Sybase ASE would send, as text: there is no server here, and none was ever asked."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.sources.sybase_source_rig import TYPES, SybaseSourceRig, prefix

from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column, parse_type
from afresh.sources.odbc_sybase import declared
from afresh.testing.odd_values import ODD, OddValue
from afresh.testing.source_kit_odd import OddKit


class _Rig(SybaseSourceRig, OddKit):
    """The rig, asked what it would send."""


RIG = _Rig()
HERE = Path("here")
P = prefix(HERE)
PAGE = 16_384
NAMES = {"unsigned int": "uint", "unsigned bigint": "ubigint", "double precision": "float"}
"""What the catalogue calls types that have another name when they are declared."""


def test_a_table_is_made() -> None:
    """Each column says whether it may be null, a bit and a key never; no clause is of another product."""
    columns = {"Id": "bigint", "Flag": "bit", "Name": "univarchar(40)"}
    assert RIG.create_sql(HERE, "Item", columns, ("Id",)) == (
        f"create table [{P}Item] ([Id] bigint not null, [Flag] bit not null, [Name] univarchar(40) null, "
        "primary key ([Id])) lock datarows"
    )


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("drop", [f"alter table [{P}Item] drop [V]"]),
        ("add", [f"alter table [{P}Item] add [W] univarchar(40) null"]),
        (
            "retype",
            [
                f"alter table [{P}Item] drop [V]",
                f"alter table [{P}Item] add [V] univarchar(40) null",
                f"update [{P}Item] set [V] = 'a text'",
            ],
        ),
    ],
)
def test_a_table_is_altered(change: str, wanted: list[str]) -> None:
    """Without the word COLUMN, which ASE does not know."""
    assert list(RIG.alter_sql(HERE, "Item", change)) == wanted


def test_a_table_is_filled() -> None:
    """From joined digits, as many as the greatest number has."""
    made, filled = RIG.fill_sql(HERE, "Item", 250)
    assert made.startswith(f"create table [{P}Item] ([Id] bigint not null, [Name] univarchar(40) null, ")
    assert "select d0.n * 1 + d1.n * 10 + d2.n * 100 as i from (select 0 as n union all select 1 " in filled
    assert filled.endswith(" d2) s where s.i between 1 and 250")
    assert len(filled) < PAGE


LITERALS: tuple[tuple[pa.DataType, Any, str], ...] = (
    (pa.int64(), -5, "-5"),
    (pa.bool_(), True, "1"),
    (pa.decimal128(38, 4), Decimal("-0.0001"), "-0.0001"),
    (pa.float64(), 0.1, "convert(double precision, '0.1')"),
    (pa.binary(), b"\0\xff", "0x00ff"),
    (pa.date32(), date(1, 1, 1), "'00010101'"),
    (TIME, time(1, 2, 3, 4), "'01:02:03.000004'"),
    (DATETIME, datetime(1, 1, 1), "'0001-01-01 00:00:00.000000'"),  # noqa: DTZ001 - a reading of a clock
    (TIMESTAMP, datetime(2024, 5, 1, 8, 30, tzinfo=UTC), "'2024-05-01 08:30:00.000000'"),
    (pa.string(), "O'Hara", "'O''Hara'"),
    (pa.string(), "ü'\\🙂", "U&'\\00FC''\\005C\\+01F642'"),
    (pa.string(), None, "null"),
)


@pytest.mark.parametrize(("kind", "value", "wanted"), LITERALS)
def test_values_are_written(kind: pa.DataType, value: Any, wanted: str) -> None:
    """As literals that no setting of a session and no character set changes."""
    column = Column(name="V", type=kind)
    assert RIG.refusal(column, value) == ""
    assert RIG.literal(column, value) == wanted


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.bool_(), None),
        (pa.float64(), float("nan")),
        (pa.float64(), float("-inf")),
        (pa.binary(), b""),
        (pa.string(), "a\0b"),
        (pa.string(), "a  "),
        (pa.string(), "ü" * PAGE),
    ],
)
def test_what_cannot_be_kept_is_not_tried(kind: pa.DataType, value: Any) -> None:
    """A value that ASE has no place for is left out, with the reason."""
    assert RIG.refusal(Column(name="V", type=kind), value)


@pytest.mark.parametrize("name", ["", "a]b", "a ", "é", "n" * 256])
def test_names_that_cannot_be(name: str) -> None:
    """A name that ASE does not take in brackets is left out, with the reason; with its prefix none is too long."""
    assert RIG.name_refusal(name)
    assert RIG.name_refusal("select from") == ""
    assert len(RIG.place(HERE, "n" * 200)) <= 255


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.declared)
def test_types_arrive_as_the_source_says(kind: Any) -> None:
    """What the kit expects of a type is what the source makes of its name in the catalogue."""
    base = re.match(r"[a-z ]+", kind.declared)
    assert base is not None
    name = NAMES.get(base[0], base[0]) + kind.declared[base.end() :]
    assert declared(name) == parse_type(kind.arrives)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_odd_values_have_an_answer(odd: OddValue) -> None:
    """How each would be held, by an expression within what a statement may be, or a reason why it is not."""
    found = RIG.odd_type(odd)
    assert found
    if not isinstance(found, str):
        assert all(len(sql) < PAGE for sql, _ in found.values)


def test_digits_are_endless() -> None:
    """The statement that shall not end is within what a statement may be, and its column is a bigint."""
    assert RIG.endless().startswith("select convert(bigint, ")
    assert len(RIG.endless()) < PAGE
