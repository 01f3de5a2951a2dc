"""From the record batches of a driver to those that were asked for."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from afresh.core.errors import QueryFailed
from afresh.core.ports import Reading
from afresh.core.select import Output, Query, Select
from afresh.sources.fit import Fitting


def positions(select: Select | Query, outputs: Sequence[Output], names: Sequence[str]) -> Sequence[int]:
    """Where the outputs stand in a result with columns of these names: those of a select in order, those of a query
    by name, whatever the case; QueryFailed if the result is not what was asked for."""
    if isinstance(select, Select):
        if len(names) != len(outputs):
            raise QueryFailed(f"{select.table}: {len(outputs)} columns were asked for, {len(names)} came")
        return range(len(outputs))
    folded = [name.casefold() for name in names]
    return [_position(folded, output.column) for output in outputs]


def _position(names: list[str], column: str) -> int:
    match names.count(column.casefold()):
        case 1:
            return names.index(column.casefold())
        case 0:
            raise QueryFailed(f"the query has no result column {column!r}", hint=f"It has: {', '.join(names)}.")
        case _:
            raise QueryFailed(f"the query has more than one result column {column!r}", hint="Rename all but one.")


def fitted(
    batches: Iterable[pa.RecordBatch],
    fitting: Fitting,
    places: Sequence[int],
    reading: Reading,
    batch_rows: int,
) -> Iterator[pa.RecordBatch]:
    """The batches as `SourceSystem.read` promises them, of a driver that delivers its columns at those places.

    Nothing is copied that fits as it is. Asks for the stop between batches.
    """
    rows_done = 0
    for batch in batches:
        for start in range(0, batch.num_rows, batch_rows):
            reading.check()
            piece = batch.slice(start, batch_rows)
            found = fitting.batch([piece.column(place) for place in places], rows_done)
            rows_done += piece.num_rows
            if found.num_rows:
                yield found
