"""Any JD Edwards table: `jde:F4801`. What the stored values mean is known of 16 tables, and configured for others."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Clock, Explanation, Reading, SourceSystem
from afresh.core.schema import TIMESTAMP, TableSchema
from afresh.core.select import AllOf, Predicate, Raw, Select, TableName
from afresh.fetchers.condition import condition
from afresh.fetchers.known import Known
from afresh.fetchers.partitions import Parted, notes, parted, whole
from afresh.fetchers.stamps import folds_around
from afresh.jde.catalogue import StampKind
from afresh.jde.conversion import convert
from afresh.jde.layout import Layout
from afresh.jde.names import NAMES
from afresh.jde.options import JdeOptions
from afresh.jde.resolution import resolve, stamp_of
from afresh.jde.window import window


class JdeFetcher:
    """Reads one JD Edwards table as `Fetcher` promises; its windows are by the table's change stamp."""

    def __init__(
        self,
        *,
        table: str,
        options: JdeOptions,
        source: SourceSystem,
        batch_rows: int,
        clock: Clock,
        parted: Parted = whole,
    ) -> None:
        self._table = TableName(table, options.schema_name)
        self._options = options
        self._where = condition(options.where, source.traits.dialect)
        self._source = source
        self._batch_rows = batch_rows
        self._clock = clock
        self._parted = parted
        self._known = Known(self._ask)

    def schema(self) -> TableSchema:
        """The columns that are read, and `LastUpdateDT` if the table has a stamp."""
        return self._known()[1]

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """The rows stamped at or after the instant and those without stamp, converted."""
        layout, schema, _rows = self._known()
        arrow, zone = schema.arrow(), self._source.traits.time_zone
        for stored in self._source.read(self._select(layout, minimum_dt), cancel, self._batch_rows):
            cancel.check()
            yield convert(layout, stored, arrow, zone)

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """The statement, and what a window of this table cannot bring."""
        layout, _schema, rows = self._known()
        select = self._select(layout, minimum_dt)
        return Explanation(
            statement=self._source.statement(select),
            notes=(*_notes(layout, self._options, self.misses()), *notes(self._source, select)),
            expected_rows=rows if minimum_dt is None and self._where is None else None,
        )

    def misses(self) -> str | None:
        """What is rewritten or deleted, of a table that has a creation stamp only."""
        stamp = stamp_of(self._table.name.upper(), self._options)
        if stamp is None or stamp.kind is not StampKind.CREATION:
            return None
        return (
            f"{self._table.name.upper()} has a creation stamp only: "
            "rows that were rewritten or deleted in the source come with the next Mass."
        )

    def clock(self) -> SourceInstant | None:
        """The source's clock."""
        return self._source.clock()

    def forget(self) -> None:
        """The columns are asked for again when they are needed next."""
        self._known.forget()

    def _select(self, layout: Layout, minimum: datetime | None) -> Select:
        parts: list[Predicate] = [Raw(self._where)] if self._where is not None else []
        if minimum is not None and layout.stamp:
            parts.append(window(layout.stamp, minimum, self._source.traits.time_zone))
        where = AllOf(tuple(parts)) if len(parts) > 1 else next(iter(parts), None)
        return self._parted(Select(self._table, layout.outputs(), where), minimum)

    def _ask(self) -> tuple[Layout, TableSchema, int | None]:
        """How the table is read, what comes of it, and how many rows it has."""
        described = self._source.catalogue.describe(self._table)
        if described is None:
            raise ConfigurationError(
                f"the source has no table {self._table}, or it may not be seen",
                hint="Set `schema_name` to the owner of the table (such as PRODDTA, or PRODCTL for F0005), "
                "and see whether the user may read it.",
            )
        layout = resolve(self._table.name.upper(), self._options, described)
        folds = folds_around(self._source.traits.time_zone, self._clock.now(), TIMESTAMP)
        return layout, layout.schema(folds), described.rows


def _notes(layout: Layout, options: JdeOptions, misses: str | None) -> Iterator[str]:
    if layout.stamp is None:
        yield f"{layout.table} has no change stamp: every sync reads the whole table."
    elif misses:
        yield misses
    else:
        yield "Rows deleted in the source leave the cache with the next Mass that has prepurge_data."
    read = len(layout.readings)
    if read < layout.available:
        yield f"{read} of the {layout.available} columns are read (option `columns`)."
    if any(reading.quantity for reading in layout.readings):
        yield f"Quantities are read with {options.quantity_decimals} decimals (option `quantity_decimals`)."
    if layout.stored_keys:
        yield f"Part of the key, and so kept as the stored number: {', '.join(layout.stored_keys)}."
    if layout.bad_dates:
        yield f"Invalid dates and times are read as null; the column {layout.bad_dates} keeps them."


def build(context: FetcherContext) -> JdeFetcher:
    """The fetcher of the table that the argument names."""
    if not context.argument:
        raise ConfigurationError("the fetcher `jde` needs a table", hint="Write it behind a colon: `jde:F4801`.")
    if context.source is None:
        raise ConfigurationError(f"the fetcher `jde:{context.argument}` needs a source system")
    return JdeFetcher(
        table=context.argument,
        options=context.options,
        source=context.source,
        batch_rows=context.batch_rows,
        clock=context.clock,
        parted=parted(context.config),
    )


JDE = FetcherKind(options=JdeOptions, build=build, takes_argument=True)
NAMED: Mapping[str, FetcherKind] = MappingProxyType(
    {name: FetcherKind(options=JdeOptions, build=build, argument=table) for name, table in NAMES.items()}
)
"""The kinds that have a name of their own, by it."""
