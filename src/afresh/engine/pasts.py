"""What the log says of every table, kept up with it: read whole now and then, and in between only what has ended."""

import time
from collections.abc import Callable, Mapping, Sequence

from afresh.core import schedule
from afresh.core.model import DataUpdate
from afresh.core.ports import UpdateLog
from afresh.core.schedule import Past

PastsOf = Callable[[UpdateLog, Sequence[DataUpdate]], Mapping[str, Past]]
"""Tells the pasts of all tables from a log and the updates that were open before."""

_WHOLE_SECONDS = 60.0
_LATEST = (10, 100)
"""So many updates are looked at; if more than that were recorded since the last look, all is read."""


def whole(log: UpdateLog, running: Sequence[DataUpdate] = ()) -> Mapping[str, Past]:
    """The pasts of all tables, as the log has them; which updates are open does not matter."""
    return schedule.pasts(log.last_updates(), log.failures())


class Pasts:
    """The pasts of all tables, look by look, of one log; a table of which no update has ended keeps the same object.
    For one thread at a time.

    Between two looks an update that was open ends, or one is recorded and ends. The first kind is asked for by name,
    the second is among the latest; that none is left out shows by the latest of the last look being still among them.
    Once a minute all is read anew, which also forgets failures that were purged.
    """

    def __init__(self) -> None:
        self._known: dict[str, Past] = {}
        self._open: frozenset[str] = frozenset()
        self._last: str | None = None
        self._read_at = float("-inf")

    def __call__(self, log: UpdateLog, running: Sequence[DataUpdate] = ()) -> Mapping[str, Past]:
        """The pasts now. `running` are the updates that were open before."""
        latest: Sequence[DataUpdate] = ()
        names: set[str] = set()
        for count in _LATEST:
            latest = log.history(limit=count)
            names = {update.operation_id for update in latest}
            if self._last in names:
                break
        updates = [*running, *latest]
        if self._last in names and time.monotonic() - self._read_at < _WHOLE_SECONDS:
            for name in self._open.difference(update.operation_id for update in updates):
                updates += log.history(operation_id=name, limit=1)
            self._known = schedule.gone_on(self._known, updates)
        else:
            self._known = _same(self._known, whole(log))
            self._read_at = time.monotonic()
        self._open = frozenset(update.operation_id for update in updates if update.outcome is None)
        self._last = latest[0].operation_id if latest else None
        return self._known


def _same(known: Mapping[str, Past], found: Mapping[str, Past]) -> dict[str, Past]:
    """What was found, with the objects that are known where they say the same."""
    return {name: known[name] if known.get(name) == past else past for name, past in found.items()}
