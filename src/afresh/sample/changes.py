"""What the simulator does to the source: stamps, statements and the changes they make."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from afresh.jde.dates import to_julian, to_time

Value: TypeAlias = int | str | None
Key: TypeAlias = tuple[Value, ...]

_REPEATED = timedelta(hours=1)


class ChangeKind(StrEnum):
    """What happened to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    REWRITE = "rewrite"
    """An update that leaves no stamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one row that readers can see.

    `key` is as stored. `stamp` is the instant that the row's stamp stands for, None if the change left none;
    `committed` is when it became visible, by the simulator's clock.
    """

    kind: ChangeKind
    table: str
    key: Key
    stamp: datetime | None
    committed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """An instant as the source's wall clock shows it."""

    instant: datetime
    date: int
    time: int
    text: str
    latest: tuple[int, int]
    """Date and time of the newest stamp that a row can have by then: later than this one in a repeated hour."""
    latest_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A statement that is ready to run, and what it changes."""

    kind: ChangeKind
    table: str
    key: Key
    stamp: datetime | None
    sql: str
    values: tuple[Value, ...]


def stamp_at(instant: datetime, zone: ZoneInfo) -> Stamp:
    """The stamp that a user's session takes at that instant: whole seconds, without a zone."""
    whole = instant.astimezone(UTC).replace(microsecond=0)
    local = whole.astimezone(zone)
    reading = local.replace(tzinfo=None, fold=0)
    newest = reading + _REPEATED if local.fold else reading
    return Stamp(
        instant=whole,
        date=to_julian(reading.date()),
        time=to_time(reading.time()),
        text=reading.isoformat(" "),
        latest=(to_julian(newest.date()), to_time(newest.time())),
        latest_text=newest.isoformat(" "),
    )
