"""How things stand, as the web interface shows it: one judgement for all who look within a second."""

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from afresh.core.errors import AfreshError, CacheError, ConfigurationError
from afresh.core.facts import Facts
from afresh.core.health import TableHealth, judge, judge_unseen, worst
from afresh.core.options import DataSourceConfig
from afresh.core.sentences import Sentences, sentences
from afresh.core.states import WORST_FIRST, Health
from afresh.engine.service import Service

_FRESH_FOR_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One judgement of everything. Without facts the cache could not be asked; `unseen` says why."""

    at: datetime
    tables: tuple[TableHealth, ...]
    facts: Facts | None
    unseen: AfreshError | None = None

    @property
    def health(self) -> Health:
        """That of the worst table, or of the cache."""
        return Health.UNHEALTHY if self.unseen is not None else worst(self.tables)

    @property
    def worst_first(self) -> tuple[TableHealth, ...]:
        """The tables, those that need somebody first; in one state, as they are configured."""
        return tuple(sorted(self.tables, key=lambda table: WORST_FIRST.index(table.state)))

    @property
    def mark(self) -> str:
        """The same as long as every table is in the same state with the same data and the same sync under way."""
        parts = [f"{t.table_name}\0{t.state}\0{t.data_as_of}\0{t.running_since}\0{t.failure}" for t in self.tables]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def of(self, table_name: str) -> TableHealth:
        """One table's judgement; ConfigurationError for one that is not kept."""
        for table in self.tables:
            if table.table_name == table_name:
                return table
        raise ConfigurationError(f"there is no table {table_name!r}")

    def told(self, table: TableHealth) -> Sentences:
        """What there is to say of it."""
        return sentences(table, self.at, None)


class View:
    """The judgement, made at most once a second however many look at it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._known: Snapshot | None = None

    def now(self) -> Snapshot:
        """How things stand, at most a second ago."""
        with self._lock:
            if self._known is None or time.monotonic() - self._made_at > _FRESH_FOR_SECONDS:
                self._known = self._look()
                self._made_at = time.monotonic()
            return self._known

    def forget(self) -> None:
        """The next who looks sees what is so then."""
        with self._lock:
            self._known = None

    def config(self, table_name: str) -> DataSourceConfig:
        """The configuration of a table; ConfigurationError if it is not kept."""
        found = self.service.options.data_source(table_name)
        if found is None:
            raise ConfigurationError(f"there is no table {table_name!r}")
        return found

    def _look(self) -> Snapshot:
        try:
            facts = self.service.facts()
        except CacheError as error:
            at = self.service.workplace.clock.now()
            return Snapshot(at=at, tables=judge_unseen(self.service.options, error), facts=None, unseen=error)
        return Snapshot(at=facts.now, tables=judge(facts), facts=facts)
