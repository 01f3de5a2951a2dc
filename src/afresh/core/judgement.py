"""How everything stands at one instant, for those who watch from outside: tables, and the breakers of sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from afresh.core.circuit import Circuit
from afresh.core.errors import AfreshError
from afresh.core.facts import Facts, SourceState
from afresh.core.health import TableHealth, judge, judge_unseen
from afresh.core.options import DataSyncOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The judgement of each table, and how the breaker of each source stands; empty if there is nothing to judge."""

    tables: tuple[TableHealth, ...] = ()
    breakers: Mapping[str, Circuit] = field(default_factory=dict)


def judged(facts: Facts) -> Judgement:
    """What the facts say."""
    return Judgement(
        tables=judge(facts),
        breakers={name: circuit_of(facts.source(name), facts.now) for name in facts.options.source_systems},
    )


def unseen(options: DataSyncOptions, error: AfreshError) -> Judgement:
    """What can be said while the cache cannot be asked: of every table that nobody knows, of no source anything."""
    return Judgement(tables=judge_unseen(options, error))


def circuit_of(source: SourceState, at: datetime) -> Circuit:
    """How the breaker of a source stands at an instant."""
    if source.stopped:
        return Circuit.STOPPED
    if source.breaker_until is None:
        return Circuit.CLOSED
    return Circuit.OPEN if at < source.breaker_until else Circuit.HALF_OPEN
