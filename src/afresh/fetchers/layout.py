"""What is read of a described table: which columns under which names and types, its key and its stamp."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute

from afresh.core.errors import ConfigurationError
from afresh.core.ports import SourceColumn, TableInfo
from afresh.core.schema import DATETIME, TIMESTAMP, Column, TableSchema, parse_type
from afresh.core.select import Output, Policy, TableName
from afresh.fetchers.stamps import STAMP_TYPE_NAMES, STAMP_TYPES, folds_around
from afresh.fetchers.table_options import ColumnOptions, TableOptions

LAST_UPDATE = "LastUpdateDT"

pc: Any = pyarrow.compute


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The cursor: its columns in the source, the outputs that carry them, and what they are compared and joined as."""

    columns: tuple[str, ...]
    outputs: tuple[Output, ...]
    type: pa.DataType
    compared_as: pa.DataType
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table is read. The outputs are the schema's columns in order; where the stamp is `joined`, which is the
    last column then, outputs that are read only for it stand behind them."""

    outputs: tuple[Output, ...]
    schema: TableSchema
    stamp: Stamp | None = None
    joined: bool = False

    def shaped(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of the outputs as a batch of the schema."""
        arrow = self.schema.arrow()
        columns: list[Any] = batch.columns[: len(arrow)]
        if self.joined and self.stamp is not None:
            stamps = [batch.column(output.name).cast(self.stamp.type) for output in self.stamp.outputs]
            columns = [*batch.columns[: len(arrow) - 1], pc.coalesce(*stamps)]
        return pa.RecordBatch.from_arrays(columns, schema=arrow)


def resolve(table: TableName, options: TableOptions, described: TableInfo, zone: ZoneInfo, now: datetime) -> Layout:
    """The layout that the options mean; ConfigurationError for names that are not there, or without a key."""
    there = _Described(table, described)
    stamps = tuple(there.find(name, "cursor").name for name in options.cursor)
    if len(set(stamps)) != len(stamps):
        raise ConfigurationError(f"table {table}: a column is named twice in `cursor`: {', '.join(stamps)}")
    pairs = [
        _column(there, name, wanted, options.cursor_type if _among(there, name, wanted, stamps) else None)
        for name, wanted in _wanted(options.columns, described.columns).items()
    ]
    columns = [column for _, column in pairs]
    outputs = tuple(output for output, _ in pairs)
    key = _key(table, options.key, described.key, outputs)
    if not stamps:
        return Layout(outputs=outputs, schema=TableSchema(columns=tuple(columns), key=key))
    stamp = _stamp(there, stamps, outputs, options.cursor_type)
    own = stamp.outputs[0].name if len(stamps) == 1 and stamp.outputs[0] in outputs else None
    last_update = options.last_update_name or own or LAST_UPDATE
    if last_update != own:
        columns.append(Column(name=last_update, type=stamp.type))
        outputs += tuple(output for output in stamp.outputs if output not in outputs)
    folds = folds_around(zone, now, stamp.type)
    schema = TableSchema(columns=tuple(columns), key=key, last_update=last_update, folds=folds)
    return Layout(outputs=outputs, schema=schema, stamp=stamp, joined=last_update != own)


class _Described:
    """A table's columns, found by name; exactly, else without regard to case."""

    def __init__(self, table: TableName, described: TableInfo) -> None:
        self._table = table
        self._columns = {column.name: column for column in described.columns}

    def find(self, name: str, option: str) -> SourceColumn:
        if name in self._columns:
            return self._columns[name]
        folded = [column for other, column in self._columns.items() if other.casefold() == name.casefold()]
        if len(folded) == 1:
            return folded[0]
        close = get_close_matches(name, self._columns, n=1)
        raise ConfigurationError(
            f"table {self._table}: the source has no column {name!r} (option `{option}`)",
            hint=f"Did you mean {close[0]!r}?" if close else f"It has: {', '.join(self._columns)}.",
        )


def _wanted(
    columns: Sequence[str] | Mapping[str, str | ColumnOptions] | None, described: Sequence[Column]
) -> Mapping[str, ColumnOptions]:
    """What is to be read, by name in the cache."""
    if columns is None:
        return {column.name: ColumnOptions() for column in described}
    if isinstance(columns, Mapping):
        return {
            name: wanted if isinstance(wanted, ColumnOptions) else ColumnOptions(column=wanted)
            for name, wanted in columns.items()
        }
    if len(set(columns)) != len(columns):
        raise ConfigurationError(f"a column is named twice in `columns`: {', '.join(columns)}")
    return dict.fromkeys(columns, ColumnOptions())


def _among(there: _Described, name: str, wanted: ColumnOptions, stamps: Sequence[str]) -> bool:
    return there.find(wanted.column or name, "columns").name in stamps


def _column(there: _Described, name: str, wanted: ColumnOptions, told: str | None) -> tuple[Output, Column]:
    """What is asked of the source, and the column as it will be. Only the key is promised not to be null: the
    source may allow nulls tomorrow."""
    found = there.find(wanted.column or name, "columns")
    text = "text" if wanted.policy is Policy.TEXT else wanted.type or told
    kind, length = parse_type(text) if text else (found.type, found.length)
    output = Output(found.name, name, kind, declared=found.declared, policy=wanted.policy)
    return output, Column(name=name, type=kind, length=length)


def _key(table: TableName, told: Sequence[str], known: Sequence[str], outputs: Sequence[Output]) -> tuple[str, ...]:
    """The key by names in the cache; it may be told by either name."""
    if not told and not known:
        raise ConfigurationError(
            f"table {table}: the source knows no primary key",
            hint="Name the columns that identify a row: `key` in the fetcher's options.",
        )
    names = {output.column.casefold(): output.name for output in outputs}
    names |= {output.name.casefold(): output.name for output in outputs}
    for name in told or known:
        if name.casefold() not in names:
            raise ConfigurationError(
                f"table {table}: the key column {name!r} is not among the columns that are read",
                hint=f"Add it to `columns`, or name another `key`; read are: {', '.join(o.name for o in outputs)}.",
            )
    return tuple(names[name.casefold()] for name in told or known)


def _stamp(there: _Described, columns: tuple[str, ...], outputs: Sequence[Output], told: str | None) -> Stamp:
    read = {output.column: output for output in outputs}
    found = tuple(read[name] if name in read else _unread(there, name, told) for name in columns)
    types = {output.type for output in found}
    for output in found:
        if output.type not in STAMP_TYPES:
            raise ConfigurationError(
                f"the cursor column {output.column!r} is not a {STAMP_TYPE_NAMES}, so no window can be cut by it",
                hint="Say what it holds: `cursor_type` in the fetcher's options.",
            )
    if TIMESTAMP in types and len(types) > 1:
        raise ConfigurationError(
            "the cursor mixes instants with wall clock readings", hint="Give all of them one type: `cursor_type`."
        )
    return Stamp(
        columns=columns,
        outputs=found,
        type=DATETIME if len(types) > 1 else found[0].type,
        compared_as=pa.date32() if pa.date32() in types else found[0].type,
        nullable=len(columns) > 1 or there.find(columns[0], "cursor").nullable,
    )


def _unread(there: _Described, name: str, told: str | None) -> Output:
    found = there.find(name, "cursor")
    kind = parse_type(told)[0] if told else found.type
    return Output(name, f"cursor column {name}", kind, declared=found.declared)
