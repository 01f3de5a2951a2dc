"""Changed rows are updated in place where that takes less than to insert them anew; they read back the same."""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import duckdb
import pyarrow as pa
import pytest
from tests.caches_duckdb.duckdb_rig import FILE, duckdb_bench

from afresh.caches.duckdb_due import Due
from afresh.caches.duckdb_file import ROW_GROUP, OpenFile
from afresh.core.model import MergeCounts
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.testing.kit_rig import Bench, Row, at

ROWS = 30_000
NUMBERS = TableSchema(
    columns=(
        Column(name="Id", type=pa.int64()),
        Column(name="Amount", type=pa.decimal128(15, 4)),
        Column(name="Day", type=pa.date32()),
        Column(name="Factor", type=pa.float64()),
        Column(name="Name", type=pa.string()),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Id",),
    last_update="Changed",
)
MEMORY = 150_000_000


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with a DuckDB cache."""
    with duckdb_bench() as found:
        yield found


def numbered(ids: Sequence[int], version: int = 0, factor: float = 0.0) -> list[Row]:
    """These rows in their version, which differs in its numbers; some are null, and are not in another version."""
    first = at(0)
    return [
        (
            number,
            None if (number + version) % 5 == 0 else number + version,
            None if (number + version) % 7 == 0 else (first + timedelta(days=version)).date(),
            factor,
            f"name {number}",
            at(version),
        )
        for number in ids
    ]


def stored(bench: Bench) -> int:
    """The rows that the table takes room for, deleted ones included."""
    ((found,),) = bench.execute("SELECT estimated_size FROM duckdb_tables() WHERE table_name = 'Item'")
    return int(found)


def test_neighbours_are_updated_where_they_are(bench: Bench) -> None:
    """Neighbouring rows whose numbers changed stay where they are, nulls come and go, and new ones are added."""
    bench.merge(NUMBERS, numbered(range(ROWS)))
    window = numbered(range(5_000, ROWS + 10), version=1)
    assert bench.merge(NUMBERS, window) == MergeCounts(updated=ROWS - 5_000, inserted=10)
    assert stored(bench) == ROWS + 10
    assert bench.rows(NUMBERS) == [*numbered(range(5_000)), *window]
    assert bench.merge(NUMBERS, window) == MergeCounts(unchanged=ROWS - 5_000 + 10)


def test_texts_are_inserted_anew(bench: Bench) -> None:
    """Rows whose texts changed are deleted and inserted."""
    bench.merge(NUMBERS, numbered(range(ROWS)))
    window = [(*row[:4], f"{row[4]}!", at(1)) for row in numbered(range(5_000, ROWS))]
    assert bench.merge(NUMBERS, window) == MergeCounts(updated=ROWS - 5_000)
    assert stored(bench) == 2 * ROWS - 5_000
    assert bench.rows(NUMBERS) == [*numbered(range(5_000)), *window]


def test_the_sign_of_zero(bench: Bench) -> None:
    """A row that changed has its zeros with their signs, which an update of DuckDB would leave as they were."""
    bench.merge(NUMBERS, numbered(range(ROWS)))
    assert bench.merge(NUMBERS, numbered(range(ROWS), version=1, factor=-0.0)) == MergeCounts(updated=ROWS)
    assert {math.copysign(1, row[3]) for row in bench.rows(NUMBERS)} == {-1.0}


def test_many_columns(bench: Bench) -> None:
    """A change in any of a hundred columns is found and written, and no other column is."""
    names = [f"N{number}" for number in range(100)]
    schema = TableSchema(columns=tuple(Column(name=name, type=pa.int32()) for name in ("Id", *names)), key=("Id",))
    bench.merge(schema, [(number, *[0] * 100) for number in range(1_000)])
    changed = [(number, *[0] * 61, 1, 2, *[0] * 36, 3) for number in range(1_000)]
    assert bench.merge(schema, changed) == MergeCounts(updated=1_000)
    assert (stored(bench), bench.rows(schema)) == (1_000, changed)


def test_a_column_that_is_called_rowid(bench: Bench) -> None:
    """A table whose own column hides the row ids is merged, too."""
    schema = TableSchema(
        columns=(Column(name="Id", type=pa.int64()), Column(name="RowId", type=pa.string())), key=("Id",)
    )
    bench.merge(schema, [(number, "a") for number in range(100)])
    changed = [(number, "b") for number in range(50, 101)]
    assert bench.merge(schema, changed) == MergeCounts(updated=50, inserted=1)
    assert bench.rows(schema)[50:] == changed


def test_a_kill_before_the_checkpoint(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rows that were updated in place are in the log when the merge returns."""
    bench.merge(NUMBERS, numbered(range(ROWS)))
    monkeypatch.setattr(OpenFile, "checkpoint", lambda _self, *, vacuum=False: None)
    assert bench.merge(NUMBERS, numbered(range(ROWS), version=1)) == MergeCounts(updated=ROWS)
    for name in (FILE, f"{FILE}.wal"):
        copyfile(bench.directory / name, tmp_path / name)
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        found = connection.sql('SELECT * FROM "Item" ORDER BY "Id"').to_arrow_table()
    assert found.column("Amount").to_pylist() == [row[1] for row in numbered(range(ROWS), version=1)]


@pytest.mark.parametrize(
    ("changed", "groups", "columns", "memory", "fits"),
    [
        (100_000, 3, ("Amount", "Changed"), MEMORY, True),
        (100_000, 40, ("Amount", "Changed"), MEMORY, False),
        (100, 1, ("Amount", "Changed"), MEMORY, False),
        (100_000, 3, ("Amount", "Name"), MEMORY, False),
        (100_000, 3, ("Factor",), MEMORY, False),
        (1_000_000, 9, ("Amount", "Changed"), MEMORY, False),
        (1_000_000, 9, ("Amount", "Changed"), 8 * MEMORY, True),
        (100_000, None, ("Amount", "Changed"), MEMORY, False),
    ],
)
def test_what_fits_in_place(
    changed: int, groups: int | None, columns: tuple[str, ...], memory: int, fits: bool
) -> None:
    """Many rows in few row groups, in few columns of numbers, that are little beside the memory."""
    due = Due(changed=changed, new=0, columns=columns, groups=groups)
    assert due.fits_in_place(NUMBERS, memory) is fits


def test_a_row_group_is_what_duckdb_says() -> None:
    """Row ids are counted in row groups of the size that DuckDB makes."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT range AS n FROM range({ROW_GROUP + 1})")
        found = connection.execute("SELECT max(start + count) FROM pragma_storage_info('t') WHERE row_group_id = 0")
        assert found.fetchall() == [(ROW_GROUP,)]
