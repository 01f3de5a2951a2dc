"""How everything stands at one instant: what commands, pages, metrics and monitors all show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property

from afresh.core.circuit import Circuit
from afresh.core.errors import AfreshError, ConfigurationError
from afresh.core.facts import Facts, SourceState
from afresh.core.health import TableHealth, judge, judge_unseen, worst
from afresh.core.options import DataSyncOptions
from afresh.core.sentences import Sentences, sentences
from afresh.core.states import WORST_FIRST, Health, State

_NAMED = 8
"""So many tables are named to whoever asks for one that there is not."""


# Without slots, so that what all who look ask of it is found out once.
@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The judgement of each table, and how each source stands. While the cache cannot be asked nobody knows of any
    table, nothing is said of any source, and `unseen` says why."""

    at: datetime
    tables: tuple[TableHealth, ...] = ()
    sources: tuple[SourceState, ...] = ()
    unseen: AfreshError | None = None

    @property
    def health(self) -> Health:
        """That of the worst table, or of the cache."""
        return Health.UNHEALTHY if self.unseen is not None else worst(self.tables)

    @property
    def all_fresh(self) -> bool:
        """Whether every table that is synced is fresh."""
        return all(table.state in (State.FRESH, State.DISABLED) for table in self.tables)

    @cached_property
    def worst_first(self) -> tuple[TableHealth, ...]:
        """The tables, those that need somebody first; in one state, as they are configured."""
        return tuple(sorted(self.tables, key=lambda table: WORST_FIRST.index(table.state)))

    @property
    def breakers(self) -> Mapping[str, Circuit]:
        """How the breaker of each source stands."""
        return {source.name: circuit_of(source, self.at) for source in self.sources}

    @cached_property
    def mark(self) -> str:
        """The same, within this process, as long as every table is in the same state for the same cause, with the same
        data and the same sync under way."""
        tables = (
            (t.table_name, t.state, t.cause, t.data_as_of, t.running_since, t.failure and t.failure.sequence)
            for t in self.tables
        )
        return f"{hash(tuple(tables)) & 0xFFFF_FFFF_FFFF_FFFF:016x}"

    def of(self, table_name: str) -> TableHealth:
        """One table's judgement; ConfigurationError for one that is not kept."""
        found = self._by_name.get(table_name)
        if found is None:
            names = get_close_matches(table_name, self._by_name, n=3) or list(self._by_name)[:_NAMED]
            raise ConfigurationError(
                f"there is no table {table_name!r}", hint=f"There are: {', '.join(names) or 'none'}."
            )
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, TableHealth]:
        return {table.table_name: table for table in self.tables}

    def told(self, table: TableHealth, configuration: str | None = None) -> Sentences:
        """What there is to say of it. `configuration` is the path that commands need to be given, if they need one."""
        return sentences(table, self.at, configuration)


def judged(facts: Facts, judge: Callable[[Facts], tuple[TableHealth, ...]] = judge) -> Judgement:
    """What the facts say."""
    return Judgement(
        at=facts.now,
        tables=judge(facts),
        sources=tuple(facts.source(name) for name in facts.options.source_systems),
    )


def unseen(options: DataSyncOptions, error: AfreshError, at: datetime) -> Judgement:
    """What can be said while the cache cannot be asked: of every table that nobody knows, of no source anything."""
    return Judgement(at=at, tables=judge_unseen(options, error), unseen=error)


def circuit_of(source: SourceState, at: datetime) -> Circuit:
    """How the breaker of a source stands at an instant."""
    if source.stopped:
        return Circuit.STOPPED
    if source.breaker_until is None:
        return Circuit.CLOSED
    return Circuit.OPEN if at < source.breaker_until else Circuit.HALF_OPEN
