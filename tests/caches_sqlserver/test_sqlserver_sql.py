"""Every statement of the SQL Server cache is the one in its golden file, and is T-SQL to a parser."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
import sqlglot
from tests.caches_sqlserver.fake_bench import FakeBench
from tests.caches_sqlserver.tsql_fake import FakeServer

from afresh.caches import sqlserver_sql as sql
from afresh.caches.sqlserver_catalogue import TableColumn, TableIndex
from afresh.caches.sqlserver_existing import fields_of
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_names import stage_names
from afresh.caches.sqlserver_own import later_columns, statements
from afresh.caches.sqlserver_types import check_limits, is_clustered, key_storage, storage
from afresh.core.model import Outcome
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column, TableSchema
from afresh.testing.kit_rig import at

GOLDEN = Path(__file__).parent / "golden"
FULL = Features()
PLAIN = Features(collation=None, hints=False, try_convert=False)
NAMES = stage_names("dbo", "afresh", "Order Detail", "0123456789abcdef0123456789abcdef")
SCHEMA = TableSchema(
    columns=(
        Column(name="Company", type=pa.string(), length=5),
        Column(name="Number", type=pa.int64()),
        Column(name="Price", type=pa.decimal128(15, 4)),
        Column(name="Note", type=pa.string()),
        Column(name="Scan", type=pa.binary()),
        Column(name="Open]", type=pa.bool_(), nullable=False),
        Column(name="Due", type=pa.date32()),
        Column(name="At", type=TIME),
        Column(name="Entered", type=DATETIME),
        Column(name="Weight", type=pa.float64()),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Company", "Number"),
    last_update="Changed",
    folds=((datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=UTC)),),
)
BEFORE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
KEYS_ONLY = TableSchema(columns=SCHEMA.columns[:2], key=("Company", "Number"))
OTHERS = TableSchema(
    columns=(
        Column(name="Code", type=pa.string(), length=20),
        Column(name="Id", type=pa.string(), length=36),
        Column(name="Amount", type=pa.decimal128(15, 2)),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Code",),
    last_update="Changed",
)
INDEX = TableIndex(
    name="By price",
    unique=False,
    primary=False,
    constraint=False,
    clustered=False,
    plain=True,
    disabled=False,
    filter="([Price]>(0))",
    fill_factor=80,
    columns=(("Price", True), ("Number", False)),
    included=("Note",),
)


def column(name: str, declared: str, *, length: int | None = None, collation: str | None = None) -> TableColumn:
    """A column as the catalogue tells of it."""
    return TableColumn(
        name=name,
        base=declared.partition("(")[0],
        declared=declared,
        length=length,
        collation=collation,
        nullable=name not in ("Company", "Number", "Code", "Open]"),
        has_default=False,
        computed_by_server=False,
    )


def ours(schema: TableSchema, features: Features) -> list[TableColumn]:
    """The columns of a table that the cache made."""
    keys = key_storage(schema)
    return [
        column(
            each.name,
            keys.get(each.name, storage(each)),
            length=each.length,
            collation=(features.collation if each.name in keys else "SQL_Latin1_General_CP1_CI_AS")
            if pa.types.is_string(each.type)
            else None,
        )
        for each in schema.columns
    ]


THEIRS = [
    column("Code", "varchar(20)", length=20, collation="Latin1_General_CI_AS"),
    column("Id", "uniqueidentifier"),
    column("Amount", "decimal(18,4)"),
    column("Changed", "smalldatetime"),
]


def all_statements() -> dict[str, str]:
    """Every statement, by the name of its golden file."""
    found: dict[str, str] = {}
    for name, features in (("full", FULL), ("plain", PLAIN)):
        fields = fields_of("Order Detail", ours(SCHEMA, features), SCHEMA, features)
        key, _ = sql.split(SCHEMA, fields)
        stamp = fields[-1]
        inner = [field.within() for field in fields]
        definitions = [
            sql.definition(each.name, each.declared, each.collation, nullable=each.nullable)
            for each in ours(SCHEMA, features)
        ]
        source, table, shadow = NAMES.staging, NAMES.table, NAMES.shadow
        found |= {
            f"create_table_{name}": sql.create_table(table, definitions, SCHEMA.key, clustered=is_clustered(SCHEMA)),
            f"create_staging_{name}": sql.create_staging(source, fields),
            f"deduplicate_{name}": sql.deduplicate(source, key, stamp, SCHEMA),
            f"update_{name}": sql.update(source, table, SCHEMA, fields, features, trust_source=False) or "",
            f"update_trusting_{name}": sql.update(source, table, SCHEMA, fields, features, trust_source=True) or "",
            f"insert_{name}": sql.insert(source, table, SCHEMA, fields, features),
            f"compare_{name}": sql.compare(shadow, table, SCHEMA, inner, features),
            f"delete_gone_{name}": sql.delete_gone(shadow, table, SCHEMA, inner, features),
            f"late_{name}": sql.late(source, table, SCHEMA, fields, features, BEFORE),
            f"late_in_reload_{name}": sql.late(shadow, table, SCHEMA, inner, features, BEFORE),
            f"find_collision_{name}": sql.find_collision(source, key, features),
            f"find_other_spelling_{name}": sql.find_other_spelling(source, table, key, features),
        }
        found |= {f"own_{each}_{name}": ";\n".join(made) for each, made in statements("dbo", features).items()}
        found[f"own_later_columns_{name}"] = ";\n".join(later_columns("dbo", features))
    found |= asked_of_the_log()
    fields = fields_of("Order Detail", ours(SCHEMA, FULL), SCHEMA, FULL)
    found |= {
        "add_columns": sql.add_columns(
            NAMES.table, [sql.definition(each, "nvarchar(max)", None, nullable=True) for each in ("A", "B]")]
        ),
        "insert_staging": sql.insert_staging(NAMES.staging, fields),
        "copy_rows": sql.copy_rows(NAMES.shadow, NAMES.table, SCHEMA.names),
        "index": INDEX.definition(NAMES.table),
    }
    theirs = fields_of("Others", THEIRS, OTHERS, FULL)
    found |= {
        "others_staging": sql.create_staging(NAMES.staging, theirs),
        "others_update": sql.update(NAMES.staging, NAMES.table, OTHERS, theirs, FULL, trust_source=False) or "",
        "others_late": sql.late(NAMES.staging, NAMES.table, OTHERS, theirs, FULL, BEFORE),
        "others_insert": sql.insert(NAMES.staging, NAMES.table, OTHERS, theirs, FULL),
        "others_spelling": sql.find_other_spelling(NAMES.staging, NAMES.table, theirs[:1], FULL),
    }
    found |= {
        f"others_loss_{field.name}": statement
        for field in theirs
        if (statement := sql.find_loss(NAMES.staging, field, FULL)) is not None
    }
    return found


def asked_of_the_log() -> dict[str, str]:
    """The questions about a span of time, as they are sent."""
    with TemporaryDirectory() as directory:
        bench = FakeBench(FakeServer(Path(directory) / "fake.db"))
        bench.start()
        log = bench.cache.log
        log.history(since=at(0), until=at(9), limit=50)
        log.history(since=at(0), table_name="Item", outcome=Outcome.FAILED, before=7, limit=50)
        first, _place, later = bench.sent("SELECT TOP")
    return {"history_by_time": first, "history_by_time_later": later}


STATEMENTS = all_statements()


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_golden(name: str) -> None:
    """The statement is, letter by letter, the one that was looked at when it was written."""
    assert STATEMENTS[name] + "\n" == (GOLDEN / f"{name}.sql").read_text()


def test_golden_files_are_all_used() -> None:
    """There is no golden file of a statement that is not sent any more."""
    assert {path.stem for path in GOLDEN.glob("*.sql")} == set(STATEMENTS)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_parses(name: str) -> None:
    """A T-SQL parser understands the statement."""
    # This parser does not know that a key can be clustered.
    known = STATEMENTS[name].replace("PRIMARY KEY CLUSTERED", "PRIMARY KEY")
    for statement in known.split(";\n"):
        assert sqlglot.parse_one(statement, read="tsql") is not None


def test_no_update_of_keys_only() -> None:
    """A table of nothing but key columns has nothing to update, and none of its rows differs."""
    fields = fields_of("Pairs", ours(KEYS_ONLY, FULL), KEYS_ONLY, FULL)
    assert sql.update(NAMES.staging, NAMES.table, KEYS_ONLY, fields, FULL, trust_source=True) is None
    assert "SELECT 0 AS [Differs]" in sql.compare(NAMES.shadow, NAMES.table, KEYS_ONLY, fields, FULL)


def test_unicode_never_meets_a_varchar_key() -> None:
    """What is staged is converted to the key's type, not the key to the staged type, so that its index serves."""
    insert = STATEMENTS["others_insert"]
    assert "t.[Code] = CONVERT(varchar(20), s.[C1] COLLATE Latin1_General_CI_AS)" in insert
    assert "CONVERT(nvarchar" not in insert


def test_there_is_no_merge_statement() -> None:
    """MERGE is never used."""
    assert not any(statement.upper().lstrip().startswith("MERGE") for statement in STATEMENTS.values())


def test_a_thousand_columns() -> None:
    """The comparison of a very wide table stays flat enough to be parsed."""
    schema = TableSchema(
        columns=tuple(Column(name=f"C{number}", type=pa.int32()) for number in range(1_000)), key=("C0",)
    )
    check_limits("Wide", schema)
    columns = [column(each.name, "int") for each in schema.columns]
    fields = fields_of("Wide", columns, schema, FULL)
    statement = sql.update("[s]", "[t]", schema, fields, FULL, trust_source=True)
    assert statement is not None
    assert statement.count("<>") == 999
    assert statement.count("\n    OR (") == 39
