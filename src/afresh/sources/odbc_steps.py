"""How a read over ODBC is cut into statements, so that the driver's memory stays flat.

A driver makes room for the widest value of each column in every row of a fetch. So rows with large texts are read
apart from the others, a few at a time; and where a driver keeps whole results, a table is read in pages by its key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

import pyarrow as pa

from afresh.core.errors import QueryFailed
from afresh.core.select import AllOf, AnyOf, Compare, Output, Predicate, Raw, Select, Value
from afresh.sources.odbc_catalogue import SMALL
from afresh.sources.odbc_driver import Room
from afresh.sources.odbc_profile import Profile
from afresh.sources.odbc_session import Session
from afresh.sources.render import Dialect, quote, render

NARROW = 8_000
"""Bytes up to which a column may be declared to be read without a look at the sizes of its values."""
_SHORT = 1_024
"""Bytes up to which values of the others are read together, or more where a declared size asks for it: the wider the
room for a value is, the fewer rows lie in the processor's cache."""
_UTF8 = 4
_PAGE_ROWS = 20_000
_PAGE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes: of the largest value, and of a fetch unless one row needs more."""

    text: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Cuts the reads of one database."""

    profile: Profile
    dialect: Dialect
    limits: Limits

    def of(self, session: Session, select: Select, batch_rows: int) -> Iterator[tuple[Select, Room]]:
        """Selects that together deliver each row once, in the transaction of the session, with the room for each."""
        select = self._guarded(select)
        wide = [output for output in select.outputs if self._bytes(output) > NARROW]
        rows = min(batch_rows, 65_000)
        octets = self.profile.octets
        if not wide or octets is None or self.limits.text <= NARROW:
            yield select, self.room(rows, min(self.limits.text, NARROW) if not wide else self.limits.text, len(wide))
            return
        sizes = [octets(self.dialect.expression(output, self._column(select, output))) for output in wide]
        short = int(max(size for size in (_SHORT, *map(self._bytes, select.outputs)) if size <= NARROW))
        yield _also(select, _within(sizes, short)), self.room(rows, short, len(wide))
        rest = _also(select, _beyond(sizes, short))
        largest = self._largest(session, rest, wide)
        if largest is None:
            return
        if largest > NARROW:
            yield _also(rest, _within(sizes, NARROW)), self.room(rows, NARROW, len(wide))
            rest = _also(select, _beyond(sizes, NARROW))
        yield rest, self.room(rows, largest + 1, len(wide))

    def room(self, rows: int, text: int, wide: int) -> Room:
        """Room for that many rows with as many values that may be that long, or at least for one."""
        holds = self.profile.pages or self.profile.cursor is not None
        memory = max(self.limits.memory, (wide + 1) * (text + 64) + NARROW * 64)
        return Room(rows=rows, text=text, memory=memory, ahead=holds and text <= NARROW)

    def _guarded(self, select: Select) -> Select:
        """The select that fails where the driver would deliver another value than there is."""
        guard = self.profile.guard
        if guard is None:
            return select
        found = [guard(output, self._column(select, output)) for output in select.outputs]
        conditions = " AND ".join(filter(None, found))
        return _also(select, Raw(conditions)) if conditions else select

    def _bytes(self, output: Output) -> float:
        """The size of a text or binary column as it is declared; of other columns 0."""
        if not (pa.types.is_string(output.type) or pa.types.is_binary(output.type)):
            return 0
        length = self.profile.declared(output.declared)[1] if output.declared else None
        return inf if length is None else length * _UTF8

    def _column(self, select: Select, output: Output) -> str:
        return f"{quote(select.table.name, self.dialect)}.{quote(output.column, self.dialect)}"

    def _largest(self, session: Session, select: Select, wide: Sequence[Output]) -> int | None:
        """Bytes of the largest value of the rows; None if there is no row."""
        octets = self.profile.octets
        assert octets is not None
        measured = replace(
            self.dialect, expression=lambda output, column: f"MAX({octets(self.dialect.expression(output, column))})"
        )
        asked = Select(select.table, tuple(wide), select.where)
        found = [int(size) for size in session.rows(render(asked, measured).sql, SMALL)[0] if size is not None]
        if not found:
            return None
        if max(found) > self.limits.text:
            raise QueryFailed(
                f"{select.table}: a value of {max(found)} bytes is larger than `max_text_size`",
                hint="Raise `max_text_size`, or leave the column out; nothing was cut off.",
            )
        return max(found)


def _within(sizes: Sequence[str], most: int) -> Predicate:
    return Raw(" AND ".join(f"({size} IS NULL OR {size} <= {most})" for size in sizes))


def _beyond(sizes: Sequence[str], most: int) -> Predicate:
    return Raw("(" + " OR ".join(f"{size} > {most}" for size in sizes) + ")")


def _also(select: Select, condition: Predicate) -> Select:
    where = condition if select.where is None else AllOf((select.where, condition))
    return replace(select, where=where)


# -------------------------------------------------------------------------------------------------------- pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Reads of a table in the order of its key; `key` are outputs of its columns, which are read along."""

    key: tuple[Output, ...]
    dialect: Dialect

    def sql(self, select: Select, after: Sequence[Value] | None, most: int) -> str:
        """The statement of the page behind those values of the key, of at most so many rows."""
        paged = replace(select, outputs=(*select.outputs, *self._more(select)))
        if after is not None:
            paged = _also(paged, self._behind(after))
        names = ", ".join(
            f"{quote(select.table.name, self.dialect)}.{quote(output.column, self.dialect)}" for output in self.key
        )
        return f"{render(paged, self.dialect).sql} ORDER BY {names} LIMIT {most}"

    def places(self, select: Select) -> tuple[int, ...]:
        """Where in such a result the columns of the key are."""
        more = [output.column for output in self._more(select)]
        columns = [*(output.column for output in select.outputs), *more]
        return tuple(columns.index(output.column) for output in self.key)

    def _more(self, select: Select) -> tuple[Output, ...]:
        read = {output.column for output in select.outputs}
        return tuple(output for output in self.key if output.column not in read)

    def _behind(self, after: Sequence[Value]) -> Predicate:
        """Written out column by column, which an index serves better than a comparison of rows."""
        names = [output.column for output in self.key]
        parts: list[Predicate] = []
        for place, name in enumerate(names):
            same = [Compare((other,), "=", value) for other, value in zip(names[:place], after, strict=False)]
            parts.append(AllOf((*same, Compare((name,), ">", after[place]))))
        return AnyOf(tuple(parts))


def page_rows(room: Room) -> int:
    """How many rows a driver is given to hold at first."""
    most = _PAGE_BYTES // room.text if room.text > NARROW else _PAGE_ROWS
    return max(1, min(_PAGE_ROWS, most))


def windowed(where: Predicate | None) -> bool:
    """Whether a predicate asks for a window, which is small and may have an index of its own."""
    match where:
        case Compare():
            return True
        case AllOf(parts) | AnyOf(parts):
            return any(map(windowed, parts))
        case _:
            return False
