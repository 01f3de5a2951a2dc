"""Tables that others own are loaded without a change to their definition, or refused with a reason. On the fake."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from tests.caches_sqlserver.fake_bench import FakeBench, fake_bench

from afresh.core.drift import check
from afresh.core.errors import BadValue, SchemaDiffers
from afresh.core.model import MergeCounts, ReloadStrategy
from afresh.core.schema import TIMESTAMP, Column, TableSchema

WANTED = TableSchema(
    columns=(
        Column(name="Code", type=pa.string(), length=10),
        Column(name="Amount", type=pa.decimal128(15, 2)),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Code",),
    last_update="Changed",
)
TABLE = """CREATE TABLE [dbo].[Theirs] (
    [Row] bigint IDENTITY(1,1) NOT NULL,
    [Code] varchar(10) NOT NULL,
    [Amount] decimal(18,4) NULL,
    [Changed] smalldatetime NULL,
    [Comment] nvarchar(50) NULL,
    [Level] int NOT NULL DEFAULT 3
)"""
UNIQUE = "CREATE UNIQUE NONCLUSTERED INDEX [OneCode] ON [dbo].[Theirs] ([Code])"
MINUTE = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> FakeBench:
    """A database with a table of another application: wider, with an identity, a varchar key and narrower stamps."""
    made = fake_bench(tmp_path)
    made.server.batch(TABLE)
    made.server.batch(UNIQUE)
    return made


def made(bench: FakeBench, table: str) -> None:
    """Another table instead."""
    bench.server.batch("DROP TABLE [dbo].[Theirs]")
    bench.server.batch(table)


def merge(bench: FakeBench, *rows: tuple[object, ...]) -> MergeCounts:
    """A sync into the table."""
    return bench.merge(WANTED, list(rows), table_name="Theirs")


def values(bench: FakeBench) -> list[tuple[object, ...]]:
    """The columns that are delivered and the one with a default."""
    return bench.server.query('SELECT "Code", "Amount", "Level" FROM "dbo.Theirs" ORDER BY "Code"')


def test_described_as_wanted(bench: FakeBench) -> None:
    """The table is given in our types; columns that need not be delivered are left out; the unique index is the key."""
    found = bench.cache.describe("Theirs", WANTED)
    assert found is not None
    assert found.key == ("Code",)
    assert found.names == WANTED.names
    assert check("Theirs", found, WANTED) == ()


def test_loaded_without_a_change(bench: FakeBench) -> None:
    """Rows are merged and replaced, other columns keep their defaults and values, and the definition stays."""
    before = bench.server.query("SELECT * FROM _column WHERE object = 'dbo.Theirs'")
    assert merge(bench, ("A", Decimal("1.50"), MINUTE), ("B", None, None)) == MergeCounts(inserted=2)
    assert merge(bench, ("A", Decimal("1.50"), MINUTE), ("B", Decimal(2), None)) == MergeCounts(updated=1, unchanged=1)
    assert values(bench) == [("A", Decimal("1.5000"), 3), ("B", Decimal("2.0000"), 3)]
    operation = bench.start("Theirs")
    with bench.stage(WANTED, operation, reload=True, table_name="Theirs") as stage:
        stage.append(bench.batch(WANTED, [("A", Decimal(7), MINUTE), ("C", None, None)]))
        stage.merge(trust_source=True)
        counts = stage.reload(ReloadStrategy.SWAP)
    assert counts == MergeCounts(inserted=1, updated=1, deleted=1)
    assert values(bench) == [("A", Decimal("7.0000"), 3), ("C", None, 3)]
    assert bench.server.query("SELECT * FROM _column WHERE object = 'dbo.Theirs'") == before


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (("日本", Decimal(1), None), "Code"),
        (("A", Decimal(1), MINUTE.replace(second=30)), "Changed"),
    ],
)
def test_values_that_would_be_changed(bench: FakeBench, row: tuple[object, ...], column: str) -> None:
    """A value that the table's type would change stops the sync, naming the column; nothing of the batch is written."""
    with pytest.raises(BadValue, match=rf"Theirs\.{column}: the table keeps"):
        merge(bench, ("Z", None, None), row)
    assert values(bench) == []


def test_keys_that_are_one_in_their_collation(bench: FakeBench) -> None:
    """Where the table's collation ignores case, keys that differ in case alone are refused, not merged."""
    with pytest.raises(BadValue, match="two keys of the source are one key"):
        merge(bench, ("a", Decimal(1), None), ("A", Decimal(2), None))
    assert values(bench) == []
    bench.recover()
    merge(bench, ("a", Decimal(1), None))
    with pytest.raises(BadValue, match="two keys of the source are one key"):
        merge(bench, ("A", Decimal(2), None))
    assert values(bench) == [("a", Decimal("1.0000"), 3)]


def test_no_column_is_added(bench: FakeBench) -> None:
    """A table of others is never altered; the error names what it lacks."""
    with pytest.raises(SchemaDiffers, match="lacks New"):
        bench.cache.add_columns("Theirs", [Column(name="New", type=pa.string())])


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (TABLE.replace("[Level] int NOT NULL DEFAULT 3", "[Level] int NOT NULL"), "Level.*NOT NULL without a default"),
        (TABLE.replace("[Amount] decimal(18,4) NULL", "[Amount] float(53) NULL"), "Amount.*float"),
        (TABLE.replace("[Changed] smalldatetime", "[Changed] nvarchar(30)"), "Changed.*nvarchar"),
        (TABLE.replace("[Amount] decimal(18,4) NULL", "[Amount] timestamp NOT NULL"), "Amount.*server computes"),
        (TABLE.replace("[Code] varchar(10) NOT NULL", "[Code] ntext NOT NULL"), "Code.*ntext"),
        (TABLE, "no primary key"),
        (TABLE.replace("[Code] varchar(10) NOT NULL", "[Code] varchar(10) NULL"), "no primary key"),
    ],
)
def test_tables_that_do_not_fit(bench: FakeBench, table: str, reason: str) -> None:
    """A table that cannot take our rows is refused with the column and the reason."""
    made(bench, table)
    with pytest.raises(SchemaDiffers, match=reason):
        bench.cache.describe("Theirs", WANTED)


def test_shorter_text(bench: FakeBench) -> None:
    """A text column that is shorter than what is delivered is a difference; one as long or longer is none."""
    longer = TableSchema(columns=(Column(name="Code", type=pa.string(), length=11), *WANTED.columns[1:]), key=("Code",))
    found = bench.cache.describe("Theirs", longer)
    assert found is not None
    with pytest.raises(SchemaDiffers, match=r"text\(10\)"):
        check("Theirs", found, longer)


def test_made_again_by_somebody(bench: FakeBench) -> None:
    """A table of ours that somebody made again in another way is one of theirs."""
    schema = TableSchema(columns=WANTED.columns[:2], key=("Code",))
    bench.cache.create("Mine", schema)
    found = bench.cache.describe("Mine", schema)
    assert found is not None
    assert found.column("Amount").type_name == "decimal(15,2)"
    bench.server.batch("DROP TABLE [dbo].[Mine]")
    bench.server.batch(
        "CREATE TABLE [dbo].[Mine] ([Code] nvarchar(10) NOT NULL PRIMARY KEY CLUSTERED, [Amount] bigint NULL)"
    )
    with pytest.raises(SchemaDiffers, match="not made by afresh"):
        bench.cache.add_columns("Mine", [Column(name="New", type=pa.string())])
