"""What manners have in common: a SourceSystem around a SourceSystem, which passes on what it does not change."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

import pyarrow as pa

from afresh.core.model import SourceInstant
from afresh.core.ports import (
    Account,
    Catalogue,
    Reading,
    SourceColumn,
    SourceSystem,
    SourceTraits,
    TableInfo,
    TableSummary,
)
from afresh.core.select import Query, Select, Statement, TableName

T = TypeVar("T")
Ask = Callable[[], T]
"""A short question to the source: one session, one answer."""


class Call(Protocol):
    """How short questions are asked."""

    def __call__(self, ask: Ask[T]) -> T:
        """The answer."""
        ...


class Wrapped:
    """Passes everything on. A manner overrides `read`, and `call`, through which every short question goes."""

    def __init__(self, inner: SourceSystem) -> None:
        self._inner = inner

    def call(self, ask: Ask[T]) -> T:
        """The answer to a short question."""
        return ask()

    @property
    def traits(self) -> SourceTraits:
        """The wrapped source's."""
        return self._inner.traits

    @property
    def catalogue(self) -> Catalogue:
        """The wrapped source's, asked through `call`."""
        return _Questions(self._inner.catalogue, self.call)

    def statement(self, select: Select | Query) -> Statement:
        """The wrapped source's."""
        return self._inner.statement(select)

    def read(self, select: Select | Query, reading: Reading, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The wrapped source's."""
        return self._inner.read(select, reading, batch_rows)

    @contextmanager
    def parts(self, select: Select, count: int) -> Iterator[Sequence[Select]]:
        """The wrapped source's; cutting is a short question, what it holds open ends with the context."""
        entered = self.call(lambda: Entered(self._inner.parts(select, count)))
        try:
            yield entered.selects
        finally:
            entered.leave()

    def clock(self) -> SourceInstant | None:
        """The wrapped source's; a question only where the source has a clock of its own."""
        return self.call(self._inner.clock) if self.traits.own_clock else self._inner.clock()

    def close(self) -> None:
        """Closes the wrapped source."""
        self._inner.close()


@contextmanager
def closing(batches: Iterator[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """The batches; on every way out their iterator is closed first, and with it the session that it reads in."""
    try:
        yield batches
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()


class Entered:
    """A cut of `parts` whose context is open."""

    def __init__(self, cut: AbstractContextManager[Sequence[Select]]) -> None:
        self._cut = cut
        self.selects = cut.__enter__()

    def leave(self) -> None:
        """Leaves the context."""
        self._cut.__exit__(None, None, None)


class _Questions:
    """A catalogue whose every question goes through `call`."""

    def __init__(self, inner: Catalogue, call: Call) -> None:
        self._inner = inner
        self._call = call

    def describe(self, table: TableName) -> TableInfo | None:
        return self._call(lambda: self._inner.describe(table))

    def describe_query(self, query: Query) -> tuple[SourceColumn, ...]:
        return self._call(lambda: self._inner.describe_query(query))

    def tables(self, schema: str | None = None) -> Sequence[TableSummary]:
        return self._call(lambda: self._inner.tables(schema))

    def account(self) -> Account:
        return self._call(self._inner.account)
