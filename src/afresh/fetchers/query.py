"""A SELECT of the user's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import BadValue, ConfigurationError
from afresh.core.kinds import FetcherContext, FetcherKind
from afresh.core.model import SourceInstant
from afresh.core.ports import Clock, Explanation, Reading, SourceSystem
from afresh.core.schema import Column, TableSchema, parse_type
from afresh.core.select import Output, Query
from afresh.core.zones import local_floor
from afresh.fetchers.gate import read_only_query, uses_minimum
from afresh.fetchers.known import Known
from afresh.fetchers.stamps import folds_around


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """A SELECT and what its result means."""

    sql: Annotated[
        str,
        Field(
            min_length=1,
            description="One SELECT in the source's SQL that only reads. `:minimum_dt` in it is the instant to read "
            "from; it is null when everything is wanted, so write "
            "`(:minimum_dt IS NULL OR Changed >= :minimum_dt OR Changed IS NULL)`.",
        ),
    ]
    key: Annotated[tuple[str, ...], Field(min_length=1, description="Result columns that identify a row.")]
    columns: Annotated[
        Mapping[str, str],
        Field(
            description="Types of result columns by name: `decimal(15,2)`. Needed for columns that are computed; "
            "others arrive as the source declares them."
        ),
    ] = field(default_factory=dict)
    last_update: Annotated[
        str | None, Field(min_length=1, description="Result column that tells when a row was changed.")
    ] = None
    minimum_dt: Annotated[
        Literal["local", "utc"],
        Field(description="Whether `:minimum_dt` is a reading of the source's clock in its time zone, or of UTC."),
    ] = "local"


class QueryFetcher:
    """Reads what a query of the user's returns, as `Fetcher` promises, so far as the query does."""

    def __init__(
        self, *, name: str, options: QueryOptions, source: SourceSystem, batch_rows: int, clock: Clock
    ) -> None:
        self._name = name
        self._options = options
        self._sql = read_only_query(options.sql, source.traits.dialect)
        self._windows = uses_minimum(self._sql, source.traits.dialect)
        self._told = tuple(Output(column, column, parse_type(text)[0]) for column, text in options.columns.items())
        self._source = source
        self._batch_rows = batch_rows
        self._clock = clock
        self._known = Known(self._ask)

    def schema(self) -> TableSchema:
        """The result columns, with the types that were told or declared."""
        return self._known()[0]

    def fetch(self, minimum_dt: datetime | None, cancel: Reading) -> Iterator[pa.RecordBatch]:
        """The rows that the query returns for the instant."""
        schema, outputs = self._known()
        arrow = schema.arrow()
        for batch in self._source.read(self._query(minimum_dt, outputs), cancel, self._batch_rows):
            cancel.check()
            for name in schema.key:
                if batch.column(name).null_count:
                    raise BadValue(
                        f"table {self._name}: the query returned a row whose key column {name!r} is null",
                        hint="Leave such rows out, or name another `key`.",
                    )
            yield pa.RecordBatch.from_arrays(batch.columns, schema=arrow)

    def explain(self, minimum_dt: datetime | None) -> Explanation:
        """The query as it would be sent."""
        notes = ["Rows deleted in the source leave the cache with the next Mass that has prepurge_data."]
        if not self._windows:
            notes = ["The query does not use :minimum_dt: every sync reads all that it returns."]
        _, outputs = self._known()
        return Explanation(statement=self._source.statement(self._query(minimum_dt, outputs)), notes=tuple(notes))

    def misses(self) -> str | None:
        """Nobody knows of a query."""
        return None

    def clock(self) -> SourceInstant | None:
        """The source's clock."""
        return self._source.clock()

    def forget(self) -> None:
        """The columns are asked for again when they are needed next."""
        self._known.forget()

    def _query(self, minimum_dt: datetime | None, outputs: tuple[Output, ...]) -> Query:
        if minimum_dt is None:
            return Query(self._sql, None, outputs)
        if self._options.minimum_dt == "utc":
            return Query(self._sql, minimum_dt.astimezone(UTC).replace(tzinfo=None), outputs)
        return Query(self._sql, local_floor(minimum_dt, self._source.traits.time_zone), outputs)

    def _ask(self) -> tuple[TableSchema, tuple[Output, ...]]:
        """What the query returns, and what is asked of the source for it."""
        described = self._source.catalogue.describe_query(self._query(None, self._told))
        lengths = {column: parse_type(text)[1] for column, text in self._options.columns.items()}
        columns = tuple(
            Column(name=column.name, type=column.type, length=lengths.get(column.name, column.length))
            for column in described
        )
        outputs = tuple(Output(column.name, column.name, column.type, declared=column.declared) for column in described)
        stamp = self._options.last_update
        types = [column.type for column in columns if column.name == stamp]
        folds = folds_around(self._source.traits.time_zone, self._clock.now(), types[0]) if types else ()
        try:
            return TableSchema(columns=columns, key=self._options.key, last_update=stamp, folds=folds), outputs
        except ConfigurationError as error:
            raise ConfigurationError(f"table {self._name}: {error.message}", hint=error.hint) from error


def build(context: FetcherContext) -> QueryFetcher:
    """The fetcher of the query in the options."""
    if context.source is None:
        raise ConfigurationError(f"{context.config.table_name}: the fetcher `query` needs a source system")
    return QueryFetcher(
        name=context.config.table_name,
        options=context.options,
        source=context.source,
        batch_rows=context.batch_rows,
        clock=context.clock,
    )


QUERY = FetcherKind(options=QueryOptions, build=build)
