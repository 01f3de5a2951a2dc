"""What the conformance kit for sources needs of a database, and the bench on which its tests put a source."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from afresh.core.ports import SourceSystem
from afresh.core.schema import Column, parse_type
from afresh.core.select import Output, Policy, Predicate, Query, Select, TableName
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.proxy import Proxy, Target
from afresh.testing.scratch import scratch

Row = tuple[Any, ...]

SERIES = (
    Column(name="Id", type=pa.int64(), nullable=False),
    Column(name="Name", type=pa.string(), length=40),
    Column(name="Amount", type=pa.decimal128(15, 2)),
    Column(name="Changed", type=pa.timestamp("us")),
)
"""The columns of a table of many rows: Id is 1, 2, 3...; Name is `name ` and the Id; Amount is a hundredth of the Id;
Changed is 2024-01-01 and as many seconds as the Id says."""

_SESSIONS_LINGER = 5.0
"""Seconds that a server may take to notice that a session has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceType:
    """One type of the database as the kit tries it.

    `declared` is what CREATE TABLE says; `arrives` the type that the catalogue makes of it, as a configuration
    writes it, or empty where the user has to choose one; `read_as` the type that it is read as if not as that.
    `values` are pairs of an SQL expression and the value that has to arrive; `misfits` are expressions of values
    which the type has but `arrives` cannot hold, for which the columns' policies are.
    """

    declared: str
    arrives: str
    values: tuple[tuple[str, Any], ...]
    misfits: tuple[str, ...] = ()
    read_as: str = ""
    note: str = ""

    @property
    def wanted(self) -> pa.DataType:
        """The Arrow type that it is read as."""
        return parse_type(self.read_as or self.arrives)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a test wants its source made. `timeout` is what the source's own options call the time after which a
    silent connection is given up; `through` is a proxy to the server's address."""

    time_zone: str = "UTC"
    show_values: bool = False
    through: Proxy | None = None
    wrong_password: bool = False
    timeout: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTrial:
    """What a run of the kit speaks for: a kind of source, a product with its version, and by what it was read.
    `real` is False where a fake of ours stands for the product."""

    kind: str
    product: str
    version: str
    by: str
    real: bool = True


class SourceRig(ABC):
    """What a source's own test class tells the kit. `directory` stands for one test's own empty database.

    A rig has no constructor (pytest makes one instance for each test): what it keeps, it keeps by directory.
    """

    gaps: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What the source cannot do of what the kit asks: names of tests, with or without their parameters, and for each
    the reason. Such a test has to fail."""

    outside: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What has no meaning for the source: names of tests or of parts of the kit (`FaultKit`), and for each the reason.
    They are not run, and show as expected failures with the reason."""

    types: ClassVar[Sequence[SourceType]] = ()
    """The database's own types."""

    odd: ClassVar[Mapping[str, SourceType | str]] = MappingProxyType({})
    """How the database holds values of `afresh.testing.odd_values` that each database holds in its own way, or cannot
    hold as they are: by name the type with its values or misfits, or the reason why it cannot hold it at all."""

    own_statements: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Beginnings of statements, beside reads and words of the session, that the source sends to the database and that
    change nothing of it, and for each the reason."""

    memory_rows: ClassVar[tuple[int, int]] = (200_000, 1_000_000)
    """Between how many rows the memory of a read has to stay flat."""

    full_rows: ClassVar[tuple[int, int]] = (1_000_000, 5_000_000)
    """The same with `AFRESH_TEST_FULL=1`."""

    # -------------------------------------------------------------------------------- what every rig tells

    @abstractmethod
    def trial(self) -> SourceTrial:
        """What this run speaks for."""

    @abstractmethod
    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        """A source called `Kit` that reads the database."""

    @abstractmethod
    def execute(self, directory: Path, *statements: str) -> None:
        """Runs the statements as another program would, on a connection of its own, and commits them."""

    @abstractmethod
    def ddl(self, column: Column) -> str:
        """The type with which CREATE TABLE declares a column that keeps values of ours exactly."""

    @abstractmethod
    def fill(self, directory: Path, name: str, rows: int) -> None:
        """Makes a table with the columns of `SERIES`, declared by `ddl`, key Id, and that many rows; in the database
        itself, for there may be millions."""

    @abstractmethod
    def sessions(self, directory: Path) -> int:
        """How many sessions (connections, open files) sources have open on the database now."""

    @abstractmethod
    def spied(self, directory: Path) -> AbstractContextManager[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        """A source, and what gives all statements that the database has got from it so far."""

    @abstractmethod
    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        """What makes the source in another process: it must be picklable (a module's function, or a partial)."""

    @abstractmethod
    def endless(self) -> str:
        """A query of one column N that runs for at least ten seconds before its first row comes."""

    # -------------------------------------------------------------------------------- what some rigs tell otherwise

    def prepare(self, directory: Path) -> None:
        """Makes the test's empty database."""
        del directory

    def discard(self, directory: Path) -> None:
        """Drops the test's database."""
        del directory

    def target(self, directory: Path) -> Target:
        """Where the server listens, for a proxy."""
        raise NotImplementedError(f"{type(self).__name__} has no server; FaultKit belongs in `outside`")

    def table(self, directory: Path, name: str) -> TableName:
        """What the source calls a table of that name in the test's database."""
        del directory
        return TableName(name)

    def place(self, directory: Path, name: str) -> str:
        """What another program's SQL calls the table."""
        del directory
        return self.quote(name)

    def quote(self, name: str) -> str:
        """The name as an identifier of this database."""
        return '"' + name.replace('"', '""') + '"'

    def literal(self, column: Column, value: Any) -> str:
        """The value as SQL, for an INSERT into a column declared by `ddl`."""
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return f"X'{value.hex()}'"
        text = format(value, "f") if pa.types.is_decimal128(column.type) else str(value)
        return f"CAST('{text.replace(chr(39), chr(39) * 2)}' AS {self.ddl(column)})"

    def repeated(self, text: str, times: int) -> str:
        """SQL for the text (one character) repeated."""
        return f"repeat('{text}', {times})"

    def refusal(self, column: Column, value: Any) -> str:
        """Why the database cannot keep the value in a column declared by `ddl`; empty if it can."""
        del column, value
        return ""

    def name_refusal(self, name: str) -> str:
        """Why the database takes no such name for a table or column; empty if it does."""
        del name
        return ""

    def create_sql(self, directory: Path, name: str, columns: Mapping[str, str], key: Sequence[str]) -> str:
        """CREATE TABLE for columns with their declared types."""
        lines = [
            f"{self.quote(column)} {declared}{' NOT NULL' if column in key else ''}"
            for column, declared in columns.items()
        ]
        if key:
            lines.append(f"PRIMARY KEY ({', '.join(map(self.quote, key))})")
        return f"CREATE TABLE {self.place(directory, name)} ({', '.join(lines)})"

    def alter_sql(self, directory: Path, name: str, change: str) -> Sequence[str]:
        """What drops, adds or changes a column: `change` is `drop`, `add` or `retype`. It is about the column V of
        a table with the columns Id and V (or about W, which is added): its type becomes that of a text."""
        place, text = self.place(directory, name), self.ddl(Column(name="W", type=pa.string(), length=40))
        return {
            "drop": [f"ALTER TABLE {place} DROP COLUMN {self.quote('V')}"],
            "add": [f"ALTER TABLE {place} ADD {self.quote('W')} {text}"],
            "retype": [
                f"ALTER TABLE {place} DROP COLUMN {self.quote('V')}",
                f"ALTER TABLE {place} ADD {self.quote('V')} {text}",
                f"UPDATE {place} SET {self.quote('V')} = 'a text'",
            ],
        }[change]

    # -------------------------------------------------------------------------------- fixtures

    @pytest.fixture
    def bench(self, _told: None) -> Iterator["SourceBench"]:
        """A bench with an empty database; in the end no session may be left on it."""
        with on_source_bench(self) as bench:
            yield bench

    @pytest.fixture(autouse=True)
    def _told(self, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
        """Says to a report what the test speaks for, and expects it to fail where the source has a gap."""
        trial = self.trial()
        for name in ("kind", "product", "version", "by", "real"):
            record_property(f"source.{name}", getattr(trial, name))
        test = request.node
        part = request.function.__qualname__.partition(".")[0]
        if reason := self.outside.get(part) or _of(self.outside, test):
            record_property("source.outside", reason)
            pytest.xfail(reason)
        if reason := _of(self.gaps, test):
            record_property("source.gap", reason)
            test.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A test that asks for `source_type` runs once for each of `types`."""
        if "source_type" in metafunc.fixturenames:
            metafunc.parametrize("source_type", self.types, ids=[kind.declared for kind in self.types])
        if "unfit" in metafunc.fixturenames:
            found = [(kind, sql) for kind in self.types for sql in kind.misfits]
            metafunc.parametrize("unfit", found, ids=[f"{kind.declared}-{sql}" for kind, sql in found])


def _of(reasons: Mapping[str, str], test: pytest.Function) -> str:
    return reasons.get(test.name, "") or reasons.get(test.originalname, "")


@contextmanager
def on_source_bench(rig: SourceRig) -> Iterator["SourceBench"]:
    """A bench with an empty database. In the end its sources are closed, and nothing may be open on the database."""
    with scratch() as directory:
        rig.prepare(directory)
        try:
            bench = SourceBench(rig=rig, directory=directory)
            try:
                yield bench
            finally:
                bench.close()
            bench.no_session_is_left()
        finally:
            rig.discard(directory)


@dataclass(kw_only=True)
class SourceBench:
    """A database, and sources that read it."""

    rig: SourceRig
    directory: Path
    made: list[SourceSystem] = field(default_factory=list)

    def source(self, **wishes: Any) -> SourceSystem:
        """A source made by the rig, closed with the bench; the wishes are the fields of `Wish`."""
        made = self.rig.make_source(self.directory, Wish(**wishes))
        self.made.append(made)
        return made

    def close(self) -> None:
        """Closes the sources."""
        for source in self.made:
            source.close()

    def table(self, name: str = "Item") -> TableName:
        """What the source calls the table."""
        return self.rig.table(self.directory, name)

    def place(self, name: str = "Item") -> str:
        """What SQL calls the table."""
        return self.rig.place(self.directory, name)

    def execute(self, *statements: str) -> None:
        """Statements of another program."""
        self.rig.execute(self.directory, *statements)

    def fill(self, rows: int, name: str = "Item") -> Select:
        """A table of many rows, and a select of all its columns."""
        self.rig.fill(self.directory, name, rows)
        return self.select(SERIES, name)

    def create(
        self,
        columns: Sequence[Column],
        rows: Iterable[Row] = (),
        name: str = "Item",
        key: Sequence[str] = ("Id",),
    ) -> Select:
        """A table whose columns keep values of our types, with these rows, and a select of all its columns."""
        found = [[self.rig.literal(c, value) for c, value in zip(columns, row, strict=True)] for row in rows]
        self.create_declared({column.name: self.rig.ddl(column) for column in columns}, found, name, key)
        return self.select(columns, name)

    def create_declared(
        self,
        columns: Mapping[str, str],
        rows: Iterable[Sequence[str]] = (),
        name: str = "Item",
        key: Sequence[str] = ("Id",),
    ) -> None:
        """A table with columns of the database's own types and rows of SQL expressions, one INSERT for each."""
        named = ", ".join(map(self.rig.quote, columns))
        place = self.place(name)
        self.execute(
            self.rig.create_sql(self.directory, name, columns, key),
            *(f"INSERT INTO {place} ({named}) VALUES ({', '.join(row)})" for row in rows),
        )

    def select(
        self,
        columns: Sequence[Column],
        name: str = "Item",
        where: Predicate | None = None,
        policy: Policy = Policy.STOP,
    ) -> Select:
        """A select of the columns as their types, told as the catalogue declares them."""
        outputs = tuple(Output(column.name, column.name, column.type, "", policy) for column in columns)
        return self.declared(Select(self.table(name), outputs, where))

    def declared(self, select: Select) -> Select:
        """The select as a fetcher makes it: its outputs know the types that the catalogue declares."""
        source = self.rig.make_source(self.directory, Wish())
        try:
            info = source.catalogue.describe(select.table)
        finally:
            source.close()
        known = {column.name: column.declared for column in info.columns} if info is not None else {}
        outputs = tuple(
            Output(output.column, output.name, output.type, known.get(output.column, ""), output.policy)
            for output in select.outputs
        )
        return Select(select.table, outputs, select.where, select.partitions, select.partition_by, select.snapshot)

    def batches(
        self,
        what: Select | Query,
        source: SourceSystem | None = None,
        *,
        batch_rows: int = 1_000,
        reading: ManualCancellation | None = None,
    ) -> list[pa.RecordBatch]:
        """All batches of a read."""
        read = (source or self.source()).read(what, reading or ManualCancellation(), batch_rows)
        return list(read)

    def rows(self, what: Select | Query, source: SourceSystem | None = None, **how: Any) -> list[Row]:
        """All rows of a read, sorted by their first column."""
        return rows_of(self.batches(what, source, **how))

    def no_session_is_left(self) -> None:
        """Fails if the sources have left something open."""
        until = time.monotonic() + _SESSIONS_LINGER
        while (left := self.rig.sessions(self.directory)) and time.monotonic() < until:
            time.sleep(0.05)
        assert left == 0, f"{left} sessions are left open on the source"


def rows_of(batches: Iterable[pa.RecordBatch]) -> list[Row]:
    """The rows of the batches, sorted by their first column."""
    found = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    return sorted(found, key=lambda row: (row[0] is None, row[0]))
