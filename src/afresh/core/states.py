"""The states of a table, how each is shown, and the specified aggregate."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How one table stands."""

    FRESH = "Fresh"
    DUE = "Due"
    SYNCING = "Syncing"
    CATCHING_UP = "Catching up"
    LATE = "Late"
    STOPPED = "Stopped"
    PAUSED = "Paused"
    NEVER_LOADED = "Never loaded"
    UNKNOWN = "Unknown"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a state is shown everywhere: a sign of one column, a colour, and what it means. Never by colour alone."""

    glyph: str
    colour: str
    meaning: str


LOOKS: Mapping[State, Look] = {
    State.FRESH: Look(glyph="✓", colour="green", meaning="each schedule was met, and a service keeps it so"),
    State.DUE: Look(glyph="○", colour="blue", meaning="within its limit; the next sync is due"),
    State.SYNCING: Look(glyph="↻", colour="blue", meaning="within its limit or loaded for the first time; a sync runs"),
    State.CATCHING_UP: Look(glyph="◑", colour="yellow", meaning="over its limit, and healing by itself"),
    State.LATE: Look(glyph="▲", colour="red", meaning="over its limit, and nothing is under way"),
    State.STOPPED: Look(glyph="✗", colour="red", meaning="it needs you: it fails again and again, or no service runs"),
    State.PAUSED: Look(glyph="‖", colour="magenta", meaning="somebody paused it"),
    State.NEVER_LOADED: Look(glyph="∅", colour="yellow", meaning="no sync has succeeded yet"),
    State.UNKNOWN: Look(glyph="?", colour="magenta", meaning="nobody can tell"),
    State.DISABLED: Look(glyph="–", colour="grey", meaning="it is not synced"),
}

WORST_FIRST = (
    State.STOPPED,
    State.LATE,
    State.UNKNOWN,
    State.CATCHING_UP,
    State.NEVER_LOADED,
    State.PAUSED,
    State.DUE,
    State.SYNCING,
    State.FRESH,
    State.DISABLED,
)


class Health(StrEnum):
    """The specified aggregate."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    UNHEALTHY = "Unhealthy"
