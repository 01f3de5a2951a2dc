"""What the PostgreSQL source does beyond the kit: rights, clock, parts, errors, and types that only it has."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr
from tests.caches import postgres_server as server
from tests.sources.postgres_source_rig import READER, PostgresSourceRig, options, source_of

from afresh.core.errors import ConfigurationError, QueryFailed, SourceRefused, SourceUnavailable
from afresh.core.select import Compare, Output, Query, Select, TableName
from afresh.sources.postgres_source import PostgresSource
from afresh.sources.postgres_types import arrives
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.scratch import scratch

RIG = PostgresSourceRig()


@pytest.fixture
def place() -> Iterator[Path]:
    """A schema of its own."""
    with scratch() as directory:
        RIG.prepare(directory)
        try:
            yield directory
        finally:
            RIG.discard(directory)


def source(directory: Path, **changed: Any) -> PostgresSource:
    """A source that reads as the reader."""
    return source_of(options("afresh own tests", **changed))


def table(directory: Path, name: str = "t") -> TableName:
    return RIG.table(directory, name)


def sql(directory: Path, *statements: str) -> None:
    RIG.execute(directory, *statements)


def ids(found: PostgresSource, what: Select | Query) -> list[int]:
    """The first column of all rows, sorted."""
    batches = found.read(what, ManualCancellation(), 1000)
    return sorted(int(next(iter(row.values()))) for batch in batches for row in batch.to_pylist())


def select(directory: Path, name: str = "t", **changed: Any) -> Select:
    return Select(table(directory, name), (Output("id", "id", pa.int64()),), **changed)


# ------------------------------------------------------------------------------------------------------ catalogue


def test_a_unique_index_is_a_key(place: Path) -> None:
    """Without a primary key the narrowest unique index over columns that are never null identifies a row."""
    sql(
        place,
        "CREATE TABLE t (a int, b int NOT NULL, c int NOT NULL, d int NOT NULL UNIQUE DEFERRABLE)",
        "CREATE UNIQUE INDEX ON t (a)",
        "CREATE UNIQUE INDEX ON t (b) WHERE c > 0",
        "CREATE UNIQUE INDEX ON t ((b + 1))",
        "CREATE UNIQUE INDEX ON t (c, b) INCLUDE (a)",
    )
    described = source(place).describe(table(place))
    assert described is not None
    assert described.key == ("c", "b")


def test_only_columns_that_may_be_read(place: Path) -> None:
    """A right on some columns is enough to read those; the others are not described."""
    sql(place, "CREATE TABLE t (id int, secret text)", "INSERT INTO t VALUES (1, 'x')")
    sql(place, f"REVOKE SELECT ON t FROM {READER}", f"GRANT SELECT (id) ON t TO {READER}")
    described = source(place).describe(table(place))
    assert described is not None
    assert [column.name for column in described.columns] == ["id"]
    assert ids(source(place), select(place)) == [1]
    with pytest.raises(QueryFailed, match="secret"):
        ids(source(place), Select(table(place), (Output("secret", "secret", pa.string()),)))


def test_partitioned_tables_and_views(place: Path) -> None:
    """A partitioned table is one table, with the rows of its partitions; materialized views are read too."""
    sql(
        place,
        "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (200)",
        "INSERT INTO t SELECT generate_series(1, 150)",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM t",
        "ANALYZE t",
        "ANALYZE m",
    )
    listed = {summary.table.name: summary for summary in source(place).tables(table(place).schema)}
    assert set(listed) == {"t", "m"}
    assert listed["t"].rows == 150
    assert (listed["t"].size or 0) > 0
    described = source(place).describe(table(place))
    assert described is not None
    assert (described.key, described.rows) == (("id",), 150)
    for count, by in ((3, None), (3, "id")):
        what = select(place, partition_by=by)
        with source(place).parts(what, count) as parts:
            assert sorted(one for part in parts for one in ids(source(place), part)) == list(range(1, 151))


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("numeric(38,0)", pa.decimal128(38, 0)),
        ("numeric(39,0)", pa.string()),
        ("numeric(3,-40)", pa.string()),
        ("numeric(18,18)", pa.decimal128(18, 18)),
        ("numeric", pa.decimal128(20, 5)),
        ("timestamp(3) without time zone", pa.timestamp("us")),
        ("character varying(12)[]", pa.string()),
        ("public.mood", pa.string()),
    ],
)
def test_types(declared: str, kind: pa.DataType) -> None:
    """A declared type arrives as one that holds each of its values."""
    assert arrives(declared, pa.decimal128(20, 5))[0] == kind


def test_what_a_query_computes_has_its_type(place: Path) -> None:
    """Casts, domains and sizes of a query's columns are known without reading it."""
    found = source(place).describe_query(
        Query(
            "SELECT 1::numeric(10,2) AS a, 'x'::varchar(7) AS b, now() AS c, 'x' AS d, 1::public.afresh_kit_price AS e "
            "-- a comment at the end",
            None,
        )
    )
    assert [(column.name, column.type_name, column.declared) for column in found] == [
        ("a", "decimal(10,2)", "numeric(10,2)"),
        ("b", "text(7)", "character varying(7)"),
        ("c", "timestamp", "timestamp with time zone"),
        ("d", "text", "text"),
        ("e", "decimal(9,2)", "numeric(9,2)"),
    ]


def test_instants_and_readings_are_compared_as_what_they_are(place: Path) -> None:
    """A window from an instant finds rows in columns with a zone and in columns without one."""
    sql(
        place,
        "CREATE TABLE t (id int, zoned timestamptz, reading timestamp)",
        "INSERT INTO t VALUES (1, '2024-07-01 12:00Z', '2024-07-01 07:00')",
        "INSERT INTO t VALUES (2, '2024-07-01 11:59Z', '2024-07-01 06:59')",
    )
    found = source_of(options("afresh own tests"), zone="America/Chicago")
    for column in ("zoned", "reading"):
        outputs = (Output("id", "id", pa.int64()), Output(column, column, pa.timestamp("us", "UTC")))
        where = Compare((column,), ">=", datetime(2024, 7, 1, 12, tzinfo=UTC))
        assert ids(found, Select(table(place), outputs, where)) == [1]


# --------------------------------------------------------------------------------------------------- rights, clock


def test_an_account_that_only_reads(place: Path) -> None:
    """It has no right to write; it is told which grant would show since when transactions are open."""
    told = source(place).account()
    assert told.user == READER
    assert told.version.startswith("PostgreSQL 1")
    assert [right for right in told.may_write or () if str(table(place).schema) in right] == []
    assert any("pg_read_all_stats" in sentence for sentence in told.advice)


def test_rights_to_write_are_listed(place: Path) -> None:
    """What lets the account write is named, with the advice to revoke it."""
    sql(place, "CREATE TABLE t (id int)", f"GRANT UPDATE (id) ON t TO {READER}")
    told = source(place).account()
    assert any(str(table(place)) in right for right in told.may_write or ())
    assert any(sentence.startswith(f"Revoke from {READER}") for sentence in told.advice)


def test_a_superuser_is_warned_of() -> None:
    """A superuser may do everything, and is told so."""
    known = server.run("SELECT current_user::text, rolsuper FROM pg_roles WHERE rolname = current_user")
    if not known[0][1]:
        pytest.skip("the server of AFRESH_TEST_POSTGRES_URL gives no superuser")
    told = source(Path(), user=known[0][0], password=None).account()
    assert told.may_write is not None
    assert "SUPERUSER" in told.may_write


def test_sessions_cannot_write(place: Path) -> None:
    """A function that writes is refused by the session itself, whatever the account may do."""
    sql(
        place,
        "CREATE TABLE t (id int)",
        f"GRANT ALL ON t TO {READER}",
        f"CREATE FUNCTION w() RETURNS int LANGUAGE sql AS 'INSERT INTO {table(place)} VALUES (1) RETURNING id'",
    )
    with pytest.raises(QueryFailed, match="read-only"):
        ids(source(place), Query(f'SELECT "{table(place).schema}".w() AS id', None, (Output("id", "id", pa.int64()),)))


def test_row_security_is_no_silent_filter(place: Path) -> None:
    """Where a policy hides rows the read fails, unless the options allow it."""
    sql(
        place,
        "CREATE TABLE t (id int)",
        "INSERT INTO t VALUES (1), (2)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY part_of_it ON t USING (id = 1)",
    )
    with pytest.raises(SourceRefused, match="row-level security") as raised:
        ids(source(place), select(place))
    assert "row_security" in raised.value.hint
    assert ids(source(place, row_security=True), select(place)) == [1]
    assert any("Row security" in sentence for sentence in source(place).account().advice)


def test_the_oldest_transaction_that_writes(place: Path) -> None:
    """Whoever may see it learns since when it is open; whoever may not learns that it cannot be known."""
    sql(place, "CREATE TABLE t (id int)")
    with server.connect(f'"{table(place).schema}"') as writer, server.connect() as idle:
        idle.execute("BEGIN; SELECT 1")
        before = source(place).clock()
        writer.execute("BEGIN; INSERT INTO t VALUES (1)")
        (began,) = writer.execute("SELECT now()").fetchone() or (None,)
        assert source(place).clock().oldest_open is None
        server.run(f"GRANT pg_read_all_stats TO {READER}")
        try:
            told = source(place).clock()
        finally:
            server.run(f"REVOKE pg_read_all_stats FROM {READER}")
        assert told.oldest_open == began
        assert told.anchor == began
        assert before.oldest_open is None or before.oldest_open <= before.now
        writer.execute("ROLLBACK")


# --------------------------------------------------------------------------------------------------------- parts


def test_parts_by_blocks(place: Path) -> None:
    """A table is cut by the blocks that it lies in, though its keys are neither dense nor even."""
    sql(
        place,
        "CREATE TABLE t (id bigint, filler text)",
        "INSERT INTO t SELECT g::bigint ^ 3, repeat('x', 100) FROM generate_series(1, 5000) AS g",
    )
    found = source(place)
    with found.parts(select(place), 4) as parts:
        sizes = [len(ids(found, part)) for part in parts]
        assert "ctid" in found.statement(parts[1]).sql
    assert sum(sizes) == 5000
    assert len(sizes) == 4
    assert min(sizes) > 1000


def test_parts_by_an_uneven_column(place: Path) -> None:
    """Ranges are cut where the rows are: half of them lie in a thousandth of the values, and some are null."""
    sql(
        place,
        "CREATE TABLE t (id bigint, v numeric)",
        "INSERT INTO t SELECT g, CASE WHEN g % 10 = 0 THEN NULL WHEN g % 2 = 0 THEN g / 1000.0 ELSE g * 1000 END "
        "FROM generate_series(1, 10000) AS g",
        "INSERT INTO t VALUES (0, 'NaN'), (-1, '-Infinity'), (10001, 'Infinity')",
        "ANALYZE t",
    )
    found = source(place)
    with found.parts(select(place, partition_by="v"), 4) as parts:
        sizes = [len(ids(found, part)) for part in parts]
    assert sum(sizes) == 10003
    assert len(sizes) == 4
    assert min(sizes) > 1000


def test_parts_wait_for_their_turn(place: Path) -> None:
    """A part that is read long after the cut, because others came first, still finds the snapshot: the session that
    keeps it is expected to be silent."""
    sql(place, "CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t SELECT g, 0 FROM generate_series(1, 50) g")
    impatient = source(place, read_timeout=timedelta(seconds=0.3))
    with impatient.parts(select(place, partition_by="id"), 2) as parts:
        time.sleep(1)
        sql(place, "DELETE FROM t")
        assert sorted(number for part in parts for number in ids(impatient, part)) == list(range(1, 51))


def test_parts_that_cannot_be(place: Path) -> None:
    """A view is read whole; a column that is not there is named."""
    sql(place, "CREATE TABLE t (id int)", "CREATE VIEW v AS SELECT * FROM t", "INSERT INTO t VALUES (1)")
    for by in (None, "id"):
        with source(place).parts(select(place, "v", partition_by=by), 4) as parts:
            assert [ids(source(place), part) for part in parts] == [[1]]
    with (
        pytest.raises(ConfigurationError, match="nowhere"),
        source(place).parts(select(place, partition_by="nowhere"), 2),
    ):
        pass


def test_a_snapshot_that_is_gone(place: Path) -> None:
    """A part that is read after its snapshot has ended is an error that may pass, never another state."""
    sql(place, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    with source(place).parts(select(place), 2) as parts:
        pass
    with pytest.raises(SourceUnavailable, match=r"does not exist$"):
        ids(source(place), parts[0])


# -------------------------------------------------------------------------------------------------------- errors


def test_no_secret_is_told(place: Path) -> None:
    """Neither errors nor their causes have the password."""
    with pytest.raises(SourceRefused) as raised:
        ids(source(place, password=SecretStr("hunter2")), select(place))
    assert "hunter2" not in f"{raised.value} {raised.value.__cause__} {raised.value.hint}"
    assert raised.value.transient is False


def test_a_database_that_is_not_there(place: Path) -> None:
    """It is a mistake of the configuration."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        source(place, database="nowhere").describe(table(place))


def test_a_parameter_that_libpq_does_not_know() -> None:
    """It is a mistake of the configuration, found before anything is opened."""
    with pytest.raises(ConfigurationError, match="libpq"):
        source(Path(), libpq={"colour": "blue"})


def test_timeouts_may_pass(place: Path) -> None:
    """A statement that the server ended for its time, or that waited too long for a lock, is worth another try."""
    sleep = Query("SELECT 1 AS id FROM pg_sleep(10)", None, (Output("id", "id", pa.int64()),))
    with pytest.raises(SourceUnavailable, match="statement timeout"):
        ids(source(place, statement_timeout=timedelta(milliseconds=300)), sleep)
    sql(place, "CREATE TABLE t (id int)")
    with server.connect() as other:
        other.execute(f'BEGIN; LOCK TABLE "{table(place).schema}".t IN ACCESS EXCLUSIVE MODE')
        with pytest.raises(SourceUnavailable, match="lock timeout"):
            ids(source(place, lock_timeout=timedelta(milliseconds=300)), select(place))


def test_a_session_that_is_ended_by_the_administrator(place: Path) -> None:
    """Is worth another try."""
    RIG.fill(place, "t", 200_000)
    read = source_of(options("afresh ended")).read(
        Select(table(place), (Output("Name", "Name", pa.string()),)), ManualCancellation(), 100
    )
    next(read)
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'afresh ended'")
    with pytest.raises(SourceUnavailable):
        for _ in read:
            pass
