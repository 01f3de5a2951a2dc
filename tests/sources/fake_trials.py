"""Types of Oracle, SQL Server and Sybase as their adapters read them from fakes, for the matrix of types.

What a fake sends is what the driver was read or documented to send; that a server would send it, it does not show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from tests.sources import sqlserver_front as front
from tests.sources import test_source_oracle as oracle
from tests.sources import test_sybase_flow as flow
from tests.sources.fake_odbc import FakeServer
from tests.sources.fake_oracle import FakeColumn, FakeDriver
from tests.tds_front.types import Type

from afresh.core.ports import SourceSystem
from afresh.core.schema import parse_type
from afresh.core.select import Output, Policy, Select, TableName
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.odd_values import ZONE
from afresh.testing.source_kit_rig import SourceTrial

Read = Callable[[Policy, ManualCancellation], list[pa.RecordBatch]]
ORACLE_TABLE, SYBASE_TABLE = oracle.PLACE, flow.TABLE
SQLSERVER_TABLE = TableName("F4101")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One value on its way: `catalogue` is what the fake's catalogue says of the column, `sent` what the driver gives
    for the value and `as_type` its type there, if that has to be said; `came` is what has to arrive, or None where it
    does not fit. `read_as` is the type it is read as, if not as described; `written` is how people would write it."""

    catalogue: tuple[Any, ...]
    written: str
    sent: Any
    came: Any = None
    read_as: str = ""
    odd: str = ""
    as_type: Any = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One database that is not there."""

    trial: SourceTrial
    table: TableName
    cases: Sequence[Case]
    source: Callable[[Case], tuple[SourceSystem, Callable[[], None]]]
    cannot: Sequence[tuple[str, str]] = ()


def described(system: System, case: Case) -> tuple[str, str]:
    """The declared type of the column, and the type that it arrives as."""
    source, close = system.source(case)
    try:
        info = source.catalogue.describe(system.table)
    finally:
        source.close()
        close()
    assert info is not None
    column = next(column for column in info.columns if column.name == "V")
    return column.declared, column.type_name


def reader(system: System, case: Case, declared: str, wanted: str) -> Read:
    """What reads the value, with a null beside it."""

    def read(policy: Policy, watched: ManualCancellation) -> list[pa.RecordBatch]:
        kind = pa.string() if policy is Policy.TEXT else parse_type(wanted)[0]
        outputs = (Output("Id", "Id", pa.int64(), _ID[system.trial.kind]), Output("V", "V", kind, declared, policy))
        source, close = system.source(case)
        try:
            return list(source.read(Select(system.table, outputs), watched, 100))
        finally:
            source.close()
            close()

    return read


_ID = {"oracle": "NUMBER(8)", "sqlserver": "bigint", "sybase": "int"}


def from_oracle(case: Case) -> tuple[SourceSystem, Callable[[], None]]:
    """A fake of python-oracledb; `catalogue` is type, length, precision and scale of ALL_TAB_COLUMNS."""
    kind, length, precision, scale = case.catalogue
    columns = [
        FakeColumn("Id", "NUMBER", [1, 2], precision=8, scale=0, nullable="N"),
        FakeColumn("V", kind, [case.sent, None], length=length, precision=precision, scale=scale),
    ]
    return oracle.source_of(FakeDriver(columns, key=("Id",))), lambda: None


def from_sqlserver(case: Case) -> tuple[SourceSystem, Callable[[], None]]:
    """A stand-in that speaks TDS; `catalogue` is name, bytes, precision and scale of sys.columns."""
    bench = front.source_bench()
    kinds = {"n": front.NVARCHAR, "t": front.NVARCHAR, "l": front.INT, "p": front.INT, "s": front.INT, "u": front.BIT}
    columns = [("Id", "bigint", 8, 19, 0, False), ("V", *case.catalogue, True)]
    bench.answers.tell("FROM sys.columns", front.result(kinds, columns))
    key = {"i": front.NVARCHAR, "p": front.BIT, "c": front.NVARCHAR}
    bench.answers.tell("FROM sys.indexes", front.result(key, [("PK", True, "Id")]))
    bench.answers.tell("FROM sys.partitions", front.result({"n": front.BIGINT}, [(2,)]))
    sent: dict[str, Type] = {"Id": front.BIGINT, "V": case.as_type}
    bench.answers.tell("FROM .dbo...F4101", front.result(sent, [(1, case.sent), (2, None)]))
    return bench.source(ZONE), bench.front.close


def from_sybase(case: Case) -> tuple[SourceSystem, Callable[[], None]]:
    """A fake of the calls of FreeTDS; `catalogue` is the type as syscolumns and systypes say it, and options."""
    declared, *more = case.catalogue
    columns = {"name": ["Id", "V"], "type": ["int", declared], "nullable": ["0", "1"]}
    rows = {"Id": pa.array([1, 2], pa.int32()), "V": pa.array([case.sent, None], case.as_type)}
    longest = {"n": [str(len(case.sent)) if isinstance(case.sent, str) else "20"]}
    answers = (("from syscolumns", columns), *flow.ANSWERS[1:-2], ("(?i)max\\(", longest), ("MisData", rows))
    return flow.source_of(FakeServer(answers=answers), **(more[0] if more else {})), lambda: None
