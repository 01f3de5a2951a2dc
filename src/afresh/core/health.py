"""How a table stands, and why: judged from facts alone. One judgement; commands, pages and metrics show it.

Green must be earned: a table is fresh only if a committed success proves it, by a clock that can be trusted, under a
service that is there to keep it so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from afresh.core.actions import Action, Standing
from afresh.core.cause import NEEDS_A_PERSON, Cause, cause_of
from afresh.core.errors import AfreshError
from afresh.core.facts import Facts
from afresh.core.hold import Hold, longest
from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import DataSourceConfig, DataSyncOptions
from afresh.core.schedule import SATISFIED_BY, Past, Slot, accepted, slots_of
from afresh.core.states import Health, State

GRACE = 1.5
"""A success counts for this many intervals."""

FAILURES_TO_UNHEALTHY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """The judgement of one table; every state but Fresh has a cause.

    `data_as_of` is the instant, on the source's clock, that the last committed update proves, and `proved_at` that
    instant by our clock, from which its age counts; `limit` is the age that the tightest schedule allows, and
    `late_at` when the first limit is reached. `right_by` is when it should be right again, None wherever that
    depends on somebody else. `failure` is the failed update that the cause comes from, `silent_since` when a
    service that lives looked last, if that is too long ago, `hindered` the error that its last look ended with, if
    that is known, `unseen` the error because of which nothing is known, `recorded` the sequence of the last update
    that has ended. `changes_at` is until when the judgement stays as it is if nothing happens; None for ever.
    """

    table_name: str
    source_system: str
    state: State
    health: Health
    cause: Cause | None
    last_success: Mapping[UpdateType, DataUpdate] = field(default_factory=dict)
    data_as_of: datetime | None = None
    proved_at: datetime | None = None
    limit: timedelta | None = None
    late_at: datetime | None = None
    running: DataUpdate | None = None
    consecutive_failures: int = 0
    failure: DataUpdate | None = None
    next_at: datetime | None = None
    right_by: datetime | None = None
    pause: Action | None = None
    accepted: Action | None = None
    service_is_on: bool = False
    silent_since: datetime | None = None
    hindered: AfreshError | None = None
    unseen: AfreshError | None = None
    recorded: int = 0
    changes_at: datetime | None = None

    def age_at(self, at: datetime) -> timedelta | None:
        """How old the data is at that instant, by our clock; None while there is none that was proved."""
        return None if self.proved_at is None else at - self.proved_at

    def overdue_at(self, at: datetime) -> timedelta | None:
        """How far it is over its limit at that instant; None if it is within."""
        return None if self.late_at is None or at <= self.late_at else at - self.late_at

    @property
    def stamp(self) -> tuple[int, str, bool]:
        """The same as long as no sync of the table has started or ended."""
        return self.recorded, self.running.operation_id if self.running else "", self.unseen is None

    @property
    def running_since(self) -> datetime | None:
        """When the sync that has not ended was started."""
        return self.running.start_dt if self.running else None

    @property
    def last_error(self) -> str | None:
        """What went wrong, in the words of the error."""
        return self.failure.error_message if self.failure else None

    @property
    def latest(self) -> DataUpdate | None:
        """The success recorded last."""
        return max(self.last_success.values(), key=lambda update: update.sequence, default=None)


def judge(facts: Facts) -> tuple[TableHealth, ...]:
    """Every data source's health, in the order of the configuration."""
    return tuple(judge_table(config, facts) for config in facts.options.data_sources)


def judge_unseen(options: DataSyncOptions, error: AfreshError) -> tuple[TableHealth, ...]:
    """What can be said while the cache cannot be asked: of no table anything."""
    return tuple(
        TableHealth(
            table_name=config.table_name,
            source_system=config.source_system,
            state=State.UNKNOWN,
            health=Health.UNHEALTHY,
            cause=cause_of(error),
            unseen=error,
        )
        for config in options.data_sources
    )


def judge_table(config: DataSourceConfig, facts: Facts) -> TableHealth:
    """One table's health."""
    seen = _Seen.of(config, facts)
    state, cause = _state(seen)
    right_by = _right_by(seen, state)
    return TableHealth(
        table_name=config.table_name,
        source_system=config.source_system,
        state=state,
        health=_health(seen, state),
        cause=cause,
        last_success=seen.past.successes,
        data_as_of=seen.latest.anchor if seen.latest else None,
        proved_at=seen.proved_at,
        limit=seen.limit,
        late_at=seen.late_at,
        running=seen.running,
        consecutive_failures=len(seen.in_a_row),
        failure=seen.waits_for_you or (seen.in_a_row[0] if seen.in_a_row else seen.cancelled),
        next_at=_next_at(seen, state),
        right_by=right_by,
        pause=seen.pause,
        accepted=accepted(facts.asked, seen.past, config.table_name),
        service_is_on=facts.service_is_on,
        silent_since=facts.silent_since,
        hindered=facts.hindered,
        recorded=max((update.sequence for update in (*seen.past.successes.values(), *seen.past.failures)), default=0),
        changes_at=facts.now if right_by is not None else _changes_at(seen),
    )


def worst(tables: Iterable[TableHealth]) -> Health:
    """The aggregate: that of the worst table; healthy without any."""
    order = list(Health)
    return max((table.health for table in tables), key=order.index, default=Health.HEALTHY)


# ------------------------------------------------------------------------------------------------ the judgement

_ABOUT_ROWS = frozenset({Cause.SHRANK, Cause.BAD_DATA})
"""Only a success that read the same rows shows that these are over; the others any success does."""


# Without slots, so that what several rules ask for is found out once.
@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One table, as the facts show it."""

    facts: Facts
    config: DataSourceConfig
    slots: tuple[Slot, ...]
    past: Past
    latest: DataUpdate | None
    running: DataUpdate | None
    pause: Action | None
    in_a_row: tuple[DataUpdate, ...]
    waits_for_you: DataUpdate | None
    proved_at: datetime | None
    limit: timedelta | None
    late_at: datetime | None

    @classmethod
    def of(cls, config: DataSourceConfig, facts: Facts) -> "_Seen":
        past = facts.past(config.table_name)
        latest = past.latest(UpdateType)
        failures = [update for update in past.failures if update.outcome is not Outcome.CANCELLED]
        slots = slots_of(config, facts.options, past, facts.now, facts.asked) if config.is_enabled else ()
        proved_at = None if latest is None else _proved_at(latest, facts.asked)
        limit = min((slot.interval * GRACE for slot in slots), default=None)
        return cls(
            facts=facts,
            config=config,
            slots=slots,
            past=past,
            latest=latest,
            running=facts.open_update(config.table_name),
            pause=facts.asked.pause_of(config.table_name, config.source_system),
            in_a_row=tuple(update for update in failures if latest is None or update.sequence > latest.sequence),
            waits_for_you=_waits_for_you(config, facts, failures),
            proved_at=proved_at,
            limit=limit,
            late_at=_late_at(slots, proved_at, limit),
        )

    @property
    def late(self) -> bool:
        return self.late_at is not None and self.facts.now > self.late_at

    @property
    def cancelled(self) -> DataUpdate | None:
        """The last sync, if somebody stopped it."""
        last = max((self.latest, *self.past.failures), key=lambda update: update.sequence if update else 0)
        return last if last is not None and last.outcome is Outcome.CANCELLED else None

    @property
    def orphaned(self) -> bool:
        """Whether an update is open whose process is gone: nobody has said yet how it ended."""
        return self.running is not None and self.running.instance_id not in self.facts.live

    @property
    def clock_is_wrong(self) -> bool:
        return self.facts.clock_went_back or any(slot.clock_went_back for slot in self.slots)

    @property
    def due(self) -> bool:
        return any(slot.due_at <= self.facts.now for slot in self.slots)

    @property
    def next_is_mass(self) -> bool:
        """Whether what is due is a Mass, which goes before all else."""
        return any(slot.due_at <= self.facts.now and slot.update_type is UpdateType.MASS for slot in self.slots)

    @cached_property
    def held_until(self) -> datetime | None:
        """Until when the source is left alone, with all that is due of this table."""
        state = self.facts.source(self.config.source_system)
        ends = [state.breaker_until, None if self.hold is None else self.hold.until]
        return max((end for end in ends if end is not None and end > self.facts.now), default=None)

    @cached_property
    def hold(self) -> Hold | None:
        """What keeps all that is due from beginning; None if nothing does, or something may begin."""
        holds = self.facts.holds_of(self.config.source_system)
        kept = [longest(holds, slot.held_as) for slot in self.slots if slot.due_at <= self.facts.now]
        return kept[0] if kept and None not in kept else None

    def why(self, otherwise: Cause) -> Cause:
        """The cause of a table that is waited for: its last failure, what hinders the service, what holds its source,
        no worker, or that."""
        state, now = self.facts.source(self.config.source_system), self.facts.now
        if self.in_a_row:
            return self.in_a_row[0].cause or Cause.DEFECT
        if self.facts.hindered is not None:
            return cause_of(self.facts.hindered)
        if state.breaker_until is not None and state.breaker_until > now:
            return Cause.SOURCE_UNREACHABLE
        if self.hold is not None:
            return self.hold.cause
        if self.running is None and self.facts.no_place(self.config.source_system, mass=self.next_is_mass):
            return Cause.NO_WORKER
        return Cause.CANCELLED if self.cancelled is not None and self.running is None else otherwise


def _proved_at(latest: DataUpdate, asked: Standing) -> datetime:
    """By our clock, whatever the source's says: the start of the update, or before that where the source had older
    transactions open; earlier by what our clock lost since then."""
    lost = asked.lost_since(latest.sequence)
    skew = latest.details.skew if latest.details else None
    if latest.source_dt is None or skew is None:
        return latest.start_dt - lost
    return min(latest.start_dt, latest.source_dt - skew) - lost


def _late_at(slots: Iterable[Slot], proved_at: datetime | None, limit: timedelta | None) -> datetime | None:
    """When the table reaches the limit of the schedule that is worst off; None without any success."""
    ends = [slot.started + slot.interval * GRACE for slot in slots if slot.started]
    if proved_at is not None and limit is not None:
        ends.append(proved_at + limit)
    return min(ends, default=None)


def _changes_at(seen: _Seen) -> datetime | None:
    """The first instant from which time alone may change what is judged; now, while it does all the time."""
    now, source = seen.facts.now, seen.config.source_system
    if any(slot.last is None or slot.clock_went_back for slot in seen.slots):
        return now
    ends = [seen.late_at + timedelta.resolution if seen.late_at else None, seen.facts.source(source).breaker_until]
    ends += [hold.until for hold in seen.facts.holds_of(source)]
    ends += [slot.due_at for slot in seen.slots]
    ends += [failure.end_dt for failure in seen.past.failures]
    return min((end for end in ends if end is not None and end > now), default=None)


def _waits_for_you(config: DataSourceConfig, facts: Facts, failures: Iterable[DataUpdate]) -> DataUpdate | None:
    """The latest failure of a type that will come again until somebody acts, and that no success has overtaken."""
    past = facts.past(config.table_name)
    leave = accepted(facts.asked, past, config.table_name)
    newest = {failure.update_type: failure for failure in reversed(tuple(failures))}
    for failure in sorted(newest.values(), key=lambda update: -update.sequence):
        cause = failure.cause
        if cause not in NEEDS_A_PERSON or (cause is Cause.SHRANK and leave is not None):
            continue
        types = SATISFIED_BY[failure.update_type] if cause in _ABOUT_ROWS else tuple(UpdateType)
        after = past.latest(types)
        if after is None or after.sequence < failure.sequence:
            return failure
    return None


def _state(seen: _Seen) -> tuple[State, Cause | None]:
    """The state and its cause; the first that applies."""
    if not seen.slots:
        return State.DISABLED, Cause.CONFIGURATION
    if seen.pause is not None:
        return State.PAUSED, Cause.PAUSED
    if seen.clock_is_wrong:
        return State.UNKNOWN, Cause.CONFIGURATION
    if seen.orphaned:
        return State.UNKNOWN, Cause.SERVICE_OFF
    if seen.waits_for_you is not None:
        return State.STOPPED, seen.waits_for_you.cause
    if len(seen.in_a_row) >= FAILURES_TO_UNHEALTHY:
        return State.STOPPED, seen.in_a_row[0].cause or Cause.DEFECT
    if seen.latest is None and seen.running is None:
        return State.NEVER_LOADED, seen.why(Cause.ROUTINE if seen.facts.service_is_on else Cause.SERVICE_OFF)
    if not seen.facts.service_is_on and seen.running is None:
        return State.STOPPED, cause_of(seen.facts.hindered) if seen.facts.hindered else Cause.SERVICE_OFF
    if seen.late:
        return _late(seen)
    if seen.running is not None:
        return State.SYNCING, seen.why(Cause.ROUTINE)
    return (State.DUE, seen.why(Cause.ROUTINE)) if seen.due else (State.FRESH, None)


def _late(seen: _Seen) -> tuple[State, Cause]:
    """Over the limit: healing if something is under way or known to come."""
    if seen.running is not None:
        was_late = seen.late_at is not None and seen.running.start_dt > seen.late_at
        return State.CATCHING_UP, seen.why(Cause.SERVICE_OFF if was_late else Cause.SOURCE_SLOW)
    if seen.in_a_row or seen.held_until is not None:
        return State.CATCHING_UP, seen.why(Cause.SERVICE_OFF)
    if not seen.due:
        # The schedule was met, but by a source that has transactions open for longer than the limit allows.
        return State.CATCHING_UP, Cause.SOURCE_SLOW
    return State.LATE, seen.why(Cause.SERVICE_OFF)


def _health(seen: _Seen, state: State) -> Health:
    """The specified rules. Besides: what is paused, stopped or unknown is at least degraded, for it is not healthy."""
    if state is State.DISABLED:
        return Health.HEALTHY
    held = seen.running is not None or seen.held_until is not None
    progressing = held or (bool(seen.in_a_row) and seen.facts.service_is_on)
    if state in {State.UNKNOWN, State.NEVER_LOADED} and len(seen.in_a_row) < FAILURES_TO_UNHEALTHY:
        return Health.DEGRADED if seen.facts.service_is_on or held else Health.UNHEALTHY
    if len(seen.in_a_row) >= FAILURES_TO_UNHEALTHY or (seen.late and (not progressing or seen.pause is not None)):
        return Health.UNHEALTHY
    if not seen.facts.service_is_on and seen.running is None:
        return Health.UNHEALTHY
    degraded = seen.late or seen.latest is None or state in {State.PAUSED, State.STOPPED}
    return Health.DEGRADED if degraded else Health.HEALTHY


def _next_at(seen: _Seen, state: State) -> datetime | None:
    """When the next sync may start; None if that is for somebody to say."""
    if state is State.PAUSED or not seen.facts.service_is_on:
        return None
    ready = min((slot.ready_at for slot in seen.slots), default=None)
    return max(ready, seen.held_until) if ready is not None and seen.held_until is not None else ready


def _right_by(seen: _Seen, state: State) -> datetime | None:
    """When what is under way should have ended, if it takes as long as last time; None where others decide that."""
    if state not in {State.DUE, State.SYNCING, State.CATCHING_UP} or seen.in_a_row:
        return None
    if seen.why(Cause.ROUTINE) not in {Cause.ROUTINE, Cause.QUIET_HOURS} or seen.latest is None:
        return None
    took = seen.latest.end_dt - seen.latest.start_dt if seen.latest.end_dt else timedelta(0)
    if seen.running is not None:
        expected = seen.running.start_dt + took
        same = seen.running.update_type is seen.latest.update_type
        return expected if same and expected > seen.facts.now else None
    begins = _next_at(seen, state)
    return max(begins, seen.facts.now) + seen.facts.options.check_interval + took if begins else None
