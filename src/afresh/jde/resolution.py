"""From what is known of a table, what its source says of it and what is configured, to how it is read."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.ports import SourceColumn, TableInfo
from afresh.jde.catalogue import PREFIX_LENGTH, JdeColumn, JdeTable, Kind, Stamp, right_justified, tables
from afresh.jde.layout import BAD_DATES, LAST_UPDATE, Layout, Reading, StampReading, cache_name
from afresh.jde.options import JdeOptions

V = TypeVar("V")


def resolve(table: str, options: JdeOptions, info: TableInfo) -> Layout:
    """How the table is read; ConfigurationError if the source lacks a column that is known or configured."""
    known = tables().get(table)
    source = _Source(table=table, found=tuple(_found(column, known) for column in info.columns))
    key = [source.one(name, "key") for name in _key(table, options, known, info)]
    stamp = stamp_of(table, options)
    chosen = _chosen(options, known, source)
    settings = _settings(options, source)
    wanted = [*(column for column in key if column not in chosen), *chosen]
    readings = tuple(_reading(column, settings, key=column in key) for column in wanted)
    dated = stamp or any(reading.kind in (Kind.DATE, Kind.TIME) for reading in readings)
    names = {reading.column: reading.name for reading in readings}
    return Layout(
        table=table,
        readings=readings,
        key=tuple(names[column.source] for column in key),
        stamp=_stamp_reading(stamp, source, settings),
        bad_dates=settings.renamed.get(BAD_DATES, BAD_DATES) if options.bad_dates == "null" and dated else None,
        available=len(info.columns),
        stored_keys=tuple(c.source for c in key if settings.kind(c) in (Kind.DATE, Kind.TIME)),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A column of the source, with what is known of it."""

    source: str
    known: JdeColumn
    type: pa.DataType
    declared: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    table: str
    found: tuple[_Found, ...]

    def one(self, name: str, option: str) -> _Found:
        """The column of that name or alias."""
        folded = name.casefold()
        for column in self.found:
            if column.source.casefold() == folded:
                return column
        for column in self.found:
            if column.known.alias.casefold() == folded:
                return column
        raise self.lacks([name], f"which `{option}` names")

    def by_column(self, values: Mapping[str, V], option: str) -> dict[str, V]:
        """The values by the names that the source has for their columns."""
        return {self.one(name, option).source: value for name, value in values.items()}

    def lacks(self, names: Iterable[str], reason: str) -> ConfigurationError:
        """The error for columns that are not there."""
        names = tuple(names)
        nearest = [match for name in names for match in self._nearest(name)]
        hint = f"Nearest in the source: {', '.join(nearest)}. " if nearest else ""
        columns = "column" if len(names) == 1 else "columns"
        return ConfigurationError(
            f"the source's table {self.table} has no {columns} {', '.join(names)}, {reason}",
            hint=f"{hint}List the columns to read in `columns`; see also `rename`, `key` and `last_update`.",
        )

    def _nearest(self, name: str) -> list[str]:
        names = {column.source.upper(): column.source for column in self.found}
        return [names[match] for match in difflib.get_close_matches(name.upper(), names, n=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """The options that concern single columns, by the names that the source has for them."""

    options: JdeOptions
    decimals: Mapping[str, int]
    renamed: Mapping[str, str]
    dates: frozenset[str]
    times: frozenset[str]
    right_justified: frozenset[str]

    def kind(self, column: _Found) -> Kind:
        if column.source in self.dates:
            return Kind.DATE
        return Kind.TIME if column.source in self.times else column.known.kind


def _settings(options: JdeOptions, source: _Source) -> _Settings:
    made = {name: value for name, value in options.rename.items() if name in (LAST_UPDATE, BAD_DATES)}
    others = {name: value for name, value in options.rename.items() if name not in made}

    def sources(names: Iterable[str], option: str) -> frozenset[str]:
        return frozenset(source.one(name, option).source for name in names)

    return _Settings(
        options=options,
        decimals=source.by_column(options.decimals, "decimals"),
        renamed=source.by_column(others, "rename") | made,
        dates=sources(options.dates, "dates"),
        times=sources(options.times, "times"),
        right_justified=sources(options.right_justified, "right_justified"),
    )


def _found(column: SourceColumn, known: JdeTable | None) -> _Found:
    name = column.name.upper()
    for candidate in known.columns if known else ():
        if candidate.name == name:
            return _Found(column.name, candidate, column.type, column.declared)
    unknown = JdeColumn(
        name=name,
        alias=name[PREFIX_LENGTH:] or name,
        kind=_kind(column.type),
        length=column.length,
        right_justified=right_justified(name, column.length),
    )
    return _Found(column.name, unknown, column.type, column.declared)


def _kind(type_: pa.DataType) -> Kind:
    if pa.types.is_string(type_):
        return Kind.TEXT
    number = pa.types.is_integer(type_) or pa.types.is_decimal(type_) or pa.types.is_floating(type_)
    return Kind.NUMBER if number else Kind.PLAIN


def _key(table: str, options: JdeOptions, known: JdeTable | None, info: TableInfo) -> tuple[str, ...]:
    key = options.key or (known.key if known else info.key)
    if not key:
        raise ConfigurationError(
            f"the key of {table} is not known: the source has no primary key for it",
            hint='Name the columns that identify a row: key = ["XXUKID"].',
        )
    return key


def stamp_of(table: str, options: JdeOptions) -> Stamp | None:
    """The change stamp that is configured for the table, or known of it."""
    if options.last_update:
        chosen = options.last_update
        return Stamp(date=chosen.date, time=chosen.time, kind=chosen.kind)
    known = tables().get(table)
    return known.stamp if known else None


def _stamp_reading(stamp: Stamp | None, source: _Source, settings: _Settings) -> StampReading | None:
    if stamp is None:
        return None
    date = source.one(stamp.date, "last_update")
    time = source.one(stamp.time, "last_update") if stamp.time else None
    return StampReading(
        name=settings.renamed.get(LAST_UPDATE, LAST_UPDATE),
        date=date.source,
        time=time.source if time else None,
        kind=stamp.kind,
        declared={found.source: found.declared for found in (date, time) if found},
    )


def _chosen(options: JdeOptions, known: JdeTable | None, source: _Source) -> list[_Found]:
    if not isinstance(options.columns, str):
        return list(dict.fromkeys(source.one(name, "columns") for name in options.columns))
    if options.columns == "all" or known is None:
        return list(source.found)
    documented = [column.name for column in known.columns if column.documented]
    present = {column.known.name: column for column in source.found}
    if missing := [name for name in documented if name not in present]:
        raise source.lacks(missing, "which other releases have")
    return [present[name] for name in documented]


def _reading(column: _Found, settings: _Settings, *, key: bool) -> Reading:
    kind, options = settings.kind(column), settings.options
    if kind is not Kind.NUMBER and column.source in settings.decimals:
        raise ConfigurationError(f"`decimals` names {column.source}, which is no number but of the kind {kind}")
    reading = Reading(
        column=column.source,
        name=cache_name(column.source, column.known.alias, settings.renamed, by_alias=options.names == "alias"),
        kind=kind,
        key=key,
        declared=column.declared,
    )
    if kind is Kind.TEXT:
        both_sides = column.known.right_justified or column.source in settings.right_justified
        return replace(reading, length=column.known.length, both_sides=both_sides)
    if kind is Kind.NUMBER:
        scale = settings.decimals.get(column.source, column.known.scale(options.quantity_decimals))
        return replace(reading, scale=scale, quantity=column.known.quantity)
    if kind is Kind.PLAIN:
        return replace(reading, plain=column.type)
    # A key column holds no null, but a date in a key may be 0: there it stays the number it is stored as.
    return replace(reading, kind=Kind.NUMBER) if key else reading
