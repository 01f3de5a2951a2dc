"""Rows as stored into rows as meant, a record batch at a time and each column as a whole."""

from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from afresh.core.errors import BadValue
from afresh.core.schema import TIMESTAMP
from afresh.jde.catalogue import Kind
from afresh.jde.dates import Flags, Parsed, parse_dates, parse_times
from afresh.jde.decimals import PRECISION, scaled, too_long
from afresh.jde.instants import instants
from afresh.jde.layout import Layout, Reading, StampReading
from afresh.jde.texts import blank_as_null, masked, null_as_blank, trimmed

_NULL_HINT = (
    'Correct the row in the source, or set bad_dates = "null": such a value is then read as null and stays legible '
    "in the column BadDates."
)
_KEY_HINT = "Correct the row in the source, or name other columns in `key`."


def convert(layout: Layout, stored: pa.RecordBatch, schema: pa.Schema, zone: ZoneInfo) -> pa.RecordBatch:
    """The rows of a batch as `layout.outputs()` asked for it, in the layout's schema; BadValue for a value that has
    no exact meaning. Wall clock readings are of the zone."""
    return _Conversion(layout, stored).batch(schema, zone)


class _Conversion:
    """The conversion of one batch: a date that is read twice is parsed once."""

    def __init__(self, layout: Layout, stored: pa.RecordBatch) -> None:
        self._layout = layout
        self._stored = stored
        self._parsed: dict[str, Parsed] = {}
        self._bad: list[tuple[str, Flags]] = []

    def batch(self, schema: pa.Schema, zone: ZoneInfo) -> pa.RecordBatch:
        columns = [self._read(reading) for reading in self._layout.readings]
        if self._layout.stamp:
            columns.append(self._instants(self._layout.stamp, zone))
        if self._layout.bad_dates:
            columns.append(self._legible())
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _read(self, reading: Reading) -> "pa.Array[Any]":
        stored = self._stored.column(reading.column)
        if reading.key and stored.null_count and reading.kind is not Kind.TEXT:
            row = stored.is_null().index(True).as_py()
            self._refuse(row, f"the key column {reading.column} is null", _KEY_HINT)
        match reading.kind:
            case Kind.TEXT:
                text = trimmed(stored, both_sides=reading.both_sides)
                return null_as_blank(text) if reading.key else blank_as_null(text)
            case Kind.DATE:
                return self._dates(reading.column).dates()
            case Kind.TIME:
                return self._times(reading.column).times()
            case Kind.NUMBER:
                return self._number(reading, stored)
            case Kind.PLAIN:
                return stored

    def _number(self, reading: Reading, stored: "pa.Array[Any]") -> "pa.Array[Any]":
        if reading.scale == 0:
            return stored
        wrong = too_long(stored)
        if wrong is not None:
            self._refuse_value(reading.column, wrong, f"which has more than {PRECISION} digits", "")
        return scaled(stored, reading.scale)

    def _dates(self, column: str) -> Parsed:
        if column not in self._parsed:
            parsed = parse_dates(self._stored.column(column))
            self._judge(column, parsed, "which is not a date CYYDDD")
        return self._parsed[column]

    def _times(self, column: str) -> Parsed:
        if column not in self._parsed:
            parsed = parse_times(self._stored.column(column))
            self._judge(column, parsed, "which is not a time HHMMSS")
        return self._parsed[column]

    def _judge(self, column: str, parsed: Parsed, complaint: str) -> None:
        if parsed.invalid.any():
            if not self._layout.bad_dates:
                self._refuse_value(column, parsed.invalid, complaint, _NULL_HINT)
            self._bad.append((column, parsed.invalid))
        self._parsed[column] = parsed

    def _instants(self, stamp: StampReading, zone: ZoneInfo) -> "pa.Array[Any]":
        """A stamp without a time counts from the start of its day."""
        days = self._dates(stamp.date)
        microseconds = np.zeros_like(days.numbers)
        if stamp.time:
            times = self._times(stamp.time)
            microseconds = np.where(times.missing, 0, times.numbers)
        found = instants(days.numbers, microseconds, days.missing, zone)
        return pa.array(found, mask=days.missing).view(TIMESTAMP)

    def _legible(self) -> "pa.Array[Any]":
        """For each row the invalid dates and times that were read as null, as `COLUMN=number`."""
        texts: list[str | None] = [None] * self._stored.num_rows
        for column, wrong in self._bad:
            for row in np.flatnonzero(wrong).tolist():
                found = f"{column}={self._stored.column(column)[row].as_py()}"
                texts[row] = f"{texts[row]} {found}" if texts[row] else found
        return pa.array(texts, pa.string())

    def _refuse_value(self, column: str, wrong: Flags, complaint: str, hint: str) -> NoReturn:
        rows = np.flatnonzero(wrong).tolist()
        value = masked(str(self._stored.column(column)[rows[0]].as_py()))
        more = f"; {len(rows) - 1} more in the same batch" if len(rows) > 1 else ""
        self._refuse(rows[0], f"{column} holds {value} (each digit shown as 9), {complaint}{more}", hint)

    def _refuse(self, row: int, complaint: str, hint: str) -> NoReturn:
        readings = {reading.name: reading for reading in self._layout.readings}
        key = [readings[name] for name in self._layout.key]
        where = ", ".join(f"{reading.column}={self._shown(reading, row)}" for reading in key)
        raise BadValue(f"table {self._layout.table}, row {where}: {complaint}", hint=hint)

    def _shown(self, reading: Reading, row: int) -> str:
        """A key value as a person looks for it."""
        stored = self._stored.column(reading.column).slice(row, 1)
        if not stored[0].is_valid:
            return "NULL"
        if reading.kind is Kind.TEXT:
            return repr(trimmed(stored, both_sides=reading.both_sides)[0].as_py())
        if reading.kind is Kind.NUMBER and reading.scale and too_long(stored) is None:
            return str(scaled(stored, reading.scale)[0].as_py())
        return str(stored[0].as_py())
