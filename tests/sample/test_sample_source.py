"""Making a sample: sizes, the same again, references, memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.sample.sample_files import NOW, content, rows, value

from afresh.core.errors import ConfigurationError
from afresh.jde.catalogue import StampKind, tables
from afresh.jde.dates import to_julian
from afresh.sample.scale import MIS_DATA
from afresh.sample.source import SampleSummary, create

TODAY = to_julian(NOW.date())


def test_one_number_scales_all(sample: SampleSummary, tmp_path: Path) -> None:
    """A sample has the rows asked for and its traps, and each table grows with the number."""
    small = create(tmp_path / "small.db", rows=5_000, now=NOW)
    for made, asked in ((small, 5_000), (sample, 20_000)):
        assert made.total == asked + sum(len(trap.rows) for trap in made.traps)
        assert made.rows == {name: value(made.path, f'SELECT count(*) FROM "{name}"') for name in made.rows}
        assert made.size_bytes == made.path.stat().st_size
    assert all(sample.rows[name] > small.rows[name] for name in ("F4801", "F3112", "F4111", MIS_DATA))


def test_table_rows_and_only(tmp_path: Path) -> None:
    """The size of a single table can be set, the others can be left out, and progress tells the rows."""
    told: list[tuple[str, int]] = []
    made = create(
        tmp_path / "cardex.db",
        rows=1_000,
        now=NOW,
        table_rows={"F4111": 45_000},
        only=("F4111",),
        progress=lambda table, done: told.append((table, done)),
    )
    assert made.rows == {"F4111": 45_000 + 2}
    assert told == [("F4111", 20_000), ("F4111", 40_000), ("F4111", 45_000)]


def test_the_same_arguments_make_the_same_rows(tmp_path: Path) -> None:
    """Seed and present decide every value; another seed or present gives other ones."""
    first, second, other_seed, later = (
        content(create(tmp_path / name, rows=2_000, seed=seed, now=now).path)
        for name, seed, now in (
            ("a", 7, NOW),
            ("b", 7, NOW),
            ("c", 8, NOW),
            ("d", 7, NOW.replace(day=25)),
        )
    )
    assert first == second
    assert all(first[name] != other_seed[name] for name in first)
    assert first["F4801"] != later["F4801"]


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    """A path that is taken is refused, and the file stays."""
    path = tmp_path / "there.db"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        create(path, now=NOW)
    assert path.read_text() == "mine"


def test_a_broken_off_creation_leaves_nothing(tmp_path: Path) -> None:
    """Whoever stops the creation half way finds the directory as it was."""

    def stop(table: str, done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create(tmp_path / "half.db", rows=1_000, now=NOW, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"only": ("F9999",)}, "no table 'F9999'"),
        ({"table_rows": {"f4111": 5}}, "no table 'f4111'"),
        ({"table_rows": {"F4101": 3}}, "F4101 needs at least 24 rows"),
        ({"table_rows": {"F4111": -1}}, "F4111 needs at least 0 rows"),
        ({"table_rows": {"F4102": 9_000, "F4101": 100}}, "F4102 cannot hold 9000 rows"),
    ],
)
def test_sizes_that_cannot_be(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    """Unknown tables and impossible sizes are refused before anything is written."""
    with pytest.raises(ConfigurationError, match=message):
        create(tmp_path / "no.db", now=NOW, **arguments)  # type: ignore[arg-type]  # the arguments are the cases
    assert not (tmp_path / "no.db").exists()


REFERENCES = (
    ("F4801", "WAITM", "F4101", "IMITM"),
    ("F3112", "WLDOCO", "F4801", "WADOCO"),
    ("F3112", "WLMCU", "F0006", "MCMCU"),
    ("F3111", "WMDOCO", "F4801", "WADOCO"),
    ("F3111", "WMCPIT", "F4101", "IMITM"),
    ("F31122", "WTDOCO", "F4801", "WADOCO"),
    ("F3002", "IXKIT", "F4101", "IMITM"),
    ("F3002", "IXITM", "F4101", "IMITM"),
    ("F4102", "IBITM", "F4101", "IMITM"),
    ("F4102", "IBMCU", "F0006", "MCMCU"),
    ("F4104", "IVAN8", "F0101", "ABAN8"),
    ("F41021", "LIITM", "F4101", "IMITM"),
    ("F4108", "IOITM", "F4101", "IMITM"),
    ("F4111", "ILITM", "F4101", "IMITM"),
    ("F4211", "SDITM", "F4101", "IMITM"),
    ("F4211", "SDAN8", "F0101", "ABAN8"),
    ("F4311", "PDITM", "F4101", "IMITM"),
    ("F4311", "PDAN8", "F0101", "ABAN8"),
    ("MisData", "WorkOrder", "F4801", "WADOCO"),
)


@pytest.mark.parametrize(("table", "column", "parent", "key"), REFERENCES)
def test_references_fit(sample: SampleSummary, table: str, column: str, parent: str, key: str) -> None:
    """What a row refers to exists."""
    sql = f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT {key} FROM {parent})"
    trap_items = value(sample.path, sql + (" AND LIITM <> 59001" if table == "F41021" else ""))
    assert trap_items == 0


@pytest.mark.parametrize(
    ("table", "lot", "item"),
    [("F4111", "ILLOTN", "ILITM"), ("F3111", "WMLOTN", "WMCPIT"), ("F41021", "LILOTN", "LIITM")],
)
def test_lots_belong_to_their_items(sample: SampleSummary, table: str, lot: str, item: str) -> None:
    """A lot that is used is a lot of that very item; many rows have one, some have none."""
    joined = f"{table} t LEFT JOIN F4108 l ON l.IOLOTN = t.{lot} AND l.IOITM = t.{item}"
    assert value(sample.path, f"SELECT count(*) FROM {joined} WHERE trim(t.{lot}) <> '' AND l.IOLOTN IS NULL") == 0
    assert value(sample.path, f"SELECT count(*) FROM {joined} WHERE l.IOLOTN IS NOT NULL") > 100
    assert value(sample.path, f"SELECT count(*) FROM {table} WHERE trim({lot}) = ''") > 100


def test_lot_usage_can_be_followed(sample: SampleSummary) -> None:
    """Component lots lead to finished lots: completed orders have issues (negative) and one completion (positive)."""
    sql = """SELECT sum(ILDCT = 'IM' AND ILTRQT < 0), sum(ILDCT = 'IC' AND ILTRQT > 0), sum(ILDCT = 'IC')
             FROM F4111 WHERE ILDCTO = 'WO' GROUP BY ILDOCO"""
    orders = rows(sample.path, sql)
    assert {positive for _, positive, _ in orders} == {0, 1}
    assert all(positive == completions for _, positive, completions in orders)
    assert sum(1 for issues, completion, _ in orders if issues and completion) > len(orders) / 2


def test_bills_are_three_levels_deep(sample: SampleSummary) -> None:
    """Some bill of material has components that have bills whose components have bills, and none has a fourth."""
    sql = """WITH RECURSIVE level(item, depth) AS (
               SELECT IXKIT, 0 FROM F3002 WHERE IXKIT NOT IN (SELECT IXITM FROM F3002)
               UNION SELECT b.IXITM, depth + 1 FROM level JOIN F3002 b ON b.IXKIT = item)
             SELECT max(depth) FROM level"""
    assert value(sample.path, sql) == 3


def test_routing_has_four_to_eight_steps(sample: SampleSummary) -> None:
    """Work orders have different numbers of routing steps, numbered 10.00, 20.00 and so on."""
    steps = rows(sample.path, "SELECT count(*), max(WLOPSQ) FROM F3112 GROUP BY WLDOCO")
    counts = {count for count, _ in steps}
    assert len(counts) > 2
    assert min(counts) >= 3
    assert max(counts) <= 8
    assert all(last == count * 1000 for count, last in steps)


@pytest.mark.parametrize("name", [name for name, table in tables().items() if table.stamp])
def test_stamps_lie_in_the_last_two_years(sample: SampleSummary, name: str) -> None:
    """But for the traps, rows are stamped at working hours of days up to today."""
    stamp = tables()[name].stamp
    assert stamp is not None
    outside = f"{stamp.date} NOT BETWEEN {TODAY - 2000} AND {TODAY} OR {stamp.time} NOT BETWEEN 60000 AND 220000"
    keys = [trap_key for trap in sample.traps if trap.table == name for trap_key in trap.keys]
    assert value(sample.path, f"SELECT count(*) FROM {name} WHERE {outside}") <= len(keys)
    assert value(sample.path, f"SELECT count(DISTINCT {stamp.date}) FROM {name}") > min(sample.rows[name] / 20, 300)
    assert (stamp.kind is StampKind.CREATION) == (name == "F4111")


def test_mis_data(sample: SampleSummary) -> None:
    """Results are exact decimals in text with six places, and many rows were never changed."""
    sql = "SELECT count(*) FROM MisData WHERE ResultValue NOT GLOB '*[0-9].[0-9][0-9][0-9][0-9][0-9][0-9]'"
    assert value(sample.path, sql) == 0
    assert 100 < value(sample.path, "SELECT count(*) FROM MisData WHERE LastUpdate IS NULL") < sample.rows[MIS_DATA]
    assert value(sample.path, "SELECT count(*) FROM MisData WHERE LastUpdate < MeasuredAt") == 0
    latest = value(sample.path, "SELECT max(coalesce(LastUpdate, MeasuredAt)) FROM MisData")
    assert "2026-11-20 00:00:00" < latest <= "2026-11-22 09:30:00"


_PEAK = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from afresh.sample.source import create
now = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
create(Path(sys.argv[1]), rows=1_000, now=now, table_rows={"F4111": int(sys.argv[2])}, only=("F4111",))
[line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(line.split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's peak memory")
def test_memory_does_not_depend_on_the_rows(tmp_path: Path) -> None:
    """Six times the rows take no more memory: the peak of a process stays within a tenth."""
    small, large = (
        int(subprocess.check_output([sys.executable, "-c", _PEAK, str(tmp_path / str(count)), str(count)]))
        for count in (40_000, 240_000)
    )
    assert large < small * 1.1
