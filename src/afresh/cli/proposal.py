"""What a configuration should say of a table, by what its source knows of it; each choice with its reason."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from afresh.core import guesses
from afresh.core.guesses import StampGuess
from afresh.core.ports import SourceColumn, TableInfo, TableSummary
from afresh.core.select import TableName
from afresh.jde.catalogue import PREFIX_LENGTH, StampKind, tables

_JDE = re.compile(r"F\d{4,5}[A-Z]*\d*", re.IGNORECASE)
_SMALL = 100_000
_LARGE = 10_000_000
_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One table: what to write, and remarks that say why. Without a `fetcher` it cannot be kept before a person has
    decided something, which `open_question` says; then `options` are what they might choose."""

    table: TableName
    name: str
    rows: int | None
    size: int | None
    is_view: bool
    remarks: tuple[str, ...]
    fetcher: str | None
    options: tuple[tuple[str, object], ...] = ()
    schedules: tuple[tuple[str, str, bool], ...] = ()
    """Schedule, interval, and whether a Mass prepurges."""
    partitions: int | None = None
    open_question: str = ""


def propose(summary: TableSummary, info: TableInfo, name: str) -> Proposal:
    """The proposal for one table, under that name in the cache."""
    jde = _jde(summary.table, info)
    if jde is not None:
        return _of_jde(summary, info, name, *jde)
    return _of_any(summary, info, name)


def _rows(summary: TableSummary, info: TableInfo) -> int | None:
    return info.rows if info.rows is not None else summary.rows


# ------------------------------------------------------------------------------------------------ any table


def _of_any(summary: TableSummary, info: TableInfo, name: str) -> Proposal:
    rows, found = _rows(summary, info), guesses.stamps(info.columns)
    stamp = next((guess for guess in found if guess.sure), None)
    options: list[tuple[str, object]] = []
    if name != summary.table.name:
        options.append(("table", summary.table.name))
    if summary.table.schema:
        options.append(("schema_name", summary.table.schema))
    if stamp is not None:
        options.append(("cursor", [stamp.column]))
    question = ""
    if not info.key:
        question = "the source knows no primary key: name the columns that identify a row"
        options.append(("key", ["..."]))
    return Proposal(
        table=summary.table,
        name=name,
        rows=rows,
        size=summary.size,
        is_view=summary.is_view,
        remarks=tuple(_remarks(info, found, stamp)),
        fetcher=None if question else "table",
        options=tuple(options),
        schedules=_schedules(rows, windows=stamp is not None),
        partitions=_PARTS if rows is not None and rows >= _LARGE else None,
        open_question=question,
    )


def _remarks(info: TableInfo, found: Sequence[StampGuess], stamp: StampGuess | None) -> Iterator[str]:
    if info.key:
        yield f"Key: {', '.join(info.key)}, the primary key."
    if stamp is not None:
        yield f"Last update: {stamp.column}, because {stamp.reason}."
        if stamp.nullable:
            yield f"{stamp.column} may be null: rows in which it is are read by every window."
    else:
        yield "No column is surely a last-update stamp: every sync reads the whole table."
    for guess in found:
        if guess is not stamp:
            yield f"Perhaps {guess.column}: {guess.reason}. Then: {_cursor(guess)}"
    yield from _doubts(info.columns)


def _cursor(guess: StampGuess) -> str:
    kind = f', cursor_type = "{guess.cursor_type}"' if guess.cursor_type else ""
    creation = ', cursor_kind = "creation"' if guess.creation else ""
    return f'cursor = ["{guess.column}"]{kind}{creation}'


def _doubts(columns: Sequence[SourceColumn]) -> Iterator[str]:
    for column, reason in guesses.doubts(columns):
        yield f"Decide on {column}: {reason}."


def _schedules(rows: int | None, *, windows: bool) -> tuple[tuple[str, str, bool], ...]:
    """With windows the whole table is read to see what was deleted, the seldomer the larger it is; without them that
    is the only way to see anything, so small tables are read often."""
    if windows:
        mass = "28d" if rows is not None and rows >= _LARGE else "7d"
        return (("mass", mass, True), ("daily", "1d", False), ("hourly", "1h", False))
    if rows is not None and rows <= _SMALL:
        return (("mass", "1d", True), ("hourly", "1h", False))
    return (("mass", "7d", True), ("daily", "1d", False))


# ------------------------------------------------------------------------------------------- JD Edwards tables


def _jde(table: TableName, info: TableInfo) -> tuple[str, bool] | None:
    """The table's name in JD Edwards, and whether it is known; None if it is none of its tables."""
    if not _JDE.fullmatch(table.name):
        return None
    name, there = table.name.upper(), {column.name.upper() for column in info.columns}
    known = tables().get(name)
    if known is not None:
        return (name, True) if set(known.key) <= there else None
    prefixes = {column[:PREFIX_LENGTH] for column in there}
    aliases = {column[PREFIX_LENGTH:] for column in there}
    return (name, False) if len(prefixes) == 1 and "UPMJ" in aliases else None


def _of_jde(summary: TableSummary, info: TableInfo, name: str, table: str, known: bool) -> Proposal:
    rows = _rows(summary, info)
    options: list[tuple[str, object]] = []
    if summary.table.schema:
        options.append(("schema_name", summary.table.schema))
    remarks, question, windows = [], "", True
    if known:
        found = tables()[table]
        remarks.append(f"{found.title}, a JD Edwards table that is known: key {', '.join(found.key)}.")
        if found.stamp is None:
            windows = False
        elif found.stamp.kind is StampKind.CREATION:
            remarks.append(
                f"{found.stamp.date} and {found.stamp.time} tell when a row was created: changed and deleted rows come "
                "with the next Mass."
            )
        else:
            remarks.append(f"Last update: {found.stamp.date} and {found.stamp.time}, date and time of JD Edwards.")
    else:
        date, time = _pair(info.columns)
        remarks.append("By its name and columns a JD Edwards table, of which no more is known.")
        remarks.append(f"Last update: {date}{f' and {time}' if time else ''}, as JD Edwards names it.")
        options.append(("last_update", {"date": date, **({"time": time} if time else {})}))
        if not info.key:
            question = "the source knows no primary key: name the columns that identify a row"
            options.append(("key", ["..."]))
    return Proposal(
        table=summary.table,
        name=name,
        rows=rows,
        size=summary.size,
        is_view=summary.is_view,
        remarks=tuple(remarks),
        fetcher=None if question else f"jde:{table}",
        options=tuple(options),
        schedules=_schedules(rows, windows=windows),
        partitions=_PARTS if rows is not None and rows >= _LARGE else None,
        open_question=question,
    )


def _pair(columns: Sequence[SourceColumn]) -> tuple[str, str | None]:
    by_alias = {column.name[PREFIX_LENGTH:].upper(): column.name for column in columns}
    return by_alias["UPMJ"], by_alias.get("UPMT") or by_alias.get("TDAY")
