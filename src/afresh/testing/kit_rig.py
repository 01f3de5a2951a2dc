"""What the conformance kit needs of a cache, and the bench on which its tests put one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import uuid4

import pyarrow as pa
import pytest

from afresh.core.model import Completion, DataUpdate, MergeCounts, Outcome, ReloadStrategy, UpdateType
from afresh.core.ports import Cache, Cancellation, Stage
from afresh.core.schema import TIMESTAMP, Column, TableSchema
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.scratch import scratch

Row = tuple[Any, ...]

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

ITEMS = TableSchema(
    columns=(
        Column(name="Id", type=pa.int64()),
        Column(name="Name", type=pa.string()),
        Column(name="Changed", type=TIMESTAMP),
    ),
    key=("Id",),
    last_update="Changed",
)
"""A table with a stamp."""

PLAIN = TableSchema(columns=ITEMS.columns[:2], key=("Id",))
"""A table without a stamp."""

PROOFS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "concurrent_writers": ("test_concurrent_writers",),
        "reload_strategies": ("test_ways_of_reloading", "test_replaces"),
        "identifier_length": ("test_longest_names",),
        "reserved_names": ("test_reserved_names", "test_own_tables_are_reserved"),
    }
)
"""Each field of `Capabilities`, and the tests that show that it is true."""


def at(minutes: float) -> datetime:
    """An instant, so many minutes after the beginning of the tests' time."""
    return BEGIN + timedelta(minutes=minutes)


def batch(schema: TableSchema, rows: Sequence[Row]) -> pa.RecordBatch:
    """The rows as a fetcher would deliver them."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema.columns)
    return pa.RecordBatch.from_arrays(
        [pa.array(list(values), column.type) for values, column in zip(columns, schema.columns, strict=True)],
        schema=schema.arrow(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a run of the kit speaks for: a cache by the scheme of its URLs, a product with its version, by what it was
    reached, and what else a reader of the result should know."""

    kind: str
    product: str
    version: str
    by: str
    note: str = ""


class CacheRig(ABC):
    """What a cache's own test class tells the kit."""

    gaps: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What the cache cannot do of what the kit asks: names of tests, with or without their parameters, and for each
    the reason. Such a test has to fail."""

    lacks: ClassVar[Mapping[ReloadStrategy, str]] = MappingProxyType({})
    """The ways of reloading that the cache does not have, and for each the reason. What is tried with them has to
    fail."""

    database_error: ClassVar[type[Exception]]
    """What `execute` raises if the database refuses a statement."""

    @abstractmethod
    def trial(self) -> Trial:
        """What this run speaks for."""

    @abstractmethod
    def make_cache(self, directory: Path) -> Cache:
        """The cache of that directory; a second one for the same directory is another process's view of it."""

    @abstractmethod
    def execute(self, directory: Path, sql: str) -> list[Row]:
        """Runs one statement on a connection of its own, as another program would, and commits it."""

    @abstractmethod
    def decode(self, value: Any, kind: pa.DataType) -> Any:
        """What `execute` returned for a column of that type, as the Python value that Arrow gives for it."""

    @abstractmethod
    def tables(self, directory: Path) -> set[str]:
        """The names of all tables there are, staging included."""

    @abstractmethod
    def described(self, directory: Path) -> object:
        """All tables, indexes, triggers and views as the catalogue defines them, to be compared."""

    @abstractmethod
    def watch_writes(self, directory: Path, table_name: str) -> None:
        """From now on, notices whether a row of the table is written, even with the values it has."""

    @abstractmethod
    def writes(self, directory: Path, table_name: str) -> int:
        """How many rows were written since `watch_writes`; any number but 0 if the table was replaced."""

    def refusal(self, column: Column, value: Any) -> str:
        """Why the column cannot hold the value in this database, so that a sync of it is stopped; empty if it can."""
        return ""

    def takes(self, schema: TableSchema, row: Row) -> bool:
        """Whether a row of random values is within what the database can hold and the kit can read again."""
        return not any(map(self.refusal, schema.columns, row))

    def quote(self, name: str) -> str:
        """The name as an identifier of this database."""
        return '"' + name.replace('"', '""') + '"'

    @pytest.fixture
    def bench(self) -> Iterator["Bench"]:
        """A bench with an empty cache."""
        with on_bench(self) as bench:
            yield bench

    @pytest.fixture(params=list(ReloadStrategy), ids=str)
    def strategy(self, request: pytest.FixtureRequest) -> ReloadStrategy:
        """Each way of reloading."""
        found: ReloadStrategy = request.param
        return found

    @pytest.fixture(autouse=True)
    def _told(self, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
        """Says to a report what the test speaks for, and expects it to fail where the cache has a gap."""
        for name, value in asdict(self.trial()).items():
            record_property(f"kit.{name}", value)
        if reason := self.gap(request.node):
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    def gap(self, test: pytest.Function) -> str:
        """Why the cache cannot pass the test; empty where it has to."""
        given: Mapping[str, Any] = test.callspec.params if hasattr(test, "callspec") else {}
        lacking = self.lacks.get(given["strategy"], "") if "strategy" in given else ""
        return lacking or self.gaps.get(test.name, "") or self.gaps.get(test.originalname, "")


@contextmanager
def on_bench(rig: CacheRig) -> Iterator["Bench"]:
    """A bench with an empty cache, which is closed in the end."""
    with scratch() as directory:
        cache = rig.make_cache(directory)
        try:
            yield Bench(rig=rig, directory=directory, cache=cache)
        finally:
            cache.close()


@dataclass(kw_only=True)
class Bench:
    """A cache, the directory it lives in, and the steps of a sync done by hand."""

    rig: CacheRig
    directory: Path
    cache: Cache
    instance_id: str = "kit"
    started: int = field(default=0)

    def start(self, table_name: str = "Item", update_type: UpdateType = UpdateType.HOURLY) -> str:
        """Writes the open row, each a minute after the one before; its operation."""
        self.started += 1
        operation_id = uuid4().hex
        self.cache.log.start(
            DataUpdate(
                table_name=table_name,
                source_system="Kit",
                update_type=update_type,
                operation_id=operation_id,
                instance_id=self.instance_id,
                start_dt=at(self.started),
            )
        )
        return operation_id

    def end(self, operation_id: str, outcome: Outcome = Outcome.SUCCEEDED, rows: int = 0) -> None:
        """Ends the open row."""
        self.cache.log.complete(
            completion(operation_id, outcome=outcome, rows=rows if outcome is Outcome.SUCCEEDED else -1)
        )

    @contextmanager
    def stage(
        self,
        schema: TableSchema,
        table_name: str = "Item",
        *,
        reload: bool = False,
        cancel: Cancellation | None = None,
        operation_id: str | None = None,
    ) -> Iterator[Stage]:
        """Staging for a sync; makes the table if need be, and starts the sync if it was not."""
        operation = operation_id or self.start(table_name)
        if self.cache.describe(table_name, schema) is None:
            self.cache.create(table_name, schema)
        with self.cache.stage(table_name, schema, operation, cancel or ManualCancellation(), reload=reload) as stage:
            yield stage

    def merge(
        self, schema: TableSchema, *batches: Sequence[Row], table_name: str = "Item", trust_source: bool = False
    ) -> MergeCounts:
        """A whole sync that merges batch after batch, with its counts; the last one completes it."""
        operation = self.start(table_name)
        counts = MergeCounts()
        with self.stage(schema, table_name, operation_id=operation) as stage:
            for number, rows in enumerate(batches, 1):
                if rows:
                    stage.append(batch(schema, rows))
                completes = (lambda _counts: completion(operation)) if number == len(batches) else None
                counts += stage.merge(trust_source=trust_source, complete=completes)
        return counts

    def reload(
        self, schema: TableSchema, strategy: ReloadStrategy, *batches: Sequence[Row], table_name: str = "Item"
    ) -> MergeCounts:
        """A whole sync that replaces the table's rows by those of the batches, with the counts of the reload."""
        operation = self.start(table_name, UpdateType.MASS)
        with self.stage(schema, table_name, reload=True, operation_id=operation) as stage:
            for rows in batches:
                if rows:
                    stage.append(batch(schema, rows))
                stage.merge(trust_source=True)
            return stage.reload(strategy, lambda counts: completion(operation, counts=counts))

    def rows(self, schema: TableSchema = ITEMS, table_name: str = "Item") -> list[Row]:
        """The table as another program reads it, by key."""
        names = ", ".join(self.rig.quote(name) for name in schema.names)
        found = self.rig.execute(self.directory, f"SELECT {names} FROM {self.rig.quote(table_name)}")
        kinds = [column.type for column in schema.columns]
        decoded = [tuple(self.rig.decode(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in found]
        places = [schema.names.index(name) for name in schema.key]
        return sorted(decoded, key=lambda row: [(row[place] is not None, row[place]) for place in places])

    def execute(self, sql: str) -> list[Row]:
        """One statement of another program."""
        return self.rig.execute(self.directory, sql)

    def need(self, strategy: ReloadStrategy) -> None:
        """Fails where the cache does not have this way of reloading."""
        assert strategy in self.cache.capabilities.reload_strategies

    def tables(self) -> set[str]:
        """The names of all tables there are."""
        return self.rig.tables(self.directory)

    def reopened(self) -> "Bench":
        """The same directory as a process that starts now finds it."""
        return Bench(
            rig=self.rig,
            directory=self.directory,
            cache=self.rig.make_cache(self.directory),
            instance_id="kit again",
            started=self.started + 100,
        )


def completion(
    operation_id: str, *, outcome: Outcome = Outcome.SUCCEEDED, rows: int = 0, counts: MergeCounts | None = None
) -> Completion:
    """How an update ends in these tests."""
    return Completion(
        operation_id=operation_id,
        end_dt=at(60),
        outcome=outcome,
        number_records=rows,
        counts=counts or MergeCounts(),
        error_message=None if outcome is Outcome.SUCCEEDED else f"it {outcome}",
    )
