"""What `init --source` asks a source: who we are, and which tables it has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from afresh.cli.proposal import Proposal, propose
from afresh.core.errors import AfreshError
from afresh.core.ports import Account, SourceSystem, TableSummary

MOST = 100
"""So many tables are described, the largest first, unless `--tables` chooses more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found. `left_out` are tables that nobody asked for: their names, with what is known of their size;
    `unread` are those that could not be described, with the reason."""

    account: Account
    proposals: tuple[Proposal, ...]
    left_out: tuple[TableSummary, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


def survey(
    source: SourceSystem,
    *,
    schema: str | None,
    patterns: Sequence[str],
    views: bool,
    reserved: frozenset[str] = frozenset(),
) -> Survey:
    """Asks for the tables of a schema, or of all; describes those that a pattern fits (`F4*`, `sales.*`). None is
    named as what the cache has reserved, in whatever case."""
    account = source.catalogue.account()
    every = source.catalogue.tables(schema)
    fitting = [summary for summary in every if _fits(summary, patterns) and (views or not summary.is_view)]
    chosen = fitting if patterns else fitting[:MOST]
    names = dict(zip(chosen, _names(chosen, reserved), strict=True))
    proposals, unread = [], []
    for summary in sorted(chosen, key=lambda one: str(one.table).casefold()):
        try:
            info = source.catalogue.describe(summary.table)
        except AfreshError as error:
            unread.append((str(summary.table), error.message))
            continue
        if info is None or not info.columns:
            unread.append((str(summary.table), "it may not be seen, or has no columns"))
        else:
            proposals.append(propose(summary, info, names[summary]))
    return Survey(
        account=account,
        proposals=tuple(proposals),
        left_out=tuple(summary for summary in every if summary not in names),
        unread=tuple(unread),
    )


def _fits(summary: TableSummary, patterns: Sequence[str]) -> bool:
    names = (summary.table.name.casefold(), str(summary.table).casefold())
    return not patterns or any(fnmatchcase(name, pattern.casefold()) for pattern in patterns for name in names)


def _names(summaries: Sequence[TableSummary], reserved: frozenset[str]) -> Iterator[str]:
    """Names in the cache: the table's own, with its schema where two schemas have one of that name, and with a number
    where the name is not free."""
    folded = [summary.table.name.casefold() for summary in summaries]
    taken = {name.casefold() for name in reserved}
    for summary, name in zip(summaries, folded, strict=True):
        own = "".join(letter if letter.isprintable() else "_" for letter in summary.table.name).strip() or "_"
        if folded.count(name) > 1 and summary.table.schema:
            own = f"{summary.table.schema}_{own}"
        while own.casefold() in taken:
            own += "_2"
        taken.add(own.casefold())
        yield own
