"""What the first page says: one sentence, problems by cause, and the tables that were asked for; the same as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from afresh.core import account
from afresh.core.account import JsonValue
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.phrases import iso
from afresh.core.states import WORST_FIRST, State
from afresh.core.troubles import Trouble, troubles

SHOWN, FOLDED, NAMED, TOLD = 60, 400, 8, 10
"""How many tables are on a page, are named in the fold of the fresh ones, and are named with a problem; how many
problems are told."""
SORTS = ("worst", "name", "age")
_EVER = datetime.min.replace(tzinfo=UTC)
_WITHIN = frozenset({State.FRESH, State.DUE, State.SYNCING})


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
    page, known = overview(found, choice), troubles(found)
    return {
        "at": iso(found.at),
        "health": str(found.health),
        "unseen": None if found.unseen is None else found.unseen.message,
        "headline": headline(found),
        "problems": [_problem(found, trouble) for trouble in known[:TOLD]],
        "problems_in_all": len(known),
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


def _problem(found: Judgement, trouble: Trouble) -> JsonValue:
    """One thing that keeps tables from being fresh, with what there is to say of them all."""
    return {
        "cause": str(trouble.cause),
        "state": str(trouble.worst.state),
        "tables": [table.table_name for table in trouble.tables[:NAMED]],
        "tables_in_all": len(trouble.tables),
        "sentences": account.of_sentences(trouble.told(found)),
    }


def counted(found: Judgement) -> list[tuple[State, int]]:
    """How many tables are in each state that some are in, the worst first."""
    states = Counter(table.state for table in found.tables)
    return [(state, states[state]) for state in WORST_FIRST if states[state]]


def headline(found: Judgement) -> str:
    """One sentence that says how things stand."""
    if found.unseen is not None:
        return f"Nobody can tell how the tables stand: {found.unseen.message}."
    if not found.tables:
        return "No table is kept: the configuration names none."
    known = Counter(_standing(table) for table in found.tables)
    off, within = known.pop(_OFF, 0), known.pop(_IN_TIME, 0)
    kept = len(found.tables) - off
    told = [_WORDS[word].format(known[word], "s" if known[word] == 1 else "") for word in _WORDS if known[word]]
    if not kept:
        return f"No table is kept fresh{_and_off(off)}."
    if within == kept:
        all_of_them = "The one table is within its limit" if kept == 1 else f"All {kept} tables are within their limits"
        return f"{all_of_them}{_and_off(off)}."
    rest = f"; {within} of {kept} tables {'is within its limit' if within == 1 else 'are within their limits'}"
    sentence = ", ".join(told) + (rest if within else "") + _and_off(off)
    return f"{sentence[:1].upper()}{sentence[1:]}."


_IN_TIME, _FIRST, _OFF = "within its limit", "loading", "off"
_WORDS = {
    State.STOPPED: "{} stopped (need{} you)",
    State.LATE: "{} late",
    State.UNKNOWN: "{} unknown",
    State.CATCHING_UP: "{} catching up",
    State.NEVER_LOADED: "{} never loaded",
    _FIRST: "{} loading for the first time",
    State.PAUSED: "{} paused",
}


def _standing(table: TableHealth) -> str:
    """What a table is counted as. One that is loaded for the first time has no data that could be in time."""
    if table.state is State.DISABLED:
        return _OFF
    if table.state in _WITHIN:
        return _FIRST if table.proved_at is None else _IN_TIME
    return table.state


def _and_off(off: int) -> str:
    return f"; {off} {'is' if off == 1 else 'are'} switched off" if off else ""


def chosen(found: Judgement, choice: Choice) -> list[TableHealth]:
    """The tables of the choice, in its order."""
    wanted = choice.text.casefold()
    tables = [
        table
        for table in found.worst_first
        if (not choice.state or str(table.state) == choice.state)
        and (not choice.source or table.source_system == choice.source)
        and (not wanted or wanted in table.table_name.casefold())
    ]
    if choice.sort == "name":
        return sorted(tables, key=lambda table: table.table_name.casefold())
    if choice.sort == "age":
        return sorted(tables, key=lambda table: table.proved_at or _EVER)
    return tables
