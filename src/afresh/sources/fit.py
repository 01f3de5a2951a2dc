"""Makes what a driver delivered fit what was asked for, column by column, by the policy of each column."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from afresh.core.errors import BadValue
from afresh.core.model import Misfit
from afresh.core.ports import Reading
from afresh.core.schema import type_name
from afresh.core.select import Output, Policy, Query, Select, TableName
from afresh.sources import masks
from afresh.sources.clamp import nearest
from afresh.sources.values import Array, Unfit, convert

Values = Any
"""One column as it was delivered: a sequence that can be cut, such as an Arrow array or a list."""
_NARROW = 32
Convert = Callable[[Values, pa.DataType, ZoneInfo], Array]


class Fitting:
    """Fits the batches of one read to its outputs.

    `key` gives the names of a table's key columns in the source; it is called only to name a row. `convert` turns a
    column into a type exactly or raises `Unfit`; `mask` says of a value what may be said. With `show_values` errors
    and the side table have the values themselves.
    """

    def __init__(
        self,
        *,
        source: str,
        select: Select | Query,
        zone: ZoneInfo,
        reading: Reading,
        key: Callable[[TableName], Sequence[str]],
        outputs: Sequence[Output] | None = None,
        convert: Convert = convert,
        mask: Callable[[object], str] = masks.mask,
        show_values: bool = False,
    ) -> None:
        self._table = select.table if isinstance(select, Select) else None
        self._place = f"source {source}: {self._table or 'query'}"
        self._outputs = tuple(select.outputs) if outputs is None else tuple(outputs)
        self._zone = zone
        self._reading = reading
        self._key = key
        self._convert = convert
        self._mask = masks.short if show_values else mask
        self.schema = pa.schema([pa.field(output.name, output.type) for output in self._outputs])

    def batch(self, columns: Sequence[Values], rows_before: int) -> pa.RecordBatch:
        """The columns, which stand in the order of the outputs, as a batch; `rows_before` were read before these.

        `BadValue` for the first value that does not fit where the policy is to stop, or has nothing to put in its
        place. Rows that are quarantined are not in the batch.
        """
        arrays, left_out = [], set[int]()
        for number, output in enumerate(self._outputs):
            values = columns[number]
            try:
                arrays.append(self._convert(values, output.type, self._zone))
            except Unfit:
                pieces, bad = self._pieces(columns, number, rows_before)
                arrays.append(pa.concat_arrays(pieces))
                self._report(columns, number, bad, rows_before)
                left_out.update(bad if output.policy is Policy.QUARANTINE else ())
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        if not left_out:
            return batch
        kept: Any = np.ones(batch.num_rows, bool)
        kept[list(left_out)] = False
        return batch.filter(pa.array(kept))

    def _pieces(self, columns: Sequence[Values], number: int, rows_before: int) -> tuple[list[Array], list[int]]:
        """The column in pieces that fit, with what stands in place of the others, and where those are."""
        output, values = self._outputs[number], columns[number]
        pieces: list[Array] = []
        bad: list[int] = []

        def cut(first: int, end: int) -> None:
            try:
                pieces.append(self._convert(values[first:end], output.type, self._zone))
            except Unfit as unfit:
                if end - first > 1:
                    middle = (first + end) // 2
                    cut(first, middle)
                    cut(middle, end)
                    return
                pieces.append(self._instead(columns, number, first, rows_before, unfit))
                bad.append(first)

        cut(0, len(values))
        return pieces, bad

    def _instead(self, columns: Sequence[Values], number: int, row: int, rows_before: int, unfit: Unfit) -> Array:
        output = self._outputs[number]
        if output.policy in (Policy.NULL, Policy.QUARANTINE):
            return pa.array([None], output.type)
        if output.policy is Policy.CLAMP:
            found = nearest(plain(columns[number][row]), output.type)
            if found is not None:
                return pa.array([found], output.type)
        raise BadValue(
            f"{self._place}.{output.column}: row {self._row_name(columns, row, rows_before)} holds "
            f"{self._mask(plain(columns[number][row]))}, which {type_name(output.type)} cannot hold exactly"
        ) from unfit

    def _report(self, columns: Sequence[Values], number: int, bad: Sequence[int], rows_before: int) -> None:
        output = self._outputs[number]
        told = [self._mask(plain(columns[number][row])) for row in bad]
        if output.policy is not Policy.QUARANTINE:
            reason = f"{told[0]}, which {type_name(output.type)} cannot hold exactly"
            self._reading.report(Misfit(column=output.column, policy=output.policy, rows=len(bad), reason=reason))
            return
        for row, value in zip(bad, told, strict=True):
            self._reading.report(
                Misfit(
                    column=output.column,
                    policy=output.policy,
                    rows=1,
                    reason=f"{type_name(output.type)} cannot hold it exactly",
                    key=self._row_name(columns, row, rows_before),
                    value=value,
                )
            )

    def _row_name(self, columns: Sequence[Values], row: int, rows_before: int) -> str:
        """The row's key if it was read along, else its position in the read."""
        read = {output.column.casefold(): number for number, output in enumerate(self._outputs)}
        key = self._key(self._table) if self._table else ()
        if not key or any(name.casefold() not in read for name in key):
            return f"{rows_before + row + 1} of the read"
        places = [read[name.casefold()] for name in key]
        return ", ".join(f"{self._outputs[at].column}={masks.short(plain(columns[at][row]))}" for at in places)


def plain(value: object) -> object:
    """The Python value of an Arrow scalar; any other value as it is."""
    if not isinstance(value, pa.Scalar):
        return value
    scalar: Any = value
    try:
        # What is finer than a microsecond is cut for showing.
        stamp = pa.types.is_timestamp(scalar.type) and scalar.type.unit == "ns"
        found: object = (scalar.cast(pa.timestamp("us", scalar.type.tz), safe=False) if stamp else scalar).as_py()
    except (ValueError, OverflowError):  # years that Python does not have
        if not pa.types.is_temporal(scalar.type):
            return str(scalar)
        return f"{scalar.cast(pa.int32() if scalar.type.bit_width == _NARROW else pa.int64())} since 1970"
    return found
