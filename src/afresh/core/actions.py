"""What people asked of the service, as the cache remembers it: the audit log, and what of it still holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property


class ActionKind(StrEnum):
    """What was asked. `clock` alone is the service's own note: its clock went back, so what was recorded before is
    older than it looks."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    ACCEPT = "accept"
    RESET = "reset"
    RUN = "run"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that was asked: by whom, when, of which table, source or operation (empty where it is none), and why.

    `argument` is the update type of a `run`; for `accept` and `clock` the sequence of the last update that had been
    recorded by then, and for `clock` after it the seconds that were lost. `sequence` is the order of recording; 0
    before it is recorded.
    """

    at: datetime
    who: str
    kind: ActionKind
    table_name: str = ""
    source_system: str = ""
    operation_id: str = ""
    reason: str = ""
    argument: str = ""
    sequence: int = 0

    @property
    def after_update(self) -> int:
        """The sequence in the argument; 0 if it holds none."""
        return self._number(0)

    @property
    def lost(self) -> timedelta:
        """By how much the clock went back."""
        return timedelta(seconds=self._number(1))

    def _number(self, place: int) -> int:
        words = self.argument.split()
        return int(words[place]) if len(words) > place and words[place].isascii() and words[place].isdigit() else 0


# Without slots, so that it is sorted once, however many tables ask.
@dataclass(frozen=True, kw_only=True)
class Standing:
    """What was asked and may still hold: the latest action of each kind, table and source system."""

    actions: tuple[Action, ...] = ()

    def pause_of(self, table_name: str, source_system: str) -> Action | None:
        """The pause that keeps this table from being synced: its own, else that of its source; None if it is not."""
        return self._pause(table_name, "") or self._pause("", source_system)

    def accept_of(self, table_name: str) -> Action | None:
        """The latest leave to shrink for this table, used up or not."""
        return self._latest(ActionKind.ACCEPT, table_name, "")

    def reset_of(self, source_system: str) -> Action | None:
        """The latest breaker reset of this source."""
        return self._latest(ActionKind.RESET, "", source_system)

    def lost_since(self, sequence: int) -> timedelta:
        """How much older than it looks an update of that sequence is, because the clock went back after it."""
        return max((lost for after, lost in self._lost if sequence <= after), default=timedelta(0))

    @cached_property
    def _lost(self) -> tuple[tuple[int, timedelta], ...]:
        notes = (action for action in self.actions if action.kind is ActionKind.CLOCK)
        return tuple((note.after_update, note.lost) for note in notes)

    @cached_property
    def _sorted(self) -> Mapping[tuple[ActionKind, str, str], Action]:
        in_order = sorted(self.actions, key=lambda action: action.sequence)
        return {(action.kind, action.table_name, action.source_system): action for action in in_order}

    def _pause(self, table_name: str, source_system: str) -> Action | None:
        paused = self._latest(ActionKind.PAUSE, table_name, source_system)
        resumed = self._latest(ActionKind.RESUME, table_name, source_system)
        if paused is None or (resumed is not None and resumed.sequence > paused.sequence):
            return None
        return paused

    def _latest(self, kind: ActionKind, table_name: str, source_system: str) -> Action | None:
        return self._sorted.get((kind, table_name, source_system))


NOTHING_ASKED = Standing()


def standing(actions: Iterable[Action]) -> Standing:
    """What still may hold of what was asked."""
    return Standing(actions=tuple(actions))
