"""Any table of a source system, by configuration."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa

from afresh.core.errors import BadValue, ConfigurationError
from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Clock, Explanation, Reading, SourceSystem
from afresh.core.schema import TableSchema
from afresh.core.select import AllOf, AnyOf, Compare, IsNull, Predicate, Raw, Select, TableName
from afresh.fetchers.condition import condition
from afresh.fetchers.known import Known
from afresh.fetchers.layout import Layout, resolve
from afresh.fetchers.partitions import Parted, notes, parted, whole
from afresh.fetchers.stamps import floor
from afresh.fetchers.table_options import TableOptions


class TableFetcher:
    """Reads one table as `Fetcher` promises; its windows are by the cursor columns."""

    def __init__(
        self,
        *,
        table: TableName,
        options: TableOptions,
        source: SourceSystem,
        batch_rows: int,
        clock: Clock,
        parted: Parted = whole,
    ) -> None:
        self._table = table
        self._options = options
        self._where = condition(options.where, source.traits.dialect)
        self._source = source
        self._batch_rows = batch_rows
        self._clock = clock
        self._parted = parted
        self._known = Known(self._ask)

    def schema(self) -> TableSchema:
        """The columns that are read, and `LastUpdateDT` where the stamp is not one of them."""
        return self._known()[0].schema

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """The rows stamped at or after the instant and those without a stamp."""
        layout, _rows = self._known()
        for batch in self._source.read(self._select(layout, minimum_dt), cancel, self._batch_rows):
            cancel.check()
            yield self._shaped(batch, layout)

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """The statement, and what a window of this table cannot bring."""
        layout, rows = self._known()
        everything = self._where is None and (minimum_dt is None or layout.stamp is None)
        select = self._select(layout, minimum_dt)
        return Explanation(
            statement=self._source.statement(select),
            notes=(*self._notes(layout), *notes(self._source, select)),
            expected_rows=rows if everything else None,
        )

    def misses(self) -> str | None:
        """What is rewritten or deleted, where the cursor tells only when a row came to be."""
        if not self._options.cursor or self._options.cursor_kind != "creation":
            return None
        return (
            f"{self._table} has a creation stamp only: "
            "rows that were rewritten or deleted in the source come with the next Mass."
        )

    def clock(self) -> SourceInstant | None:
        """The source's clock."""
        return self._source.clock()

    def forget(self) -> None:
        """The columns are asked for again when they are needed next."""
        self._known.forget()

    def _select(self, layout: Layout, minimum_dt: datetime | None) -> Select:
        parts: list[Predicate] = [Raw(self._where)] if self._where is not None else []
        if minimum_dt is not None and layout.stamp is not None:
            stamp = layout.stamp
            later = Compare(stamp.columns, ">=", floor(minimum_dt, stamp.compared_as, self._source.traits.time_zone))
            parts.append(AnyOf((later, IsNull(stamp.columns))) if stamp.nullable else later)
        where = AllOf(tuple(parts)) if len(parts) > 1 else next(iter(parts), None)
        return self._parted(Select(self._table, layout.outputs, where), minimum_dt)

    def _shaped(self, batch: pa.RecordBatch, layout: Layout) -> pa.RecordBatch:
        """The source's columns as the schema has them; a key is never null."""
        shaped = layout.shaped(batch)
        for name in layout.schema.key:
            if shaped.column(name).null_count:
                raise BadValue(
                    f"table {self._table}: the key column {name!r} is null in a row",
                    hint="Name a key without nulls in the fetcher's options, or leave such rows out by `where`.",
                )
        return shaped

    def _notes(self, layout: Layout) -> Iterator[str]:
        if layout.stamp is None:
            yield f"{self._table} has no last-update column (option `cursor`): every sync reads the whole table."
            return
        if misses := self.misses():
            yield misses
        else:
            yield "Rows deleted in the source leave the cache with the next Mass that has prepurge_data."

    def _ask(self) -> tuple[Layout, int | None]:
        """How the table is read, and how many rows it has."""
        described = self._source.catalogue.describe(self._table)
        if described is None:
            raise ConfigurationError(
                f"the source has no table {self._table}, or it may not be seen",
                hint="Set `table` and `schema_name` in the fetcher's options, and see whether the user may read it.",
            )
        zone, now = self._source.traits.time_zone, self._clock.now()
        return resolve(self._table, self._options, described, zone, now), described.rows


def build(context: FetcherContext) -> TableFetcher:
    """The fetcher of the table that the options name."""
    options: TableOptions = context.options
    if context.source is None:
        raise ConfigurationError(f"{context.config.table_name}: the fetcher `table` needs a source system")
    return TableFetcher(
        table=TableName(options.table or context.config.table_name, options.schema_name),
        options=options,
        source=context.source,
        batch_rows=context.batch_rows,
        clock=context.clock,
        parted=parted(context.config),
    )


TABLE = FetcherKind(options=TableOptions, build=build)
