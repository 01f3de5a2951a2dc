"""SQLite files as sources: read-only, exact, from one state, and stopped within a second."""

import shutil
import sqlite3
import threading
import time
import tracemalloc
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import TokenType
from tests.sources.sqlite_files import SpiedConnections, database, rows_of, select, source_of

from afresh.core.errors import BadValue, Cancelled, ConfigurationError, QueryFailed, SourceUnavailable
from afresh.core.kinds import SourceContext
from afresh.core.model import SourceInstant
from afresh.core.options import SourceSystemConfig
from afresh.core.schema import parse_type
from afresh.core.select import Compare, Output, Policy, Query, Select, TableName
from afresh.sources.sqlite import SQLITE, SqliteOptions
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock

reading = datetime.fromisoformat
ENDLESS = Query(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) AS s FROM n",
    None,
    (Output("s", "s", pa.int64()),),
)

EXTREMES: list[tuple[str, str, list[Any], list[Any]]] = [
    ("BOOLEAN", "bool", [0, 1], [False, True]),
    ("INTEGER", "int16", [-(2**15), 2**15 - 1, 0, 5.0], [-(2**15), 2**15 - 1, 0, 5]),
    ("INTEGER", "int32", [-(2**31), 2**31 - 1], [-(2**31), 2**31 - 1]),
    ("INTEGER", "int64", [-(2**63), 2**63 - 1, 141805.0], [-(2**63), 2**63 - 1, 141805]),
    (
        "REAL",
        "float",
        [-1.7976931348623157e308, 5e-324, 0.1, float("inf")],
        [-1.7976931348623157e308, 5e-324, 0.1, float("inf")],
    ),
    (
        "NUMERIC",
        "decimal(38,2)",
        [10, 0.1, -(2**62), 1e15],
        [Decimal(10), Decimal("0.1"), Decimal(-(2**62)), Decimal(10**15)],
    ),
    (
        "TEXT",
        "decimal(38,0)",
        ["9" * 38, "-" + "9" * 38, "0"],
        [Decimal("9" * 38), Decimal("-" + "9" * 38), Decimal(0)],
    ),
    ("TEXT", "decimal(38,38)", ["0." + "9" * 38, "-0.5"], [Decimal("0." + "9" * 38), Decimal("-0.5")]),
    ("TEXT", "text", ["", " ", "a\0b", "Zoë 😀", "x" * 100_000], ["", " ", "a\0b", "Zoë 😀", "x" * 100_000]),
    ("", "text", [141805, -(2**63)], ["141805", str(-(2**63))]),
    ("BLOB", "bytes", [b"", b"\0\xff", b"text"], [b"", b"\0\xff", b"text"]),
    ("DATE", "date", ["0001-01-01", "9999-12-31", "2024-02-29 00:00:00"], [date.min, date.max, date(2024, 2, 29)]),
    (
        "TEXT",
        "time",
        ["00:00", "23:59:59.999999"],
        [reading("1970-01-01").time(), reading("1970-01-01 23:59:59.999999").time()],
    ),
    (
        "DATETIME",
        "datetime",
        ["0001-01-01", "2024-05-01T10:30", "9999-12-31 23:59:59.999999", "2024-05-01 10:30:00.1000000"],
        [
            reading("0001-01-01"),
            reading("2024-05-01 10:30"),
            reading("9999-12-31 23:59:59.999999"),
            reading("2024-05-01 10:30:00.1"),
        ],
    ),
    (
        "DATETIME",
        "timestamp",
        ["2024-05-01 10:30:00", "2024-05-01T10:30:00Z", "2024-05-01 10:30:00.5+02:00"],
        [reading("2024-05-01 10:30Z"), reading("2024-05-01 10:30Z"), reading("2024-05-01 08:30:00.5Z")],
    ),
]


@pytest.mark.parametrize(
    ("declared", "wanted", "stored", "expected"), EXTREMES, ids=[f"{case[0]}-{case[1]}" for case in EXTREMES]
)
def test_extreme_values(tmp_path: Path, declared: str, wanted: str, stored: list[Any], expected: list[Any]) -> None:
    """The least, greatest, empty and odd values of each type arrive exactly, and null as null."""
    path = database(
        tmp_path / "a.db",
        f"CREATE TABLE T (V {declared})",
        rows=[("INSERT INTO T VALUES (?)", [(value,) for value in [*stored, None]])],
    )
    source = source_of(path)
    found = list(source.read(select("T", V=wanted), ManualCancellation(), 1000))
    assert [batch.schema for batch in found] == [pa.schema([("V", parse_type(wanted)[0])])]
    assert [row["V"] for row in found[0].to_pylist()] == [*expected, None]


HOSTILE = [
    "select", "order by", 'quote"d', "[bracket]", "back`tick", "sin'gle", "semi;colon", "dash--dash", "/* comment */",
    "$dollar", "#hash", "@at", ":minimum_dt", "?", "ünïcödé", "日本語", "😀", " leading", "trailing ", "new\nline",
    "ta\tb", "1", "%", '"', '""', 'T"; DROP TABLE Victims; --', "back\\slash", "rowid",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(tmp_path: Path, name: str) -> None:
    """Any name works for a table, a column and its stamp, and stands in the SQL as one quoted name. (What SQLite
    does by itself for a statement it reports as a comment.)"""
    quoted = '"' + name.replace('"', '""') + '"'
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE Victims (A)",
        f"CREATE TABLE {quoted} (Id INTEGER PRIMARY KEY, {quoted} TEXT)",
        rows=[(f"INSERT INTO {quoted} VALUES (?, ?)", [(1, "x"), (2, None)])],
    )
    spy = SpiedConnections()
    source = source_of(path, connect=spy)
    outputs = (Output("Id", "Id", pa.int64()), Output(name, "v", pa.string()))
    info = source.describe(TableName(name))
    assert info is not None
    assert [column.name for column in info.columns] == ["Id", name]
    assert rows_of(source, Select(TableName(name), outputs, Compare((name,), ">=", "a"))) == [{"Id": 1, "v": "x"}]
    names = {"Id", name, "sqlite_master", "main", "_rowid_", "notnull"}
    sent = [statement for statement in spy.statements if not statement.startswith("-- ")]
    for statement in sent:
        for token in sqlglot.tokenize(statement, read="sqlite"):
            if token.token_type is TokenType.IDENTIFIER:
                assert token.text in names
    assert {statement.split()[0] for statement in sent} <= {"SELECT", "BEGIN", "PRAGMA"}


def test_a_column_that_is_not_there_is_no_text(tmp_path: Path) -> None:
    """SQLite would return the name of a missing quoted column as a text; the source fails instead."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (A)", "INSERT INTO T VALUES (1)")
    with pytest.raises(QueryFailed, match=r"source ERP: no such column: T\.B"):
        rows_of(source_of(path), select("T", B="text"))


def test_batches_are_of_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """No batch has more rows than asked, all but the last have as many, and together they have all rows."""
    path = database(
        tmp_path / "a.db", "CREATE TABLE T (A)", rows=[("INSERT INTO T VALUES (?)", [(n,) for n in range(25)])]
    )
    batches = list(source_of(path).read(select("T", A="int64"), ManualCancellation(), 10))
    assert [batch.num_rows for batch in batches] == [10, 10, 5]
    assert [row["A"] for batch in batches for row in batch.to_pylist()] == list(range(25))


def test_large_values_make_small_batches(tmp_path: Path) -> None:
    """Among rows of megabytes a batch ends at about 32 MB, even if the first rows were small."""
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE T (A)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90) "
        "INSERT INTO T SELECT zeroblob(CASE WHEN i > 50 THEN 2000000 ELSE 1 END) FROM n",
    )
    sizes = [batch.nbytes for batch in source_of(path).read(select("T", A="bytes"), ManualCancellation(), 10_000)]
    assert sum(sizes) > 80_000_000
    assert max(sizes) <= 32 * 1024 * 1024 + 8 * 2_000_000


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    """Reading ten times the rows takes no more memory."""
    peaks = []
    for rows in (4_000, 40_000):
        path = database(
            tmp_path / f"{rows}.db",
            "CREATE TABLE T (A INTEGER, B TEXT, C NUMERIC)",
            rows=[("INSERT INTO T VALUES (?, ?, ?)", ((n, f"text {n}", n / 100) for n in range(rows)))],
        )
        what = select("T", A="int64", B="text", C="decimal(15,2)")
        arrow = 0
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        for _ in source_of(path).read(what, ManualCancellation(), 500):
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        peaks.append((tracemalloc.get_traced_memory()[1], arrow))
        tracemalloc.stop()
    assert peaks[1][0] <= peaks[0][0] * 1.15
    assert peaks[1][1] <= peaks[0][1] * 1.15


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_read_sees_one_state(tmp_path: Path, journal: str) -> None:
    """What others commit while a read is under way is not seen by it; without WAL they cannot commit meanwhile."""
    path = database(
        tmp_path / "a.db", "CREATE TABLE T (A)", rows=[("INSERT INTO T VALUES (?)", [(0,) for _ in range(5000)])]
    )
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as writer:
        writer.execute(f"PRAGMA journal_mode = {journal}")
        read = source_of(path).read(select("T", A="int64"), ManualCancellation(), 100)
        seen = [*next(read).column(0).to_pylist()]
        if journal == "wal":
            writer.execute("UPDATE T SET A = 1")
        else:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                writer.execute("UPDATE T SET A = 1")
        for batch in read:
            seen += batch.column(0).to_pylist()
        assert seen == [0] * 5000
        writer.execute("UPDATE T SET A = 2")
    assert rows_of(source_of(path), select("T", A="int64"))[0] == {"A": 2}


def test_the_source_cannot_be_written(tmp_path: Path) -> None:
    """Even SQL that writes, which the gate would refuse, changes nothing."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (A)", "INSERT INTO T VALUES (1)")
    writing = Query("UPDATE T SET A = 2 RETURNING A", None, (Output("A", "A", pa.int64()),))
    with pytest.raises(QueryFailed, match="readonly database"):
        rows_of(source_of(path), writing)
    assert rows_of(source_of(path), select("T", A="int64")) == [{"A": 1}]


# ------------------------------------------------------------------------------------------- stopping and failing


def test_a_statement_under_way_is_cancelled_within_a_second(tmp_path: Path) -> None:
    """A request in the middle of a statement that would never end is obeyed at once, and the session is closed."""
    spy = SpiedConnections()
    source = source_of(database(tmp_path / "a.db", "CREATE TABLE T (A)"), connect=spy)
    cancel = ManualCancellation()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.perf_counter())
        cancel.request()

    timer = threading.Timer(0.2, ask)
    timer.start()
    with pytest.raises(Cancelled):
        list(source.read(ENDLESS, cancel, 10))
    assert time.perf_counter() - asked[0] < 1
    timer.join()
    assert spy.all_closed()


def test_a_read_between_batches_is_cancelled(tmp_path: Path) -> None:
    """After a request no further batch comes."""
    path = database(
        tmp_path / "a.db", "CREATE TABLE T (A)", rows=[("INSERT INTO T VALUES (?)", [(n,) for n in range(100)])]
    )
    cancel = ManualCancellation()
    read = source_of(path).read(select("T", A="int64"), cancel, 10)
    next(read)
    cancel.request()
    with pytest.raises(Cancelled):
        next(read)


def test_a_session_opens_with_the_first_row_and_closes_on_every_way_out(tmp_path: Path) -> None:
    """Asking for a read opens nothing; its end, its failure and its being given up close what was opened."""
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE T (A)",
        rows=[("INSERT INTO T VALUES (?)", [(n,) for n in range(100)] + [("x",)])],
    )
    spy = SpiedConnections()
    source = source_of(path, connect=spy)
    given_up = source.read(select("T", A="int64"), ManualCancellation(), 10)
    assert not spy.connections
    next(given_up)
    assert not spy.all_closed()
    assert isinstance(given_up, Generator)
    given_up.close()
    assert spy.all_closed()
    with pytest.raises(BadValue):
        rows_of(source, select("T", A="int64"))
    rows_of(source, select("T", A="text"))
    source.describe(TableName("T"))
    assert len(spy.connections) == 4
    assert spy.all_closed()
    source.close()
    source.close()


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    """A source that is not there is unavailable, which may pass; and no empty file is left."""
    path = tmp_path / "missing.db"
    with pytest.raises(SourceUnavailable, match=r"source ERP: there is no file .*missing\.db") as raised:
        source_of(path).describe(TableName("T"))
    assert raised.value.transient
    assert not path.exists()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is unavailable as a source, and named."""
    path = tmp_path / "text.db"
    path.write_text("this is no database\n" * 100)
    with pytest.raises(SourceUnavailable, match=r"text\.db: file is not a database"):
        rows_of(source_of(path), select("T", A="int64"))


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    """A directory cannot be opened."""
    with pytest.raises(SourceUnavailable, match="there is no file"):
        rows_of(source_of(tmp_path), select("T", A="int64"))


def test_a_file_that_a_killed_writer_left(tmp_path: Path) -> None:
    """Half a transaction is not read: as nothing may be written, it cannot be undone here, and the source is
    unavailable until its own program has done so."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (A)", "INSERT INTO T VALUES (1)")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            "INSERT INTO T SELECT 'uncommitted' || i FROM n"
        )
        killed = tmp_path / "killed.db"
        shutil.copy(path, killed)
        shutil.copy(f"{path}-journal", f"{killed}-journal")
        writer.execute("ROLLBACK")
    with pytest.raises(SourceUnavailable) as raised:
        rows_of(source_of(killed), select("T", A="text"))
    assert "A program that wrote to it was killed" in raised.value.hint
    with closing(sqlite3.connect(killed)) as owner:
        owner.execute("SELECT 1 FROM T").fetchall()
    assert rows_of(source_of(killed), select("T", A="text")) == [{"A": "1"}]


def test_a_locked_file(tmp_path: Path) -> None:
    """A writer that never ends makes the source unavailable after the busy timeout; one that ends does not."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (A)", "INSERT INTO T VALUES (1)")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        impatient = source_of(path, busy_timeout=timedelta(milliseconds=300))
        with pytest.raises(SourceUnavailable, match="database is locked"):
            rows_of(impatient, select("T", A="int64"))
        timer = threading.Timer(0.3, writer.execute, ("COMMIT",))
        timer.start()
        assert rows_of(source_of(path), select("T", A="int64")) == [{"A": 1}]
        timer.join()


def test_waiting_for_a_lock_is_cancelled_within_a_second(tmp_path: Path) -> None:
    """A request is obeyed while a writer keeps the read waiting."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (A)")
    cancel = ManualCancellation()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.2, cancel.request)
        timer.start()
        start = time.perf_counter()
        with pytest.raises(Cancelled):
            list(source_of(path).read(select("T", A="int64"), cancel, 10))
        assert time.perf_counter() - start < 1.2
        timer.join()


def test_a_missing_table_fails_the_query(tmp_path: Path) -> None:
    """What the database does not know is said in its words."""
    with pytest.raises(QueryFailed, match="source ERP: no such table: T"):
        rows_of(source_of(database(tmp_path / "a.db")), select("T", A="int64"))


# ------------------------------------------------------------------------------------------------- bad values


def test_a_bad_value_names_its_row_by_key(tmp_path: Path) -> None:
    """The key is shown, the value is not; in a table without a key, the position."""
    rows = [(f"k{n}", n, "1") for n in range(500)] + [("k500", 500, "secret 7")]
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE K (A TEXT, B INTEGER, V TEXT, PRIMARY KEY (B, A))",
        "CREATE TABLE N (A TEXT, B INTEGER, V TEXT)",
        rows=[("INSERT INTO K VALUES (?, ?, ?)", rows), ("INSERT INTO N VALUES (?, ?, ?)", rows)],
    )
    expected = {
        "K": "source ERP: K.V: row B=500, A=k500 holds TEXT 'xxxxxx 9', which int64 cannot hold exactly",
        "N": "source ERP: N.V: row 501 of the read holds TEXT 'xxxxxx 9', which int64 cannot hold exactly",
    }
    for table, message in expected.items():
        with pytest.raises(BadValue) as raised:
            rows_of(source_of(path), select(table, A="text", B="int64", V="int64"), batch_rows=100)
        assert raised.value.message == message


def test_text_that_is_no_utf8_is_found(tmp_path: Path) -> None:
    """Bytes that are no text stop the read and are named by row, without being shown."""
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE T (Id INTEGER PRIMARY KEY, V TEXT)",
        rows=[("INSERT INTO T VALUES (?, CAST(? AS TEXT))", [(n, b"ok") for n in range(50)] + [(77, b"ab\xff\xfe")])],
    )
    with pytest.raises(BadValue) as raised:
        rows_of(source_of(path), select("T", Id="int64", V="text"), batch_rows=20)
    assert raised.value.message == "source ERP: T.V: row Id=77 holds TEXT 'xx??', which text cannot hold exactly"


@pytest.mark.parametrize(("policy", "came"), [(Policy.NULL, 60), (Policy.QUARANTINE, 58)])
def test_text_that_is_no_utf8_follows_its_policy(tmp_path: Path, policy: Policy, came: int) -> None:
    """It is left out or set aside and counted once, and the rows before and after it come each once."""
    bad = [(20, b"\xfc\x80"), (44, b"\xff")]
    good = [(n, b"ok") for n in range(60) if n not in dict(bad)]
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE T (Id INTEGER PRIMARY KEY, V TEXT)",
        rows=[("INSERT INTO T VALUES (?, CAST(? AS TEXT))", good + bad)],
    )
    what, watched = select("T", Id="int64", V="text"), ManualCancellation()
    what = replace(what, outputs=(what.outputs[0], replace(what.outputs[1], policy=policy)))
    batches = list(source_of(path).read(what, watched, 7))
    rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    assert len(rows) == came
    assert [row for row in rows if row[1]] == [(n, "ok") for n, _ in good]
    assert sum(misfit.rows for misfit in watched.misfits) == 2


# ------------------------------------------------------------------------------------------- queries, catalogue


def test_a_query_is_read_by_column_names(tmp_path: Path) -> None:
    """Outputs pick result columns by name in any order; `:minimum_dt` is bound as a text that SQLite understands."""
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE T (Id INTEGER, At TEXT)",
        "INSERT INTO T VALUES (1, '2024-05-01 10:00:00'), (2, '2024-05-01 11:00:00')",
    )
    query = Query(
        "SELECT Id, At, ':minimum_dt' AS x FROM T WHERE At >= datetime(:minimum_dt, '-1 minutes')",
        reading("2024-05-01 10:30:00"),
        (Output("at", "When", parse_type("datetime")[0]), Output("Id", "Nr", pa.int64())),
    )
    assert rows_of(source_of(path), query) == [{"When": reading("2024-05-01 11:00:00"), "Nr": 2}]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 AS B", "the query has no result column 'A'"),
        ("SELECT 1 AS A, 2 AS a", "the query has more than one result column 'A'"),
        ("SELECT 1 AS A WHERE :other", "Incorrect number of bindings"),
        ("SELECT 1 AS A FROM", "incomplete input"),
        ("SELECT 1 AS A; SELECT 2", "one statement at a time"),
    ],
)
def test_queries_that_fail(tmp_path: Path, sql: str, message: str) -> None:
    """Missing and doubtful columns, unknown parameters and broken SQL are told as failures of the query."""
    query = Query(sql, None, (Output("A", "A", pa.int64()),))
    with pytest.raises(QueryFailed, match=message):
        rows_of(source_of(database(tmp_path / "a.db")), query)


def test_a_query_describes_itself_by_declared_types(tmp_path: Path) -> None:
    """Result columns have the types their source columns are declared with, through joins and WITH; no row is read."""
    path = database(tmp_path / "a.db", "CREATE TABLE T (A NUMERIC(15,2), B VARCHAR(30), C DATETIME)")
    source = source_of(path)
    query = Query("WITH x AS (SELECT * FROM T WHERE C >= :minimum_dt) SELECT A, B AS Name, C FROM x;", None)
    assert [(column.name, column.type_name) for column in source.describe_query(query)] == [
        ("A", "decimal(15,2)"),
        ("Name", "text(30)"),
        ("C", "datetime"),
    ]
    assert rows_of(source, query) == []


def test_computed_columns_must_be_told(tmp_path: Path) -> None:
    """The type of what a query computes is never guessed."""
    source = source_of(database(tmp_path / "a.db", "CREATE TABLE T (A INTEGER)"))
    with pytest.raises(ConfigurationError, match="the type of the query's column 'Total' is not known") as raised:
        source.describe_query(Query("SELECT sum(A) AS Total FROM T", None))
    assert raised.value.hint == (
        """Give it one in the fetcher's options, such as: columns = { "Total" = "decimal(15,2)" }."""
    )
    told = (Output("Total", "Total", pa.int64()),)
    assert source.describe_query(Query("SELECT sum(A) AS Total FROM T", None, told))[0].type_name == "int64"
    with pytest.raises(QueryFailed, match="the query has no result column 'X'"):
        source.describe_query(Query("SELECT A FROM T", None, (Output("X", "X", pa.int64()),)))


DECLARED = {
    "INTEGER": "int64",
    "BIGINT UNSIGNED": "int64",
    "TINYINT(1)": "int64",
    "NUMBER": "int64",
    "NUMBER(6)": "int64",
    "NUMBER(19)": "decimal(19,0)",
    "NUMERIC(15, 2)": "decimal(15,2)",
    "decimal(5)": "int64",
    "DECIMAL": "decimal(38,10)",
    "NUMERIC": "decimal(38,10)",
    "REAL": "float",
    "DOUBLE PRECISION": "float",
    "FLOAT": "float",
    "TEXT": "text",
    "VARCHAR(30)": "text(30)",
    "nchar(5)": "text(5)",
    "CLOB": "text",
    "BLOB": "bytes",
    "VARBINARY(20)": "bytes",
    "DATE": "date",
    "TIME": "time",
    "DATETIME": "datetime",
    "TIMESTAMP": "datetime",
    "timestamp(6)": "datetime",
    "BOOLEAN": "bool",
    "": "text",
    "JSON": "text",
    "NUMBER(50)": "decimal(38,0)",
}


def test_declared_types(tmp_path: Path) -> None:
    """Each declared type has a type it arrives as."""
    names = {f"c{number}": declared for number, declared in enumerate(DECLARED)}
    path = database(tmp_path / "a.db", f"CREATE TABLE T ({', '.join(f'{name} {d}' for name, d in names.items())})")
    info = source_of(path).describe(TableName("T"))
    assert info is not None
    assert {names[column.name]: column.type_name for column in info.columns} == DECLARED


def test_keys_views_and_generated_columns(tmp_path: Path) -> None:
    """The key comes in its own order; views and generated columns are described too; what is not there is None."""
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE T (A INTEGER, B TEXT NOT NULL, C AS (A + 1), PRIMARY KEY (B, A)) WITHOUT ROWID",
        "CREATE VIEW V AS SELECT B AS X FROM T",
    )
    source = source_of(path)
    table, view = source.describe(TableName("T")), source.describe(TableName("V"))
    assert table is not None
    assert view is not None
    assert table.key == ("B", "A")
    assert [(column.name, column.nullable) for column in table.columns] == [("A", False), ("B", False), ("C", True)]
    assert [column.name for column in view.columns] == ["X"]
    assert (view.key, view.rows) == ((), None)
    assert source.describe(TableName("Nothing")) is None


def test_row_estimates(tmp_path: Path) -> None:
    """Rows are told by ANALYZE where it ran, else by the span of rowids; an empty table has none."""
    path = database(
        tmp_path / "a.db",
        "CREATE TABLE A (X)",
        "CREATE TABLE B (X)",
        "CREATE TABLE C (X)",
        rows=[(f"INSERT INTO {table} VALUES (?)", [(n,) for n in range(20)]) for table in "AB"],
    )
    database(path, "DELETE FROM A WHERE X BETWEEN 5 AND 14")
    assert _estimates(path) == {"A": 20, "B": 20, "C": 0}
    database(path, "ANALYZE A")
    assert _estimates(path) == {"A": 10, "B": 20, "C": 0}


def _estimates(path: Path) -> dict[str, int | None]:
    found = {name: source_of(path).describe(TableName(name)) for name in "ABC"}
    return {name: info.rows for name, info in found.items() if info is not None}


# ------------------------------------------------------------------------------------------------ configuration


def _context(tmp_path: Path, zone: str) -> SourceContext:
    return SourceContext(
        name="ERP",
        config=SourceSystemConfig(kind="sqlite", time_zone=zone),
        options=SqliteOptions(path=Path("data/erp #1?.db")),
        base_directory=tmp_path,
        clock=ManualClock(),
    )


def test_relative_paths_start_at_the_configuration(tmp_path: Path) -> None:
    """The path is relative to the configuration's directory, and may have characters that mean something in a URI."""
    (tmp_path / "data").mkdir()
    database(tmp_path / "data" / "erp #1?.db", "CREATE TABLE T (A)", "INSERT INTO T VALUES (1)")
    source = SQLITE.build(_context(tmp_path, "Europe/Berlin"))
    assert [batch.to_pylist() for batch in source.read(select("T", A="int64"), ManualCancellation(), 1)] == [[{"A": 1}]]
    assert source.traits.time_zone == ZoneInfo("Europe/Berlin")
    assert source.clock() == SourceInstant(now=ManualClock().now())


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_zone_is_a_mistake_of_the_configuration(tmp_path: Path, zone: str) -> None:
    """A time zone that does not exist is refused by name."""
    with pytest.raises(ConfigurationError, match="is not a time zone"):
        SQLITE.build(_context(tmp_path, zone))


def test_windows_find_stamps_in_every_form(tmp_path: Path) -> None:
    """A window by instants finds stamps that are readings of the source's clock, of UTC, or with any offset."""
    minimum = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
    stamps = ["2024-05-01 05:00", "2024-05-01T10:00:00Z", "2024-04-30 22:00:00-12:00", "2024-05-02 00:00:00+14:00"]
    path = database(
        tmp_path / "a.db", "CREATE TABLE T (A TEXT)", rows=[("INSERT INTO T VALUES (?)", [(s,) for s in stamps])]
    )
    found = rows_of(source_of(path, zone="America/Chicago"), select("T", Compare(("A",), ">=", minimum), A="timestamp"))
    assert [row["A"] for row in found] == [minimum] * 4


def test_a_process_whose_user_has_no_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a container that runs as some number, the account is that number."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("afresh.sources.process_user.getuser", nobody)
    account = source_of(database(tmp_path / "a.db", "CREATE TABLE T (ID INTEGER PRIMARY KEY)")).account()
    assert account.user.isdecimal()
