"""What is due, and from which instant it reads. Pure: clock reading and log rows come in, decisions go out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from afresh.core.actions import NOTHING_ASKED, Action, Standing
from afresh.core.backoff import delay
from afresh.core.hold import Hold, longest
from afresh.core.model import DataUpdate, DataUpdateTask, Outcome, UpdateType
from afresh.core.options import DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.core.phrases import span

_EARLIEST = datetime.min.replace(tzinfo=UTC)

SATISFIED_BY = {
    UpdateType.MASS: (UpdateType.MASS,),
    UpdateType.DAILY: (UpdateType.MASS, UpdateType.DAILY),
    UpdateType.HOURLY: (UpdateType.MASS, UpdateType.DAILY, UpdateType.HOURLY),
}
"""A success of these types satisfies the schedule, because it read a superset."""

ANCHORED_BY = (UpdateType.MASS, UpdateType.DAILY)
"""A window reaches back from the latest success of these types, never from an Hourly."""


FAILURES_KEPT = 100
"""The log tells of at most so many failures of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the log says of one table: the latest success of each type, and failures since (newest first)."""

    successes: Mapping[UpdateType, DataUpdate]
    failures: tuple[DataUpdate, ...] = ()

    def latest(self, types: Iterable[UpdateType]) -> DataUpdate | None:
        """The success recorded last among those types."""
        latest = None
        for update_type in types:
            found = self.successes.get(update_type)
            if found is not None and (latest is None or found.sequence > latest.sequence):
                latest = found
        return latest


NO_PAST = Past(successes={})
"""That of a table of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """How one schedule of a table stands, by its past, at an instant."""

    at: datetime
    past: Past
    update_type: UpdateType
    interval: timedelta
    last: DataUpdate | None
    started: datetime | None
    """When the last success started, by the clock as it goes now."""
    due_at: datetime
    retry_at: datetime | None
    clock_went_back: bool = False
    missed: int = 0
    failed: bool = False
    """Whether the last run of this very type failed."""

    @property
    def ready_at(self) -> datetime:
        """When a sync of this type may start."""
        return max(self.due_at, self.retry_at) if self.retry_at else self.due_at

    @property
    def held_as(self) -> UpdateType:
        """What it is to its source: a window without an anchor reads as much as a Mass."""
        return UpdateType.MASS if self.past.latest(ANCHORED_BY) is None else self.update_type

    @property
    def last_run(self) -> int:
        """The sequence of the last run of this type, or of a success that stands for one; 0 without any."""
        failed = (update.sequence for update in self.past.failures if update.update_type is self.update_type)
        return max((0 if self.last is None else self.last.sequence, *failed))

    @property
    def reason(self) -> str:
        """Why it is due, or what it waits for."""
        kind, last = self.update_type, self.last
        if self.retry_at is not None and self.retry_at > max(self.at, self.due_at):
            failed = sum(update.update_type is kind for update in self.past.failures)
            times = "once" if failed == 1 else f"{failed} times"
            what = f"{kind} failed {times}" if failed else f"the last sync failed, and {kind} waits too"
            return f"{what}; tried again from {_instant(self.retry_at)}"
        if last is None:
            return f"{kind}: never succeeded"
        if self.clock_went_back:
            return f"{kind}: the last success lies in the future ({_instant(last.start_dt)})"
        if self.at < self.due_at:
            return f"{kind} is due at {_instant(self.due_at)}"
        missed = f", {self.missed} run{'' if self.missed == 1 else 's'} missed" if self.missed else ""
        since = f"last {last.update_type} success started {_instant(last.start_dt)}"
        return f"{kind}: {since}, interval {span(self.interval)}{missed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a check decided for one table: a task or none, why, and when the next sync is due."""

    table_name: str
    task: DataUpdateTask | None
    reason: str
    next_at: datetime | None
    slot: Slot | None = None


def pasts(last_updates: Iterable[DataUpdate], failures: Mapping[str, Sequence[DataUpdate]]) -> dict[str, Past]:
    """The log's answers, sorted by table."""
    successes: dict[str, dict[UpdateType, DataUpdate]] = {}
    for update in last_updates:
        successes.setdefault(update.table_name, {})[update.update_type] = update
    return {
        name: Past(successes=successes.get(name, {}), failures=tuple(failures.get(name, ())))
        for name in {*successes, *failures}
    }


def gone_on(known: Mapping[str, Past], updates: Iterable[DataUpdate]) -> dict[str, Past]:
    """The pasts after those updates, which may be known already or open; those of other tables are the same objects."""
    found = dict(known)
    for update in updates:
        if update.outcome is not None:
            name = update.table_name
            found[name] = _with(found.get(name, NO_PAST), update)
    return found


def _with(past: Past, update: DataUpdate) -> Past:
    """The past after that update; the same object if it says nothing new."""
    last = past.successes.get(update.update_type)
    if last is not None and last.sequence >= update.sequence:
        return past
    if update.outcome is Outcome.SUCCEEDED:
        left = (
            one for one in past.failures if one.update_type is not update.update_type or one.sequence > update.sequence
        )
        return Past(successes={**past.successes, update.update_type: update}, failures=tuple(left))
    if any(failure.sequence == update.sequence for failure in past.failures):
        return past
    failures = sorted((*past.failures, update), key=lambda one: -one.sequence)
    return Past(successes=past.successes, failures=tuple(failures[:FAILURES_KEPT]))


def pending(
    options: DataSyncOptions,
    pasts: Mapping[str, Past],
    now: datetime,
    in_flight: frozenset[str],
    new_operation_id: Callable[[], str],
    asked: Standing = NOTHING_ASKED,
    holds: Sequence[Hold] = (),
) -> tuple[Decision, ...]:
    """One decision for each data source, in the order of the configuration."""
    decisions = tuple(
        decide(config, options, pasts.get(config.table_name, NO_PAST), now, in_flight, new_operation_id, asked, holds)
        for config in options.data_sources
    )
    return _probing(decisions, options, in_flight, [hold for hold in holds if hold.probe])


def decide(
    config: DataSourceConfig,
    options: DataSyncOptions,
    past: Past,
    now: datetime,
    in_flight: frozenset[str],
    new_operation_id: Callable[[], str],
    asked: Standing = NOTHING_ASKED,
    holds: Sequence[Hold] = (),
) -> Decision:
    """The one task of a table in this check: the first of Mass, Daily, Hourly that is enabled and due; none while
    the table or its source is paused.

    A type whose last run failed lets the others that are due go first, so that a Mass that is refused again and
    again does not keep the windows from running; but each only once, so that windows that are always due do not keep
    the Mass from being tried. A type that its source is held for waits, and lets the others go; a window that would
    read everything, for want of an anchor, waits when a Mass would.
    """

    def nothing(reason: str, next_at: datetime | None = None) -> Decision:
        return Decision(table_name=config.table_name, task=None, reason=reason, next_at=next_at)

    if not config.is_enabled:
        return nothing("the data source is disabled")
    slots = slots_of(config, options, past, now, asked)
    if not slots:
        return nothing("no schedule is enabled")
    pause = asked.pause_of(config.table_name, config.source_system)
    if pause is not None:
        return nothing(f"it was paused by {pause.who} at {_instant(pause.at)}: {pause.reason}")
    if config.table_name in in_flight:
        return nothing("a sync of it is running", now)
    ready = [slot for slot in slots if slot.ready_at <= now]
    if not ready:
        first = min(slots, key=lambda slot: slot.ready_at)
        return nothing(first.reason, first.ready_at)
    kept = {
        slot.update_type: hold
        for slot in ready
        if (hold := longest(_of_source(holds, config.source_system), slot.held_as)) is not None
    }
    if len(kept) == len(ready):
        hold = kept[min(ready, key=lambda slot: slot.update_type).update_type]
        return nothing(f"{ready[0].update_type} is due and waits: {hold.reason}", hold.until)
    free = [slot for slot in ready if slot.update_type not in kept]
    slot = _first(free)
    task = DataUpdateTask(
        table_name=config.table_name,
        update_type=slot.update_type,
        source_system=config.source_system,
        minimum_dt=minimum_dt(slot.update_type, slot.interval, past, options.lookback_multiplier),
        late_before=late_before(slot.update_type, config, past, options.lookback_multiplier),
        operation_id=new_operation_id(),
        reason=slot.reason,
        allow_shrink=slot.update_type is UpdateType.MASS and accepted(asked, past, config.table_name) is not None,
    )
    return Decision(table_name=config.table_name, task=task, reason=slot.reason, next_at=now, slot=slot)


def _first(ready: Sequence[Slot]) -> Slot:
    """The one whose turn it is: of those that failed, the one that was passed over longest comes before one that ran
    since."""
    first = min(ready, key=lambda slot: (slot.failed, slot.update_type))
    passed_over = [slot for slot in ready if slot.failed and slot.last_run < first.last_run]
    return min(passed_over, key=lambda slot: slot.last_run, default=first)


def _of_source(holds: Sequence[Hold], source_system: str) -> list[Hold]:
    return [hold for hold in holds if hold.source_system == source_system]


def _probing(
    decisions: tuple[Decision, ...], options: DataSyncOptions, in_flight: frozenset[str], probes: Sequence[Hold]
) -> tuple[Decision, ...]:
    """Of a source that is being tried one sync goes, the first that is due; none if one is under way."""
    systems = {config.table_name: config.source_system for config in options.data_sources}
    trying = {systems.get(table_name) for table_name in in_flight}
    waiting = {hold.source_system: hold for hold in probes}
    found = []
    for decision in decisions:
        system = systems[decision.table_name]
        if decision.task is None or system not in waiting:
            found.append(decision)
        elif system in trying:
            reason = f"{decision.task.update_type} is due and waits: {waiting[system].reason}"
            found.append(replace(decision, task=None, slot=None, reason=reason))
        else:
            trying.add(system)
            found.append(decision)
    return tuple(found)


def slots_of(
    config: DataSourceConfig,
    options: DataSyncOptions,
    past: Past,
    now: datetime,
    asked: Standing = NOTHING_ASKED,
) -> tuple[Slot, ...]:
    """How each enabled schedule of a table stands, by priority."""
    found = ((update_type, config.schedule(update_type)) for update_type in UpdateType)
    slots = (_slot(update_type, schedule, options, past, now, asked) for update_type, schedule in found if schedule)
    if accepted(asked, past, config.table_name) is None:
        return tuple(slots)
    return tuple(replace(slot, retry_at=None) if slot.update_type is UpdateType.MASS else slot for slot in slots)


def accepted(asked: Standing, past: Past, table_name: str) -> Action | None:
    """The leave for the next Mass to shrink the table; None once a Mass has started after it was given."""
    leave = asked.accept_of(table_name)
    if leave is None:
        return None
    started = (past.successes.get(UpdateType.MASS), *past.failures)
    masses = [update for update in started if update is not None and update.update_type is UpdateType.MASS]
    used = any(update.sequence > leave.after_update for update in masses)
    return None if used else leave


def late_before(
    update_type: UpdateType, config: DataSourceConfig, past: Past, lookback_multiplier: float
) -> datetime | None:
    """The instant before which no row should be new any more: for a window that of the latest success, which read all
    there was until then; for a Mass the one that the table's windows reach back to. None before the first success that
    anchors a window, and for the Mass of a table without windows."""
    if update_type is not UpdateType.MASS:
        last = past.latest(tuple(UpdateType))
        return None if past.latest(ANCHORED_BY) is None or last is None else last.anchor
    windows = ((kind, config.schedule(kind)) for kind in (UpdateType.DAILY, UpdateType.HOURLY))
    found = (minimum_dt(kind, window.interval, past, lookback_multiplier) for kind, window in windows if window)
    return min((at for at in found if at is not None), default=None)


def minimum_dt(update_type: UpdateType, interval: timedelta, past: Past, lookback_multiplier: float) -> datetime | None:
    """The instant a fetch reads from: everything for a Mass or without an anchor, else anchor minus lookback."""
    anchor = past.latest(ANCHORED_BY)
    if update_type is UpdateType.MASS or anchor is None:
        return None
    try:
        return max(anchor.anchor - interval * lookback_multiplier, _EARLIEST)
    except OverflowError:
        return None


def _slot(
    update_type: UpdateType,
    schedule: ScheduleConfig,
    options: DataSyncOptions,
    past: Past,
    now: datetime,
    asked: Standing,
) -> Slot:
    types = (update_type,) if options.strict_schedules else SATISFIED_BY[update_type]
    last = past.latest(types)
    lost = asked.lost_since(last.sequence) if last is not None else timedelta(0)
    due_at, went_back, missed = _due(schedule.interval, last, now, lost)
    return Slot(
        at=now,
        past=past,
        update_type=update_type,
        interval=schedule.interval,
        last=last,
        started=None if last is None else last.start_dt - lost,
        due_at=due_at,
        retry_at=_retry_at(update_type, schedule.interval, options.check_interval, past, now),
        clock_went_back=went_back,
        missed=missed,
        failed=any(
            update.update_type is update_type and update.outcome is not Outcome.CANCELLED for update in past.failures
        ),
    )


def _due(interval: timedelta, last: DataUpdate | None, now: datetime, lost: timedelta) -> tuple[datetime, bool, int]:
    """When it is due, whether the clock went back since the last success, and how many runs were missed."""
    if last is None or last.start_dt > now:
        return now, last is not None, 0
    due_at = last.start_dt - lost + interval
    missed = max(int((now - last.start_dt + lost) / interval) - 1, 0) if now >= due_at else 0
    return due_at, False, missed


def _retry_at(
    update_type: UpdateType, interval: timedelta, base: timedelta, past: Past, now: datetime
) -> datetime | None:
    """When the back-off after failures ends: that of this type, and that of the table as a whole.

    A failure in the future of our clock holds nothing back: the clock went back, nobody knows how far.
    """
    counted = [update for update in past.failures if update.outcome is not Outcome.CANCELLED and update.end_dt]
    if not counted:
        return None
    latest = past.latest(UpdateType)
    in_a_row = [update for update in counted if latest is None or update.sequence > latest.sequence]
    of_type = [update for update in counted if update.update_type is update_type]
    ends = [
        failed[0].end_dt + delay(len(failed), base=base, cap=interval)
        for failed in (of_type, in_a_row)
        if failed and failed[0].end_dt and failed[0].end_dt <= now
    ]
    return max(ends, default=None)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
