"""SQL written from data: names only quoted, values only bound."""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afresh.core.errors import ConfigurationError
from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Output, Predicate, Query, Raw, Select, TableName, Value
from afresh.core.zones import local_floor
from afresh.sources.render import Dialect, Use, quote, render
from afresh.sources.sqlite import DIALECT, bind

PLAIN = Dialect(name="sqlite", bind=lambda value, use: value)
NUMBERED = Dialect(name="oracle", bind=lambda value, use: value, placeholder=":{}")
BRACKETS = Dialect(name="tsql", bind=lambda value, use: value, opening="[", closing="]")

UNHURRIED = settings(deadline=None)
reading = datetime.fromisoformat

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
INSTANTS = st.datetimes(reading("1971-01-01 00:00:00"), reading("2100-01-01 00:00:00"), timezones=st.just(UTC))


@UNHURRIED
@given(NAMES, NAMES)
def test_any_name_survives_quoting(table: str, column: str) -> None:
    """A quoted name is that name to SQLite, whatever characters it has."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"CREATE TABLE {quote('t' + table, DIALECT)} ({quote(column, DIALECT)})")
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("t" + table,)]
        found = connection.execute("SELECT name FROM pragma_table_info(?)", ("t" + table,)).fetchall()
        assert found == [(column,)]
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_cannot_be_quoted_are_refused(name: str) -> None:
    """No name and NUL never reach a database."""
    with pytest.raises(ConfigurationError, match="cannot be the name of a table or column"):
        quote(name, DIALECT)


def test_closing_quotes_are_doubled() -> None:
    """Each dialect doubles its own closing quote and leaves others alone."""
    assert quote('a"]b', DIALECT) == '"a""]b"'
    assert quote('a"]b', BRACKETS) == '[a"]]b]'


@pytest.mark.parametrize(
    ("predicate", "expected", "parameters"),
    [
        (Compare(("A",), ">=", 5), '"T"."A" >= ?', (5,)),
        (Compare(("A", "B"), "<", 5), 'COALESCE("T"."A", "T"."B") < ?', (5,)),
        (IsNull(("A",)), '"T"."A" IS NULL', ()),
        (IsNull(("A", "B")), '("T"."A" IS NULL AND "T"."B" IS NULL)', ()),
        (AllOf(()), "1 = 1", ()),
        (AnyOf(()), "1 = 0", ()),
        (
            AllOf((Raw("x = 1 OR y = 2"), AnyOf((Compare(("A",), ">", 1), Compare(("B",), "=", "b"))))),
            '((x = 1 OR y = 2) AND ("T"."A" > ? OR "T"."B" = ?))',
            (1, "b"),
        ),
    ],
)
def test_predicates(predicate: Predicate, expected: str, parameters: tuple[object, ...]) -> None:
    """Each predicate has one form; one column needs no COALESCE; parameters come in the order of their places."""
    statement = render(Select(TableName("T"), (Output("A", "a", pa.int64()),), predicate), PLAIN)
    assert statement.sql == f'SELECT "T"."A" FROM "T" WHERE {expected}'
    assert statement.parameters == parameters


def test_schema_and_columns() -> None:
    """A schema stands before the table only; columns carry the table's name."""
    select = Select(TableName("T", "S"), (Output("A", "x", pa.int64()), Output("B", "y", pa.int64())))
    assert render(select, PLAIN).sql == 'SELECT "T"."A", "T"."B" FROM "S"."T"'


def test_nothing_to_read_is_refused() -> None:
    """A select without columns is a mistake of the configuration."""
    with pytest.raises(ConfigurationError, match="nothing to read from T"):
        render(Select(TableName("T"), ()), PLAIN)


def test_numbered_placeholders() -> None:
    """Parameters are numbered from 1 where the dialect wants numbers."""
    query = Query("SELECT 1 FROM dual WHERE a > :minimum_dt OR b > :minimum_dt", 7)
    assert render(query, NUMBERED).sql == "SELECT 1 FROM dual WHERE a > :1 OR b > :2"
    assert render(query, NUMBERED).parameters == (7, 7)


DECOYS = st.sampled_from(
    ["':minimum_dt'", '":minimum_dt"', "-- :minimum_dt\n", "/* :minimum_dt */", "[:minimum_dt]", "'it''s :minimum_dt'"]
)
PIECES = st.lists(st.one_of(DECOYS, st.just(":minimum_dt"), st.sampled_from(["a", "Ü", "😀", "(", ",", "1.5", "\n"])))


@UNHURRIED
@given(PIECES)
def test_only_parameters_are_replaced(pieces: list[str]) -> None:
    """`:minimum_dt` is bound wherever it is a parameter, and stays untouched in texts, names and comments."""
    statement = render(Query(" ".join(["SELECT", *pieces]), 1), PLAIN)
    assert statement.sql == " ".join(["SELECT", *("?" if piece == ":minimum_dt" else piece for piece in pieces)])
    assert statement.parameters == (1,) * pieces.count(":minimum_dt")


def test_a_query_without_end_is_refused() -> None:
    """A text that is never closed is a mistake of the configuration."""
    with pytest.raises(ConfigurationError, match="cannot be read as SQL"):
        render(Query("SELECT 'abc", None), PLAIN)


@pytest.mark.parametrize(
    ("value", "use", "expected"),
    [
        (reading("2024-05-01 10:30:15.000005"), "floor", "2024-05-01 10:30"),
        (reading("2024-05-01 10:00:00"), "floor", "2024-05-01 10"),
        (reading("2024-05-01 00:00:00"), "floor", "2024-05-01"),
        (reading("2024-05-01 10:30:15.000005"), "query", "2024-05-01 10:30:15"),
        (reading("2024-05-01 10:30:15.000005"), "exact", "2024-05-01 10:30:15.000005"),
        (datetime(2024, 5, 1, 10, 30, tzinfo=UTC), "query", "2024-05-01 10:30:00"),
        (datetime(2024, 5, 1, 10, 30, tzinfo=UTC), "floor", "2024-04-30 22:30"),
        (date(2024, 5, 1), "floor", "2024-05-01"),
        (Decimal("5.00"), "exact", 5),
        (Decimal("5.25"), "exact", 5.25),
        ("x", "exact", "x"),
    ],
)
def test_bound_values(value: Value, use: Use, expected: object) -> None:
    """Dates and times are bound as the texts that SQLite programs store, a floor as the shortest of them."""
    assert bind(value, use) == expected


ZONES = st.sampled_from(["UTC", "America/Chicago", "Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12"])


@UNHURRIED
@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)), ZONES, st.sampled_from(["T", " "]), st.booleans())
def test_a_floor_is_never_above_a_later_stamp(
    minimum: datetime, later: timedelta, name: str, separator: str, offset: bool
) -> None:
    """Whatever form a stamp at or after the instant is stored in, it compares as at or after the bound floor."""
    zone = ZoneInfo(name)
    local = (minimum + later).astimezone(zone)
    stored = local if offset else local.replace(tzinfo=None)
    floor = bind(minimum, "floor")
    local_bound = bind(local_floor(minimum, zone), "floor")
    assert isinstance(floor, str)
    assert isinstance(local_bound, str)
    for precision in ("auto", "seconds", "minutes"):
        text = stored.isoformat(separator, precision)
        assert text >= floor
        assert offset or text >= local_bound
