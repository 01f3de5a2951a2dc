"""The SQL of the SQLite cache, as text: one golden file for each statement and kind of table.

After a change that is meant, look at the difference and write the files anew: UPDATE_GOLDEN=1 pytest FILE.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from afresh.caches import sqlite_sql as sql
from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column, TableSchema

GOLDEN = Path(__file__).parent / "golden"

ORDER = TableSchema(
    columns=(
        Column(name="Order", type=pa.int64()),
        Column(name='Line "no"', type=pa.string(), length=6),
        Column(name="IXF$RP", type=pa.decimal128(15, 4)),
        Column(name="Open", type=pa.bool_(), nullable=False),
        Column(name="Weight", type=pa.float64()),
        Column(name="Picture", type=pa.binary()),
        Column(name="Day", type=pa.date32()),
        Column(name="Time", type=TIME),
        Column(name="Read", type=DATETIME),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Order", 'Line "no"'),
    last_update="Changed",
)
FOLD = (datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC))

SCHEMAS = {
    "stamped": ORDER,
    "folded": TableSchema(columns=ORDER.columns, key=ORDER.key, last_update="Changed", folds=(FOLD, FOLD)),
    "plain": TableSchema(columns=ORDER.columns[:3], key=ORDER.key),
    "key_only": TableSchema(columns=ORDER.columns[:2], key=ORDER.key),
    "rowid": TableSchema(columns=(Column(name="RowId", type=pa.int64()), *ORDER.columns[1:3]), key=("RowId",)),
}

TABLE, STAGING, SHADOW = 'main."Order"', 'temp."StagingOrder_1"', 'main."ShadowOrder_1"'

STATEMENTS: dict[str, Callable[[TableSchema], str]] = {
    "create_table": lambda schema: sql.create_table(TABLE, schema),
    "create_staging": lambda schema: sql.create_staging(STAGING, schema),
    "insert_staging": lambda schema: sql.insert_staging(STAGING, schema),
    "deduplicate": lambda schema: sql.deduplicate(STAGING, schema),
    "count_matched": lambda schema: sql.count_matched(STAGING, TABLE, schema),
    "merge": lambda schema: sql.merge(STAGING, TABLE, schema, trust_source=False),
    "merge_trusted": lambda schema: sql.merge(STAGING, TABLE, schema, trust_source=True),
    "compare": lambda schema: sql.compare(SHADOW, TABLE, schema),
    "copy_rows": lambda schema: sql.copy_rows(SHADOW, TABLE, schema),
}


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_golden(statement: str, schema: str) -> None:
    """The statement is the one that was reviewed."""
    text = STATEMENTS[statement](SCHEMAS[schema]) + ";\n"
    golden = GOLDEN / f"sqlite_{statement}_{schema}.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert golden.read_text() == text


def test_late_golden() -> None:
    """What looks for late rows, which is asked of tables with a stamp only, is the one that was reviewed."""
    text = sql.late(STAGING, TABLE, ORDER) + ";\n"
    golden = GOLDEN / "sqlite_late_stamped.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert golden.read_text() == text


def test_own_tables_golden() -> None:
    """The cache's own tables are the ones that were reviewed."""
    golden = GOLDEN / "sqlite_own_tables.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(sql.OWN_TABLES)
    assert golden.read_text() == sql.OWN_TABLES


def test_no_golden_file_too_many() -> None:
    """Each golden file belongs to a statement."""
    names = {f"sqlite_{statement}_{schema}.sql" for statement in STATEMENTS for schema in SCHEMAS}
    assert {path.name for path in GOLDEN.glob("sqlite_*")} == names | {
        "sqlite_own_tables.sql",
        "sqlite_late_stamped.sql",
    }


@pytest.mark.parametrize("schema", SCHEMAS)
def test_sqlite_accepts_them(schema: str) -> None:
    """SQLite prepares every statement, with the parameters that go with it."""
    wanted = SCHEMAS[schema]
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in (TABLE, SHADOW):
            connection.execute(sql.create_table(table, wanted))
        connection.execute(sql.create_staging(STAGING, wanted))
        connection.execute(sql.insert_staging(STAGING, wanted), [None] * len(wanted.columns))
        connection.execute("DELETE FROM " + STAGING)
        connection.execute(sql.deduplicate(STAGING, wanted), sql.deduplicate_parameters(wanted))
        for trust_source in (False, True):
            parameters = sql.fold_parameters(wanted, trust_source=trust_source)
            connection.execute(sql.merge(STAGING, TABLE, wanted, trust_source=trust_source), parameters)
        for statement in (sql.count_matched(STAGING, TABLE, wanted), sql.compare(SHADOW, TABLE, wanted)):
            assert connection.execute(statement).fetchone()[0] == 0


def test_compared_by_the_key() -> None:
    """Matching staged rows with the table's uses the key's index, and never goes through the table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(sql.create_table(TABLE, ORDER))
        connection.execute(sql.create_table(SHADOW, ORDER))
        connection.execute(sql.create_staging(STAGING, ORDER))
        for statement, parameters in (
            (sql.count_matched(STAGING, TABLE, ORDER), ()),
            (sql.compare(SHADOW, TABLE, ORDER), ()),
            (sql.late(STAGING, TABLE, ORDER), ("",)),
        ):
            plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
            assert "SEARCH t USING" in plan
            assert "SCAN t " not in f"{plan} "


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("a", '"a"'), ('a"b', '"a""b"'), ('"', '""""'), ("a.b", '"a.b"'), ("';--", '"\';--"'), (" ", '" "')],
)
def test_quote(name: str, quoted: str) -> None:
    """Whatever is in a name, it stays within its quotes."""
    assert sql.quote(name) == quoted


@pytest.mark.parametrize("name", ["", "\0", "a\0b"])
def test_quote_refuses(name: str) -> None:
    """An empty name, or one with a NUL, cannot be quoted."""
    with pytest.raises(ConfigurationError):
        sql.quote(name)
