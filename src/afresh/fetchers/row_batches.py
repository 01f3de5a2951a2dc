"""Turns what a user's fetcher yields (record batches, dataclass instances, dicts, lists of them) into record batches
of its schema, exactly or not at all."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time
from decimal import Context, Decimal, Inexact, InvalidOperation
from operator import attrgetter, itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute

from afresh.core.errors import FetcherError
from afresh.core.ports import Cancellation
from afresh.core.schema import Column, TableSchema, type_name
from afresh.fetchers.row_types import classes

_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])

pc: Any = pyarrow.compute
Array = Any
"""A `pyarrow.Array`; the stubs cannot follow types that are only known at run time."""


class RowBatches:
    """Gathers one fetch's items into batches. `place` names the fetcher in errors."""

    def __init__(self, place: str, schema: TableSchema, batch_rows: int) -> None:
        self._place = place
        self._columns = schema.columns
        self._arrow = schema.arrow()
        self._nullable = {field.name: field.nullable for field in self._arrow}
        self._names = frozenset(schema.names)
        self._batch_rows = batch_rows
        self._rows_before = 0

    def batches(self, items: Iterable[object], cancel: Cancellation) -> Iterator[pa.RecordBatch]:
        """The items as batches, in their order."""
        waiting: list[object] = []
        for item in items:
            cancel.check()
            if isinstance(item, pa.RecordBatch | pa.Table):
                yield from self._flushed(waiting)
                waiting = []
                yield from self._cut(item)
            else:
                waiting += item if isinstance(item, list | tuple) else (item,)
                while len(waiting) >= self._batch_rows:
                    yield from self._flushed(waiting[: self._batch_rows])
                    waiting = waiting[self._batch_rows :]
        yield from self._flushed(waiting)

    def _flushed(self, rows: Sequence[object]) -> Iterator[pa.RecordBatch]:
        if not rows:
            return
        values = list(zip(*self._tuples(rows), strict=True))
        arrays = [self._array(column, values[position]) for position, column in enumerate(self._columns)]
        yield pa.RecordBatch.from_arrays(arrays, schema=self._arrow)
        self._rows_before += len(rows)

    # ------------------------------------------------------------------------------------------------- rows

    def _tuples(self, rows: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        names = [column.name for column in self._columns]
        of_dict, of_object = _getter(itemgetter, names), _getter(attrgetter, names)
        fitting: type | None = None
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                if row.keys() != self._names:
                    raise self._fields_differ(number, row.keys())
                yield of_dict(row)
            elif type(row) is fitting:
                yield of_object(row)
            else:
                fitting = self._checked_class(number, row)
                yield of_object(row)

    def _checked_class(self, number: int, row: object) -> type:
        if not dataclasses.is_dataclass(row) or isinstance(row, type):
            raise self._error(number, f"is a {type(row).__name__}, not a dataclass instance, dict or record batch")
        fields = {field.name for field in dataclasses.fields(row)}
        if fields != self._names:
            raise self._fields_differ(number, fields)
        return type(row)

    def _fields_differ(self, number: int, found: Iterable[object]) -> FetcherError:
        there = {str(name) for name in found}
        missing = [name for name in (column.name for column in self._columns) if name not in there]
        unknown = sorted(there - self._names)
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown fields {', '.join(unknown)}"] if unknown else []
        return self._error(number, " and ".join(parts))

    def _array(self, column: Column, values: Sequence[Any]) -> Array:
        try:
            return self._strict(column, values)
        except _Unfit:
            for number, value in enumerate(values):
                try:
                    self._strict(column, [value])
                except _Unfit as unfit:
                    raise self._error(number, f"field {column.name!r} {unfit}") from unfit.__cause__
            raise

    def _strict(self, column: Column, values: Sequence[Any]) -> Array:
        """The column; `_Unfit` says what is wrong if one of the values does not fit."""
        allowed, wanted = classes(column.type), column.type_name
        found = set(map(type, values))
        if type(None) in found and not self._nullable[column.name]:
            raise _Unfit("is None, and may not be")
        wrong = found - {type(None), *allowed}
        if wrong:
            raise _Unfit(f"is a {min(one.__name__ for one in wrong)}, where {wanted} needs a {allowed[0].__name__}")
        if allowed[0] in (datetime, time):
            _check_zones(column, values)
        try:
            array = pa.array(_decimals(column, values), column.type)
        except (pa.ArrowInvalid, ArithmeticError, UnicodeEncodeError, ValueError) as error:
            raise _Unfit(f"is a {allowed[0].__name__} that {wanted} cannot hold exactly") from error
        _check_length(column, array)
        return array

    # ---------------------------------------------------------------------------------------------- batches

    def _cut(self, item: pa.RecordBatch | pa.Table) -> Iterator[pa.RecordBatch]:
        """The batch or table with the schema's columns, in pieces of at most `batch_rows`."""
        batches = item.to_batches() if isinstance(item, pa.Table) else [item]
        for batch in batches:
            there = set(batch.schema.names)
            if there != self._names or len(batch.schema.names) != len(there):
                raise self._columns_differ(batch.schema.names)
            arrays = [self._cast(column, batch.column(column.name)) for column in self._columns]
            fitting = pa.RecordBatch.from_arrays(arrays, schema=self._arrow)
            for first in range(0, fitting.num_rows, self._batch_rows):
                yield fitting.slice(first, self._batch_rows)
            self._rows_before += fitting.num_rows

    def _columns_differ(self, found: Sequence[str]) -> FetcherError:
        wanted = ", ".join(column.name for column in self._columns)
        return FetcherError(f"{self._place}: a record batch has the columns {', '.join(found)}; declared are {wanted}")

    def _cast(self, column: Column, array: Array) -> Array:
        try:
            fitting = _lossless(array, column.type)
            _check_length(column, fitting)
        except (pa.ArrowInvalid, _Unfit) as error:
            raise FetcherError(
                f"{self._place}: column {column.name!r} of a record batch is {array.type}, and not all of its values "
                f"can be {type_name(column.type, column.length)} exactly"
            ) from error
        if fitting.null_count and not self._nullable[column.name]:
            raise FetcherError(f"{self._place}: column {column.name!r} of a record batch has nulls, and may not")
        return fitting

    def _error(self, number: int, what: str) -> FetcherError:
        return FetcherError(f"{self._place}: row {self._rows_before + number + 1:,}: {what}")


class _Unfit(Exception):
    """What is wrong with a value, as the end of a sentence."""


def _getter(kind: Any, names: Sequence[str]) -> Any:
    """Like itemgetter or attrgetter, but always for a tuple."""
    if len(names) > 1:
        return kind(*names)
    one = kind(names[0])
    return lambda row: (one(row),)


def _decimals(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """Decimals with just the digits of their type, for Arrow overflows without a word when it has to add some;
    ArithmeticError for one that does not fit. Other values as they are."""
    kind: Any = column.type
    if not pa.types.is_decimal(kind):
        return values
    unit, limit = Decimal(1).scaleb(-kind.scale), Decimal(1).scaleb(kind.precision - kind.scale)
    found = [None if value is None else Decimal(value).quantize(unit, context=_EXACT) for value in values]
    if any(value is not None and value.copy_abs() >= limit for value in found):
        raise OverflowError
    return found


def _check_zones(column: Column, values: Sequence[Any]) -> None:
    """Instants must say their offset; readings and times of day must not."""
    zones = {value.tzinfo for value in values if value is not None}
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        if None in zones:
            raise _Unfit("is a datetime without a time zone, where timestamp needs one")
    elif zones - {None}:
        raise _Unfit(f"has a time zone, where {column.type_name} has none")


def _check_length(column: Column, array: Array) -> None:
    if column.length is not None:
        longest = pc.max(pc.utf8_length(array)).as_py()
        if longest is not None and longest > column.length:
            raise _Unfit(f"is longer than {column.type_name} allows")


def _lossless(array: Array, wanted: Any) -> Array:
    """The array in the wanted type, cast only within a family and only if every value stays what it is."""
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(array.type):
        return _lossless(array.dictionary_decode(), wanted)
    if not pa.types.is_null(array.type) and _family(array.type) != _family(wanted):
        raise _Unfit
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.decimal256(76, wanted.scale))
    return array.cast(wanted, safe=True)


def _family(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "reading" if kind.tz is None else "instant"
    tests: Mapping[str, Any] = {
        "integer": pa.types.is_integer,
        "decimal": pa.types.is_decimal128,
        "float": pa.types.is_floating,
        "text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one),
        "bytes": lambda one: pa.types.is_binary(one) or pa.types.is_large_binary(one) or pa.types.is_binary_view(one),
        "time": pa.types.is_time,
    }
    return next((name for name, test in tests.items() if test(kind)), str(kind))
