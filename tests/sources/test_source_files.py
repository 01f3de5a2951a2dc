"""Files as a source: exact texts, windows that miss nothing, files that change, and the configuration of it all."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet
import pytest

from afresh.config.typed import typed
from afresh.core.errors import BadValue, ConfigurationError, QueryFailed, SourceUnavailable
from afresh.core.schema import DATETIME
from afresh.core.select import Compare, Output, Query, Select, TableName
from afresh.sources.files import FilesOptions, FilesSource
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_rig import rows_of

ORDERS = {"Id": "int64", "Amount": "decimal(38,10)", "Note": "text", "Changed": "datetime"}
TYPES: tuple[pa.DataType, ...] = (pa.int64(), pa.decimal128(38, 10), pa.string(), DATETIME)
DIGITS = "1234567890123456789012345678.0123456789"


def source_of(directory: Path, **tables: Mapping[str, Any]) -> FilesSource:
    """A source called ERP with tables as a configuration says them."""
    options: FilesOptions = typed(FilesOptions, {"tables": tables})
    return FilesSource(
        name="ERP", tables=options.tables, base=directory, time_zone=ZoneInfo("UTC"), clock=ManualClock()
    )


def orders(where: Compare | None = None) -> Select:
    """All columns of the table Order."""
    outputs = tuple(Output(name, name, kind) for name, kind in zip(ORDERS, TYPES, strict=True))
    return Select(TableName("Order"), outputs, where)


def read(source: FilesSource, what: Select | Query, batch_rows: int = 100) -> list[tuple[Any, ...]]:
    """The rows of a read."""
    return rows_of(source.read(what, ManualCancellation(), batch_rows))


CSV = f'Id,Amount,Note,Changed\n1,{DIGITS},"a ""b"", c",2024-05-01 10:00:00\n2,,"",2024-06-01T00:00\n3,0.5,,\n'
FOUND = [
    (1, Decimal(DIGITS), 'a "b", c', datetime(2024, 5, 1, 10)),  # noqa: DTZ001 - a reading
    (2, None, "", datetime(2024, 6, 1)),  # noqa: DTZ001 - a reading
    (3, Decimal("0.5"), None, None),
]


@pytest.fixture
def csv(tmp_path: Path) -> FilesSource:
    """A source of one CSV file."""
    (tmp_path / "orders.csv").write_text(CSV, encoding="utf-8")
    return source_of(tmp_path, Order={"path": "orders.csv", "key": ["Id"], "columns": ORDERS})


def test_csv(csv: FilesSource) -> None:
    """Every column is taken as the text it is and becomes its type exactly; nothing in quotes is no null."""
    assert read(csv, orders()) == FOUND
    info = csv.describe(TableName("Order"))
    assert info is not None
    assert [(column.name, column.type_name) for column in info.columns] == list(ORDERS.items())
    assert info.key == ("Id",)
    assert csv.describe(TableName("Absent")) is None


def test_windows_compare_values_not_texts(csv: FilesSource) -> None:
    """Conditions go by the types of the columns."""
    window = Compare(("Changed",), ">=", datetime(2024, 5, 15))  # noqa: DTZ001 - a reading
    assert [row[0] for row in read(csv, orders(window))] == [2]
    assert [row[0] for row in read(csv, orders(Compare(("Amount",), "<", 9)))] == [3]


def test_no_window_misses_what_is_no_value(tmp_path: Path) -> None:
    """A stamp that is none stops the read in every window, and is named."""
    (tmp_path / "orders.csv").write_text("Id,Amount,Note,Changed\n7,1,,soon\n", encoding="utf-8")
    source = source_of(tmp_path, Order={"path": "orders.csv", "key": ["Id"], "columns": ORDERS})
    with pytest.raises(BadValue, match=r"Changed: row Id=7 holds text 'xxxx'"):
        read(source, orders(Compare(("Changed",), ">=", datetime(2999, 1, 1))))  # noqa: DTZ001 - a reading


def test_json_lines(tmp_path: Path) -> None:
    """Numbers keep all of their digits, nested values come as JSON, what is missing is null."""
    lines = [f'{{"Id": 1, "Amount": {DIGITS}, "Note": {{"a": [1.10, "x\\"", null, true]}}}}', '{"Id": 2, "other": 1}']
    (tmp_path / "orders.jsonl").write_text("\n".join(lines), encoding="utf-8")
    source = source_of(tmp_path, Order={"path": "orders.jsonl", "columns": ORDERS})
    ((_, amount, note, _), second) = read(source, orders())
    assert amount == Decimal(DIGITS)
    assert note == '{"a":[1.10,"x\\"",null,true]}'
    assert json.loads(note)["a"][1] == 'x"'
    assert second == (2, None, None, None)


def test_parquet_by_a_pattern(tmp_path: Path) -> None:
    """All files that a pattern finds are one table; its rows are counted without being read."""
    for number in range(3):
        table = pa.table({"Id": pa.array([number], pa.int64()), "Note": pa.array([f"n{number}"])})
        pyarrow.parquet.write_table(table, tmp_path / f"part-{number}.parquet")
    source = source_of(tmp_path, Order={"path": "part-*.parquet", "key": ["Id"]})
    what = Select(TableName("Order"), (Output("Id", "Id", pa.int64()), Output("Note", "Note", pa.string())))
    assert read(source, what) == [(0, "n0"), (1, "n1"), (2, "n2")]
    info = source.describe(TableName("Order"))
    assert info is not None
    assert (info.rows, info.key) == (3, ("Id",))


@pytest.mark.parametrize("change", ["rewritten", "gone"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    """The read ends with an error that names the file: what came may be of two states."""
    path = tmp_path / "orders.csv"
    path.write_text("Id,Amount,Note,Changed\n" + "1,2,x,\n" * 50_000, encoding="utf-8")
    source = source_of(tmp_path, Order={"path": "orders.csv", "columns": ORDERS})
    reading = source.read(orders(), ManualCancellation(), 100)
    next(reading)
    path.unlink() if change == "gone" else path.write_text(CSV, encoding="utf-8")
    with pytest.raises(SourceUnavailable, match=r"orders\.csv (changed while it was read|has gone)"):
        list(reading)


def test_what_is_wrong_is_said(tmp_path: Path, csv: FilesSource) -> None:
    """Missing files and tables, formats that are not told, headers that differ, lines that are no objects."""
    with pytest.raises(SourceUnavailable, match=r"there is no file no/\*\.csv"):
        read(source_of(tmp_path, Order={"path": "no/*.csv"}), orders())
    with pytest.raises(QueryFailed, match="there is no table Absent"):
        read(csv, Select(TableName("Absent"), orders().outputs))
    with pytest.raises(ConfigurationError, match="does not tell the format"):
        read(source_of(tmp_path, Order={"path": "orders.dat"}), orders())
    (tmp_path / "orders2.csv").write_text("Id,Other\n", encoding="utf-8")
    with pytest.raises(QueryFailed, match="has other columns than"):
        read(source_of(tmp_path, Order={"path": "orders*.csv"}), orders())
    (tmp_path / "bad.jsonl").write_text("{}\n[1]\n", encoding="utf-8")
    with pytest.raises((QueryFailed, SourceUnavailable), match="line 2 is no JSON object"):
        read(source_of(tmp_path, Order={"path": "bad.jsonl", "columns": ORDERS}), orders())


@pytest.mark.parametrize(
    ("line", "told"),
    [("2,Hush", "expected number of columns: 4 found: 2"), ('2,"Hush', "value with unterminated quote found")],
)
def test_a_line_that_is_none_is_named(csv: FilesSource, tmp_path: Path, line: str, told: str) -> None:
    """The error names file and line, and does not repeat what stands there."""
    path = tmp_path / "orders.csv"
    path.write_text(f"Id,Amount,Note,Changed\n1,,,\n{line}\n", encoding="utf-8")
    with pytest.raises(QueryFailed, match=f"source ERP: {path}, line 3: {told}") as raised:
        read(csv, orders())
    assert "Hush" not in str(raised.value)


def test_a_query_sees_texts_and_no_other_file(csv: FilesSource, tmp_path: Path) -> None:
    """A query of the user's reads the tables of the options only."""
    query = Query('SELECT "Id" FROM "Order" WHERE "Note" IS NULL', None, (Output("Id", "Id", pa.int64()),))
    assert read(csv, query) == [(3,)]
    other = Query(f"SELECT * FROM read_text('{tmp_path}/orders.csv')", None, query.outputs)
    with pytest.raises((QueryFailed, SourceUnavailable)):
        read(csv, other)
