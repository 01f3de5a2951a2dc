"""DuckDB files as sources: locked, damaged or missing ones, and what a query can reach."""

import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from tests.sources.duckdb_source_rig import source_of

from afresh.core.errors import BadValue, QueryFailed, SourceUnavailable
from afresh.core.select import Output, Query, Select, TableName
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.source_kit_rig import Wish, rows_of

ITEMS = Select(TableName("Item"), (Output("Id", "Id", pa.int64()),))
WRITER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
connection.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a table of two rows."""
    with closing(duckdb.connect(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE Item (Id BIGINT)")
        connection.execute("INSERT INTO Item VALUES (1), (2)")
    return tmp_path / "a.duckdb"


def test_a_file_that_is_written_elsewhere(path: Path) -> None:
    """While another process has the file open to write, a read waits as long as it is told, and says why it fails;
    after that it works."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        source = source_of(path, Wish(timeout=timedelta(seconds=0.2)))
        with pytest.raises(SourceUnavailable, match="lock") as raised:
            list(source.read(ITEMS, ManualCancellation(), 10))
        assert "one process at a time" in raised.value.hint
        writer.communicate(b"\n")
    assert rows_of(source.read(ITEMS, ManualCancellation(), 10)) == [(1,), (2,)]


def test_no_file_and_no_database(tmp_path: Path) -> None:
    """A missing file and one that is no database are told apart from an empty one, and nothing is made."""
    with pytest.raises(SourceUnavailable, match="there is no file"):
        list(source_of(tmp_path / "none.duckdb", Wish()).read(ITEMS, ManualCancellation(), 10))
    (tmp_path / "bad.duckdb").write_bytes(b"no database " * 1000)
    with pytest.raises(SourceUnavailable, match="not a valid DuckDB database"):
        list(source_of(tmp_path / "bad.duckdb", Wish()).read(ITEMS, ManualCancellation(), 10))
    assert [file.name for file in tmp_path.iterdir()] == ["bad.duckdb"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{}')",
        "SELECT * FROM '{}'",
        "COPY Item TO '{}'",
        "ATTACH '{}' AS other",
        "INSERT INTO Item VALUES (3)",
    ],
)
def test_a_query_reaches_its_database_only(path: Path, sql: str) -> None:
    """Other files can be neither read nor written, nor the database."""
    other = path.with_name("other.csv")
    other.write_text("secret\n1\n")
    query = Query(sql.format(other), None, (Output("secret", "secret", pa.string()),))
    with pytest.raises((QueryFailed, SourceUnavailable)):
        list(source_of(path, Wish()).read(query, ManualCancellation(), 10))
    assert other.read_text() == "secret\n1\n"
    assert rows_of(source_of(path, Wish()).read(ITEMS, ManualCancellation(), 10)) == [(1,), (2,)]


def test_an_error_that_is_kept_does_not_keep_the_file(path: Path) -> None:
    """After a read that failed, and while its error is still held, the file can be opened again at once."""
    narrow = Select(TableName("Item"), (Output("Id", "Id", pa.bool_()),))
    with pytest.raises(BadValue) as kept:
        list(source_of(path, Wish()).read(narrow, ManualCancellation(), 10))
    with closing(duckdb.connect(path)) as connection:
        connection.execute("INSERT INTO Item VALUES (3)")
    assert "Id" in str(kept.value)


def test_numbers_of_39_digits_in_a_query(path: Path) -> None:
    """A query's columns arrive as exactly as a table's."""
    query = Query(f"SELECT {2**127 - 1}::HUGEINT AS n, {10**38 - 1}::UHUGEINT AS m", None)
    with pytest.raises(BadValue, match="decimal"):
        list(source_of(path, Wish()).read(query, ManualCancellation(), 10))
    ((found,),) = rows_of(
        source_of(path, Wish()).read(Query(f"SELECT {10**38 - 1}::UHUGEINT AS m", None), ManualCancellation(), 10)
    )
    assert found == 10**38 - 1
