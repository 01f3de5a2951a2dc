"""What keeps tables from being fresh: those together that one thing keeps so, with what there is to say of them all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.phrases import instant
from afresh.core.sentences import Sentences
from afresh.core.states import State

_OF_THE_SOURCE = frozenset({Cause.SOURCE_UNREACHABLE, Cause.LOGIN_REFUSED, Cause.SOURCE_SLOW, Cause.QUIET_HOURS})
_OF_ALL = frozenset({Cause.SERVICE_OFF, Cause.NO_WORKER, Cause.CACHE_FULL, Cause.CACHE_LOCKED, Cause.CACHE_UNREACHABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing, and the tables that it keeps from being fresh, the worst first; at least one."""

    cause: Cause
    tables: Sequence[TableHealth]

    @property
    def worst(self) -> TableHealth:
        """The table that stands worst."""
        return self.tables[0]

    @property
    def mixed(self) -> bool:
        """Whether they are in more than one state."""
        return self.tables[0].state is not self.tables[-1].state

    def told(self, found: Judgement, configuration: str | None = None) -> Sentences:
        """What there is to say, in the words of the worst table; of several, what is true of each of them."""
        told = found.told(self.worst, configuration)
        if len(self.tables) == 1:
            return told
        safe = told.safe if self.worst.unseen is not None else _safe(self.tables)
        return replace(told, where=_where(self.worst, told), safe=safe)


def troubles(found: Judgement) -> list[Trouble]:
    """Each thing once, the worst first. What is merely due, or loaded for the first time, is in no trouble."""
    groups: dict[tuple[Cause, str], list[TableHealth]] = {}
    for table in found.worst_first:
        if table.state is not State.DISABLED and table.cause is not None and table.cause is not Cause.ROUTINE:
            groups.setdefault((table.cause, _shared(table)), []).append(table)
    return [Trouble(cause=cause, tables=tables) for (cause, _), tables in groups.items()]


def _shared(table: TableHealth) -> str:
    """What tables with one trouble have in common."""
    if table.cause in _OF_ALL:
        return f"{table.service_is_on} {table.silent_since}"
    if table.cause in _OF_THE_SOURCE:
        return table.source_system
    if table.pause is not None:
        return str(table.pause.sequence)
    return (table.last_error or "").removeprefix(f"{table.table_name}: ")


def _where(table: TableHealth, told: Sentences) -> str:
    """The place, without the one table that it is said of."""
    if table.cause is Cause.SCHEMA_CHANGED:
        return f"Between the source system {table.source_system} and the cache tables."
    place, comma, _ = told.where.partition(",")
    return f"{place}." if comma else told.where


def _safe(tables: Sequence[TableHealth]) -> str:
    """Of several tables: the oldest data that is served."""
    known = [table.data_as_of for table in tables if table.data_as_of is not None]
    missing = len(tables) - len(known)
    if not known:
        return "There is no data yet that could be wrong."
    without = f"; {missing} have no data yet" if missing else ""
    return f"Yes: they serve the source as of {instant(min(known))} or later, whole{without}."
