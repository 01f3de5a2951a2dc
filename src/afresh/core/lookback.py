"""How late rows come, and whether the lookback of windows fits: pure arithmetic on what the log has measured.

A row is late if it is new, or newer than in the cache, though its stamp lies before the instant of the sync before:
that sync read everything stamped until then, so the row was committed after it. How long after its stamp it came is
not known exactly, but it was so long at least. Windows overlap for the sake of such rows; one that comes later than
the lookback is brought by no window, only by a Mass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from afresh.core.model import DataUpdate, DataUpdateTask, Late, Outcome, UpdateType
from afresh.core.options import DataSourceConfig
from afresh.core.phrases import span
from afresh.core.schema import DATETIME, TableSchema

ENOUGH_WINDOWS = 30
"""So many windows are looked at, and so many are needed to say that a lookback is larger than it need be."""

_SAFETY = 2
"""The lookback should be so many times the largest lateness: what came once comes later another time."""

_NEEDLESS = 10
"""A lookback of more than so many times the largest lateness is larger than it need be."""

_SMALLEST_LARGE = 1
"""No multiplier up to this one is called too large."""

_EDGE = 0.9
"""From this part of the lookback on, rows that came later may have been missed."""

_SECOND = timedelta(seconds=1)
"""Many stamps are cut to whole seconds: what is late by less may not be late."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How the lateness of a table's rows is measured in one sync. `at` is the instant before which rows are late;
    stamps are read in the zone of the source, as instants or as readings of its wall clock that are labelled UTC."""

    at: datetime
    zone: ZoneInfo
    as_readings: bool

    @property
    def before(self) -> datetime:
        """The instant as the stamps are: itself, or the reading labelled UTC."""
        return self.at.astimezone(self.zone).replace(tzinfo=UTC) if self.as_readings else self.at

    def of_day(self) -> "Measure":
        """The same from the beginning of that day in the source."""
        begin = self.at.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return replace(self, at=begin.astimezone(UTC))

    def lateness(self, late: Late) -> timedelta | None:
        """How late the latest row came, at least; zero if none did, None if its stamp is beyond our time."""
        if late.oldest is None:
            return timedelta(0)
        try:
            found = self.at - self._stood_for(late.oldest)
        except OverflowError:
            return None
        return found if found >= _SECOND else timedelta(0)

    def _stood_for(self, stamp: datetime) -> datetime:
        """The latest instant that the stamp stands for. One of midnight stands for its day: many tables have no time
        beside the date."""
        local = stamp.replace(tzinfo=None) if self.as_readings else stamp.astimezone(self.zone).replace(tzinfo=None)
        if local.time() == time():
            local += _DAY
        elif not self.as_readings:
            return stamp
        return local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)


def measure_of(task: DataUpdateTask, schema: TableSchema, zone: ZoneInfo) -> Measure | None:
    """How lateness is measured in the sync; None without a stamp that says when, and where nothing can be late yet.

    For a Mass, only rows stamped before the day are counted that windows reach back to: a stamp may have no time.
    """
    if schema.stamp is None or task.late_before is None:
        return None
    measure = Measure(at=task.late_before, zone=zone, as_readings=schema.column(schema.stamp).type == DATETIME)
    return measure.of_day() if task.update_type is UpdateType.MASS else measure


class Verdict(StrEnum):
    """What is said of a lookback."""

    ENOUGH = "enough"
    TOO_SMALL = "too small"
    LARGER_THAN_NEEDED = "larger than needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """What the latest syncs of a table say of the lookback of one schedule's windows.

    `windows` measured the lateness of rows, `latest` is the largest; both speak of all windows of the table. `missed`
    counts the rows of the last Mass that no window reached. `recommended` is the LookbackMultiplier that would fit;
    None if the present one does.
    """

    update_type: UpdateType
    interval: timedelta
    multiplier: float
    windows: int
    latest: timedelta
    missed: int = 0
    verdict: Verdict = Verdict.ENOUGH
    recommended: float | None = None

    @property
    def span(self) -> timedelta:
        """How far the windows reach back before their anchor."""
        return self.interval * self.multiplier

    @property
    def at_edge(self) -> bool:
        """Whether rows came so late that others may have been missed."""
        return self.latest > timedelta(0) and self.latest >= self.span * _EDGE

    @property
    def said(self) -> str:
        """The evidence and what follows from it, for people."""
        return " ".join(part for part in (self._evidence(), self._advice(), self._missed()) if part)

    def _evidence(self) -> str:
        last = f"the last {self.windows} windows" if self.windows > 1 else "the last window"
        came = f"rows came up to {span(self.latest)} late" if self.latest else "no row came late"
        reach = f"{self.multiplier:g} x {span(self.interval)} = {span(self.span)}"
        return f"In {last} {came}; {self.update_type} windows look back {reach}: {self.verdict}."

    def _advice(self) -> str:
        if self.verdict is Verdict.TOO_SMALL:
            edge = " Rows that came later still, these windows could not bring." if self.at_edge else ""
            twice = f"{_SAFETY} x {span(self.latest)} / {span(self.interval)}, rounded up"
            return f"Raise lookback_multiplier to {self.recommended:g} ({twice}).{edge}"
        if self.verdict is Verdict.LARGER_THAN_NEEDED:
            return f"If that holds for every table, a lookback_multiplier of {self.recommended:g} reads less."
        return ""

    def _missed(self) -> str:
        if not self.missed:
            return ""
        rows = "1 row" if self.missed == 1 else f"{self.missed:,} rows"
        return (
            f"The last Mass brought {rows} stamped before any window reached back to: committed later than the "
            "lookback, or written with an old stamp."
        )


def judged(config: DataSourceConfig, multiplier: float, updates: Sequence[DataUpdate]) -> tuple[Lookback, ...]:
    """What the table's updates, latest first, say of each schedule of windows; nothing if none measured."""
    successes = [update for update in updates if update.outcome is Outcome.SUCCEEDED and update.details is not None]
    measured = [update.details.lateness for update in successes if update.details is not None]
    late = [lateness for lateness in measured if lateness is not None][:ENOUGH_WINDOWS]
    counted = [update.details.missed for update in successes if update.details is not None]
    missed = next((rows for rows in counted if rows is not None), 0)
    kinds = ((kind, config.schedule(kind)) for kind in (UpdateType.DAILY, UpdateType.HOURLY))
    windows = [(kind, schedule.interval) for kind, schedule in kinds if schedule is not None]
    if not late or not windows:
        return ()
    widest = max(interval for _kind, interval in windows)
    return tuple(
        _judged(
            Lookback(
                update_type=kind,
                interval=interval,
                multiplier=multiplier,
                windows=len(late),
                latest=max(late),
                missed=missed if interval == widest else 0,
            )
        )
        for kind, interval in windows
    )


def _judged(found: Lookback) -> Lookback:
    """It is too small if the largest lateness exceeds half of it, and larger than it need be if thirty windows did
    not use a tenth of it and no row was missed."""
    verdict, recommended = Verdict.ENOUGH, None
    if found.latest * _SAFETY > found.span:
        verdict, recommended = Verdict.TOO_SMALL, float(-(-found.latest * _SAFETY // found.interval))
    elif (
        found.windows >= ENOUGH_WINDOWS
        and not found.missed
        and found.multiplier > _SMALLEST_LARGE
        and found.latest * _NEEDLESS < found.span
    ):
        verdict, recommended = Verdict.LARGER_THAN_NEEDED, max(found.multiplier / 2, _SMALLEST_LARGE)
    return replace(found, verdict=verdict, recommended=recommended)
