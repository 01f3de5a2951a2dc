"""What the first page says: one sentence, problems by cause, and the tables that were asked for; the same as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from afresh.core import account
from afresh.core.account import JsonValue
from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.phrases import iso
from afresh.core.states import WORST_FIRST, State

SHOWN, FOLDED, NAMED = 60, 400, 8
"""How many tables are on a page, are named in the fold of the fresh ones, and are named with a problem."""
SORTS = ("worst", "name", "age")
_EVER = datetime.min.replace(tzinfo=UTC)
_QUIET = frozenset({State.FRESH, State.DUE, State.SYNCING, State.DISABLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which tables to show, in which order, from which on, and whether the fresh ones, too, are not folded."""

    state: str = ""
    source: str = ""
    text: str = ""
    sort: str = SORTS[0]
    everything: bool = False
    skip: int = 0

    def link(self, skip: int = 0, *, everything: bool = False) -> str:
        """The query of an address that asks for the same, from another table on; what is as always is left out."""
        asked = {
            "state": self.state,
            "source": self.source,
            "q": self.text,
            "sort": "" if self.sort == SORTS[0] else self.sort,
            "show": "all" if everything or self.everything else "",
            "skip": skip,
        }
        return urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is shown of the chosen tables: a page of those that are not folded, of `unfolded` in all, and the names of
    the fresh ones, of `fresh` in all."""

    shown: Sequence[TableHealth]
    unfolded: int
    folded: Sequence[TableHealth]
    fresh: int
    earlier: int | None
    later: int | None


def overview(found: Judgement, choice: Choice) -> Overview:
    """The page that is chosen, and where the pages before and after it begin."""
    tables = chosen(found, choice)
    folds = not (choice.everything or choice.state)
    unfolded = [table for table in tables if not folds or table.state is not State.FRESH]
    fresh = [table for table in tables if folds and table.state is State.FRESH]
    return Overview(
        shown=unfolded[choice.skip : choice.skip + SHOWN],
        unfolded=len(unfolded),
        folded=fresh[:FOLDED],
        fresh=len(fresh),
        earlier=max(0, min(choice.skip, len(unfolded)) - SHOWN) if choice.skip else None,
        later=choice.skip + SHOWN if choice.skip + SHOWN < len(unfolded) else None,
    )


def as_json(found: Judgement, choice: Choice) -> dict[str, JsonValue]:
    """What the page says. `next` is the address of the next page of tables, `all` that of every table in full."""
    page = overview(found, choice)
    return {
        "at": iso(found.at),
        "health": str(found.health),
        "unseen": None if found.unseen is None else found.unseen.message,
        "headline": headline(found),
        "problems": [_problem(found, cause, tables) for cause, tables in grouped(found)],
        "tables": [account.of_table_in_short(table, found.at) for table in page.shown],
        "tables_in_all": page.unfolded,
        "next": None if page.later is None else f"/now.json?{choice.link(page.later)}",
        "fresh": [
            {"table_name": table.table_name, "age_seconds": account.seconds(table.age_at(found.at))}
            for table in page.folded
        ],
        "fresh_in_all": page.fresh,
        "all": "/api/v1/tables",
    }


def _problem(found: Judgement, cause: Cause, tables: Sequence[TableHealth]) -> JsonValue:
    """One cause, with what is said of the table that stands worst for it."""
    return {
        "cause": str(cause),
        "state": str(tables[0].state),
        "tables": [table.table_name for table in tables[:NAMED]],
        "tables_in_all": len(tables),
        "sentences": account.of_sentences(found.told(tables[0])),
    }


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
        return sorted(tables, key=lambda table: table.proved_at or _EVER)
    return tables
