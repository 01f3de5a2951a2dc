"""What people asked of the service, as the cache remembers it: the audit log, and what of it still holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ActionKind(StrEnum):
    """What was asked. `mistrust` alone is the service's own: its clock went back, so what it recorded before says
    nothing any more about how old the data is."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    ACCEPT = "accept"
    RESET = "reset"
    RUN = "run"
    MISTRUST = "mistrust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that was asked: by whom, when, of which table, source or operation (empty where it is none), and why.

    `argument` is the update type of a `run`, and for `accept` and `mistrust` the sequence of the last update that had
    been recorded by then. `sequence` is the order of recording; 0 before it is recorded.
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
        return int(self.argument) if self.argument.isascii() and self.argument.isdigit() else 0


@dataclass(frozen=True, slots=True, kw_only=True)
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

    @property
    def mistrusted(self) -> int:
        """The sequence up to which updates do not prove how old the data is; 0 if all do."""
        return max((action.after_update for action in self.actions if action.kind is ActionKind.MISTRUST), default=0)

    def _pause(self, table_name: str, source_system: str) -> Action | None:
        paused = self._latest(ActionKind.PAUSE, table_name, source_system)
        resumed = self._latest(ActionKind.RESUME, table_name, source_system)
        if paused is None or (resumed is not None and resumed.sequence > paused.sequence):
            return None
        return paused

    def _latest(self, kind: ActionKind, table_name: str, source_system: str) -> Action | None:
        found = (
            action
            for action in self.actions
            if (action.kind, action.table_name, action.source_system) == (kind, table_name, source_system)
        )
        return max(found, key=lambda action: action.sequence, default=None)


def standing(actions: Iterable[Action]) -> Standing:
    """What still may hold of what was asked."""
    return Standing(actions=tuple(actions))
