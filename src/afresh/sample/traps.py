"""What goes wrong in real JD Edwards data, as data: each trap with the rows that hold it.

The rows of a trap have keys of their own (work orders 399001.., items 59001.., ledger rows 9000001..), so that they
are the same in a sample of any size. Traps that need time to happen are made by the simulator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from afresh.jde.catalogue import tables
from afresh.jde.dates import to_julian, to_time
from afresh.sample.words import BLANK_LOCATION, BLANK_LOT, BRANCHES, COMPANY, pad

Row: TypeAlias = Mapping[str, int | str | None]

LEAP_DAY = 124_060
LAST_OF_1999 = 99_365
INVALID_DATES = (124_367, 125_366, 126_000)
_FUTURE = timedelta(days=30)
_SEARCHED_DAYS = 800
_TICK = timedelta(minutes=15)
_ORDER, _ITEM, _MOVE, _ADDRESS = 399_001, 59_001, 9_000_001, 901


class MadeBy(StrEnum):
    """Who brings a trap about."""

    FILE = "file"
    """It is in the sample from the start."""
    SIMULATOR = "simulator"
    """It happens while the sample changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One trap: where it is, what it is, and its rows as stored (none for the simulator's)."""

    name: str
    table: str
    what: str
    rows: tuple[Row, ...] = ()
    made_by: MadeBy = MadeBy.FILE

    @property
    def keys(self) -> tuple[Row, ...]:
        """The keys of its rows."""
        key = tables()[self.table].key
        return tuple({name: row[name] for name in key} for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """Stamps to build rows with."""

    today: date

    def stamp(self, prefix: str, time_alias: str = "TDAY") -> dict[str, int | str | None]:
        """Yesterday morning."""
        return {f"{prefix}UPMJ": to_julian(self.today - timedelta(days=1)), f"{prefix}{time_alias}": 91_500}

    def order(self, number: int, **values: int | str | None) -> Row:
        """A work order for the first item."""
        ordinary: dict[str, int | str | None] = {
            "WADOCO": _ORDER + number,
            "WADCTO": "WO",
            "WADL01": pad(f"Trap {number}", 30),
            "WACO": COMPANY,
            "WAMCU": BRANCHES[0],
            "WAMMCU": BRANCHES[0],
            "WASRST": "10",
            "WATRDJ": to_julian(self.today - timedelta(days=9)),
            "WAITM": 60_001,
            "WALITM": pad("PN-10023", 25),
            "WAUORG": 10_000,
        }
        return ordinary | self.stamp("WA") | values

    def item(self, number: int, **values: int | str | None) -> Row:
        """An item that nothing refers to."""
        ordinary: dict[str, int | str | None] = {
            "IMITM": _ITEM + number,
            "IMLITM": pad(f"TRAP-{number}", 25),
            "IMAITM": pad(f"TRAP-{number}", 25),
            "IMDSC1": pad(f"Trap {number}", 30),
            "IMSTKT": "P",
        }
        return ordinary | self.stamp("IM") | values

    def move(self, number: int, **values: int | str | None) -> Row:
        """A ledger row of the first item."""
        ordinary: dict[str, int | str | None] = {
            "ILUKID": _MOVE + number,
            "ILITM": 60_001,
            "ILMCU": BRANCHES[0],
            "ILDCT": "IA",
            "ILUNCS": 10_000,
            "ILCRDJ": to_julian(self.today - timedelta(days=1)),
            "ILTDAY": 91_500,
        }
        return ordinary | values

    def code(self, key: str, description: str, stamp: int) -> Row:
        """A user defined code of type 55/TR."""
        return {
            "DRSY": "55  ",
            "DRRT": "TR",
            "DRKY": pad(key, 10),
            "DRDL01": pad(description, 30),
            "DRUPMJ": to_julian(self.today - timedelta(days=2)),
            "DRUPMT": stamp,
        }


def traps(now: datetime, zone: ZoneInfo, *, invalid_dates: bool = False) -> tuple[Trap, ...]:
    """All traps of a sample made at that instant. Those of clock changes are missing in a zone without any."""
    local = now.astimezone(zone)
    day = _Day(today=local.date())
    wrong = _invalid_dates(day) if invalid_dates else ()
    return (*_of_dates(day), *_of_clock_changes(day, now, zone), *_of_text(day), *_of_keys(day), *wrong, *SIMULATED)


def _of_dates(day: _Day) -> tuple[Trap, ...]:
    future = to_julian(day.today + _FUTURE)
    old: Row = {"ABAN8": _ADDRESS, "ABALPH": pad("Trap", 40), "ABEFTB": LAST_OF_1999, **day.stamp("AB", "UPMT")}
    nulls = day.item(2, IMUPMJ=None, IMTDAY=None)
    return (
        Trap(name="date 0", table="F4801", what="dates that are 0: none", rows=(day.order(0, WADRQJ=0, WATRDJ=0),)),
        Trap(
            name="null dates",
            table="F4801",
            what="dates a tool left null",
            rows=(day.order(1, WADRQJ=None, WASTRT=None),),
        ),
        Trap(name="null stamp", table="F4101", what="a row without a change stamp", rows=(nulls,)),
        Trap(name="zero stamp", table="F4101", what="a stamp that is 0", rows=(day.item(3, IMUPMJ=0, IMTDAY=0),)),
        Trap(name="time 5", table="F4801", what="00:00:05 is stored as 5", rows=(day.order(2, WATDAY=5),)),
        Trap(name="midnight", table="F4801", what="00:00:00 is stored as 0", rows=(day.order(3, WATDAY=0),)),
        Trap(
            name="leap day",
            table="F4801",
            what="29 February 2024",
            rows=(day.order(4, WATRDJ=LEAP_DAY, WAUPMJ=LEAP_DAY),),
        ),
        Trap(
            name="date before 2000",
            table="F0101",
            what="31 December 1999 has five digits",
            rows=(old,),
        ),
        Trap(
            name="future stamp",
            table="F4801",
            what="stamped by a computer whose clock was a month ahead",
            rows=(day.order(5, WAUPMJ=future),),
        ),
    )


def _of_clock_changes(day: _Day, now: datetime, zone: ZoneInfo) -> tuple[Trap, ...]:
    found = []
    back, forward = _clock_change(now, zone, back=True), _clock_change(now, zone, back=False)
    if back is not None:
        row = day.order(6, WAUPMJ=to_julian(back.date()), WATDAY=to_time(back.time()))
        found.append(Trap(name="repeated hour", table="F4801", what="stamp that came twice that day", rows=(row,)))
    if forward is not None:
        row = day.order(7, WAUPMJ=to_julian(forward.date()), WATDAY=to_time(forward.time()))
        found.append(Trap(name="skipped hour", table="F4801", what="stamp that never came that day", rows=(row,)))
    return tuple(found)


def _of_text(day: _Day) -> tuple[Trap, ...]:
    return (
        Trap(
            name="non-ASCII text",
            table="F4101",
            what="text of many scripts, padded by characters",
            rows=(day.item(0, IMDSC1=pad("バネ Ø 5 µm “weiß” Ελ Жёлтый 😀", 30)),),
        ),
        Trap(name="null text", table="F4101", what="text a tool left null", rows=(day.item(1, IMDSC2=None),)),
        Trap(
            name="left-justified branch",
            table="F4801",
            what="M40 left-justified by a tool",
            rows=(day.order(8, WAMCU=pad("M40", 12)),),
        ),
        Trap(
            name="left-justified unit",
            table="F0006",
            what="a key that is left-justified",
            rows=({"MCMCU": pad("M50", 12), "MCSTYL": "BP", "MCDL01": pad("Plant M50", 30)} | day.stamp("MC", "UPMT"),),
        ),
        Trap(
            name="four decimals",
            table="F4111",
            what="0.0001, and many digits before and behind the point",
            rows=(day.move(0, ILTRQT=1), day.move(1, ILTRQT=-1_234_567_890_123)),
        ),
    )


def _of_keys(day: _Day) -> tuple[Trap, ...]:
    primary: Row = {
        "LIITM": _ITEM,
        "LIMCU": BRANCHES[0],
        "LILOCN": BLANK_LOCATION,
        "LILOTN": BLANK_LOT,
        "LIPQOH": 5_000,
        **day.stamp("LI"),
    }
    return (
        Trap(
            name="key read twice",
            table="F0005",
            what="a code read before and after its change, as in a read page by page",
            rows=(day.code("TWICE", "Before", 91_500), day.code("TWICE", "After", 91_730)),
        ),
        Trap(
            name="key read twice in a second",
            table="F0005",
            what="the same with one stamp: the row that comes last is the newer one",
            rows=(day.code("SECOND", "Before", 91_500), day.code("SECOND", "After", 91_500)),
        ),
        Trap(
            name="blank key columns",
            table="F41021",
            what="the primary location has blank location and lot",
            rows=(primary,),
        ),
    )


def _invalid_dates(day: _Day) -> tuple[Trap, ...]:
    rows = tuple(day.order(20 + place, WADRQJ=number) for place, number in enumerate(INVALID_DATES))
    return (Trap(name="invalid dates", table="F4801", what="numbers that are no date", rows=rows),)


def _clock_change(now: datetime, zone: ZoneInfo, *, back: bool) -> datetime | None:
    """A reading half way into the latest repeated (or skipped) hour before now."""
    for days in range(_SEARCHED_DAYS):
        day = now - timedelta(days=days + 1)
        jump = _offset(day + timedelta(days=1), zone) - _offset(day, zone)
        if jump and (jump < timedelta(0)) == back:
            change = _first_with(_offset(day + timedelta(days=1), zone), day, zone)
            return (change + _offset(day, zone) - max(-jump, timedelta(0))).replace(tzinfo=None) + abs(jump) / 2
    return None


def _first_with(offset: timedelta, since: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with that offset, of those on a quarter of an hour."""
    tick = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while _offset(tick, zone) != offset:
        tick += _TICK
    return tick


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _simulated(name: str, table: str, what: str) -> Trap:
    return Trap(name=name, table=table, what=what, made_by=MadeBy.SIMULATOR)


SIMULATED = (
    _simulated("late commit", "F4801", "a row that becomes visible seconds after the time of its stamp"),
    _simulated("same-second update", "F4801", "a row changed twice in the second of one stamp"),
    _simulated("rewritten row", "F4111", "document, batch and G/L date overwritten; no stamp tells"),
    _simulated("deleted row", "F4211", "a line at 999 is purged; nothing is left of it"),
    _simulated("future insert", "F4801", "a row stamped by a clock that is ahead"),
    _simulated("numbers out of order", "F4111", "next numbers leave gaps and become visible out of order"),
)
