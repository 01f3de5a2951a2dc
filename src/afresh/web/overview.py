"""What the first page says: one sentence, problems by cause, and the tables that were asked for."""

from collections import Counter
from dataclasses import dataclass

from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.states import WORST_FIRST, State

SORTS = ("worst", "name", "age")
_QUIET = frozenset({State.FRESH, State.DUE, State.SYNCING, State.DISABLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which tables to show, and in which order."""

    state: str = ""
    source: str = ""
    text: str = ""
    sort: str = SORTS[0]

    def as_query(self) -> dict[str, str]:
        """As a URL has it; what is as always is left out."""
        sort = "" if self.sort == SORTS[0] else self.sort
        return {"state": self.state, "source": self.source, "q": self.text, "sort": sort}


def headline(found: Judgement) -> str:
    """One sentence that says how things stand."""
    if found.unseen is not None:
        return f"Nobody can tell how the tables stand: {found.unseen.message}."
    if not found.tables:
        return "No table is kept: the configuration names none."
    states = Counter(table.state for table in found.tables)
    quiet = sum(states[state] for state in _QUIET)
    if quiet == len(found.tables):
        return "The one table is within its limit." if quiet == 1 else f"All {quiet} tables are within their limits."
    told = ", ".join(
        f"{states[state]} {_WORDS[state]}" for state in WORST_FIRST if states[state] and state not in _QUIET
    )
    rest = f"; {quiet} of {len(found.tables)} tables are within their limits" if quiet else ""
    return f"{told[:1].upper()}{told[1:]}{rest}."


_WORDS = {
    State.STOPPED: "stopped until you act",
    State.LATE: "late",
    State.UNKNOWN: "unknown",
    State.CATCHING_UP: "catching up",
    State.NEVER_LOADED: "never loaded",
    State.PAUSED: "paused",
}


def grouped(found: Judgement) -> list[tuple[Cause, list[TableHealth]]]:
    """The tables that are not within their limits, by cause, the worst cause first."""
    groups: dict[Cause, list[TableHealth]] = {}
    for table in found.worst_first:
        if table.state not in _QUIET and table.cause is not None:
            groups.setdefault(table.cause, []).append(table)
    return list(groups.items())


def chosen(found: Judgement, choice: Choice) -> list[TableHealth]:
    """The tables of the choice, in its order."""
    tables = [
        table
        for table in found.worst_first
        if (not choice.state or str(table.state) == choice.state)
        and (not choice.source or table.source_system == choice.source)
        and choice.text.casefold() in table.table_name.casefold()
    ]
    if choice.sort == "name":
        return sorted(tables, key=lambda table: table.table_name.casefold())
    if choice.sort == "age":
        return sorted(tables, key=lambda table: -(table.age.total_seconds() if table.age else float("inf")))
    return tables
